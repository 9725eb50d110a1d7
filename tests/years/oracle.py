"""What one chat must be told of one calendar, and when: the product's promises in plain words.

Each day of the recipient is worked off once, at their time, with what is known by then: who has
the birthday so many days later, the day's holidays, who is responsible, a digest. Without a sender
it is worked off when there is one again. What cannot be told in quiet hours waits for their end.
"""

import datetime as dt
from collections.abc import Iterator

from . import feasts, walls
from .demands import (
    DAY,
    DIGESTS,
    FAILED,
    HOPELESS,
    MISSED,
    WITHDRAWN,
    Demand,
    Key,
    Place,
    Round,
)
from .facts import Joined, Person, Wishes
from .uptime import Uptime

# Of what is about a day one is told so many days later still.
USEFUL_DAYS = {"birthday": 7, "holiday": 1, "responsible": 1}


class Recipient:
    """One chat that is reminded of one calendar, through the years."""

    def __init__(self, entry: Joined, place: Place, uptime: Uptime) -> None:
        self.number, self.chat, self.user = entry.recipient, entry.chat, entry.user
        self.calendar, self.place, self.uptime = entry.calendar, place, uptime
        self.is_closed = False
        self.rounds: dict[Round, dt.date] = {}
        # Those to go on with when the calendar, which is deleted now, is given back.
        self.resting: list[Round] | None = None
        self.open: list[Demand] = []
        self.overdue: list[Demand] = []
        self.settled: dict[Key, str] = {}
        # When something ended untold; what came twice.
        self.ended: dict[Key, int] = {}
        self.twice: set[Key] = set()
        self.done: set[tuple[int, int]] = set()
        self.repeats = 0
        # What was withdrawn, as it was then: a dead sender may have it still when it is demanded
        # again, or it may have come.
        self.interrupted: dict[Key, Demand] = {}
        self.join(entry.wishes, entry.at)

    def join(self, wishes: Wishes, at: int) -> None:
        """The recipient begins to be reminded, or does so again."""
        self.is_in, self.wishes, self.worked = True, wishes, at
        self.follow_wishes(at)

    # --- days ----------------------------------------------------------------------------

    def due(self, day: dt.date) -> int:
        """When what is for that day goes out."""
        return walls.due(day, self.wishes)

    def today(self, at: int) -> dt.date:
        """The date where the recipient is."""
        return walls.today(at, self.wishes.zone)

    def coming(self, at: int) -> dt.date:
        """Today if its time is still to come; else tomorrow."""
        today = self.today(at)
        return today if self.due(today) >= at else today + DAY

    def _last_due(self, at: int) -> dt.date:
        """The last day that is due by then."""
        day = self.today(at) + DAY
        while self.due(day) > at:
            day -= DAY
        return day

    def day_of(self, kind: str, day: dt.date) -> dt.date:
        """The first day from that one on that such a round has something to do on."""
        if kind == "birthday":
            return day
        return feasts.from_on(feasts.digests(kind, self.wishes.weekly), day)

    # --- wishes --------------------------------------------------------------------------

    def follow_wishes(self, at: int) -> None:
        """Go the rounds that are wished for; new ones from the next time that is to come."""
        wished = {Round("birthday", lead) for lead in self.wishes.leads | self._own_leads()}
        if self.wishes.weekly is not None:
            wished.add(Round("weekly"))
        if self.wishes.monthly:
            wished.add(Round("monthly"))
        self.rounds = {each: day for each, day in self.rounds.items() if each in wished}
        for each in wished - set(self.rounds):
            self.rounds[each] = self.day_of(each.kind, self.coming(at))

    def _own_leads(self) -> set[int]:
        return set() if self.user is None else self.place.leads()

    def wish(self, wishes: Wishes, at: int) -> None:
        """Other wishes: what was still to come comes, and what is again to come may come again."""
        if wishes.weekly != self.wishes.weekly:
            self.rounds.pop(Round("weekly"), None)
        self.wishes = wishes
        for demand in self.open:
            if demand.slept == at:
                # The sender may come to it only now, when the quiet hours are others.
                demand.first, demand.last, demand.awaited = at, demand.first, False
        self.follow_wishes(at)
        for each, day in self.rounds.items():
            self.rounds[each] = min(day, self.day_of(each.kind, self.coming(at)))

    # --- who is told of whom -------------------------------------------------------------

    def keeps(self, person: Person, first: dt.date, last: dt.date) -> feasts.Days:
        """The days from first to last on which the person's birthday is kept here."""
        leap_day = person.leap_day or self.wishes.leap_day
        days = feasts.between(feasts.birthdays(person.month, person.day, leap_day), first, last)
        return tuple(on for on in days if person.year is None or person.year < on.year)

    def hears(self, person: Person, on: dt.date) -> bool:
        """Whether the recipient is told of that person's birthday on that day at all."""
        own = person.linked is not None and person.linked == self.user
        return not (own or person.muted or person.skip_year == on.year)

    def wants(self, person: Person, lead: int) -> bool:
        """Whether so many days before; a person's own lead times win, but not over a group."""
        if person.leads is None or self.user is None:
            return lead in self.wishes.leads
        return lead in person.leads

    def listing(self, first: dt.date, last: dt.date) -> list[tuple[dt.date, list[Person]]]:
        """A digest's days, each with its people."""
        days: dict[dt.date, list[Person]] = {}
        for person in self.place.people.values():
            for on in self.keeps(person, first, last):
                if self.hears(person, on):
                    days.setdefault(on, []).append(person)
        return sorted(days.items(), key=lambda found: found[0])

    def in_charge(self, on: dt.date) -> int | None:
        """Who is responsible that day; not told to a group, nor to who celebrates.

        Who was born on 29 February is not told it of either day: others have other rules.
        """
        people = self.place.people.values()
        mine = [p for p in people if p.linked is not None and p.linked == self.user]
        days = {
            day
            for p in mine
            if p.year is None or p.year < on.year
            for rule in ((p.leap_day,) if p.leap_day else ("feb28", "mar1"))
            for day in feasts.between(feasts.birthdays(p.month, p.day, rule), on, on)
        }
        if self.user is None or days:
            return None
        return self.place.duties.get(on, (None,))[0]

    # --- working off ---------------------------------------------------------------------

    def work(self, at: int, before: bool = False) -> None:
        """Go through all that is due by then (`before`: earlier than then)."""
        until = at - before
        for begin, end in self.uptime.between(self.worked, until):
            self._go(begin, end)
            self._doubt(end)
        for demand in list(self.open):
            self._prepare(demand, until)
            while demand.awaited and demand.last < at:
                self._expire(demand, until)
        self.worked = at

    def _doubt(self, at: int) -> None:
        """What a dead sender may have had, or not: it may have ended when it could not be told."""
        for each in self.open:
            if each.awaited and each.first <= at < each.last and self.verdict(each, at):
                each.unsure = True

    def _go(self, begin: int, end: int) -> None:
        last = self._last_due(end)
        for each, day in self.rounds.items():
            if day <= last:
                self.rounds[each] = self.day_of(each.kind, last + DAY)
                for key, of_day in self._told(each, day, last):
                    due = self.due(of_day)
                    demand = self.demand(key, due, max(due, begin))
                    if demand and self._is_too_late(key, demand.first):
                        self.settle(demand, MISSED)  # That is seen before anything is sent.

    def _told(self, each: Round, first: dt.date, last: dt.date) -> Iterator[tuple[Key, dt.date]]:
        """What a round tells on the days from first to last, and on which."""
        if each.kind in DIGESTS:
            for day in feasts.between(feasts.digests(each.kind, self.wishes.weekly), first, last):
                if self.listing(day, feasts.last_day(each.kind, day)):
                    yield Key(each.kind, self.calendar, day), day
            return
        yield from self._birthdays(each.lead, first, last)
        if each.lead == 0 and 0 in self.wishes.leads:
            yield from self._other_feasts(first, last)

    def _birthdays(self, lead: int, first: dt.date, last: dt.date) -> Iterator[tuple[Key, dt.date]]:
        ahead = lead * DAY
        for person in self.place.people.values():
            if self.wants(person, lead):
                for on in self.keeps(person, first + ahead, last + ahead):
                    if self.hears(person, on) and (person.number, on.year) not in self.done:
                        yield Key("birthday", person.number, on, lead), on - ahead

    def _other_feasts(self, first: dt.date, last: dt.date) -> Iterator[tuple[Key, dt.date]]:
        for number, (_, day) in self.place.holidays.items():
            for on in feasts.between(feasts.holidays(*day), first, last):
                yield Key("holiday", number, on), on
        for on in self.place.duties:
            if first <= on <= last and (number := self.in_charge(on)) is not None:
                yield Key("responsible", number, on), on

    def demand(self, key: Key, due: int, at: int) -> Demand | None:
        """It must be told, unless it was already, cannot be, or waits to be."""
        before = self.interrupted.pop(key, None)
        ghost = before and before.ghost
        if ghost is None and self.settled.get(key, WITHDRAWN) not in (WITHDRAWN, MISSED):
            return None
        if any(each.key == key for each in self.open + self.overdue):
            return None
        first = last = self.uptime.after(at)
        if before:
            last = max(first, self.uptime.after(before.held))
        if ghost is None:
            self.settled.pop(key, None)
        self.open.append(Demand(key, due, first, last, ghost=ghost))
        return self.open[-1]

    def _prepare(self, demand: Demand, until: int) -> None:
        """See whether what has come to its time can be told, and until when it must have been."""
        while demand.first <= until and not demand.awaited:
            state = self.verdict(demand, demand.first)
            awake = demand.first if state else walls.awake(demand.first, self.wishes)
            if awake > demand.first:
                demand.slept = demand.first
                demand.first = self.uptime.after(awake)
                demand.last = max(demand.first, demand.last)
                continue
            demand.last = max(map(self.uptime.latest, (awake, demand.last)))
            if state and demand.last == demand.first:
                self.ended[demand.key] = demand.first
                return self.settle(demand, state)
            demand.awaited, demand.unsure = True, bool(state)
        return None

    def verdict(self, demand: Demand, at: int) -> str:
        """Why something is not told at that time, as a state; "" if it is."""
        key = demand.key
        if key.kind not in DIGESTS and not self.holds(key):
            return WITHDRAWN
        late = self._is_too_late(key, at)
        is_digest = key.kind in DIGESTS
        if is_digest and not (late or self.listing(key.on, feasts.last_day(key.kind, key.on))):
            return HOPELESS if self.is_closed else WITHDRAWN
        if self.is_closed:
            return HOPELESS if late else FAILED
        return MISSED if late else ""

    def holds(self, key: Key) -> bool:
        """Whether there still is what it tells of, and the recipient is told of that."""
        if key.kind == "birthday":
            person = self.place.people.get(key.subject)
            told = person and self.keeps(person, key.on, key.on) and self.hears(person, key.on)
            return bool(told) and (key.subject, key.on.year) not in self.done
        if key.kind == "holiday":
            _, day = self.place.holidays.get(key.subject, ("", None))
            return bool(day and feasts.between(feasts.holidays(*day), key.on, key.on))
        return self.in_charge(key.on) == key.subject

    def _is_too_late(self, key: Key, at: int) -> bool:
        if key.kind in DIGESTS:
            return self.today(at) > feasts.last_day(key.kind, key.on)
        ahead = key.lead and not key.again
        return self.today(at) > key.on + (0 if ahead else USEFUL_DAYS[key.kind]) * DAY

    def _expire(self, demand: Demand, until: int) -> None:
        """What should have come has not."""
        demand.awaited = False
        if demand.doomed is not None or demand.unsure:
            self.settle(demand, HOPELESS)
        elif demand.last > demand.first:
            # A dead sender had it; when it was free again it may have been too late for it, or
            # its recipient's quiet hours.
            demand.first = demand.last
            self._prepare(demand, until)
            if self.settled.get(demand.key) in (MISSED, FAILED, WITHDRAWN):
                self.settled[demand.key] = HOPELESS
        elif demand.ghost is not None:
            self.settle(demand, HOPELESS)
        else:
            self.open.remove(demand)
            self.overdue.append(demand)

    def expecting(self, at: int) -> list[Demand]:
        """What may come at that instant; what was held up until then may have become too late."""
        found = [each for each in self.open if each.awaited and each.first <= at <= each.last]
        return [
            each
            for each in found
            if (each.first == at and not each.unsure)
            or each.doomed == at
            or not self.verdict(each, at)
        ]

    def close(self, at: int) -> None:
        """The chat is closed: what was about to go to it fails, tried or not."""
        for demand in self.expecting(at):
            demand.doomed = at
        self.is_closed = True
        for key, ended in self.ended.items():
            if ended == at:
                self.settled[key] = HOPELESS

    def settle(self, demand: Demand, state: str) -> None:
        """It needs not be told any more, for that reason."""
        self.open.remove(demand)
        if state == WITHDRAWN:
            self.interrupted[demand.key] = demand
        if demand.ghost is None:
            # It may have ended before that was taken back.
            has_ended = demand.unsure or demand.doomed is not None
            is_open = has_ended and state == WITHDRAWN
            self.settled[demand.key] = HOPELESS if is_open else state
