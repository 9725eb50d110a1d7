"""Long imports, and long undos, worked off in small transactions, so that nobody else waits.

What is to be done stands in the database. A worker claims an import by a lease; when it dies the
next one goes on at the part where it was, as a part is written and dropped in one transaction.
"""

import json
import logging

from .. import models
from ..errors import AppError, Later
from ..models import Import, ImportPart, ImportRow
from . import imports, writing
from .verdicts import Known

log = logging.getLogger(__name__)

LEASE_SECONDS = 10


class Worker:
    """One thread's work; it keeps the names of the calendar that it writes to."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._known: tuple[int, Known] | None = None

    def step(self, now: int) -> bool:
        """Do the next part of an import, the oldest first; whether there was anything to do.

        Raises Later and Trouble where it cannot be done just now.
        """
        found = self._next(now)
        if found is None:
            self._known = None
            return False
        try:
            known = self._names(found)
            with models.writing():
                if self._claim(found.id, now):
                    self._part(found, known, now)
        except Later:
            raise
        except AppError as error:
            log.warning("import %s ends: %s", found.id, error)
            self._end(found, error)
        return True

    def _next(self, now: int) -> Import | None:
        free = (Import.lease_until <= now) | (Import.lease_owner == self.owner)
        query = Import.select().where(Import.state.in_(imports.OPEN), free)
        return query.order_by(Import.id).first()

    def _names(self, found: Import) -> Known:
        """Read before the transaction, as a large calendar takes a second."""
        access = imports.writer(found)
        if self._known is None or self._known[0] != found.id:
            written = ImportRow.select(ImportRow.birthday_id).where(
                ImportRow.import_id == found.id, ImportRow.verdict.in_(writing.WRITTEN)
            )
            self._known = found.id, Known(access, (row_id for (row_id,) in written.tuples()))
        self._known[1].access = access
        return self._known[1]

    def _claim(self, import_id: int, now: int) -> bool:
        """Whether nobody else has it; holds for a while from now on."""
        free = (Import.lease_until <= now) | (Import.lease_owner == self.owner)
        mine = (Import.id == import_id) & Import.state.in_(imports.OPEN) & free
        query = Import.update(lease_owner=self.owner, lease_until=now + LEASE_SECONDS)
        return query.where(mine).execute() > 0

    def _part(self, found: Import, known: Known, now: int) -> None:
        if found.state == "undoing":
            if not imports.unwrite_some(found.id, known.access, now):
                self._set(found, state="undone")
            return
        query = ImportPart.select().where(ImportPart.import_id == found.id)
        part = query.order_by(ImportPart.id).first()
        if part is None:
            self._set(found, state="done")
            return
        entries = imports.entries_of(part)
        writing.write(found.id, entries, known, now)
        ImportPart.delete().where(ImportPart.id == part.id).execute()
        done = found.done + len(entries)
        self._set(found, state="done" if done >= found.total else "working", done=done)

    def _set(self, found: Import, **columns: object) -> None:
        if columns["state"] not in imports.OPEN:
            columns["lease_until"] = 0
        Import.update(columns).where(Import.id == found.id).execute()

    def _end(self, found: Import, error: AppError) -> None:
        """What was written stays, and can be undone by whoever may."""
        self._known = None
        reason = json.dumps([error.message, error.params])
        with models.writing(essential=True):
            state = "done" if found.state == "undoing" else "failed"
            self._set(found, state=state, reason=reason)
            ImportPart.delete().where(ImportPart.import_id == found.id).execute()
