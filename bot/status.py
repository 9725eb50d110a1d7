"""How the bot is: for /health/ready, for `systemctl status`, and one log line when it changes.

Whether it moves is noted here too: each loop says so at every turn.
"""

import logging
import threading
import time

from calendar_app import health, models, notify

log = logging.getLogger(__name__)

LEVELS = {
    "conflict": logging.WARNING,
    "unauthorized": logging.ERROR,
    "unreachable": logging.WARNING,
}
# What `systemctl status` shows; beside the state, since when it has been so.
SHOWN = {
    "ok": "polling",
    "conflict": "conflict: another program polls with this token since {since}",
    "unauthorized": "unauthorized: Telegram refuses the bot token since {since}; "
    "give the right one with birthday-calendar set-token",
    "unreachable": "unreachable: no answer from Telegram since {since}; trying again",
    "stopped": "stopping",
    "disabled": "{detail}",
}
# A turn of a loop takes at most a held poll, a few timeouts and a lock of the database.
TURN_SECONDS = 120
BEGIN = {
    "ok": "polling for updates",
    "conflict": "conflict: another program polls with this bot token; we go on trying",
    "unauthorized": "Telegram does not know the bot token: set the right one",
    "unreachable": "Telegram cannot be reached; we go on trying",
    "stopped": "stopped",
    "disabled": "switched off",
}


class Status:
    """The bot's state, shared by its loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.state = ""
        self.detail = ""
        self._still_by: dict[str, float] = {}

    def set(self, state: str, detail: str = "") -> None:
        """Record a state (a key of health.BOT_SUMMARY); logs a line only if it is a new one."""
        with self._lock:
            before, self.state, self.detail = self.state, state, detail
        if before != state:
            self._tell(before)

    def moved(self, loop: str, pause: float = 0) -> None:
        """A loop lives, and means to wait `pause` seconds before its next turn."""
        self._still_by[loop] = time.monotonic() + pause + TURN_SECONDS

    def moves(self) -> bool:
        """Whether every loop that ever moved did so lately."""
        return all(time.monotonic() < end for end in list(self._still_by.values()))

    def _tell(self, before: str) -> None:
        since = time.strftime("%H:%M")
        notify.status(SHOWN[self.state].format(since=since, detail=self.detail))
        ended = {"conflict": "the conflict is over; ", "unreachable": "Telegram is back; "}
        line = ended.get(before, "") if self.state == "ok" else ""
        detail = f" ({self.detail})" if self.detail and self.state not in ("ok", "stopped") else ""
        log.log(LEVELS.get(self.state, logging.INFO), "%s%s%s", line, BEGIN[self.state], detail)

    def beat(self, now: int) -> None:
        """Tell the web process, by way of the database, the state and that we live."""
        with self._lock:
            state, detail = self.state, self.detail
        if not state:
            return
        try:
            health.beat(state, detail, now)
        except models.Trouble as error:
            log.warning("the bot's state cannot be recorded: %s", error)
