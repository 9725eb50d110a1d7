"""iCalendar (RFC 5545) in and out: each person a yearly event. Rules are read, never expanded.

The recurrence is right on 29 February: kept on 28 February it is the last day of February
(BYMONTHDAY=-1), kept on 1 March the 60th day of the year.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..dates import FEB28
from ..texts import N_
from . import contentlines
from .contentlines import Component, escaped, folded
from .entries import Entry, one_line, yearless

NO_RULE = N_("The event does not come every year, so it is no birthday.")
# What programs write around a name.
BEFORE = re.compile(
    r"^(?:🎂|🎉|🎁|birthday of\b|birthday:|день рождения[:\s]|др[:\s])\s*", re.IGNORECASE
)
BEHIND = re.compile(
    r"\s*(?:['’]s(?: \d+(?:st|nd|rd|th))? birthday|['’] birthday"
    r"|[-–—:(]?\s*\b(?:birthday|день рождения)\)?|🎂)$",
    re.IGNORECASE,
)
BORN = re.compile(r"\s*\(\s*(?:🎂|\*|born\s*)?\s*([0-9]{4})\s*\)$")
# Nextcloud's, in the calendar that it makes of contacts.
CONTACT_YEAR, NO_CONTACT_YEAR = "X-NEXTCLOUD-BC-YEAR", "X-NEXTCLOUD-BC-UNKNOWN-YEAR"
OWN = {
    "X-FULL-NAME": "full_name",
    "X-BIRTH-DATE": "date",
    "X-COMPANY": "company",
    "X-POSITION": "position",
    "X-RESPONSIBLE": "responsible",
    "X-COMMENT": "comment",
}
WANTED = frozenset({"SUMMARY", "DTSTART", "RRULE", "CREATED", CONTACT_YEAR, NO_CONTACT_YEAR, *OWN})
YEARLY = "RRULE:FREQ=YEARLY"
LAST_OF_FEBRUARY = f"{YEARLY};BYMONTH=2;BYMONTHDAY=-1"
SIXTIETH_DAY = f"{YEARLY};BYYEARDAY=60"
# Where an event begins of which nobody knows the first year: a leap year.
SOME_YEAR = 2000
DAY = dt.timedelta(days=1)
HEAD = (
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Birthday Calendar//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
)


def looks_like(text: str) -> bool:
    """Whether it is a calendar file."""
    return text[:15].upper() == "BEGIN:VCALENDAR"


def read(text: str) -> Iterator[Entry]:
    """The yearly events of a calendar, in order; raises Refused for a broken file."""
    for line, event in contentlines.components(text, "VEVENT", WANTED):
        own = {field: event[name].text for name, field in OWN.items() if name in event}
        yield Entry(line, **own) if {"full_name", "date"} <= set(own) else _entry(line, event)


def _entry(line: int, event: Component) -> Entry:
    summary = one_line(event["SUMMARY"].text) if "SUMMARY" in event else ""
    year = BORN.search(summary)
    bare = BORN.sub("", summary)
    name = BEHIND.sub("", BEFORE.sub("", bare)).strip()
    rule = event["RRULE"].value.upper() if "RRULE" in event else ""
    # Some programs write each year's birthday as an event of its own.
    told = dict(part.partition("=")[::2] for part in rule.split(";"))
    yearly = told.get("FREQ") == "YEARLY" and told.get("INTERVAL", "1") == "1"
    yearly = yearly or (not rule and (name != bare or CONTACT_YEAR in event))
    shown = event[CONTACT_YEAR].text if CONTACT_YEAR in event else year[1] if year else ""
    date = _date(event, shown, bool(rule))
    return Entry(line, name or summary, date, problem="" if yearly else NO_RULE)


def _date(event: Component, year: str, repeated: bool) -> str:
    """The first day, as YYYYMMDD; its year counts where nothing speaks against it.

    An event that begins in the year in which it was entered tells nobody's age.
    """
    begins = event["DTSTART"].value if "DTSTART" in event else ""
    start = re.match(r"([0-9]{4})([0-9]{2})([0-9]{2})", begins)
    if not start:
        return ""
    if re.fullmatch(r"[0-9]{4}", year):
        return f"{year}-{start[2]}-{start[3]}"
    created = event["CREATED"].value[:4] if "CREATED" in event else "9999"
    unknown = NO_CONTACT_YEAR in event and event[NO_CONTACT_YEAR].text == "1"
    known = repeated and start[1] < created and not unknown
    return yearless(f"{start[1]}-{start[2]}-{start[3]}") if known else f"--{start[2]}-{start[3]}"


def event(summary: str, first: dt.date, uid: str, rule: str, more: Iterable[str] = ()) -> str:
    """An all-day event that comes every year by that rule, as it is written."""
    last = first + DAY if first < dt.date.max else first
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20000101T000000Z",
        f"SUMMARY:{escaped(summary)}",
        f"DTSTART;VALUE=DATE:{_basic(first)}",
        f"DTEND;VALUE=DATE:{_basic(last)}",
        rule,
        "TRANSP:TRANSPARENT",
        "CLASS:PRIVATE",
        *more,
        "END:VEVENT",
    ]
    return "".join(map(folded, lines))


def _basic(day: dt.date) -> str:
    return f"{day.year:04}{day.month:02}{day.day:02}"


def person(row: dict[str, Any], leap_day: str, uid: str, more: Iterable[str] = ()) -> str:
    """A birthday as an event; `leap_day` rules where the person has no rule."""
    date = row["birth_date"]
    year = SOME_YEAR if date.startswith("-") else int(date[:4])
    first = dt.date(year, int(date[-5:-3]), int(date[-2:]))
    rule = YEARLY
    if (first.month, first.day) == (2, 29):
        rule = LAST_OF_FEBRUARY if (row["leap_day"] or leap_day) == FEB28 else SIXTIETH_DAY
    return event(f"🎂 {row['full_name']}", first, uid, rule, more)


def calendar(title: str, events: Iterable[str], head: Iterable[str] = ()) -> Iterator[str]:
    """A calendar of events that are written already."""
    lines = [*HEAD, f"X-WR-CALNAME:{escaped(title)}", *head]
    yield "".join(map(folded, lines))
    yield from events
    yield "END:VCALENDAR\r\n"


def write(people: Iterable[dict[str, Any]]) -> Iterator[str]:
    """People as a calendar that this program reads back unchanged, comments included."""
    return calendar("Birthdays", (_whole(row) for row in people))


def _whole(row: dict[str, Any]) -> str:
    fields = {name: row["birth_date" if field == "date" else field] for name, field in OWN.items()}
    own = [f"{name}:{escaped(text)}" for name, text in fields.items() if text]
    return person(row, FEB28, f"birthday-{row['id']}@birthday-calendar", own)
