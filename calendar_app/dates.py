"""Calendar arithmetic, pure: birthdays, ages, 29 February, local time and UTC.

Standard library only; no clock is read here. Instants are whole seconds since 1970 in UTC,
times of day are minutes since midnight.
"""

import calendar
import datetime as dt
import re
import zoneinfo
from functools import cache
from typing import NamedTuple

FEB28, MAR1 = "feb28", "mar1"
LEAP_DAYS = (FEB28, MAR1)
# The first time zone to reach a date is 14 hours ahead of UTC (Kiribati).
EARLIEST_ZONE = dt.timezone(dt.timedelta(hours=14))


class BirthDate(NamedTuple):
    """A date of birth; `year` is None where it is unknown."""

    year: int | None
    month: int
    day: int

    def __str__(self) -> str:
        """`YYYY-MM-DD`, or `--MM-DD` (RFC 6350, 4.3.1) where the year is unknown."""
        year = "-" if self.year is None else f"{self.year:04}"
        return f"{year}-{self.month:02}-{self.day:02}"


def birth_date(text: str) -> BirthDate:
    """`YYYY-MM-DD` or `--MM-DD` as a BirthDate; ValueError for another form or no such day."""
    match = re.fullmatch(r"([0-9]{4}|-)-([0-9]{2})-([0-9]{2})", text)
    if not match:
        raise ValueError("a date is written YYYY-MM-DD, or --MM-DD without the year")
    year = None if match[1] == "-" else int(match[1])
    found = BirthDate(year, int(match[2]), int(match[3]))
    if not exists(*found):
        raise ValueError("there is no such day")
    return found


def exists(year: int | None, month: int, day: int) -> bool:
    """Whether there is such a day; 29 February counts where the year is unknown."""
    try:
        dt.date(2000 if year is None else year, month, day)
    except (ValueError, OverflowError):
        return False
    return True


def occurrence(born: BirthDate, year: int, leap_day: str) -> dt.date:
    """The day in `year` on which the birthday is kept; `leap_day` decides for 29 February."""
    if (born.month, born.day) == (2, 29) and not calendar.isleap(year):
        return dt.date(year, 2, 28) if leap_day == FEB28 else dt.date(year, 3, 1)
    return dt.date(year, born.month, born.day)


def next_occurrence(born: BirthDate, today: dt.date, leap_day: str) -> dt.date:
    """The first day from `today` on, today included, on which the birthday is kept."""
    this_year = occurrence(born, today.year, leap_day)
    if this_year >= today or today.year == dt.MAXYEAR:
        return this_year
    return occurrence(born, today.year + 1, leap_day)


def next_day(month: int, day: int, today: dt.date) -> dt.date:
    """The first such day from `today` on that exists: 29 February comes in leap years only."""
    # Eight years can lie between two leap days (1896 and 1904).
    years = range(today.year, today.year + 9)
    days = (dt.date(year, month, day) for year in years if exists(year, month, day))
    return next(found for found in days if found >= today)


def age(born: BirthDate, on: dt.date, leap_day: str) -> int | None:
    """Whole years on that day, None where the year of birth is unknown."""
    if born.year is None:
        return None
    return on.year - born.year - (on < occurrence(born, on.year, leap_day))


@cache
def zone_names() -> frozenset[str]:
    """IANA's names of time zones, without what only stands for this machine's own."""
    return frozenset(zoneinfo.available_timezones() - {"Factory", "localtime"})


def zone(name: str) -> zoneinfo.ZoneInfo:
    """The IANA time zone of that name; ValueError if there is none."""
    if name not in zone_names():
        raise ValueError(f"no such time zone: {name!r}")
    return zoneinfo.ZoneInfo(name)


def minute_of_day(text: str) -> int:
    """`HH:MM` as minutes since midnight; ValueError for anything else."""
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text)
    if not match:
        raise ValueError("a time of day such as 09:00")
    return int(match[1]) * 60 + int(match[2])


def instant(day: dt.date, minute: int, zone_name: str) -> int:
    """When the clock of that zone shows that minute of that day, as seconds since 1970.

    A time that the clock skips (DST) is the first minute after the gap; one that it shows
    twice is the first of the two.
    """
    place = zoneinfo.ZoneInfo(zone_name)
    wall = dt.datetime.combine(day, dt.time(minute // 60, minute % 60), place)
    seconds = int(wall.timestamp())
    if dt.datetime.fromtimestamp(seconds, place).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return seconds
    # In a gap, fold=1 reads the clock as already moved: it lies before the gap, by the gap's
    # width and the distance to it; fold=0 lies behind it by the same. The gap's end is where
    # the offset changes.
    return _offset_change(int(wall.replace(fold=1).timestamp()), seconds, place)


def instant_again(day: dt.date, minute: int, zone_name: str) -> int:
    """The second of the two, where the clock shows that minute of that day twice; else that one."""
    wall = dt.datetime.combine(
        day, dt.time(minute // 60, minute % 60, fold=1), zoneinfo.ZoneInfo(zone_name)
    )
    return int(wall.timestamp())


def _offset_change(before: int, after: int, place: zoneinfo.ZoneInfo) -> int:
    """The first second in (before, after] with the offset that `after` has."""
    offset = dt.datetime.fromtimestamp(after, place).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if dt.datetime.fromtimestamp(middle, place).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def local_date(seconds: int, zone_name: str) -> dt.date:
    """The date that a calendar on the wall in that zone shows at that instant."""
    return dt.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(zone_name)).date()


def in_future(born: BirthDate, now: int) -> bool:
    """Whether that day has begun nowhere on Earth yet (judged at UTC+14)."""
    newest = dt.datetime.fromtimestamp(now, EARLIEST_ZONE).date()
    return born.year is not None and dt.date(*born) > newest


def may_keep_leap_day(on: dt.date) -> bool:
    """Whether somebody born on 29 February may keep the birthday on that other day."""
    return not calendar.isleap(on.year) and (on.month, on.day) in ((2, 28), (3, 1))
