"""The course of the world as the log tells it: each change reaches the recipients it concerns.

Before it does, these have worked off all that was due earlier.
"""

from collections.abc import Iterable

from . import changes
from .demands import Place
from .facts import (
    TELLING,
    Assigned,
    BroughtBack,
    Entry,
    Feast,
    Forgot,
    Joined,
    Left,
    Looked,
    PutAway,
    Returned,
    Told,
    Wished,
)
from .oracle import Recipient
from .uptime import Uptime


class Course:
    """Calendars and recipients, as they are at the entry of the log that was read last."""

    def __init__(self, log: Iterable[Entry]) -> None:
        self.log = list(log)
        self.uptime = Uptime(self.log)
        self.places: dict[int, Place] = {}
        self.recipients: dict[int, Recipient] = {}
        self.by_chat: dict[int, list[Recipient]] = {}
        self.by_place: dict[int, list[Recipient]] = {}
        # The calendar of each person, holiday and responsible person, by kind and number.
        self.homes: dict[tuple[str, int], int] = {}
        # When the sender has seen what was due, and those who have worked that off.
        self.looked_at, self.looked = 0, set()

    def follow(self, end: int) -> None:
        """Read the whole log, and go on to that instant."""
        for entry in self.log:
            if handler := getattr(self, f"_{type(entry).__name__.lower()}", None):
                handler(entry)
        for to in self.recipients.values():
            to.work(end, before=True)

    def _looked(self, entry: Looked) -> None:
        self.looked_at, self.looked = entry.at, set()

    def _catch_up(self, to: Recipient, at: int) -> None:
        """Let a recipient work off all that comes before a change at that time."""
        seen = at == self.looked_at and to.number not in self.looked
        self.looked.add(to.number)
        to.work(at, before=not seen)

    def _joined(self, entry: Joined) -> None:
        place = self.places.setdefault(entry.calendar, Place())
        if known := self.recipients.get(entry.recipient):
            return known.join(entry.wishes, entry.at)
        to = self.recipients[entry.recipient] = Recipient(entry, place, self.uptime)
        for index, key in ((self.by_chat, entry.chat), (self.by_place, entry.calendar)):
            index.setdefault(key, []).append(to)
        return None

    def _left(self, entry: Left) -> None:
        to = self.recipients[entry.recipient]
        self._catch_up(to, entry.at)
        changes.left(to)

    def _putaway(self, entry: PutAway) -> None:
        for to in self.by_place[entry.calendar]:
            if to.is_in:
                self._catch_up(to, entry.at)
                changes.put_away(to)

    def _broughtback(self, entry: BroughtBack) -> None:
        for to in self.by_place[entry.calendar]:
            if to.resting is not None:
                self._catch_up(to, entry.at)
                changes.brought_back(to, entry.at)

    def _wished(self, entry: Wished) -> None:
        to = self.recipients[entry.recipient]
        self._catch_up(to, entry.at)
        before = to.wishes.leap_day
        to.wish(entry.wishes, entry.at)
        if to.wishes.leap_day != before:
            changes.leap_day_changed(to, entry.at)

    def _at(self, entry: Told | Forgot | Feast | Assigned) -> tuple[Place, list[Recipient]]:
        """A calendar that is about to be changed, and its recipients, all done by then."""
        recipients = [r for r in self.by_place.get(entry.calendar, []) if r.is_in]
        for to in recipients:
            self._catch_up(to, entry.at)
        return self.places.setdefault(entry.calendar, Place()), recipients

    def _told(self, entry: Told) -> None:
        place, recipients = self._at(entry)
        person, before = entry.person, entry.before
        place.people[person.number] = person
        self.homes["birthday", person.number] = entry.calendar
        telling = before and any(getattr(person, n) != getattr(before, n) for n in TELLING)
        for to in recipients:
            if telling:
                changes.person_changed(to, person, entry.at)
            elif person.leads is not None and not before:
                to.follow_wishes(entry.at)

    def _forgot(self, entry: Forgot) -> None:
        place, recipients = self._at(entry)
        del place.people[entry.number]
        for to in recipients:
            changes.person_gone(to, entry.number)

    def _feast(self, entry: Feast) -> None:
        place, recipients = self._at(entry)
        _, known = place.holidays.pop(entry.number, ("", None))
        self.homes["holiday", entry.number] = entry.calendar
        if entry.day:
            place.holidays[entry.number] = (entry.name, entry.day)
        if known and known != entry.day:
            for to in recipients:
                changes.holiday_moved(to, entry.number, entry.day, entry.at)

    def _assigned(self, entry: Assigned) -> None:
        place, recipients = self._at(entry)
        self.homes["responsible", entry.number] = entry.calendar
        was, _ = place.duties.get(entry.day, (None, ""))
        place.duties[entry.day] = (entry.number, entry.name)
        if was not in (None, entry.number):
            for to in recipients:
                changes.duty_handed_over(to, entry.day, was, entry.at)

    def _returned(self, entry: Returned) -> None:
        for to in self.by_chat.get(entry.chat, []):
            self._catch_up(to, entry.at)
            to.is_closed = False
