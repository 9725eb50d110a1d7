"""Imports: a list read, shown or written into a calendar, and taken back within a day.

A short list is written at once, a long one by `jobs`. A list is loaded by `_load` only.
"""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from peewee import fn

from .. import calendars, exchange, models, quotas
from ..calendars import EDITOR, Access
from ..errors import Conflict, NotFound
from ..models import Import, ImportPart, ImportRow, User
from ..texts import N_
from . import verdicts, writing
from .entries import Entry
from .verdicts import DOUBTFUL, SAME, Known, Row, Verdict

# So many rows are written while the client waits; and in one transaction, so that others do not.
SMALL = 200
UNDO_SECONDS = 24 * 3600
# Previews too: each costs as much as it has rows.
DAILY = 1000
SHOWN = 1000
OPEN = ("waiting", "working", "undoing")
ENTRY = tuple(Entry.__dataclass_fields__)
NOT_FOUND = N_("There is no such import, or you are not a member of its calendar.")
UNFINISHED = N_("A list of yours is still being written: wait until that is done.")
TOO_LATE = N_("An import can be undone for 24 hours only.")


@dataclass(frozen=True)
class Listing:
    """A list that was read, and the calendar that it is for."""

    access: Access
    format: str
    entries: list[Entry]


def read(access: Access, data: bytes, order: str | None, now: int) -> Listing:
    """Read a file for a calendar that the user may write to; raises Refused, TooMany."""
    access.require(EDITOR)
    quotas.spend(access.telegram_id, "import", DAILY, now)
    return parsed(access, data, order, now)


def parsed(access: Access, data: bytes, order: str | None, now: int) -> Listing:
    """The same for who is not counted; raises Refused."""
    this_year = dt.datetime.fromtimestamp(now, dt.UTC).year
    return Listing(access, *exchange.read(data, order, this_year))


def preview(listing: Listing, now: int) -> Iterator[Verdict]:
    """What would be done with each row; writes nothing."""
    known, unwritten = Known(listing.access), {}
    for part in _parts(listing.entries):
        yield from verdicts.judge(part, known, unwritten, now)


def _parts(entries: list[Entry]) -> Iterator[list[Entry]]:
    """In parts; those of one name, who are judged together, in one part where they fit."""
    named: dict[str, list[Entry]] = {}
    for entry in entries:
        named.setdefault(verdicts.name_key(entry.full_name), []).append(entry)
    part: list[Entry] = []
    for some in named.values():
        if len(part) + len(some) > SMALL and part:
            yield part
            part = []
        part = part + some
        while len(part) > SMALL:
            yield part[:SMALL]
            part = part[SMALL:]
    if part:
        yield part


def run(listing: Listing, now: int) -> tuple[int, list[Verdict]]:
    """Write a list, or keep a long one for `jobs`; the import's id, and what was done.

    Raises Conflict while another long list of this user is being written.
    """
    access, total = listing.access, len(listing.entries)
    small = total <= SMALL
    known = Known(access) if small else None
    with models.writing():
        if not small:
            _require_finished(access.user_id)
        import_id = Import.insert(
            calendar=access.calendar_id,
            user=access.user_id or None,
            format=listing.format,
            state="done" if small else "waiting",
            total=total,
            done=total if small else 0,
            created_at=now,
        ).execute()
        if known:
            return import_id, writing.write(import_id, listing.entries, known, now)
        for part in _parts(listing.entries):
            rows = [attrgetter(*ENTRY)(entry) for entry in part]
            ImportPart.insert(import_id=import_id, entries=json.dumps(rows)).execute()
    return import_id, []


def _require_finished(user_id: int) -> None:
    mine = (Import.user == user_id) & Import.state.in_(OPEN)
    if user_id and Import.select().where(mine).exists():
        raise Conflict(UNFINISHED)


def entries_of(part: ImportPart) -> list[Entry]:
    """The rows that wait in a part."""
    return [Entry(*values) for values in json.loads(part.entries)]


def get(telegram_id: int, import_id: int) -> Row:
    """How far an import is, what of it was doubtful, and what an undo has kept.

    `{"import_id", "format", "state", "done", "total", "counts", "rows", "kept", "reason"}`; the
    rows as verdicts, at most SHOWN of them, and to who imported them alone: they say what nobody
    else may know, such as a comment about who is asking. Raises NotFound, Forbidden.
    """
    found, access = _load(telegram_id, import_id)
    return _shown(found, access)


