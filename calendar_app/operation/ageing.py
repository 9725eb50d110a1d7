"""What grows without end is dropped when nobody needs it any more. Runs before each backup."""

import datetime as dt
from typing import Any

from .. import me, models, quarantine
from ..models import (
    Alert,
    Deletion,
    Dialog,
    IdempotencyKey,
    Import,
    ImportRow,
    IncomingUpdate,
    Invitation,
    PersonLink,
    Promise,
    Quota,
    Table,
    Update,
)

DAY = 24 * 3600
LEDGER_DAYS = 400
# Telegram keeps an update, we an answer and a question, for one day.
SHORT_DAYS = 2
# For whoever mends what an update broke.
BROKEN_DAYS = 30
AT_ONCE = 500


def drop_old(now: int) -> dict[str, int]:
    """Drop what is too old, a few rows at a time so that nobody waits; counts by table."""
    long_ago, lately = now - LEDGER_DAYS * DAY, now - SHORT_DAYS * DAY
    over = Alert.cleared_at.is_null(False) & Alert.sent_at.is_null(False)
    old_imports = Import.select(Import.id).where(Import.created_at < lately)
    old = [
        (Promise, (Promise.state != "planned") & (Promise.due_at < long_ago)),
        (Deletion, Deletion.at < long_ago),
        (Alert, over & (Alert.told_at < long_ago)),
        (Dialog, Dialog.started_at < lately),
        (ImportRow, ImportRow.import_id.in_(old_imports)),
        (Import, Import.id.in_(old_imports)),
        (IdempotencyKey, IdempotencyKey.created_at < lately),
        (IncomingUpdate, IncomingUpdate.received_at < now - BROKEN_DAYS * DAY),
        (Invitation, (Invitation.expires_at < lately) | (Invitation.uses_left == 0)),
        (PersonLink, PersonLink.expires_at < lately),
    ]
    dropped = {table._meta.table_name: _drop(table, which) for table, which in old}
    with models.writing(essential=True):
        # One row a user and kind, and those of two days: too few to be split.
        dropped["updates"] = Update.delete().where(Update.received_at < lately).execute()
        dropped["quotas"] = (
            Quota.delete()
            .where(Quota.day < dt.datetime.fromtimestamp(lately, dt.UTC).date().isoformat())
            .execute()
        )
    quarantine.begin(now)
    dropped["users"] = me.purge_due(now)
    dropped |= quarantine.purge(now)
    return {table: count for table, count in dropped.items() if count}


def _drop(table: type[Table], which: Any) -> int:
    """Found without holding up writers, then deleted in small transactions."""
    ids = [row_id for (row_id,) in table.select(table.id).where(which).tuples()]
    for start in range(0, len(ids), AT_ONCE):
        with models.writing(essential=True):
            some = ids[start : start + AT_ONCE]
            table.delete().where(which, table.id.in_(some)).execute()
    return len(ids)
