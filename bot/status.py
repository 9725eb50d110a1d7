"""How the bot is: recorded for /health/ready, and one log line when it changes."""

import logging
import threading

from calendar_app import health, models

log = logging.getLogger(__name__)

LEVELS = {
    "conflict": logging.WARNING,
    "unauthorized": logging.ERROR,
    "unreachable": logging.WARNING,
}
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

    def set(self, state: str, detail: str = "") -> None:
        """Record a state (a key of health.BOT_SUMMARY); logs a line only if it is a new one."""
        with self._lock:
            before, self.state, self.detail = self.state, state, detail
        if before != state:
            self._tell(before)

    def _tell(self, before: str) -> None:
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
