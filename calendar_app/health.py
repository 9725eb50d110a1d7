"""What is well and what is not, for /health/ready; later for the doctor too.

Each check says `ok` or a word that names what is wrong, and one sentence.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import alerts, models, opening, reminders, room
from .config import Config
from .models import BotState

ALIVE = b'{"status":"ok","service":"Telegram Birthday Calendar API","message":"API is running"}'
# The bot process stamps its row every few seconds; a stamp older than this means it is gone.
BEAT_SECONDS = 2
BEAT_TIMEOUT = 8
BOT_SUMMARY = {
    "ok": "The bot gets its updates.",
    "disabled": "The bot does nothing: {detail}.",
    "conflict": "Another program gets updates with the same bot token.",
    "unauthorized": "Telegram does not know the bot token.",
    "unreachable": "Telegram cannot be reached.",
    "stopped": "The bot process is not running.",
}

Check = dict[str, str]


def ready(config: Config, now: int) -> dict[str, Any]:
    """`{"status": "ok"|"degraded"|"down", "checks": {name: {"status", "summary"}}}`."""
    checks = {
        "database": _database(),
        "disk": _disk(config.state_dir),
        "bot": _asked(_bot, now),
        "reminders": _asked(_reminders, now),
    }
    well = all(check["status"] in ("ok", "disabled", "paused") for check in checks.values())
    status = "ok" if well else "degraded"
    if checks["database"]["status"] != "ok":
        status = "down"
    return {"status": status, "checks": checks}


def beat(state: str, detail: str, now: int) -> None:
    """The bot process says how it is and that it lives (states: the keys of BOT_SUMMARY)."""
    row = {"state": state, "detail": detail, "since": now, "beat_at": now}
    with models.writing(durable=False, essential=True):
        known = BotState.update(detail=detail, beat_at=now).where(
            BotState.id == 1, BotState.state == state
        )
        if not known.execute():
            BotState.insert(id=1, **row).on_conflict(
                conflict_target=[BotState.id], update=row
            ).execute()


def introduce(username: str, now: int) -> None:
    """The bot process says what the bot is called in Telegram, for links that lead to it."""
    row = {"username": username, "state": "ok", "since": now, "beat_at": now}
    with models.writing(essential=True):
        BotState.insert(id=1, **row).on_conflict(
            conflict_target=[BotState.id], update={BotState.username: username}
        ).execute()


def bot_state(now: int) -> str:
    """What the bot last recorded, or `stopped` when it shows no life."""
    return _bot(now)["status"]


def _asked(check: Callable[[int], Check], now: int) -> Check:
    try:
        return check(now)
    except models.Trouble:
        return {"status": "unknown", "summary": "The database cannot be read."}


def _database() -> Check:
    # A connection that is open has much in memory; a new one sees what a new start would.
    models.disconnect()
    try:
        BotState.get_or_none(BotState.id == 1)
        damaged = alerts.is_open(opening.KEY)
    except models.Trouble as error:
        return {"status": "unavailable", "summary": f"The database cannot be read: {error}."}
    if damaged:
        return {"status": "damaged", "summary": "The database is damaged: see the doctor."}
    return {"status": "ok", "summary": "The database answers."}


def _disk(folder: Path) -> Check:
    try:
        free = room.look(folder)
    except OSError as error:
        return {"status": "missing", "summary": f"The state folder: {error.strerror}."}
    short = room.shortage(folder)
    said = f"{free.inodes} inodes" if short == "inodes-full" else f"{free.bytes // 2**20} MiB"
    if short:
        return {"status": short, "summary": f"Only {said} are free: nothing can be written."}
    return {"status": "ok", "summary": f"{said} are free."}


def _bot(now: int) -> Check:
    row = BotState.get_or_none(BotState.id == 1)
    # A bot that is switched off has nothing to stamp.
    alive = row is not None and (row.state == "disabled" or row.beat_at >= now - BEAT_TIMEOUT)
    state = row.state if alive else "stopped"
    summary = BOT_SUMMARY.get(state, "The bot says: " + state)
    return {"status": state, "summary": summary.format(detail=row.detail if row else "")}


def _reminders(now: int) -> Check:
    if bot_state(now) == "disabled":
        return {"status": "paused", "summary": "Reminders wait until the bot is switched on."}
    overdue = reminders.overdue(now)
    if overdue:
        return {"status": "late", "summary": f"{overdue} reminders should have been sent by now."}
    return {"status": "ok", "summary": "Nothing is overdue."}
