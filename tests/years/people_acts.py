"""Acts about people, holidays and who is responsible: somebody who may changes a calendar.

Each takes fate and a reader, whose calendar it is about and whose today; False: it could not be.
"""

import datetime as dt
from typing import TYPE_CHECKING, Any

from . import chance, walls
from .facts import Person
from .world import Home, Reader

if TYPE_CHECKING:
    from .fate import Fate

DAY = dt.timedelta(days=1)


def editor(fate: "Fate", home: Home, person: Person | None = None) -> int | None:
    """Somebody who may change the calendar, and all of that person."""
    closed = fate.world.telegram.blocked
    if home.group in closed or (home.kind == "personal" and home.owner in closed):
        return None
    linked = person.linked if person else None
    found = [user for user in home.editors if user not in closed and user != linked]
    return fate.rng.choice(found) if found else None


def members(fate: "Fate", home: Home) -> list[int]:
    """The users whose calendar it is."""
    readers = [r.user for r in fate.world.readers if r.home is home and r.is_in and r.user]
    return readers or home.editors


def today(fate: "Fate", reader: Reader) -> dt.date:
    """The date where the reader is."""
    return walls.today(fate.world.now, reader.wishes.zone)


def _past(fate: "Fate") -> dt.date:
    """A day that is past everywhere."""
    return walls.today(fate.world.now, "UTC") - DAY


def _telling_day(fate: "Fate", reader: Reader) -> tuple[int, int]:
    """A day of which the reader is told today, or would be just now; or any."""
    if fate.rng.random() < 0.3:
        return chance.day_of_year(fate.rng)
    lead = fate.rng.choice(sorted(reader.wishes.leads | {0}))
    day = today(fate, reader) + (lead + fate.rng.choice((0, 0, 0, 0, -1, 1, 2))) * DAY
    return day.month, day.day


def _somebody(fate: "Fate", reader: Reader) -> tuple[int, Person] | None:
    """A person, rather one whose birthday is near, and who may change all of them."""
    people = list(reader.home.people.values())
    near = [today(fate, reader) + lead * DAY for lead in reader.wishes.leads | {0, 1}]
    soon = [p for p in people if (p.month, p.day) in {(day.month, day.day) for day in near}]
    if soon and fate.rng.random() < 0.7:
        people = soon
    if not people:
        return None
    person = fate.rng.choice(people)
    user = editor(fate, reader.home, person)
    return (user, person) if user else None


def _change(fate: "Fate", reader: Reader, **values: Any) -> bool:
    found = _somebody(fate, reader)
    if found and values.get("linked") != found[0]:
        fate.world.change(reader.home, *found, **values)
    return bool(found)


def redate(fate: "Fate", reader: Reader) -> bool:
    """Another day."""
    found = _somebody(fate, reader)
    month, day = _telling_day(fate, reader)
    year = chance.birth_year(fate.rng, month, day, _past(fate))
    if not found or (found[1].hide_age and year is None):
        return False  # A year that is hidden from the editor would be kept.
    fate.world.change(reader.home, *found, year=year, month=month, day=day)
    return True


def mute(fate: "Fate", reader: Reader) -> bool:
    """Muted, or not any more."""
    return _change(fate, reader, muted=fate.rng.random() < 0.5)


def skip(fate: "Fate", reader: Reader) -> bool:
    """Skipped this year or next, or not."""
    year = today(fate, reader).year + fate.rng.randrange(2)
    return _change(fate, reader, skip_year=fate.rng.choice((None, year)))


def own_leads(fate: "Fate", reader: Reader) -> bool:
    """Own lead times, or none."""
    leads = fate.rng.choice((None, frozenset({0, 1}), chance.leads(fate.rng)))
    return _change(fate, reader, leads=leads)


def leap(fate: "Fate", reader: Reader) -> bool:
    """An own rule for 29 February, or none."""
    return _change(fate, reader, leap_day=fate.rng.choice((None, "feb28", "mar1")))


def link(fate: "Fate", reader: Reader) -> bool:
    """This is one of the members, or is not."""
    user = fate.rng.choice(members(fate, reader.home))
    return _change(fate, reader, linked=fate.rng.choice((None, user)))


def rename(fate: "Fate", reader: Reader) -> bool:
    """Another name."""
    found = _somebody(fate, reader)
    if found:
        name = f"{fate.rng.choice(chance.NAMES)} {found[1].number} anew"
        fate.world.change(reader.home, *found, name=name)
    return bool(found)


def hide(fate: "Fate", reader: Reader) -> bool:
    """The age is hidden, or shown."""
    return _change(fate, reader, hide_age=fate.rng.random() < 0.5)


def add(fate: "Fate", reader: Reader, day: tuple[int, int] | None = None) -> bool:
    """A new person, born on that day of the year or any."""
    user = editor(fate, reader.home)
    if user:
        there = members(fate, reader.home)
        day = day or chance.day_of_year(fate.rng)
        person = chance.person(fate.rng, fate.world.number(), _past(fate), there, day)
        fate.world.tell(reader.home, user, person)
    return bool(user)


def forget(fate: "Fate", reader: Reader) -> bool:
    """A person is deleted."""
    found = _somebody(fate, reader)
    if found:
        fate.world.forget(reader.home, *found)
    return bool(found)


def celebrate(fate: "Fate", reader: Reader) -> bool:
    """A new holiday."""
    user = editor(fate, reader.home)
    if user:
        fate.world.celebrate(reader.home, user, _telling_day(fate, reader))
    return bool(user)


def refeast(fate: "Fate", reader: Reader) -> bool:
    """A holiday on another day."""
    user, known = editor(fate, reader.home), list(reader.home.holidays)
    if user and known:
        day = _telling_day(fate, reader)
        fate.world.celebrate(reader.home, user, day, fate.rng.choice(known))
    return bool(user and known)


def cancel(fate: "Fate", reader: Reader) -> bool:
    """A holiday is deleted."""
    user, known = editor(fate, reader.home), list(reader.home.holidays)
    if user and known:
        fate.world.cancel(reader.home, user, fate.rng.choice(known))
    return bool(user and known)


def assign(fate: "Fate", reader: Reader) -> bool:
    """Somebody is put in charge of today or a day soon."""
    user = editor(fate, reader.home)
    day = today(fate, reader) + fate.rng.choice((0, 0, 1, 1, 2, 5)) * DAY
    if user:
        if len(reader.home.hosts) < 3:
            fate.world.hire(reader.home, user)
        fate.world.assign(reader.home, user, day, fate.rng.choice(list(reader.home.hosts)))
    return bool(user)
