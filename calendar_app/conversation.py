"""What the bot must not forget between two messages: open questions, and updates worked off.

Chats and users are named by Telegram's ids here: a question belongs to one person in one chat.
"""

import json
from typing import Any

from . import models
from .models import Dialog, Update

# Telegram keeps an update for 24 hours; a number is not seen again after that.
UPDATES_KEPT_SECONDS = 2 * 24 * 3600
QUESTION_SECONDS = 24 * 3600


def first_time(bot_id: int, update_id: int, now: int) -> bool:
    """Note that an update is worked off; False if it was before.

    Call it in the transaction that does what the update asks for: both hold or neither.
    """
    Update.delete().where(Update.received_at < now - UPDATES_KEPT_SECONDS).execute()
    added = Update.insert(bot_id=bot_id, update_id=update_id, received_at=now)
    return bool(added.on_conflict_ignore().as_rowcount().execute())


def ask(chat_id: int, user_id: int, step: str, draft: Any, now: int) -> None:
    """Remember what was asked and what is known so far; replaces an earlier question."""
    values = {"step": step, "draft": json.dumps(draft), "started_at": now}
    with models.writing():
        Dialog.insert(chat_id=chat_id, user_id=user_id, **values).on_conflict(
            conflict_target=[Dialog.chat_id, Dialog.user_id], update=values
        ).execute()


def asked(chat_id: int, user_id: int, now: int) -> tuple[str, Any] | None:
    """The open question's step and draft, if one was asked within a day."""
    row = Dialog.get_or_none(Dialog.chat_id == chat_id, Dialog.user_id == user_id)
    if row is None or row.started_at < now - QUESTION_SECONDS:
        return None
    return row.step, json.loads(row.draft)


def forget(chat_id: int, user_id: int) -> bool:
    """Drop the open question; False if there was none."""
    with models.writing(essential=True):
        mine = (Dialog.chat_id == chat_id) & (Dialog.user_id == user_id)
        return bool(Dialog.delete().where(mine).execute())
