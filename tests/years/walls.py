"""What calendars and clocks on the wall show, found by looking at them.

A clock is asked what it shows; only where it jumps it is watched minute by minute.
"""

import datetime as dt
import zoneinfo
from functools import cache, lru_cache

from dateutil import tz

from .facts import Wishes

MINUTE, HOUR, DAY = 60, 3600, 86400


@cache
def zone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of that name."""
    return zoneinfo.ZoneInfo(name)


def wall(at: int, name: str) -> dt.datetime:
    """What the wall shows there at that instant: a date and a time without a zone."""
    return dt.datetime.fromtimestamp(at, zone(name)).replace(tzinfo=None)


def today(at: int, name: str) -> dt.date:
    """The date on the wall there."""
    return wall(at, name).date()


@lru_cache(500_000)
def instant(day: dt.date, minute: int, name: str) -> int:
    """The first minute in which the clock there shows that time of that day, or has jumped it."""
    wanted = dt.datetime.combine(day, dt.time(*divmod(minute, 60)))
    there = wanted.replace(tzinfo=zone(name))
    if tz.datetime_exists(there):
        return int(there.timestamp())  # of two the first: fold is 0
    at = int(wanted.replace(tzinfo=dt.UTC).timestamp()) - 15 * HOUR
    while wall(at, name) < wanted:
        at += MINUTE
    return at


def oddity(day: dt.date, minute: int, name: str) -> str:
    """Whether the clock there skips that time of that day, or shows it twice."""
    shown = dt.datetime.combine(day, dt.time(*divmod(minute, 60)))
    if not tz.datetime_exists(shown, zone(name)):
        return "that the clock skips"
    return "that comes twice" if tz.datetime_ambiguous(shown, zone(name)) else "like others"


def jumps(at: int, days: int, name: str) -> list[tuple[dt.date, int]]:
    """Days and times that the clock there will skip or show twice in the days to come."""
    begin = at - at % DAY
    found = []
    for day in range(begin, begin + days * DAY, DAY):
        if wall(day + DAY, name) - wall(day, name) != dt.timedelta(days=1):
            times = [wall(day, name) + dt.timedelta(minutes=number) for number in range(-180, 1620)]
            times = [(each.date(), each.hour * 60 + each.minute) for each in times]
            found += [each for each in times if oddity(*each, name) != "like others"]
    return found


def is_quiet(at: int, wishes: Wishes) -> bool:
    """Whether the clock shows a time in the quiet hours, which may go over midnight."""
    begin, end = wishes.quiet or (0, 0)
    shown = wall(at, wishes.zone)
    since = (shown.hour * 60 + shown.minute - begin) % 1440
    return since < (end - begin) % 1440


def awake(at: int, wishes: Wishes) -> int:
    """That instant, or when the quiet hours that it lies in are over."""
    while is_quiet(at, wishes):
        shown = wall(at, wishes.zone)
        left = (wishes.quiet[1] - shown.hour * 60 - shown.minute) % 1440 * MINUTE
        left -= shown.second
        jumps = wall(at + left, wishes.zone) - shown != dt.timedelta(seconds=left)
        at += MINUTE - shown.second if jumps else left
    return at


@lru_cache(500_000)
def due(day: dt.date, wishes: Wishes) -> int:
    """When what is for that day goes out."""
    return awake(instant(day, wishes.minute, wishes.zone), wishes)
