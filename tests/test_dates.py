"""Calendar arithmetic against the standard library, dateutil and a scan of the clock."""

import calendar
import datetime as dt
import zoneinfo
from functools import cache

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from calendar_app import dates
from calendar_app.dates import FEB28, MAR1, BirthDate

ZONES = sorted(dates.zone_names())
RULES = st.sampled_from(dates.LEAP_DAYS)
DAYS = st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31))
LEAP_BABIES = st.dates(dt.date(1, 1, 1), dt.date(9996, 12, 31)).map(
    lambda day: BirthDate(day.year - day.year % 4 or 4, 2, 29)
)
BORN = st.one_of(
    DAYS.map(lambda day: BirthDate(day.year, day.month, day.day)),
    LEAP_BABIES.filter(lambda born: calendar.isleap(born.year)),
    st.dates(dt.date(2000, 1, 1), dt.date(2000, 12, 31)).map(
        lambda day: BirthDate(None, day.month, day.day)
    ),
)
more = examples(deadline=None, max_examples=300)


def kept(born, year, leap_day):
    """dateutil's anniversary: 29 February becomes the 28th; the other rule is a day later."""
    day = dt.date(2000, born.month, born.day) + relativedelta(year=year)
    later = (born.month, born.day) == (2, 29) and not calendar.isleap(year) and leap_day == MAR1
    return day + dt.timedelta(days=later)


@more
@given(BORN, st.integers(1, 9999), RULES)
@example(BirthDate(2000, 2, 29), 1900, MAR1)
@example(BirthDate(None, 2, 29), 9999, FEB28)
def test_a_birthday_is_kept_on_the_day_that_dateutil_says(born, year, leap_day):
    assert dates.occurrence(born, year, leap_day) == kept(born, year, leap_day)


@more
@given(BORN, DAYS, RULES)
@example(BirthDate(2000, 2, 29), dt.date(2027, 2, 28), FEB28)
@example(BirthDate(2000, 2, 29), dt.date(2027, 3, 1), FEB28)
@example(BirthDate(2000, 2, 29), dt.date(2027, 3, 1), MAR1)
@example(BirthDate(None, 12, 31), dt.date(9999, 12, 31), FEB28)
def test_the_next_occurrence_is_the_first_kept_day_from_today_on(born, today, leap_day):
    years = range(today.year, min(today.year + 2, 10_000))
    days = [kept(born, year, leap_day) for year in years]
    expected = next((day for day in days if day >= today), days[-1])
    assert dates.next_occurrence(born, today, leap_day) == expected


@more
@given(BORN.filter(lambda born: born.year), DAYS, RULES)
def test_the_age_is_the_number_of_kept_birthdays_after_birth(born, on, leap_day):
    expected = on.year - born.year - (1 if on < kept(born, on.year, leap_day) else 0)
    assert dates.age(born, on, leap_day) == expected
    if dt.date(*born) <= on and leap_day == FEB28:
        # dateutil keeps 29 February on the 28th only when it subtracts from a later 28th.
        assert abs(relativedelta(on, dt.date(*born)).years - expected) <= (born[1:] == (2, 29))


@pytest.mark.parametrize(
    ("born", "on", "feb28", "mar1"),
    [
        ("2004-02-29", "2024-02-28", 19, 19),
        ("2004-02-29", "2024-02-29", 20, 20),
        ("2004-02-29", "2025-02-27", 20, 20),
        ("2004-02-29", "2025-02-28", 21, 20),
        ("2004-02-29", "2025-03-01", 21, 21),
        ("1896-02-29", "1900-02-28", 4, 3),
        ("1815-12-10", "2026-12-09", 210, 210),
        ("1815-12-10", "2026-12-10", 211, 211),
        ("2026-05-05", "2026-05-05", 0, 0),
        ("0001-01-01", "9999-12-31", 9998, 9998),
        ("--05-05", "2026-05-05", None, None),
    ],
)
def test_ages_by_both_rules_of_29_february(born, on, feb28, mar1):
    born, on = dates.birth_date(born), dt.date.fromisoformat(on)
    assert dates.age(born, on, FEB28) == feb28
    assert dates.age(born, on, MAR1) == mar1


@more
@given(DAYS)
def test_a_leap_day_may_be_kept_on_the_days_around_it_in_other_years_only(on):
    either = {kept(BirthDate(None, 2, 29), on.year, rule) for rule in dates.LEAP_DAYS}
    assert dates.may_keep_leap_day(on) == (on in either and (on.month, on.day) != (2, 29))


@more
@given(BORN)
def test_a_date_is_read_back_as_it_was_written(born):
    assert dates.birth_date(str(born)) == born


@more
@given(st.integers(-1, 10_001) | st.none(), st.integers(-1, 14), st.integers(-1, 33))
@example(1900, 2, 29)
@example(2**70, 1, 1)
def test_a_day_exists_if_the_calendar_has_it(year, month, day):
    leap = year is None or 1 <= year <= 9999 and calendar.isleap(year)
    real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(2000 if leap else 2001, month)[1]
    assert dates.exists(year, month, day) == (real and (year is None or 1 <= year <= 9999))


