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
from .entries import Entry, yearless

NO_RULE = N_("The event does not come every year, so it is no birthday.")
MOVES = N_("The event comes on another day each year, so it is no birthday.")
HOLIDAY = N_("This is a holiday, not a birthday.")
# What a feed of ours says of a holiday, and Outlook of those that it adds.
A_HOLIDAY = "CATEGORIES:HOLIDAY"
# What programs write around a name; one space at most, for `\s*` would be tried from each space.
BEFORE = re.compile(
    r"^(?:🎂|🎉|🎁|birthday of\b|birthday:|день рождения[:\s]|др[:\s])\s*", re.IGNORECASE
)
BEHIND = re.compile(
    r" ?(?:['’]s(?: \d+(?:st|nd|rd|th))? birthday|['’] birthday"
    r"|[-–—:(]? ?\b(?:birthday|день рождения)\)?|🎂)$",
    re.IGNORECASE,
)
BORN = re.compile(r" ?\( ?(?:🎂|\*|born)? ?([0-9]{4}) ?\)$")
# Nextcloud's, in the calendar that it makes of contacts.
CONTACT_YEAR, NO_CONTACT_YEAR = "X-NEXTCLOUD-BC-YEAR", "X-NEXTCLOUD-BC-UNKNOWN-YEAR"
# Ours.
OWN_NAME, OWN_DATE = "X-FULL-NAME", "X-BIRTH-DATE"
OWN = {
    "X-COMPANY": "company",
    "X-POSITION": "position",
    "X-RESPONSIBLE": "responsible",
    "X-COMMENT": "comment",
}
WANTED = frozenset(
    {"SUMMARY", "DTSTART", "RRULE", "CREATED", "CATEGORIES", "RECURRENCE-ID"}
    | {CONTACT_YEAR, NO_CONTACT_YEAR, OWN_NAME, OWN_DATE, *OWN}
)
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
        # One occurrence that was moved: the event itself stands elsewhere.
        if "RECURRENCE-ID" in event:
            continue
        if OWN_NAME in event and OWN_DATE in event:
            more = {field: event[name].text for name, field in OWN.items() if name in event}
            yield Entry(line, event[OWN_NAME].text, event[OWN_DATE].text, **more)
        else:
            yield _entry(line, event)


def _entry(line: int, event: Component) -> Entry:
    summary = " ".join(event["SUMMARY"].text.split()) if "SUMMARY" in event else ""
    year = BORN.search(summary)
    bare = BORN.sub("", summary)
    name = BEHIND.sub("", BEFORE.sub("", bare)).strip()
    told = _rule(event)
    # Some programs write each year's birthday as an event of its own.
    single = not told and (name != bare or CONTACT_YEAR in event)
    problem = "" if single else _problem(event, told)
    shown = event[CONTACT_YEAR].text if CONTACT_YEAR in event else year[1] if year else ""
    return Entry(line, name or summary, _date(event, shown, bool(told)), problem=problem)


def _rule(event: Component) -> dict[str, str]:
    rule = event["RRULE"].value.upper() if "RRULE" in event else ""
    return dict(part.partition("=")[::2] for part in rule.split(";") if part)


def _problem(event: Component, rule: dict[str, str]) -> str:
    """Why an event is no birthday; "" where it can be one."""
    categories = event["CATEGORIES"].value.upper() if "CATEGORIES" in event else ""
    if "HOLIDAY" in map(str.strip, categories.split(",")):
        return HOLIDAY
    if rule.get("FREQ") != "YEARLY" or rule.get("INTERVAL", "1") != "1":
        return NO_RULE
    return MOVES if {"BYDAY", "BYWEEKNO", "BYEASTER"} & rule.keys() else ""


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
    """A birthday as an event; `leap_day` rules where the person has no rule.

    Name and date stand in it once more as we keep them: of the event's own year nobody can tell
    whether somebody was born in it.
    """
    date = row["birth_date"]
    year = SOME_YEAR if date.startswith("-") else int(date[:4])
    first = dt.date(year, int(date[-5:-3]), int(date[-2:]))
    rule = YEARLY
    if (first.month, first.day) == (2, 29):
        rule = LAST_OF_FEBRUARY if (row["leap_day"] or leap_day) == FEB28 else SIXTIETH_DAY
    own = [f"{OWN_NAME}:{escaped(row['full_name'])}", f"{OWN_DATE}:{date}"]
    return event(f"🎂 {row['full_name']}", first, uid, rule, [*own, *more])


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
    more = [f"{name}:{escaped(row[field])}" for name, field in OWN.items() if row.get(field)]
    return person(row, FEB28, f"birthday-{row['id']}@birthday-calendar", more)
