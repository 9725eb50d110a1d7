"""Long imports, and long undos, worked off in small transactions, so that nobody else waits.

What is to be done stands in the database. A worker claims an import by a lease; when it dies the
next one goes on at the part where it was, as a part is written and dropped in one transaction.
"""

import json
import logging

from .. import models
from ..calendars import Access
from ..errors import AppError, Later, Unavailable
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

        Raises Later and Trouble where none can be done just now.
        """
        found = self._next(now)
        if found is None:
            self._known = None
            return False
        try:
            self._go_on(found, now)
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

    def _go_on(self, found: Import, now: int) -> None:
        try:
            access = _access(found)
        except Unavailable as error:
            self._put_off(found.id, now + error.retry_after, now)
            return
        known = None if found.state == "undoing" else self._names(found, access)
        with models.writing():
            if not self._claim(found.id, now):
                return
            if known:
                self._write(found, known, now)
            elif not imports.unwrite_some(found.id, access, now):
                self._set(found, state="undone")

    def _names(self, found: Import, access: Access) -> Known:
        """Read before the transaction, as a large calendar takes a second."""
        if self._known is None or self._known[0] != found.id:
            written = ImportRow.select(ImportRow.birthday_id).where(
                ImportRow.import_id == found.id, ImportRow.verdict.in_(writing.WRITTEN)
            )
            self._known = found.id, Known(access, (row_id for (row_id,) in written.tuples()))
        self._known[1].access = access
        return self._known[1]

    def _put_off(self, import_id: int, until: int, now: int) -> None:
        """Leave one that must wait for Telegram, so that the others go on."""
        with models.writing():
            self._lease(import_id, "", until, now)

    def _claim(self, import_id: int, now: int) -> bool:
        """Whether nobody else has it; holds for a while from now on."""
        return self._lease(import_id, self.owner, now + LEASE_SECONDS, now)

    def _lease(self, import_id: int, owner: str, until: int, now: int) -> bool:
        free = (Import.lease_until <= now) | (Import.lease_owner == self.owner)
        mine = (Import.id == import_id) & Import.state.in_(imports.OPEN) & free
        query = Import.update(lease_owner=owner, lease_until=until).where(mine)
        return query.execute() > 0

    def _write(self, found: Import, known: Known, now: int) -> None:
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


def _access(found: Import) -> Access:
    """The right to go on: the importer's for what is written.

    To undo it is the service's own, as whoever asked for that had the right to, and the importer
    may have lost it since. Raises NotFound, Forbidden, Unavailable.
    """
    undoing = found.state == "undoing"
    return imports.operator(found.calendar_id) if undoing else imports.writer(found)
