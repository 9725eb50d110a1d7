"""JSON, and lists as people type or paste them: a name and a date in each line."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .. import entry
from ..texts import N_
from . import tables
from .entries import OPTIONAL, Entry, Refused, one_line, slashed

NOT_A_LIST = N_("This JSON is not a list of birthdays, nor an object with a list named birthdays.")
BROKEN = N_("This is broken JSON (line {line}): export it again.")
TOO_LONG = N_("The line is too long: put one person on each line.")
LONGEST_LINE = 1000


def looks_like_json(text: str) -> bool:
    """Whether it is JSON rather than lines of text."""
    return text[:1] in ("[", "{")


def read_json(text: str, this_year: int) -> Iterator[Entry]:
    """The people of a list, numbered in order; raises Refused for what is none."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise Refused(BROKEN, line=error.lineno) from None
    except (RecursionError, ValueError):
        raise Refused(BROKEN, line=1) from None
    found = found.get("birthdays") if isinstance(found, dict) else found
    if not isinstance(found, list):
        raise Refused(NOT_A_LIST)
    return (_person(number, each, this_year) for number, each in enumerate(found, 1))


def _person(number: int, each: Any, this_year: int) -> Entry:
    if not isinstance(each, dict):
        return _line(number, each, this_year) if isinstance(each, str) else Entry(number)
    cells = {str(name): _text(value) for name, value in each.items()}
    columns = tables.headings(list(cells))
    if columns:
        own = {"full_name", "birth_date"} <= set(cells)
        return tables.entry(number, list(cells.values()), columns, own)
    known = {name: cells.get(name, "") for name in ("full_name", *OPTIONAL)}
    return Entry(number, **{name: one_line(text) for name, text in known.items()})


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    # Half a character is none.
    return str(value).encode("utf-8", "replace").decode()


def read_lines(text: str, this_year: int) -> Iterator[Entry]:
    """The people of a pasted list, one a line."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _line(number, line, this_year)


def _line(number: int, line: str, this_year: int) -> Entry:
    if len(line) > LONGEST_LINE:
        return Entry(number, line[:50], problem=TOO_LONG)
    found = entry.parse(line, this_year)
    # A date that can be read in two ways, or shows how others are to be read, stays as it is.
    date = slashed(line)
    if not date or entry.parse(date, this_year).dates != found.dates:
        date = str(found.dates[0]) if found.dates else found.impossible
    return Entry(number, one_line(tables.unnumbered(found.name)), date)


def write_json(people: Iterable[dict[str, Any]]) -> Iterator[str]:
    """People as JSON."""
    before = '{"birthdays":[\n'
    for person in people:
        yield before + json.dumps(
            {name: person[name] for name in tables.FIELDS}, ensure_ascii=False
        )
        before = ",\n"
    yield "\n]}\n" if before[0] == "," else before + "]}\n"
