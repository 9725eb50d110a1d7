"""How the bot is: for /health/ready, for `systemctl status`, and one log line when it changes.

Whether it moves is noted here too: each loop says so at every turn. What operators must know is
told by `Reports`.
"""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from calendar_app import alerts, health, models, notify
from calendar_app.texts import N_

log = logging.getLogger(__name__)

# A turn of a loop takes at most a held poll, a few timeouts and a lock of the database.
TURN_SECONDS = 120


@dataclass(frozen=True)
class Saying:
    """One way to be: the state in health.BOT_SUMMARY, and how it is told.

    `begin` is the log line (the doctor knows some of these words again), `end` what the line
    after it begins with, `shown` what `systemctl status` shows, `alert` what operators are told.
    """

    state: str
    begin: str
    shown: str
    level: int = logging.INFO
    end: str = ""
    alert: str = ""


# Trouble has the name that the doctor has for it (contract, section 4).
SAYINGS = {
    "polling": Saying("ok", "polling for updates", "polling"),
    "webhook": Saying("ok", "receiving updates by webhook", "receiving by webhook"),
    "bot-conflict": Saying(
        "conflict",
        "conflict: another program polls with this bot token; we go on trying",
        "conflict: another program polls with this token since {since} ({detail})",
        logging.WARNING,
        "the conflict is over; ",
        N_(
            "Another program gets updates with this bot's token, so messages to the bot may get "
            "lost; reminders go on. Stop that program: {detail}"
        ),
    ),
    "webhook-set": Saying(
        "conflict",
        "conflict: can't use getUpdates method while webhook is active; "
        "to take it away: birthday-calendar take-over",
        "conflict: a webhook is set since {since} ({detail}); "
        "take it away with birthday-calendar take-over",
        logging.WARNING,
        "the webhook is gone; ",
        N_(
            "Somebody has set a webhook for this bot, so messages go there instead of here: "
            "{detail}. Reminders go on. Take it away: sudo birthday-calendar take-over"
        ),
    ),
    "webhook-failing": Saying(
        "unreachable",
        "Telegram cannot deliver to our webhook; it goes on trying",
        "Telegram cannot deliver to our webhook since {since} ({detail})",
        logging.WARNING,
        "Telegram delivers again; ",
        N_("Telegram cannot deliver to our webhook: {detail}. Reminders go on."),
    ),
    "bot-unauthorized": Saying(
        "unauthorized",
        "Telegram does not know the bot token: set the right one",
        "unauthorized: Telegram refuses the bot token since {since}; "
        "give the right one with birthday-calendar set-token",
        logging.ERROR,
        "the token is accepted; ",
    ),
    "telegram-unreachable": Saying(
        "unreachable",
        "Telegram cannot be reached; we go on trying",
        "unreachable: no answer from Telegram since {since} ({detail}); trying again",
        logging.WARNING,
        "Telegram is back; ",
    ),
    "stopped": Saying("stopped", "stopped", "stopping"),
    "disabled": Saying("disabled", "switched off", "{detail}"),
}
NOTHING = Saying("", "", "")
WRONG_CLOCK = N_(
    "This machine's clock is {seconds} s away from Telegram's: reminders come at the wrong time "
    "and people cannot sign in. Set it right: sudo timedatectl set-ntp true"
)


class Episode:
    """Something that is logged once when it begins and once when it is over, not at every look."""

    def __init__(self, over: str, level: int = logging.ERROR) -> None:
        self._over, self._level = over, level
        self._on = False

    def begins(self, line: str, *values: Any) -> None:
        """Log the line, unless it was noticed before and is not over."""
        if not self._on:
            log.log(self._level, line, *values)
        self._on = True

    def ends(self) -> None:
        """Log that it is over, if it was noticed at all."""
        if self._on:
            log.info("%s", self._over)
        self._on = False


class Status:
    """The bot's state, shared by its loops."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.what = ""
        self.detail = ""
        # What operators were told of stands until updates come again.
        self.alarm = ("", "")
        self._still_by: dict[str, float] = {}
        self._unrecorded = Episode("the bot's state is recorded again", logging.WARNING)

    @property
    def state(self) -> str:
        """The word for it in health.BOT_SUMMARY; "" before anything is known."""
        return SAYINGS.get(self.what, NOTHING).state

    def set(self, what: str, detail: str = "") -> None:
        """Record a way to be (a key of SAYINGS); logs a line only if it is a new one."""
        with self._lock:
            before, self.what, self.detail = self.what, what, detail
            if SAYINGS[what].alert:
                self.alarm = (what, detail) if self.alarm[0] != what else self.alarm
            elif self.state == "ok":
                self.alarm = ("", "")
        if before != what:
            self._tell(before)

    def moved(self, loop: str, pause: float = 0) -> None:
        """A loop lives, and means to wait `pause` seconds before its next turn."""
        self._still_by[loop] = time.monotonic() + pause + TURN_SECONDS

    def moves(self, *loops: str) -> bool:
        """Whether these loops (none given: every one that ever moved) did so lately."""
        ends = [self._still_by.get(loop, 0) for loop in loops] or list(self._still_by.values())
        return all(time.monotonic() < end for end in ends)

    def _tell(self, before: str) -> None:
        now = SAYINGS[self.what]
        notify.status(now.shown.format(since=time.strftime("%H:%M"), detail=self.detail))
        line = SAYINGS.get(before, NOTHING).end if now.state == "ok" else ""
        detail = f" ({self.detail})" if self.detail else ""
        log.log(now.level, "%s%s%s", line, now.begin, detail)

    def beat(self, now: int) -> None:
        """Tell the web process, by way of the database, the state and that we live."""
        with self._lock:
            state, detail = self.state, self.detail
        if not state:
            return
        try:
            health.beat(state, detail, now)
        except models.Trouble as error:
            self._unrecorded.begins("the bot's state cannot be recorded: %s", error)
        else:
            self._unrecorded.ends()


class Reports:
    """What operators are told of the bot: once when it begins, once when it is over."""

    def __init__(self, status: Status) -> None:
        self._status = status
        # What an earlier process told of and did not live to take back is unknown.
        self._told: set[str] | None = None
        self._clock = Episode("this machine's clock is right again", logging.WARNING)
        self._clock_is_wrong = False

    def look(self, clock_ahead: int, limit: int, now: int) -> None:
        """Tell what is new; `clock_ahead` seconds count as wrong beyond `limit`."""
        wanted = self._wanted(clock_ahead, limit)
        if not self._status.what or self._told == set(wanted):
            return
        try:
            for key in {*_alarms(), "clock"} - set(wanted):
                alerts.clear(key, now)
            for key, (sentence, params) in wanted.items():
                alerts.tell(key, sentence, now, **params)
        except models.Trouble:
            return  # Told at a later look.
        self._told = set(wanted)

    def _wanted(self, ahead: int, limit: int) -> dict[str, tuple[str, dict[str, Any]]]:
        wanted: dict[str, tuple[str, dict[str, Any]]] = {}
        key, detail = self._status.alarm
        if key:
            wanted[key] = SAYINGS[key].alert, {"detail": detail or "?"}
        # At the edge it is one story, not many.
        self._clock_is_wrong = abs(ahead) > (limit / 2 if self._clock_is_wrong else limit)
        if self._clock_is_wrong:
            self._clock.begins("clock: this machine's is %+d s off Telegram's", ahead)
            wanted["clock"] = WRONG_CLOCK, {"seconds": abs(ahead)}
        else:
            self._clock.ends()
        return wanted


def _alarms() -> set[str]:
    return {key for key, saying in SAYINGS.items() if saying.alert}
