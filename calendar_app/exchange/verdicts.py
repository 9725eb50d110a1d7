"""What is to be done with each row of a list: who is in the calendar already, and what differs.

People are matched by name and date, whatever the case, the order of the names, ё or е. A row that
leaves a doubt is never written; it says why. Only what says nothing more is the same.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from .. import dates, models, people, search
from ..birthdays import BirthdayInput
from ..calendars import Access
from ..dates import BirthDate
from ..errors import Invalid
from ..fields import check
from ..models import Birthday
from ..texts import N_, say
from .entries import OPTIONAL, Entry

NEW, CHANGED, SAME, DOUBTFUL = "new", "changed", "same", "doubtful"
WRONG = N_("{field}: {problem}.")
FUTURE = N_("The date of birth lies in the future.")
OTHER_DATE = N_("There is already somebody of this name with another date: {date}.")
TWICE = N_(
    "Another row of this list is the one of this name who is there already: is this somebody else?"
)
RIVALS = N_(
    "Somebody of this name is there already, and several rows of this list can be meant: which is?"
)
SEVERAL = N_("There are already several people of this name: which of them is meant?")
ALREADY = N_("This birthday is there already.")
FILLS = N_("Somebody of this name is there already and gets: {fields}.")
FIELDS = {
    "full_name": N_("name"),
    "birth_date": N_("date of birth"),
    "company": N_("company"),
    "position": N_("position"),
    "responsible": N_("responsible"),
    "comment": N_("comment"),
}
# Of so many who can be meant, it is the same whether there are more.
MOST_ALIKE = 100
# Vowel signs, which are letters in all but the name; not the accents and other marks of Europe.
SIGNS = "".join(
    chr(code)
    for first, end in ((0x590, 0x1AB0), (0x1B00, 0x1D00), (0xA800, 0xAC00), (0x11000, 0x12000))
    for code in range(first, end)
    if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
WORDS = re.compile(rf"\w+(?:[{SIGNS}]+\w*)*")
NAMES = "SELECT id, full_name FROM birthdays WHERE"
ALL = f"{NAMES} calendar_id = ?"
# By the newest ids, not by the calendar, which may have very many people.
ADDED = f"{NAMES} calendar_id + 0 = ? AND id > ?"
COLUMNS = (
    *(Birthday.id, Birthday.version, Birthday.full_name, Birthday.company, Birthday.position),
    *(Birthday.responsible, Birthday.comment, Birthday.year, Birthday.month, Birthday.day),
    *people.COLUMNS,
)

Row = dict[str, Any]
People = dict[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of a list judged: `values` as the list has them, `found` whom they match.

    `changes` are the fields of `found` to set; `message` with `params` is the reason in words.
    """

    line: int
    kind: str
    values: Row
    message: str = ""
    params: Row = field(default_factory=dict)
    found: Row | None = None
    changes: Row = field(default_factory=dict)

    def birthday(self) -> Row:
        """The birthday as it will be, or as the list has it where it will not."""
        kept = {"id": self.found["id"]} if self.found else {"id": None}
        if self.kind in (CHANGED, SAME) and self.found:
            kept |= {name: self.found[name] for name in FIELDS}
            return kept | self.changes
        return kept | self.values


def said(language: str, message: str, params: Row) -> str:
    """The reason of a verdict in words."""
    shown = dict(params)
    if "problem" in shown:
        shown["problem"] = say(language, shown["problem"], **params)
    for name in ("field", "fields"):
        if name in shown:
            names = [say(language, FIELDS.get(each, each)) for each in shown[name].split()]
            shown[name] = ", ".join(names)
    return say(language, message, **shown) if message else ""


def name_key(name: str) -> str:
    """What a name is known by: its words without case and order, ё as е."""
    folded = search.fold(name)
    return " ".join(sorted(WORDS.findall(folded))) or folded


class Known:
    """The people of a calendar by their names: ids only, so that 200,000 of them take little.

    `own` are those whom rows of the list that is being judged have added, or stand for.
    """

    def __init__(self, access: Access, own: Iterable[int] = ()) -> None:
        self.access = access
        self.own = set(own)
        self.size = 0
        self._newest = 0
        self._ids: dict[int, tuple[int, ...]] = {}
        self._take(models.rows(ALL, access.calendar_id))

    def refresh(self) -> None:
        """Take in who was added since."""
        self._take(models.rows(ADDED, self.access.calendar_id, self._newest))

    def _take(self, rows: Iterable[tuple[int, str]]) -> None:
        for row_id, name in rows:
            key = hash(name_key(name))
            self._ids[key] = (*self._ids.get(key, ()), row_id)
            self._newest = max(self._newest, row_id)
            self.size += 1

    def named(self, keys: Iterable[str]) -> People:
        """Those who have one of these names, as they are now."""
        ids = [row_id for key in keys for row_id in self._ids.get(hash(key), ())]
        found: People = {}
        for row in by_id(self.access, ids).values():
            found.setdefault(name_key(row["full_name"]), []).append(row)
        return found


