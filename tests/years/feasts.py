"""On which days of the simulated years something is kept: rules of RFC 5545, expanded.

icalendar words the rules, dateutil expands them. 29 February is the last day of February, or the
60th day of the year, as somebody keeps it; a holiday of that day comes in leap years only.
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from functools import cache

from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrulestr
from icalendar import vRecur

BEGIN, END = dt.datetime(2027, 6, 1), dt.datetime(2034, 6, 1)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
Days = tuple[dt.date, ...]


def _days(**rule: int | str) -> Days:
    text = vRecur(rule).to_ical().decode()
    return tuple(
        each.date() for each in rrulestr(text, dtstart=BEGIN).between(BEGIN, END, inc=True)
    )


@cache
def birthdays(month: int, day: int, leap_day: str) -> Days:
    """The days on which somebody born on that day of the year keeps the birthday."""
    if (month, day) != (2, 29):
        return _days(freq="yearly", bymonth=month, bymonthday=day)
    if leap_day == "mar1":
        return _days(freq="yearly", byyearday=60)
    return _days(freq="yearly", bymonth=2, bymonthday=-1)


@cache
def holidays(month: int, day: int) -> Days:
    """The days on which a holiday of that day of the year comes."""
    return _days(freq="yearly", bymonth=month, bymonthday=day)


@cache
def digests(kind: str, weekday: int | None) -> Days:
    """The days of a digest: `weekly` on that weekday (0: Monday), or `monthly` on the 1st."""
    if kind == "monthly":
        return _days(freq="monthly", bymonthday=1)
    return _days(freq="weekly", byday=WEEKDAYS[weekday])


def last_day(kind: str, first: dt.date) -> dt.date:
    """The last day that a digest of that kind tells of."""
    return first + (relativedelta(days=6) if kind == "weekly" else relativedelta(day=31))


def between(days: Days, first: dt.date, last: dt.date) -> Days:
    """Those from first to last, both included."""
    return days[bisect_left(days, first) : bisect_right(days, last)]


def from_on(days: Days, first: dt.date) -> dt.date:
    """The first of the days from that one on."""
    return days[bisect_left(days, first)]
