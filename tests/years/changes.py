"""What becomes of a recipient's demands when somebody changes something, or presses a button.

What does not hold any more is withdrawn; what the day already told, and now should have told of
somebody who was changed, is told at once.
"""

import datetime as dt

from . import feasts, walls
from .demands import DAY, WITHDRAWN, Demand, Key, Round
from .facts import Person
from .oracle import Recipient

EVENING = 20 * 60


def person_changed(to: Recipient, person: Person, at: int) -> None:
    """Somebody has another day or other wishes now; the place knows them already."""
    to.follow_wishes(at)
    for demand in _about(to, "birthday", person.number):
        wanted = person.leads is None or to.wants(person, demand.key.lead)
        if not wanted or to.verdict(demand, at) == WITHDRAWN:
            to.settle(demand, WITHDRAWN)
    for each in _told_today(to, at):
        on = to.today(at) + each.lead * DAY
        told = to.wants(person, each.lead) and to.keeps(person, on, on) and to.hears(person, on)
        if told and (person.number, on.year) not in to.done:
            to.demand(Key("birthday", person.number, on, each.lead), at, at)


def person_gone(to: Recipient, number: int) -> None:
    """Somebody was deleted."""
    for demand in _about(to, "birthday", number):
        to.settle(demand, WITHDRAWN)


def holiday_moved(to: Recipient, number: int, day: tuple[int, int] | None, at: int) -> None:
    """A holiday that was there is on another day, or (None) no more."""
    for demand in _about(to, "holiday", number):
        to.settle(demand, WITHDRAWN)
    today = to.today(at)
    told = 0 in to.wishes.leads and Round("birthday") in _told_today(to, at)
    if day and told and feasts.between(feasts.holidays(*day), today, today):
        to.demand(Key("holiday", number, today), at, at)


def leap_day_changed(to: Recipient, at: int) -> None:
    """Who was born on 29 February keeps another day for this recipient."""
    for person in list(to.place.people.values()):
        if (person.month, person.day) == (2, 29) and person.leap_day is None:
            person_changed(to, person, at)


def duty_handed_over(to: Recipient, on: dt.date, was: int, at: int) -> None:
    """Somebody else than `was` is in charge of that day."""
    for demand in _about(to, "responsible", was):
        if demand.key.on == on:
            to.settle(demand, WITHDRAWN)
    told = 0 in to.wishes.leads and Round("birthday") in _told_today(to, at)
    number = to.in_charge(on)
    if told and on == to.today(at) and number is not None:
        to.demand(Key("responsible", number, on), at, at)


def _about(to: Recipient, kind: str, number: int) -> list[Demand]:
    return [each for each in to.open if (each.key.kind, each.key.subject) == (kind, number)]


def _told_today(to: Recipient, at: int) -> list[Round]:
    """The rounds that have worked off today already, and no other day to come before tomorrow."""
    tomorrow = to.today(at) + DAY
    return [each for each, day in to.rounds.items() if each.kind == "birthday" and day == tomorrow]


def left(to: Recipient) -> None:
    """The recipient is not reminded of this calendar any more."""
    to.is_in, to.rounds = False, {}
    for demand in list(to.open):
        to.settle(demand, WITHDRAWN)


def put_away(to: Recipient) -> None:
    """The calendar is deleted, for a while at least."""
    to.resting = list(to.rounds)
    left(to)


def brought_back(to: Recipient, at: int) -> None:
    """It is there again: today counts, also where its time has gone by."""
    to.is_in, to.worked = True, at
    to.rounds = {each: to.day_of(each.kind, to.today(at)) for each in to.resting}
    to.resting = None


def done(to: Recipient, keys: list[Key]) -> None:
    """Of these people no more this year."""
    for key in keys:
        to.done.add((key.subject, key.on.year))
        for demand in _about(to, "birthday", key.subject):
            if demand.key.on.year == key.on.year:
                to.settle(demand, WITHDRAWN)


def once_more(to: Recipient, keys: list[Key], button: str, at: int) -> None:
    """The same again, tonight at eight or tomorrow at the usual time; whatever waits for then."""
    today = to.today(at)
    if button == "tonight":
        due = walls.awake(walls.instant(today, EVENING, to.wishes.zone), to.wishes)
    else:
        due = to.due(today + DAY)
    waiting = {(d.key.on, d.key.subject) for d in to.open if d.key.again and d.due == due}
    to.repeats += 1
    for key in {key.subject: key for key in keys}.values():
        if to.holds(key) and (key.on, key.subject) not in waiting:
            to.demand(key._replace(again=to.repeats), due, due)
