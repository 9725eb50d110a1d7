"""What a file says of one person, and dates as programs and people write them in files.

Dates stay text until the whole file is read: whether `10/11` is a day and a month or the other way
round is one question for all of them (`settled`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .. import dates, entry
from ..dates import BirthDate
from ..errors import FieldError, Invalid
from ..texts import N_

DMY, MDY = "dmy", "mdy"
OPTIONAL = ("company", "position", "responsible", "comment")
# Outlook has dates of its own for "none".
NO_DATE = {"", "-", "0/0/00", "00/00/00", "0000-00-00", "1/1/4501"}
# Apple writes this year where it is unknown, and all who learned from it do.
NO_YEAR = "1604"
LONGEST_DATE = 60
BASIC = re.compile(r"([0-9]{4}|--)-?([0-9]{2})-?([0-9]{2})(?:[T ].*)?")
PAIR = re.compile(
    r"(?<![\w./-])([0-9]{1,2})[/-]([0-9]{1,2})(?:[/-](?:[0-9]{4}|[0-9]{2}))?(?![\w/-])"
)
# Spreadsheets add midnight to a date.
CLOCK = re.compile(r"[T ][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?( ?[AP]M)?$")
BREAKS = re.compile("[\\r\\n\\t\\v\\f\\x85\\u2028\\u2029]+")
TWO_WAYS = N_("{text} can be read in two ways: say which comes first, day or month.")
NO_SUCH_DATE = N_("{text} is not a date that exists.")
NOT_A_DATE = N_("{text} is not a date: write it as YYYY-MM-DD, or --MM-DD without the year.")
DATE_MISSING = N_("There is no date of birth.")
NAME_MISSING = N_("There is no name.")


class Refused(Invalid):
    """The file cannot be taken at all; the sentence says what to do."""

    def __init__(self, message: str, **params: Any) -> None:
        super().__init__(message, FieldError("file", message, params), **params)


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of a file: `line` is where it stands, counted from 1; `date` as it is written,
    or, once settled, as `YYYY-MM-DD` or `--MM-DD`.

    `problem` says why it cannot be taken, about `text`.
    """

    line: int
    full_name: str = ""
    date: str = ""
    company: str = ""
    position: str = ""
    responsible: str = ""
    comment: str = ""
    problem: str = ""
    text: str = ""

    def values(self) -> dict[str, str]:
        """The person as the API has it."""
        found = {name: getattr(self, name) for name in OPTIONAL}
        return {"full_name": self.full_name, "birth_date": self.date, **found}


def one_line(text: str) -> str:
    """Text of a field that has one line only; nothing else in it changes."""
    return BREAKS.sub(" ", text).strip()


def yearless(date: str) -> str:
    """A date of another program: the year that stands for "unknown" is left out."""
    return "-" + date[4:] if date.startswith(NO_YEAR + "-") else date


def settled(entries: Iterable[Entry], order: str | None, this_year: int) -> list[Entry]:
    """The entries with their dates understood.

    `order` says whether day or month comes first in dates such as 10/11; None: what the file's
    other dates show, and where they show nothing, these are a problem of their own.
    """
    found = list(entries)
    order = order or _shown(each.date for each in found)
    return [_settled(each, order, this_year) for each in found]


def slashed(text: str) -> str:
    """The part of a line that is a date such as 10/11/1985; "" where there is none."""
    match = PAIR.search(text)
    return match[0] if match else ""


def _shown(texts: Iterable[str]) -> str:
    """The order that dates such as 25/12 show; "" where none does, or they disagree."""
    orders = set()
    for text in texts:
        match = PAIR.match(text.strip())
        first, second = (int(match[1]), int(match[2])) if match else (0, 0)
        orders |= {DMY} if first > 12 else {MDY} if second > 12 else set()
    return orders.pop() if len(orders) == 1 else ""


def _settled(each: Entry, order: str, this_year: int) -> Entry:
    if each.problem:
        return each
    text = each.date.strip()
    if not each.full_name.strip():
        return replace(each, problem=NAME_MISSING)
    if text in NO_DATE:
        return replace(each, date="", problem=DATE_MISSING)
    found, exists = _readings(text, this_year)
    if len(found) == 2 and order:
        found = (found[order == MDY],)
    if len(found) == 1:
        return replace(each, date=str(found[0]))
    problem = TWO_WAYS if found else NOT_A_DATE if exists else NO_SUCH_DATE
    return replace(each, problem=problem, text=one_line(text[:LONGEST_DATE]))


def _readings(text: str, this_year: int) -> tuple[tuple[BirthDate, ...], bool]:
    """What the date can mean (one date; or day first, then month first), and whether it exists."""
    basic = BASIC.fullmatch(text)
    if basic:
        born = BirthDate(None if basic[1] == "--" else int(basic[1]), int(basic[2]), int(basic[3]))
        return ((born,), True) if dates.exists(*born) else ((), False)
    if len(text) > LONGEST_DATE:
        return (), True
    understood = entry.parse(CLOCK.sub("", text), this_year)
    if understood.name:
        return (), True
    return understood.dates, not understood.impossible
