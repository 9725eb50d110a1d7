"""Taking the bot's updates back from a webhook that somebody else has set."""

from typing import Any
from urllib.parse import urlsplit

from .. import incoming
from ..config import Config
from ..doctor import telegram
from .privileges import Refused

ASK_SECONDS = 15


def remove_webhook(settings: Config, token: str) -> str:
    """Remove a foreign webhook, losing no update; tells in one sentence what was done."""
    try:
        with telegram.line(settings.telegram_api_url, token, ASK_SECONDS) as asking:
            address = str(_asked(asking, "getWebhookInfo").get("url") or "")
            if not address:
                return "No webhook is set: there is nothing to take over."
            if address == incoming.address(settings):
                return "The webhook is our own: there is nothing to take over."
            _asked(asking, "deleteWebhook")
    except telegram.Unreachable as problem:
        raise Refused(f"Telegram cannot be asked: {problem}. Try again later.") from None
    host = urlsplit(address).hostname
    return (
        f"The webhook of a program at {host} is removed; the bot gets its updates again "
        "within a minute. Stop that program, or revoke the token at @BotFather: else it will be "
        "back."
    )


def _asked(asking: telegram.Line, method: str) -> dict[str, Any]:
    answer = asking.call(method)
    if answer.status != 200:
        raise Refused(f"Telegram refuses {method}: {answer.status} {answer.description}")
    return answer.result
