"""Rows of a list put into a calendar, and taken out again; in a transaction of the caller's."""

import json
from collections.abc import Iterable

from .. import birthdays, calendars, dates, models, people, search
from ..calendars import Access
from ..errors import Conflict
from ..models import ImportRow
from ..texts import N_
from . import verdicts
from .entries import Entry
from .verdicts import CHANGED, NEW, SAME, Known, Row, Verdict

MOST_PEOPLE = 200_000
FULL = N_("A calendar holds {most} people at most: take some out, or use another calendar.")
WRITTEN = (NEW, CHANGED)
KEPT = "kept"


def write(import_id: int, entries: list[Entry], known: Known, now: int) -> list[Verdict]:
    """Write the rows that are new or changed, and note what was done.

    Raises Conflict where the calendar would become too large.
    """
    known.refresh()
    found = []
    for verdict in verdicts.judge(entries, known, {}, now):
        found.append(verdict)
        if verdict.kind != SAME:
            _insert("import_rows", {"import_id": import_id, **_written(verdict, known, now)})
    if any(verdict.kind in WRITTEN for verdict in found):
        calendars.changed(known.access.calendar_id)
    return found


def _written(verdict: Verdict, known: Known, now: int) -> Row:
    """Write one row; gives what is to be noted of it."""
    row = {"line": verdict.line, "verdict": verdict.kind, "birthday_id": None, "version": 0}
    row |= {"reason": "", "content": "{}"}
    if verdict.kind == NEW:
        row |= {"birthday_id": _add(verdict.values, known, now), "version": 1}
    elif verdict.kind == CHANGED and verdict.found:
        found, changes = verdict.found, dict(verdict.changes)
        before = {name: found["real"][name] for name in changes}
        birthdays.write(found["real"], people.allowed(known.access, found, changes), now)
        row |= {"birthday_id": found["id"], "version": found["version"] + 1}
        row["content"] = json.dumps(before, ensure_ascii=False)
    else:
        row["content"] = json.dumps(verdict.values, ensure_ascii=False)
        row["reason"] = json.dumps([verdict.message, verdict.params], ensure_ascii=False)
    return row


def _add(values: Row, known: Known, now: int) -> int:
    if known.size >= MOST_PEOPLE:
        raise Conflict(FULL, most=MOST_PEOPLE)
    access = known.access
    row = {name: text for name, text in values.items() if name != "birth_date"}
    row |= dates.birth_date(values["birth_date"])._asdict()
    row |= {"search_text": search.search_text(values), "calendar_id": access.calendar_id}
    row |= {"created_by": access.user_id or None, "created_at": now, "updated_at": now}
    [(birthday_id,)] = _insert("birthdays", row)
    known.own.add(birthday_id)
    return birthday_id


def _insert(table: str, row: Row) -> Iterable[tuple[int]]:
    """In SQL, of which peewee's making costs ten times what doing it does; the new id."""
    places = ", ".join("?" * len(row))
    sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING id"
    return list(models.rows(sql, *row.values()))


def unwrite(notes: Iterable[ImportRow], access: Access, now: int) -> None:
    """Take back what these notes say was written; what was edited since is kept, and noted so."""
    notes = list(notes)
    found = verdicts.by_id(access, [note.birthday_id for note in notes])
    added, kept, done = [], [], []
    for note in notes:
        row = found.get(note.birthday_id)
        if row and row["version"] != note.version:
            kept.append(note.id)
            continue
        done.append(note.id)
        if row and note.verdict == NEW:
            added.append(row["id"])
        elif row:
            birthdays.write(row["real"], json.loads(note.content), now)
            _forget(note)
    if added:
        birthdays.remove(access.calendar_id, *added)
    ImportRow.update(verdict=KEPT).where(ImportRow.id.in_(kept)).execute()
    ImportRow.delete().where(ImportRow.id.in_(done)).execute()


def _forget(note: ImportRow) -> None:
    """Let earlier imports find the birthday as they left it, if it was so before this one.

    Its version has gone one up by this note and one up by its undoing.
    """
    earlier = (ImportRow.birthday_id == note.birthday_id) & (ImportRow.version < note.version)
    ImportRow.update(version=ImportRow.version + 2).where(earlier).execute()