def by_id(access: Access, ids: list[int]) -> dict[int, Row]:
    """Those of these people who are in the calendar, by their ids, as this user may see them.

    `real` is what is stored of them.
    """
    found = {}
    for start in range(0, len(ids), 500):
        some = Birthday.id.in_(ids[start : start + 500])
        query = Birthday.select(*COLUMNS).where(Birthday.calendar == access.calendar_id, some)
        found |= {
            values[0]: _row(access, values) for values in query.order_by(Birthday.id).tuples()
        }
    return found


def _row(access: Access, values: tuple) -> Row:
    names = ("id", "version", "full_name", *OPTIONAL)
    row = dict(zip(names, values, strict=False)) | people.shown(values[len(names) + 3 :])
    row["calendar_id"] = access.calendar_id
    row["is_self"] = people.is_self(access, row["linked_user_id"])
    born = BirthDate(*values[len(names) : len(names) + 3])
    seen = people.seen_date(access, born, row["hide_age"], row["linked_user_id"])
    real = row | {"birth_date": str(born)}
    return people.hidden(access, row | {"birth_date": str(seen)}) | {"real": real}


def judge(entries: list[Entry], known: Known, unwritten: People, now: int) -> list[Verdict]:
    """Judge some rows of a list: all that it has of a name at once, lest one take another's place.

    `unwritten` collects those that are new, by their names.
    """
    found: list[Any] = [_checked(entry, now) for entry in entries]
    places: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        if isinstance(found[place], dict):
            places.setdefault(name_key(entry.full_name), []).append(place)
    named = known.named(places)
    for key, some in places.items():
        namesakes = _Namesakes(named.get(key, []), known.own, unwritten.setdefault(key, []))
        rows = {place: found[place] for place in some}
        for place, (kind, *rest) in namesakes.judge(rows).items():
            found[place] = Verdict(entries[place].line, kind, rows[place], *rest)
    return found


def _checked(entry: Entry, now: int) -> Row | Verdict:
    """The fields as they are stored, or the verdict that they cannot be."""
    values = entry.values()
    if entry.problem:
        params = {"text": entry.text} if entry.text else {}
        return Verdict(entry.line, DOUBTFUL, values, entry.problem, params)
    try:
        values = check(BirthdayInput, values).model_dump(include=FIELDS)
    except Invalid as error:
        wrong = error.errors[0]
        params = wrong.params | {"field": wrong.field, "problem": wrong.message}
        return Verdict(entry.line, DOUBTFUL, values, WRONG, params)
    if dates.in_future(dates.birth_date(values["birth_date"]), now):
        return Verdict(entry.line, DOUBTFUL, values, FUTURE)
    return values


