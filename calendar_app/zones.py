"""The edition of the time zones: when a new one comes, the rules of reminders follow it.

Countries change their clocks at short notice; the system's tzdata, or Python's, then says otherwise
when an hour of the day is. Each process has zones in memory and looks from time to time; the bot
moves what is due.
"""

import hashlib
import logging
import threading
import time
import zoneinfo
from importlib import resources
from pathlib import Path

from . import dates, models, rules
from .models import BotState

log = logging.getLogger(__name__)

EVERY_SECONDS = 3600


def edition() -> str:
    """What all zones say, as one hash: from the files that zoneinfo reads."""
    digest = hashlib.sha256()
    for name in sorted(dates.zone_names()):
        digest.update(name.encode() + b"\0" + _content(name))
    return digest.hexdigest()


def _content(name: str) -> bytes:
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    return resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def start() -> None:
    """Keep this process up to date, in a thread, as long as it lives."""
    threading.Thread(target=_keep, name="zones", daemon=True).start()


def _keep() -> None:
    # Not before the thread: gunicorn's worker does not hear SIGTERM while it is made ready.
    zones = Zones()
    while True:
        time.sleep(EVERY_SECONDS)
        try:
            zones.refresh()
        except OSError as error:
            log.warning("the time zones cannot be read: %s", error)


class Zones:
    """The zones as one process has them in memory; `refresh` and `follow` are called each hour."""

    def __init__(self) -> None:
        self._edition = edition()

    def refresh(self) -> bool:
        """Forget what the files say otherwise by now; whether that was anything."""
        now = edition()
        if now == self._edition:
            return False
        self._edition = now
        zoneinfo.ZoneInfo.clear_cache()
        dates.zone_names.cache_clear()
        log.warning("the time zones have a new edition")
        return True

    def follow(self) -> int:
        """Let all rules come due as this edition says, once for each; returns how many moved."""
        known = BotState.select(BotState.zones).scalar()
        if known is None or known == self._edition:
            return 0
        moved = rules.follow_zones()
        with models.writing(essential=True):
            BotState.update(zones=self._edition).execute()
        if moved:
            log.info("%d rules come due at another time by the new time zones", moved)
        return moved
