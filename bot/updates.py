"""Getting updates from Telegram by long polling: offsets, conflicts, back-off, stop.

An own loop: telebot's restarts itself into conflicts, confirms updates before they are worked
off and cannot be stopped in the middle of a poll.
"""

import logging
import random
import time
from collections.abc import Callable
from typing import Any

from telebot import TeleBot, apihelper, types

from calendar_app import conversation, models
from calendar_app.logs import mask
from calendar_app.served import Served

from .commands import COMMANDS
from .handlers import World, handle, needs_status
from .sender import Sender, failure, is_trouble
from .status import Status

log = logging.getLogger(__name__)

# Shorter polls while something is wrong: we see sooner when it is well again.
POLL_SECONDS_IN = {"ok": 20, "conflict": 5}
SHORT_POLL_SECONDS = 1
# Telegram ends the older of two polls. Other programs come back within 30 s at the latest: only
# after such a time without a conflict is it over.
CONFLICT_OVER_SECONDS = 35
CONFLICT_PAUSE = (2, 15)
TROUBLE_PAUSE = (1, 30)
UNAUTHORIZED_PAUSE = 30
DATABASE_PAUSE = 5
KINDS = ["message", "callback_query", "my_chat_member"]


class Poller:
    """Fetches updates and works them off, one after the other, until `stop` is set."""

    def __init__(
        self, bot: TeleBot, sender: Sender, status: Status, prepare: Callable[[], World]
    ) -> None:
        """`prepare` is called once Telegram answers, and again until it succeeds."""
        self.bot = bot
        self.bot_id = int(bot.token.partition(":")[0])
        self.sender = sender
        self.status = status
        self.stop = sender.stop
        self.prepare = prepare
        self.world: World | None = None
        self.offset = 0
        self.failures = 0
        self.conflict_seen = 0.0
        self.served = Served()

    def run(self) -> None:
        """Poll until stopped; nothing that Telegram does ends it."""
        self.status.moved("updates")
        while not self.stop.is_set():
            try:
                pause = self.step()
            except models.Trouble as error:
                log.error("updates wait for the database: %s", error)
                pause = DATABASE_PAUSE
            except Exception:
                log.exception("getting updates failed in an unforeseen way")
                pause = TROUBLE_PAUSE[1]
            self.status.moved("updates", pause)
            self.stop.wait(pause)

    def step(self) -> float:
        """One poll and its updates; returns the seconds to wait before the next."""
        try:
            if self.world is None:
                self.world = self.prepare()
                self._well()
            updates = self._poll()
            self._well()
            for update in updates:
                if self.stop.is_set():
                    return 0
                self._work_off(update)
        except Exception as error:
            if not is_trouble(error):
                raise
            return self._trouble(error)
        return 0

    def _poll(self) -> list[dict[str, Any]]:
        timeout = POLL_SECONDS_IN.get(self.status.state, SHORT_POLL_SECONDS)
        return apihelper.get_updates(
            self.bot.token,
            offset=self.offset,
            limit=100,
            allowed_updates=KINDS,
            long_polling_timeout=timeout,
        )

    def _well(self) -> None:
        """Telegram answered; a conflict is over only when it has not been seen for a while."""
        quiet = time.monotonic() - self.conflict_seen
        if self.status.state == "conflict" and quiet < CONFLICT_OVER_SECONDS:
            return
        self.failures = 0
        self.status.set("ok", "polling")

    def _trouble(self, error: Exception) -> float:
        """Note what is wrong with Telegram; returns the seconds to wait."""
        self.failures += 1
        code = getattr(error, "error_code", None)
        if code == 409:
            self.conflict_seen = time.monotonic()
            self.status.set("conflict", mask(error.description))
            return _pause(*CONFLICT_PAUSE, self.failures)
        if code in (401, 404):
            # Telegram answers 404 to a token that has not even the right form.
            self.status.set("unauthorized", mask(error.description))
            return UNAUTHORIZED_PAUSE
        self.status.set("unreachable", mask(str(error))[:200])
        return failure(error).seconds or _pause(*TROUBLE_PAUSE, self.failures)

    def _work_off(self, raw: dict[str, Any]) -> None:
        """Handle one update; it is confirmed (by the next offset) only when that is done."""
        self.status.moved("updates")
        began = time.monotonic()
        update_id = raw["update_id"]
        try:
            replies = self._replies(raw)
        except Exception as error:
            if is_trouble(error) or models.is_trouble(error):
                raise
            log.exception("update %s broke its handler and is set aside", update_id)
            replies = []
            with models.writing():
                conversation.first_time(self.bot_id, update_id, int(time.time()))
        self.offset = update_id + 1
        for reply in replies:
            self.sender.perform(reply)
        end = time.monotonic()
        self.served.note(
            f"{_kind(raw)}: {len(replies)} replies, {(end - began) * 1000:.0f} ms", end
        )

    def _replies(self, raw: dict[str, Any]) -> list[Any]:
        update, now = types.Update.de_json(raw), int(time.time())
        member = needs_status(update, self.world.bot_name, now)
        status = self._status(*member) if member else ""
        with models.writing():
            if not conversation.first_time(self.bot_id, update.update_id, now):
                return []
            return handle(update, self.world.seen(status, now))

    def _status(self, chat_id: int, user_id: int) -> str:
        """A user's status in a group; one that Telegram will not tell counts as left."""
        try:
            return self.bot.get_chat_member(chat_id, user_id).status
        except apihelper.ApiTelegramException as error:
            if failure(error).state == "later":
                raise
            return "left"


def _kind(raw: dict[str, Any]) -> str:
    """What an update is, for the journal: a command of ours by its name, else no word of it."""
    text = (raw.get("message") or {}).get("text") or ""
    command = text.split(maxsplit=1)[0].partition("@")[0] if text.startswith("/") else ""
    if command.removeprefix("/") in {"start", *COMMANDS}:
        return command
    return next((kind for kind in KINDS if kind in raw), "update")


def _pause(shortest: float, longest: float, failures: int) -> float:
    """Doubles with each failure, with jitter so that two programs do not stay in step."""
    full = min(longest, shortest * 2 ** min(failures - 1, 10))
    return full * random.uniform(0.5, 1)  # noqa: S311