class _Namesakes:
    """Those of one name: who is `there`, in the calendar, and who is in the list.

    Rows of a list that differ in anything are different people, as it has them both. So whoever
    is there is one row of it at most, the one most alike, and gets nothing said of another. `own`
    are those whom a row stands for already, or has added; `added` are yet to be written.
    """

    def __init__(self, there: list[Row], own: set[int], added: list[Row]) -> None:
        self._own = own
        self._added = added
        earlier = [row for row in there if row["id"] in own]
        self._told = {_told(row) for row in (*added, *earlier)}
        self._free = [row for row in there if row["id"] not in own]
        self._found: list[Row] = []
        self._exact: dict[tuple, list[Row]] = {}
        self._dated: People = {}
        self._with_year: People = {}
        for row in reversed(self._free):
            self._exact.setdefault(_told(row), []).append(row)
        for row in self._free:
            date = row["birth_date"]
            self._dated.setdefault(date, []).append(row)
            if date[0] != "-":
                self._with_year.setdefault(date[-5:], []).append(row)

    def judge(self, rows: dict[int, Row]) -> dict[int, tuple]:
        """What to do with each of these good rows: the fields of a Verdict from `kind` on."""
        found: dict[int, tuple] = {}
        for judged in (self._repeated, self._equal, self._same, self._changed, self._strangers):
            found |= judged({at: row for at, row in rows.items() if at not in found})
        return found

    def _repeated(self, rows: dict[int, Row]) -> dict[int, tuple]:
        """Those that the list had already, word by word."""
        found = {}
        for at, values in rows.items():
            if _told(values) in self._told:
                found[at] = (SAME, ALREADY)
            self._told.add(_told(values))
        return found

    def _equal(self, rows: dict[int, Row]) -> dict[int, tuple]:
        """Those who are there word by word."""
        return {
            at: self._stands_for(self._exact[_told(values)].pop())
            for at, values in rows.items()
            if self._exact.get(_told(values))
        }

    def _same(self, rows: dict[int, Row]) -> dict[int, tuple]:
        """Those who say less than is known; the most alike find each other first."""
        pairs = [
            (_distance(row, values), at, row["id"], row)
            for at, values in rows.items()
            for row in self._agreeing(values)
            if not _changes(row, values)
        ]
        found: dict[int, tuple] = {}
        for _, at, row_id, row in sorted(pairs, key=itemgetter(0, 1, 2)):
            if at not in found and row_id not in self._own:
                found[at] = self._stands_for(row)
        return found

    def _stands_for(self, row: Row) -> tuple:
        self._own.add(row["id"])
        self._found.append(row)
        return SAME, ALREADY, {}, row

    def _changed(self, rows: dict[int, Row]) -> dict[int, tuple]:
        """Those who are there and of whom the list knows more, if it is certain who is whom."""
        meant = {at: self._meant(values) for at, values in rows.items()}
        rivals = Counter(row["id"] for some in meant.values() for row in some)
        found: dict[int, tuple] = {}
        for at, some in meant.items():
            if len(some) > 1:
                found[at] = (DOUBTFUL, SEVERAL)
            elif some and rivals[some[0]["id"]] > 1:
                found[at] = (DOUBTFUL, RIVALS)
            elif some:
                changes = _changes(some[0], rows[at])
                found[at] = (CHANGED, FILLS, {"fields": " ".join(changes)}, some[0], changes)
                self._own.add(some[0]["id"])
        return found

    def _strangers(self, rows: dict[int, Row]) -> dict[int, tuple]:
        """Those who are nobody that is there, unless the row or its date may be a slip."""
        free = [row for row in self._free if row["id"] not in self._own]
        found: dict[int, tuple] = {}
        for at, values in rows.items():
            if any(_agree(row, values) and not _changes(row, values) for row in self._found):
                found[at] = (DOUBTFUL, TWICE)
            elif free:
                found[at] = (DOUBTFUL, OTHER_DATE, {"date": free[0]["birth_date"]}, free[0])
            else:
                found[at] = (NEW,)
                self._added.append(values)
        return found

    def _agreeing(self, values: Row) -> list[Row]:
        """Those who are there, stood for by no row yet, and can be meant: some, if very many.

        On the same day, that is, and one of the years may be unknown; the same date first.
        """
        date = values["birth_date"]
        day, yearless = date[-5:], date[0] == "-"
        also = self._with_year.get(day, ()) if yearless else self._dated.get(f"--{day}", ())
        found = chain(self._dated.get(date, ()), also)
        return list(islice((row for row in found if row["id"] not in self._own), MOST_ALIKE))

    def _meant(self, values: Row) -> list[Row]:
        agreeing = self._agreeing(values)
        return [row for row in agreeing if row["birth_date"] == values["birth_date"]] or agreeing


def _told(row: Row) -> tuple:
    """All that a list can say of a person besides the name."""
    return tuple(row[name] for name in ("birth_date", *OPTIONAL))


def _distance(row: Row, values: Row) -> tuple[bool, int]:
    """How little alike they are: first by the date, then by the number of fields that differ."""
    differing = sum(row[name] != values[name] for name in OPTIONAL)
    return row["birth_date"] != values["birth_date"], differing


def _agree(row: Row, values: Row) -> bool:
    """Whether both can be the same day: one of the years may be unknown."""
    one, other = row["birth_date"], values["birth_date"]
    return one[-5:] == other[-5:] and (one == other or "-" in (one[0], other[0]))


def _changes(row: Row, values: Row) -> Row:
    """What the list has more or otherwise; nothing is emptied, no year forgotten."""
    open_to_me = [name for name in OPTIONAL if not (row["is_self"] and name in people.HIDDEN)]
    found = {name: values[name] for name in open_to_me if values[name] not in ("", row[name])}
    # A year that is hidden from this user is there all the same.
    if row["real"]["birth_date"].startswith("-") and not values["birth_date"].startswith("-"):
        found["birth_date"] = values["birth_date"]
    return found
