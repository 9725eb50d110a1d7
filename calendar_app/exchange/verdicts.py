"""What is to be done with each row of a list: who is in the calendar already, and what differs.

People are matched by name and date, whatever the case, the order of the names, ё or е. A row that
leaves a doubt is never written; it says why.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
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
WORDS = re.compile(r"\w+")
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

    `own` are those whom the list that is being judged has added or changed.
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


def judge(entries: list[Entry], known: Known, unwritten: People, now: int) -> Iterator[Verdict]:
    """Judge some rows of a list. `unwritten` collects those that are new, by their names."""
    keys = [name_key(entry.full_name) for entry in entries]
    named = known.named(set(keys))
    for entry, key in zip(entries, keys, strict=True):
        found = _checked(entry, now)
        if isinstance(found, dict):
            added = unwritten.setdefault(key, [])
            found = _matched(entry.line, found, named.get(key, []), (known.own, added))
            if found.kind == NEW:
                added.append(found.values)
            elif found.kind == CHANGED and found.found:
                known.own.add(found.found["id"])
        yield found


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


def _matched(line: int, values: Row, named: list[Row], own: tuple[set[int], list[Row]]) -> Verdict:
    """The verdict on a good row. `own`: whom this list wrote, and whom it is yet to write.

    Two rows of one list with one name and two dates are two people: the list says so.
    """
    written, unwritten = own
    agreeing = [row for row in named if _agree(row, values)]
    exact = [row for row in agreeing if row["birth_date"] == values["birth_date"]] or agreeing
    others = [row for row in named if row["id"] not in written]
    if any(_agree(row, values) for row in unwritten) or any(r["id"] in written for r in exact):
        return Verdict(line, SAME, values, ALREADY)
    if not agreeing and others:
        params = {"date": others[0]["birth_date"]}
        return Verdict(line, DOUBTFUL, values, OTHER_DATE, params, others[0])
    if not agreeing:
        return Verdict(line, NEW, values)
    differing = [(row, _changes(row, values)) for row in exact]
    for row, changes in differing:
        if not changes:
            return Verdict(line, SAME, values, ALREADY, found=row)
    if len(exact) > 1:
        return Verdict(line, DOUBTFUL, values, SEVERAL)
    row, changes = differing[0]
    return Verdict(line, CHANGED, values, FILLS, {"fields": " ".join(changes)}, row, changes)


def _agree(row: Row, values: Row) -> bool:
    """Whether both can be the same day: one of the years may be unknown."""
    one, other = row["birth_date"], values["birth_date"]
    return one[-5:] == other[-5:] and (one == other or "-" in (one[0], other[0]))


def _changes(row: Row, values: Row) -> Row:
    """What the list has more or otherwise; nothing is emptied, no year forgotten."""
    open_to_me = [name for name in OPTIONAL if not (row["is_self"] and name in people.HIDDEN)]
    found = {name: values[name] for name in open_to_me if values[name] not in ("", row[name])}
    if row["birth_date"].startswith("-") and not values["birth_date"].startswith("-"):
        found["birth_date"] = values["birth_date"]
    return found
