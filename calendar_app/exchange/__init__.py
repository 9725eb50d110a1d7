"""Lists of birthdays in and out: CSV, vCard, iCalendar, JSON, and lines of text.

`read` and `write` know the formats and nothing of calendars; `imports` writes what was read into
one, `exports` gets the people of one. Each format has a module of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..texts import N_
from . import decoding, icalendars, plain, tables, vcards
from .entries import Entry, Refused, settled

MOST_ROWS = 50_000
TOO_MANY = N_("There are more than {most} rows: divide the list into smaller ones.")
NOBODY = N_("There is nobody in this list.")


@dataclass(frozen=True)
class Format:
    """A format that a calendar can be written in."""

    media_type: str
    write: Callable[[Iterable[dict[str, Any]]], Iterator[str]]


FORMATS = {
    "csv": Format("text/csv", tables.write),
    "vcf": Format("text/vcard", vcards.write),
    "ics": Format("text/calendar", icalendars.write),
    "json": Format("application/json", plain.write_json),
}


def read(data: bytes, order: str | None, this_year: int) -> tuple[str, list[Entry]]:
    """The format of a file (csv, vcf, ics, json or text) and its people.

    `order` ("dmy", "mdy") says how dates such as 10/11 are read. Raises Refused, with what to do,
    for what is no list.
    """
    text = decoding.text(data)
    name, entries = _entries(text, this_year)
    found = list(islice(entries, MOST_ROWS + 1))
    if len(found) > MOST_ROWS:
        raise Refused(TOO_MANY, most=MOST_ROWS)
    if not found:
        raise Refused(NOBODY)
    return name, settled(found, order, this_year)


def _entries(text: str, this_year: int) -> tuple[str, Iterator[Entry]]:
    begin = text[:100].lstrip() if text[:1].isspace() else text[:100]
    if vcards.looks_like(begin):
        return "vcf", vcards.read(text)
    if icalendars.looks_like(begin):
        return "ics", icalendars.read(text)
    if plain.looks_like_json(begin):
        return "json", plain.read_json(text, this_year)
    if tables.looks_like(text):
        return "csv", tables.read(text)
    return "text", plain.read_lines(text, this_year)


def write(name: str, people: Iterable[dict[str, Any]]) -> bytes:
    """People (as `exports.people` gives them) in one of FORMATS."""
    return "".join(FORMATS[name].write(people)).encode()
