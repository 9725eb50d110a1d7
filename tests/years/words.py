"""What a message that tells these demands has to say at that time, as a Letter."""

import datetime as dt

from . import feasts
from .demands import DIGESTS, Demand
from .facts import Letter, Line, Person
from .oracle import Recipient


def expected(to: Recipient, demands: list[Demand], at: int) -> Letter:
    """The letter for demands of one kind and day, in words that are true at that instant."""
    key, today = demands[0].key, to.today(at)
    if key.kind in DIGESTS:
        return _digest(to, key.kind, key.on)
    lines = frozenset(_line(to, demand) for demand in demands)
    return Letter(key.kind, _said(key.kind, (key.on - today).days), _day(key.on), lines)


def _said(kind: str, days: int) -> str | int:
    if kind != "birthday":
        return "on" if days else "today"
    return "belated" if days < 0 else days or "today"


def _day(on: dt.date) -> tuple[int, int]:
    return on.month, on.day


def _line(to: Recipient, demand: Demand) -> Line:
    key = demand.key
    if key.kind == "holiday":
        return Line(to.place.holidays[key.subject][0])
    if key.kind == "responsible":
        return Line(to.place.duties[key.on][1])
    return _person(to.place.people[key.subject], key.on)


def _person(person: Person, on: dt.date) -> Line:
    known = person.year is not None and not person.hide_age
    age = on.year - person.year if known else None
    return Line(person.name, age, bool(age) and age % 10 == 0, person.linked)


def _digest(to: Recipient, kind: str, first: dt.date) -> Letter:
    last = feasts.last_day(kind, first)
    days = tuple(
        (f"{on:%a}", _day(on), frozenset(_person(person, on) for person in people))
        for on, people in to.listing(first, last)
    )
    return Letter("digest", _day(last), _day(first), days)
