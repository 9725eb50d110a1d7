"""Messages to the operators: each trouble is told once, and once more when it is over.

Whoever notices calls `tell` and `clear` as often as they look; the bot takes `unsent` to every
id in ADMIN_TELEGRAM_IDS and marks it `sent`. Each stands in the log too.
"""

import json
import logging
from typing import Any

from . import models, texts
from .models import Alert
from .texts import N_

log = logging.getLogger(__name__)

OVER = N_("✅ This is over: {what}")


def tell(key: str, message: str, now: int, **params: Any) -> bool:
    """Tell the operators, unless they were told of this key and it was not cleared since.

    `message` is a sentence marked by N_; `params` fill it in. True if it is news.
    """
    alert = Alert.insert(key=key, message=message, params=json.dumps(params), told_at=now)
    with models.writing(essential=True):
        known = Alert.select().where(Alert.key == key, Alert.cleared_at.is_null()).exists()
        if not known:
            alert.execute()
    if not known:
        log.error("%s: %s", key, message.format(**params))
    return not known


def clear(key: str, now: int) -> bool:
    """Tell the operators that it is well again; False, at the cost of a look, if it was well."""
    if not is_open(key):
        return False
    mine = (Alert.key == key) & Alert.cleared_at.is_null()
    with models.writing(essential=True):
        alert = Alert.get_or_none(mine)
        if alert is None:
            return False
        Alert.update(cleared_at=now).where(mine).execute()
        same = {"key": key, "message": alert.message, "params": alert.params}
        Alert.insert(**same, over=True, told_at=now, cleared_at=now).execute()
    log.info("%s: this is over", key)
    return True


def is_open(key: str) -> bool:
    """Whether the operators were told of it and it is not over yet."""
    return Alert.select().where(Alert.key == key, Alert.cleared_at.is_null()).exists()


def unsent() -> list[Alert]:
    """What the operators have not been sent yet, in order."""
    return list(Alert.select().where(Alert.sent_at.is_null()).order_by(Alert.id))


def html(language: str, alert: Alert) -> str:
    """The message in that language, as Telegram's HTML."""
    what = texts.say(language, alert.message, **json.loads(alert.params))
    return texts.html(language, OVER, what=what) if alert.over else f"⚠️ {texts.escape(what)}"


def sent(alert_id: int, now: int) -> None:
    """Note that the operators were sent it."""
    with models.writing(essential=True):
        Alert.update(sent_at=now).where(Alert.id == alert_id).execute()
