"""BOT_MODE=webhook: Telegram posts updates to the web process, which keeps them for the bot.

Here our webhook is set and looked after; `intake` works off what was kept.
"""

import logging
import time
from typing import Any
from urllib.parse import urlsplit

from telebot import apihelper

from calendar_app import config, incoming
from calendar_app.config import Config

from .intake import Intake
from .wire import NotTelegram

log = logging.getLogger(__name__)

# How often the database is looked at for what has come.
STEP_SECONDS = 0.5
# How often Telegram is asked what it has: soon after a change, then ever more seldom.
LOOK_SECONDS, LONGEST_LOOK_SECONDS = 5, 120
# Telegram's pause between two tries grows, but not beyond this.
RECENT_SECONDS = 900
# Telegram sends what belongs to one chat in order whatever this is; the web has few threads.
CONNECTIONS = 4


class Webhook:
    """Our webhook at Telegram: set at the start, and looked after."""

    def __init__(self, intake: Intake, settings: Config) -> None:
        self.status = intake.status
        self.token = intake.bot.token
        self.address = incoming.address(settings)
        self.secret = incoming.secret(config.webapp_key(self.token), intake.bot_id)
        self._is_set = False
        self._look_at = 0.0
        self._pause = LOOK_SECONDS
        self._stuck = False

    def step(self) -> float:
        """Look after the webhook when it is time to; returns the seconds to wait."""
        if time.monotonic() >= self._look_at:
            self._look()
            self._look_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_LOOK_SECONDS)
        return STEP_SECONDS

    def _look(self) -> None:
        info = _info(self.token)
        theirs = info["url"] if info["url"] != self.address else ""
        if not self._is_set or not info["url"]:
            self._set(theirs)
        elif theirs:
            self._is_worse("webhook-set", f"by {urlsplit(theirs).hostname}")
        elif self._is_failing(info):
            self._is_worse("webhook-failing", str(info.get("last_error_message"))[:200])
        else:
            self.status.set("webhook")

    def _set(self, theirs: str) -> None:
        if theirs:
            log.warning("the webhook at %s is replaced by ours", urlsplit(theirs).hostname)
        elif self._is_set:
            log.warning("another program removed our webhook; it is set again")
        apihelper.set_webhook(
            self.token,
            self.address,
            max_connections=CONNECTIONS,
            allowed_updates=incoming.KINDS,
            secret_token=self.secret,
        )
        self._is_set = True
        self._pause = LOOK_SECONDS
        self.status.set("webhook")

    def _is_worse(self, what: str, detail: str) -> None:
        self._pause = LOOK_SECONDS
        self.status.set(what, detail)

    def _is_failing(self, info: dict[str, Any]) -> bool:
        """Whether at two looks running updates waited at Telegram after a try that failed."""
        failed_at = info.get("last_error_date")
        lately = isinstance(failed_at, int) and failed_at > time.time() - RECENT_SECONDS
        was_stuck, self._stuck = self._stuck, lately and bool(info.get("pending_update_count"))
        if self._stuck:
            self._pause = LOOK_SECONDS
        return was_stuck and self._stuck


def _info(token: str) -> dict[str, Any]:
    """WebhookInfo (core.telegram.org/bots/api#webhookinfo), its `url` "" where none is set."""
    info = apihelper.get_webhook_info(token)
    if not isinstance(info, dict) or not isinstance(info.get("url", ""), str):
        raise NotTelegram("HTTP status 200, and no information on the webhook")
    return {"url": ""} | info
