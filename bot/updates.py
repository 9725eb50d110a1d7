"""Getting updates: the loop that nothing ends, and long polling as one of its two ways.

An own loop: telebot's restarts itself into conflicts, confirms updates before they are worked
off and cannot be stopped in the middle of a poll. The other way is `webhook`.
"""

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
from telebot import apihelper

from calendar_app import incoming, models

from .intake import Intake
from .lock import Turn
from .status import Episode
from .talk import World
from .trouble import backoff, diagnose, is_trouble
from .wire import NotTelegram

log = logging.getLogger(__name__)

# Shorter polls while something is wrong: we see sooner when it is well again.
POLL_SECONDS_IN = {"polling": 20, "bot-conflict": 5}
SHORT_POLL_SECONDS = 1
# Telegram ends the older of two polls. Other programs come back within 30 s at the latest: only
# after such a time without a conflict is it over. One that came back later all the same makes us
# wait longer the next time, so that it is one story and not many.
QUIET_SECONDS, LONGEST_QUIET_SECONDS = 35, 900
RELAPSE_SECONDS = 600
CONFLICT_PAUSE = (2, 30)
TROUBLE_PAUSE = (1, 30)
UNAUTHORIZED_PAUSE = 30
WEBHOOK_PAUSE = 15
TURN_PAUSE = 2
DATABASE_PAUSE = 5
CONFLICT = 409
ELSEWHERE = "on another machine, in a container, or no bot of ours"


class Updates:
    """The loop: this machine's turn, who we are, what waits in the database, then the way."""

    def __init__(
        self, intake: Intake, get: Callable[[], float], turn: Turn, prepare: Callable[[], World]
    ) -> None:
        """`get` gets updates, works them off and returns the seconds to wait before the next.

        `prepare` is called once Telegram answers, and again until it succeeds.
        """
        self.intake = intake
        self.status = intake.status
        self.stop = intake.stop
        self.get = get
        self.turn = turn
        self.prepare = prepare
        self.failures = 0
        self._database = Episode("the database can be used again for updates")

    def run(self) -> None:
        """Go on until stopped; nothing that Telegram does ends it."""
        self.status.moved("updates")
        while not self.stop.is_set():
            try:
                pause = self.step()
                self._database.ends()
            except models.Trouble as error:
                self._database.begins("updates wait for the database: %s", error)
                pause = DATABASE_PAUSE
            except Exception:
                log.exception("getting updates failed in an unforeseen way")
                pause = TROUBLE_PAUSE[1]
            self.status.moved("updates", pause)
            self.stop.wait(pause)

    def step(self) -> float:
        """One turn; returns the seconds to wait before the next."""
        holder = self.turn.take()
        if holder:
            self.status.set("bot-conflict", f"on this machine: {holder}")
            return TURN_PAUSE
        try:
            if self.intake.world is None:
                self.intake.world = self.prepare()
            self.intake.work_off_waiting()
            pause = self.get()
        except Exception as error:
            if not is_trouble(error):
                raise
            return self._trouble(error)
        self.failures = 0
        return pause

    def _trouble(self, error: Exception) -> float:
        """Note what is wrong with Telegram; returns the seconds to wait."""
        found = diagnose(error)
        self.failures += 1
        # One poll goes wrong now and then, on any network: that alone is not worth a line.
        blip = self.failures == 1 and not isinstance(error, requests.Timeout)
        if found.what == "bot-unauthorized" or found.seconds or not (blip and self.status.what):
            self.status.set(found.what, found.detail)
        if found.what == "bot-unauthorized":
            return UNAUTHORIZED_PAUSE
        return found.seconds or backoff(*TROUBLE_PAUSE, self.failures)


class Polling:
    """Long polling: an update is confirmed, by the next offset, only when it is worked off."""

    def __init__(self, intake: Intake, own_webhook: str, take_over: bool = False) -> None:
        """`take_over`: the first foreign webhook that is found is removed."""
        self.intake = intake
        self.status = intake.status
        self.token = intake.bot.token
        self.own_webhook = own_webhook
        self.take_over = take_over
        self.offset = 0
        self.conflicts = 0
        self._quiet_since = 0.0
        self._quiet_needed = QUIET_SECONDS
        self._over_at = -RELAPSE_SECONDS

    def step(self) -> float:
        """One poll and its updates; returns the seconds to wait before the next."""
        began = time.monotonic()
        try:
            updates = self._poll()
        except apihelper.ApiTelegramException as error:
            if error.error_code != CONFLICT:
                raise
            return self._conflict(error.description)
        self._well(began)
        for update in updates:
            if self.intake.stop.is_set():
                return 0
            self.intake.work_off(update)
            self.offset = update["update_id"] + 1
        return 0

    def _poll(self) -> list[dict[str, Any]]:
        timeout = POLL_SECONDS_IN.get(self.status.what, SHORT_POLL_SECONDS)
        found = apihelper.get_updates(
            self.token,
            offset=self.offset,
            limit=100,
            allowed_updates=incoming.KINDS,
            long_polling_timeout=timeout,
        )
        if not isinstance(found, list) or not all(map(_is_update, found)):
            raise NotTelegram("HTTP status 200, and a list of something else than updates")
        return found

    def _well(self, began: float) -> None:
        """Telegram let us poll; a conflict is over only when there was none for a while."""
        if self.conflicts:
            self._quiet_since = self._quiet_since or began
            if time.monotonic() - self._quiet_since < self._quiet_needed:
                self.status.set("bot-conflict", ELSEWHERE)
                return
            self._over_at = time.monotonic()
        self.conflicts = 0
        self.status.set("polling")

    def _conflict(self, description: str) -> float:
        """Another program polls, or there is a webhook; returns the seconds to wait."""
        if "webhook" in description.lower():
            return self._webhook()
        if not self.conflicts:
            relapse = time.monotonic() - self._over_at < RELAPSE_SECONDS
            longer = min(2 * self._quiet_needed, LONGEST_QUIET_SECONDS)
            self._quiet_needed = longer if relapse else QUIET_SECONDS
        self._quiet_since = 0.0
        self.conflicts += 1
        self.status.set("bot-conflict", ELSEWHERE)
        return backoff(*CONFLICT_PAUSE, self.conflicts)

    def _webhook(self) -> float:
        """Our own of before is taken away; one of somebody else only if that was asked for."""
        info = apihelper.get_webhook_info(self.token)
        address = info.get("url") if isinstance(info, dict) else None
        if not isinstance(address, str) or not address:
            return SHORT_POLL_SECONDS  # It is gone already.
        host = urlsplit(address).hostname or "an address without a host"
        if address != self.own_webhook and not self.take_over:
            self.status.set("webhook-set", f"by {host}")
            return WEBHOOK_PAUSE
        apihelper.delete_webhook(self.token)
        self.take_over = False
        log.info("the webhook at %s is removed: we poll", host)
        return 0


def _is_update(found: Any) -> bool:
    return isinstance(found, dict) and type(found.get("update_id")) is int