def _shown(found: Import, access: Access) -> Row:
    mine = found.user_id == access.user_id
    doubtful = [_doubt(row) for row in _notes(found.id, DOUBTFUL)] if mine else []
    kept = [row.birthday_id for row in _notes(found.id, writing.KEPT)]
    return {
        "import_id": found.id,
        "format": found.format,
        "state": found.state,
        "done": found.done,
        "total": found.total,
        "counts": _counts(found),
        "rows": doubtful,
        "kept": list(verdicts.by_id(access, kept).values()),
        "reason": found.reason,
    }


def _notes(import_id: int, verdict: str, limit: int = SHOWN) -> Iterable[ImportRow]:
    mine = (ImportRow.import_id == import_id) & (ImportRow.verdict == verdict)
    return ImportRow.select().where(mine).order_by(ImportRow.id).limit(limit)


def _doubt(row: ImportRow) -> Verdict:
    return Verdict(row.line, DOUBTFUL, json.loads(row.content), *json.loads(row.reason))


def _counts(found: Import) -> dict[str, int]:
    query = ImportRow.select(ImportRow.verdict, fn.COUNT(ImportRow.id))
    counted = dict(
        query.where(ImportRow.import_id == found.id).group_by(ImportRow.verdict).tuples()
    )
    same = found.done - sum(counted.values()) if found.state in ("working", "done") else 0
    return {SAME: same} | counted


def undo(telegram_id: int, import_id: int, now: int) -> Row:
    """Take back what an import wrote, less what was edited since; a long one by `jobs`.

    Answers as `get`. Raises NotFound, Forbidden; Conflict while it is written and after 24 hours.
    """
    with models.writing():
        found, access = _load(telegram_id, import_id)
        if found.state in ("waiting", "working"):
            raise Conflict(UNFINISHED)
        if found.state in ("done", "failed"):
            if now - found.created_at > UNDO_SECONDS:
                raise Conflict(TOO_LATE)
            found.state = "undoing"
            _set_state(import_id, found.state)
            if found.total <= SMALL:
                unwrite_some(import_id, access, now)
                found.state = "undone"
                _set_state(import_id, found.state)
        return _shown(found, access)


def unwrite_some(import_id: int, access: Access, now: int) -> bool:
    """Take back the next rows of an import; whether there were any. In a transaction."""
    mine = (ImportRow.import_id == import_id) & ImportRow.verdict.in_(writing.WRITTEN)
    notes = list(ImportRow.select().where(mine).order_by(ImportRow.id).limit(SMALL))
    writing.unwrite(notes, access, now)
    return bool(notes)


def _set_state(import_id: int, state: str) -> None:
    Import.update(state=state).where(Import.id == import_id).execute()


def _load(telegram_id: int, import_id: int) -> tuple[Import, Access]:
    """The one way to an import: finds it and checks the right to write to its calendar."""
    found = Import.get_or_none(Import.id == import_id) if models.known_id(import_id) else None
    if found is None:
        raise NotFound(NOT_FOUND)
    try:
        access = calendars.enter(telegram_id, found.calendar_id)
    except NotFound:
        raise NotFound(NOT_FOUND) from None
    access.require(EDITOR)
    return found, access


def writer(found: Import) -> Access:
    """The calendar as whoever imports may use it now; raises NotFound, Forbidden."""
    if found.user_id is None:
        return operator(found.calendar_id)
    telegram_id = User.select(User.telegram_id).where(User.id == found.user_id).scalar()
    return calendars.enter(telegram_id, found.calendar_id, need=EDITOR)


def operator(calendar_id: int) -> Access:
    """A calendar as the operator of the machine may use it: all of it."""
    row: Any = None
    if models.known_id(calendar_id):
        row = models.Calendar.get_or_none(models.Calendar.id == calendar_id)
    if row is None:
        raise NotFound(N_("There is no calendar with this id."))
    settings = (row.timezone, row.notification_minute, "feb28")
    return Access(row.id, 0, calendars.OWNER, row.kind, row.title, *settings)
