"""People and wishes as they may be, with much that is rare in life: leap days, odd hours, DST.

Every function takes the random numbers first, so that a seed makes the same world again.
"""

import calendar
import datetime as dt
from random import Random
from typing import Any

from .facts import Person

TURNS = ((2, 28), (3, 1), (12, 31), (1, 1))
NAMES = ("Ada", "Zoë", "Иван", "<b>Bo</b>", "Tom & Jerry", "“Al”", "O'Neil", "明美")
LEADS = ((0,), (0,), (0,), (0, 1), (0, 1, 7), (7,), (), (0, 30), (1, 60), (2,))


def minute(rng: Random) -> int:
    """A time of day: half of them in the hours in which clocks are set."""
    if rng.random() < 0.5:
        return rng.randrange(0, 240)
    return rng.choice((420, 480, 540, 540, 540, 1080, 1200, 1380, 1410, 1439, rng.randrange(1440)))


def quiet(rng: Random) -> tuple[int, int] | None:
    """Quiet hours, over midnight or not, or none."""
    if rng.random() < 0.5:
        return None
    return rng.choice((
        (1320, 480), (1380, 135), (60, 150), (780, 900), (0, 420),
        (rng.randrange(1440), rng.randrange(1440)),
    ))  # fmt: skip


def leads(rng: Random) -> frozenset[int]:
    """Lead times; seldom any two."""
    if rng.random() < 0.1:
        return frozenset(rng.sample(range(61), 2))
    return frozenset(rng.choice(LEADS))


def wishes(rng: Random) -> dict[str, Any]:
    """What somebody sets when they come, besides the zone."""
    wished = {"minute": minute(rng), "leads": leads(rng), "leap_day": leap_day(rng)}
    if rng.random() < 0.25:
        wished["quiet"] = quiet(rng)
    if rng.random() < 0.2:
        wished["weekly"] = rng.randrange(7)
    if rng.random() < 0.2:
        wished["monthly"] = True
    return wished


def leap_day(rng: Random) -> str:
    """When 29 February is kept in other years."""
    return rng.choice(("feb28", "mar1"))


def day_of_year(rng: Random) -> tuple[int, int]:
    """A day, often one of those that are special."""
    luck = rng.random()
    if luck < 0.12:
        return 2, 29
    if luck < 0.3:
        return rng.choice(TURNS)
    day = dt.date(2001, 1, 1) + dt.timedelta(days=rng.randrange(365))
    return day.month, day.day


def birth_year(rng: Random, month: int, day: int, today: dt.date) -> int | None:
    """A year in which that day exists and is past; None: unknown."""
    if rng.random() < 0.3:
        return None
    newest = today.year - ((month, day) >= (today.month, today.day))
    year = newest if rng.random() < 0.08 else rng.randint(newest - 90, newest)
    while (month, day) == (2, 29) and not calendar.isleap(year):
        year -= 1
    return year


def person(
    rng: Random, number: int, today: dt.date, members: list[int], born: tuple[int, int]
) -> Person:
    """Somebody born on that day of a year, to be added today to a calendar with these members."""
    month, day = born
    linked = rng.choice(members) if rng.random() < 0.07 else None
    return Person(
        number,
        f"{rng.choice(NAMES)} {number}",
        birth_year(rng, month, day, today),
        month,
        day,
        leap_day=leap_day(rng) if rng.random() < 0.2 else None,
        leads=leads(rng) if rng.random() < 0.06 else None,
        muted=rng.random() < 0.03,
        skip_year=today.year + rng.randrange(3) if rng.random() < 0.05 else None,
        linked=linked,
        hide_age=rng.random() < 0.1,
    )