@pytest.mark.parametrize(
    "text",
    [
        "", "1815-12-1", "1815-13-01", "1815-02-29", "0000-01-01", "--02-30", "-02-03", "---02-03",
        "10.12.1815", "1815-12-10 ", "1815-12-10\n", "18151210", "+815-12-10", "١٨١٥-١٢-١٠",
        "1815-12-10T00:00", "12000-01-01",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match="date|day"):
        dates.birth_date(text)


@pytest.mark.parametrize(
    ("text", "minute"), [("00:00", 0), ("9:05", 545), ("09:05", 545), ("23:59", 1439)]
)
def test_times_of_day(text, minute):
    assert dates.minute_of_day(text) == minute


@pytest.mark.parametrize("text", ["", "24:00", "9", "9:5", "09:60", "-1:00", "09:05\n", "٠٩:٠٠"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(ValueError, match="time of day"):
        dates.minute_of_day(text)


@pytest.mark.parametrize(
    "name", ["", "Mars/Base", "localtime", "../../etc/passwd", "/etc/localtime", "a\0b"]
)
def test_what_is_no_time_zone_is_refused(name):
    with pytest.raises(ValueError, match="no such time zone"):
        dates.zone(name)


def test_a_date_is_in_the_future_until_its_day_begins_in_kiribati():
    begins = dates.instant(dt.date(2026, 5, 6), 0, "Pacific/Kiritimati")
    assert dates.in_future(BirthDate(2026, 5, 6), begins - 1)
    assert not dates.in_future(BirthDate(2026, 5, 6), begins)
    assert not dates.in_future(BirthDate(None, 12, 31), begins)


def wall(seconds, place):
    return dt.datetime.fromtimestamp(seconds, place).replace(tzinfo=None)


def by_scan(clock, wanted):
    """The first minute at which the clock shows `wanted`, else the first that it shows later."""
    exact = (seconds for seconds, shown in clock if shown == wanted)
    return next(exact, None) or next(seconds for seconds, shown in clock if shown > wanted)


def asked(wanted, name):
    return dates.instant(wanted.date(), wanted.hour * 60 + wanted.minute, name)


@cache
def changes():
    """(zone, first second of the new offset) for each change of each zone in 2006-2031."""
    begin, end = (int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp()) for year in (2006, 2032))
    found = []
    for name in one_of_each():
        place = zoneinfo.ZoneInfo(name)

        def offset(seconds, place=place):
            return dt.datetime.fromtimestamp(seconds, place).utcoffset()

        for low in range(begin, end, 14 * 86400):
            high = low + 14 * 86400
            if offset(low) == offset(high):
                continue
            while high - low > 60:
                middle = (low + high) // 120 * 60
                low, high = (low, middle) if offset(middle) == offset(high) else (middle, high)
            found.append((name, high))
    return found


def one_of_each():
    """A name for each different set of rules: half of the names are aliases."""
    by_rules = {}
    for name in ZONES:
        place = zoneinfo.ZoneInfo(name)
        moments = range(946_684_800, 2_145_916_800, 30 * 86400)
        by_rules.setdefault(tuple(wall(at, place) for at in moments), name)
    return by_rules.values()


def test_around_every_change_of_every_zone_the_clock_is_read_as_a_scan_of_it_reads():
    assert len(changes()) > 3000
    for name, at in changes():
        place = zoneinfo.ZoneInfo(name)
        before, after = wall(at - 60, place), wall(at, place)
        size = abs(after - before) + dt.timedelta(minutes=2)
        begin, end = min(before, after) - size, max(before, after) + size
        reach = int((end - begin).total_seconds() / 60) + 1
        clock = [(at + 60 * i, wall(at + 60 * i, place)) for i in range(-reach, reach)]
        edges = {before, after, before + dt.timedelta(minutes=1), after - dt.timedelta(minutes=1)}
        middle = before + ((after - before) / 2)
        for wanted in edges | {middle.replace(second=0)}:
            assert asked(wanted, name) == by_scan(clock, wanted), (name, wanted)


@more
@given(
    st.sampled_from(ZONES),
    st.dates(dt.date(1995, 1, 1), dt.date(2037, 12, 31)),
    st.integers(0, 1439),
)
def test_in_any_zone_the_clock_shows_that_minute_or_has_just_skipped_it(name, day, minute):
    place = zoneinfo.ZoneInfo(name)
    at = dates.instant(day, minute, name)
    wanted = dt.datetime.combine(day, dt.time(minute // 60, minute % 60))
    assert wall(at, place) >= wanted
    assert wall(at - 60, place) < wanted
    # Shown twice, the first is meant: an hour or so before, the clock did not show it.
    assert all(wall(at - 60 * back, place) != wanted for back in range(1, 181))


@pytest.mark.parametrize(
    ("name", "day", "time", "utc"),
    [
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00"),  # skipped
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30"),  # twice
        ("Asia/Kathmandu", "2026-05-06", "09:00", "2026-05-06T03:15"),
        ("Asia/Kolkata", "2026-05-06", "09:00", "2026-05-06T03:30"),
        ("Pacific/Chatham", "2026-09-27", "02:50", "2026-09-26T14:00"),  # +12:45 to +13:45
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30"),  # half an hour
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45"),
        ("America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T03:00"),  # midnight is skipped
        ("Pacific/Apia", "2011-12-30", "00:00", "2011-12-30T10:00"),  # a day is skipped
        ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-30", "23:59", "2011-12-30T10:00"),
        ("Pacific/Kwajalein", "1993-08-21", "12:00", "1993-08-21T12:00"),
        ("Pacific/Kiritimati", "1994-12-31", "09:00", "1994-12-31T10:00"),
        ("America/Juneau", "1867-10-18", "12:00", "1867-10-17T20:57:41"),  # a day twice
    ],
)
def test_famous_cases(name, day, time, utc):
    at = dates.instant(dt.date.fromisoformat(day), dates.minute_of_day(time), name)
    assert dt.datetime.fromtimestamp(at, dt.UTC) == dt.datetime.fromisoformat(utc + "+00:00")


@more
@given(st.sampled_from(ZONES), st.integers(-60_000_000_000, 250_000_000_000))
def test_the_local_date_is_that_of_the_calendar_on_the_wall(name, seconds):
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    assert dates.local_date(seconds, name) == moment.astimezone(zoneinfo.ZoneInfo(name)).date()
