"""Updates of Telegram that wait in the database: those that came by webhook, and broken ones.

The web process keeps what Telegram posts, the bot works it off; neither waits for the other.
"""

import hmac
import json
import re
from typing import Any
from urllib.parse import urlsplit

from . import config, models
from .config import Config
from .errors import Forbidden, Invalid
from .models import IncomingUpdate
from .texts import N_

PATH = "/telegram/webhook"
# What we can answer; anything else Telegram keeps to itself.
KINDS = ["message", "callback_query", "my_chat_member"]
NOT_TELEGRAM = N_("This address is for Telegram alone: the secret of the webhook is missing.")
NO_UPDATE = N_("This is no update of Telegram: it has no valid update_id.")


def address(settings: Config) -> str:
    """The address that Telegram is told to post to."""
    app = urlsplit(settings.telegram_webapp_url or f"http://127.0.0.1:{settings.http_port}")
    return f"{app.scheme}://{app.netloc}{PATH}"


def secret(key: bytes, bot_id: int) -> str:
    """What Telegram shows with each update (X-Telegram-Bot-Api-Secret-Token); names the bot.

    `key` is config.webapp_key(token): the web process, which has no token, can check it.
    """
    return f"{bot_id}-{config.derived(key, f'webhook of {bot_id}').hex()}"


def sender(shown: str, key: bytes) -> int:
    """The bot whose secret was shown; raises Forbidden for any other text."""
    named = re.match(r"([0-9]{1,18})-", shown, re.ASCII)
    bot_id = int(named[1]) if named else 0
    expected = secret(key, bot_id).encode()
    if not hmac.compare_digest(shown.encode("utf-8", "surrogatepass"), expected) or not named:
        raise Forbidden(NOT_TELEGRAM)
    return bot_id


def keep(bot_id: int, update: Any, now: int) -> None:
    """Keep an update until the bot has worked it off; one that is kept already is left alone.

    Raises Invalid for what is no update.
    """
    update_id = update.get("update_id") if isinstance(update, dict) else None
    if type(update_id) is not int or not 0 <= update_id <= models.LARGEST_ID:
        raise Invalid(NO_UPDATE)
    with models.writing(essential=True):
        _insert(bot_id, update, now).on_conflict_ignore().execute()


def waiting(bot_id: int, limit: int = 100) -> list[dict[str, Any]]:
    """The oldest updates that this bot has not worked off, in Telegram's order."""
    mine = (IncomingUpdate.bot_id == bot_id) & (IncomingUpdate.broken == "")
    query = IncomingUpdate.select(IncomingUpdate.body).where(mine)
    rows = query.order_by(IncomingUpdate.update_id).limit(limit).tuples()
    return [json.loads(body) for (body,) in rows]


def done(bot_id: int, update_id: int) -> None:
    """Drop an update that is worked off, if it was kept; call it in the same transaction."""
    IncomingUpdate.delete().where(
        IncomingUpdate.bot_id == bot_id, IncomingUpdate.update_id == update_id
    ).execute()


def set_aside(bot_id: int, update: dict[str, Any], reason: str, now: int) -> None:
    """Keep an update that breaks its handler, with the reason, for whoever mends that."""
    with models.writing(essential=True):
        _insert(bot_id, update, now, broken=reason).on_conflict(
            conflict_target=[IncomingUpdate.bot_id, IncomingUpdate.update_id],
            update={IncomingUpdate.broken: reason},
        ).execute()


def _insert(bot_id: int, update: dict[str, Any], now: int, broken: str = "") -> Any:
    # In ASCII, so that half a character or a NUL is no trouble for any database.
    body = json.dumps(update)
    return IncomingUpdate.insert(
        bot_id=bot_id, update_id=update["update_id"], body=body, received_at=now, broken=broken
    )
