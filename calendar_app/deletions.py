"""What users deleted is remembered, so that it stays deleted when a backup is restored.

Noted in the transaction of the deletion itself; `carryover` repeats it. A user is named by the
Telegram id, everything else by its row's id. Kept as long as the ledger: see `ageing`.
"""

from .models import Deletion


def remember(kind: str, *subject_ids: int) -> None:
    """Remember what was deleted on its users' wish.

    `kind` is one of user, calendar, birthday, holiday, responsible.
    """
    rows = [{"kind": kind, "subject_id": subject_id} for subject_id in subject_ids]
    Deletion.insert_many(rows).execute()


def forget(kind: str, subject_id: int) -> None:
    """What was deleted is wanted again."""
    Deletion.delete().where(Deletion.kind == kind, Deletion.subject_id == subject_id).execute()
