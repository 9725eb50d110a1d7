"""Watches the room on the state's disk: ballast, a log line, one message to the operators.

Each worker of the web API and the bot have one, so that either of them alone can do all of it. Its
thread keeps a connection to the database: while one is open, SQLite can read on a disk that is
full to the last byte.
"""

import logging
import threading
import time
from pathlib import Path

from . import alerts, growers, models, room
from .config import Config
from .texts import N_

log = logging.getLogger(__name__)

KEY = "read-only"
FULL = N_(
    "The disk is full: the calendar can only be read until there is room again, "
    "and reminders go on. Most is in: {growers}."
)
INODES = N_(
    "The disk has no inodes left: the calendar can only be read until there are, "
    "and reminders go on. Most files are in: {growers}."
)
MESSAGES = {"full": FULL, "inodes-full": INODES}
# Where what fills a disk most often is.
PLACES = (Path("/var/log"), Path("/var"), Path("/home"))
LOOK_SECONDS = 1
# It is over when there is clearly enough: a disk at the edge is one story, not many.
OVER = 1.25


class Guard:
    """What one process knows of its disk; `look` is called every second, by one thread."""

    def __init__(self, config: Config) -> None:
        self.folder = config.state_dir
        self.mib = config.ballast_mib
        self.short = ""
        # A process before this one may have told of what is over by now.
        self._untold = True

    def look(self, now: int) -> None:
        """Tend the ballast; tell when the room ran out, and when it is back."""
        room.tend(self.folder, self.mib)
        short = room.shortage(self.folder, OVER if self.short else 1)
        if short != self.short:
            self.short, self._untold = short, True
            self._log()
        if self._untold:
            self._tell(now)

    def _log(self) -> None:
        if self.short:
            log.error("the disk is short of room (%s): read-only until there is some", self.short)
        else:
            log.info("there is room on the disk again: everything can be written")

    def _tell(self, now: int) -> None:
        try:
            if self.short:
                inodes = self.short == "inodes-full"
                most = growers.largest(self.folder, PLACES, count_files=inodes)
                alerts.tell(KEY, MESSAGES[self.short], now, growers=most)
            else:
                alerts.clear(KEY, now)
        except (models.Trouble, OSError) as error:
            log.warning("the operators cannot be told of the disk yet: %s", error)
            return
        self._untold = False


def start(config: Config) -> None:
    """Look every second, in a thread of this process, as long as it lives."""
    threading.Thread(target=_watch, args=(Guard(config),), name="guard", daemon=True).start()


def _watch(guard: Guard) -> None:
    while True:
        try:
            guard.look(int(time.time()))
        except Exception:
            log.exception("watching the disk failed in an unforeseen way")
        time.sleep(LOOK_SECONDS)
