"""The doctor's look at the state: database, bot, reminders, backups, disk.

Runs as whoever the state belongs to (`privileges.ask`), one check after the other, and changes
nothing: the database is only read, and its lock only looked at.
"""

import fcntl
import os
import sqlite3
import struct
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import dates, health, models, reminders
from ..config import Config
from ..models import BotState, Calendar, Member
from ..operation import backups, trouble
from . import disks
from .causes import SUDO, Check, error, ok, skipped, warning

# The lock of who writes, in the shared memory beside a database in WAL mode (sqlite.org/walformat).
WRITE_LOCK_BYTE = 120
LOCKED_SECONDS = 1.0
CHECK_SECONDS = 0.8
FLOCK = struct.Struct("hhqqi4x")
BACKUP_DAYS = 3
BOT = {
    "conflict": "bot-conflict",
    "unauthorized": "bot-unauthorized",
    "unreachable": "telegram-unreachable",
    "stopped": "bot-stopped",
}
DATABASE_IDS = ("database-locked", "database-corrupt", "database-unreachable")
ROWS_IDS = ("schema", *BOT.values(), "reminders", "time-zones")
IDS = ("disk-full", "inodes-full", "backup", *DATABASE_IDS, *ROWS_IDS)


def look(config: Config, now: int) -> list[dict[str, Any]]:
    """All checks of the state, as JSON can carry them."""
    folder = config.state_dir
    checks = disks.room(folder, disks.Walk((folder,))) if folder.is_dir() else []
    checks += _guarded(("backup",), lambda: [_backup(config, now)])
    checks += _database(config, now)
    return [asdict(check) for check in checks]


def _guarded(ids: tuple[str, ...], look: Callable[[], list[Check]]) -> list[Check]:
    """What the checks say; skipped where foreseeable trouble keeps them from saying anything."""
    try:
        return look()
    except Exception as problem:
        said = trouble.sentence(problem)
        if said is None:
            raise
        return [skipped(each, said, SUDO) for each in ids]


# --- the database ------------------------------------------------------------------------


def _database(config: Config, now: int) -> list[Check]:
    path = models.sqlite_path(config.database_url)
    if path is not None and not path.is_file():
        return [skipped(each, "There is no database yet.") for each in (*DATABASE_IDS, *ROWS_IDS)]
    checks = _sqlite(path) if path is not None else _server(config.database_url)
    if any(check.status == "error" for check in checks):
        return checks + [skipped(each, "The database cannot be asked.") for each in ROWS_IDS]
    if path is not None:
        models.connect(config.database_url)
    return checks + _guarded(ROWS_IDS, lambda: _rows(now))


def _sqlite(path: Path) -> list[Check]:
    locked = _lock(path)
    if locked.status == "error":
        return [locked, skipped("database-corrupt", "The database is locked.")]
    try:
        return [locked, _whole(path)]
    except sqlite3.Error as problem:
        return [_unusable(str(problem))]


def _lock(path: Path) -> Check:
    """Whether one process holds the write lock all the time; ours hold it for milliseconds."""
    until, first = time.monotonic() + LOCKED_SECONDS, _writer(path)
    writer = first
    while writer is not None and writer == first and time.monotonic() < until:
        time.sleep(0.02)
        writer = _writer(path)
    if writer is None or writer != first:
        return ok("database-locked", "The database's lock is free.")
    name = _name_of(writer)
    summary = f"Process {writer} ({name}) keeps the database locked: nothing can be written"
    return error("database-locked", summary, "", f"sudo kill {writer}  # or let {name} finish")


def _writer(path: Path) -> int | None:
    """The process that holds the write lock, None if nobody does."""
    try:
        descriptor = os.open(f"{path}-shm", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        asked = FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, WRITE_LOCK_BYTE, 1, 0)
        kind, *_, process = FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else process


def _name_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return "of another container"


def _whole(path: Path) -> Check:
    """SQLite's own check of all pages, as far as it comes in the time that there is."""
    until = time.monotonic() + CHECK_SECONDS
    address = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=0.5)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
        try:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as problem:
            if "interrupt" not in str(problem):
                raise
            said = "The database can be read; it is too large to check all of it here."
            return ok("database-corrupt", said, "Each backup checks all of it.")
    if verdict == "ok":
        return ok("database-corrupt", "The database is whole.")
    return error("database-corrupt", f"The database is damaged: {verdict.splitlines()[-1]}")


def _unusable(said: str) -> Check:
    if "locked" in said or "busy" in said:
        return error("database-locked", "Another program has locked the database", said)
    if "disk I/O" in said or "unable to open" in said or "full" in said:
        fix = "df -h; df -i; sudo journalctl -k -p err -n 20  # the disk, and who may open the file"
        return error("database-unreachable", f"The database cannot be opened: {said}", "", fix)
    return error("database-corrupt", f"The database is damaged: {said}")


def _server(url: str) -> list[Check]:
    """PostgreSQL: whether it answers, and whether queries wait for locks."""
    sign = "&" if "?" in url else "?"
    models.connect(f"{url}{sign}connect_timeout=2")
    try:
        waiting = models.rows(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND query_start < now() - interval '5 seconds'"
        ).fetchone()[0]
    except models.Trouble as problem:
        return [error("database-unreachable", trouble.sentence(problem) or str(problem))]
    if waiting:
        fix = "sudo -u postgres psql -c 'SELECT pid, query FROM pg_stat_activity'  # names whom for"
        return [error("database-locked", f"{waiting} queries wait for a lock", "", fix)]
    return [ok("database-locked", "No query waits for a lock.")]


# --- what the rows say -------------------------------------------------------------------


def _rows(now: int) -> list[Check]:
    schema = _schema()
    if schema.status == "error":
        return [schema]
    return [schema, *_bot(now), _reminders(now), _zones()]


def _schema() -> Check:
    """Whether this code and the database know each other."""
    try:
        models.require_new_code()
    except models.OldCode as problem:
        fix = "sudo ./scripts/install.sh  # of the newer release"
        return error("web-start-failed", str(problem), "", fix)
    names = {name for (name,) in models.rows("SELECT name FROM schema_migration")}
    known = {path.stem for path in models.MIGRATIONS.glob("[0-9]*.py")}
    if known - names:
        lacking = ", ".join(sorted(known - names))
        fix = "sudo systemctl restart birthday-calendar-web  # brings it up to date as it starts"
        return warning("schema", f"The database is not up to date: {lacking}", fix)
    return ok("schema", f"The schema is {max(names)}.")


def _bot(now: int) -> list[Check]:
    """One check for each state in which the bot is of no use; at most one of them is an error."""
    state = health.bot_state(now)
    row = BotState.get_or_none(BotState.id == 1)
    detail = row.detail if row else ""
    well = [ok(cause, "Not so.") for name, cause in BOT.items() if name != state]
    if state in BOT:
        since = f" since {_clock(row.since)}" if row else ""
        summary = health.BOT_SUMMARY[state].rstrip(".") + since
        return [*well, error(BOT[state], summary, detail)]
    summary = health.BOT_SUMMARY.get(state, "{detail}").format(detail=detail)
    return [*well, ok("bot", summary)]


def _clock(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _reminders(now: int) -> Check:
    late = reminders.overdue(now)
    if health.bot_state(now) == "disabled":
        return ok("reminders", "Reminders wait until the bot has a token and is switched on.")
    if not late:
        return ok("reminders", "No reminder is overdue.")
    fix = "sudo journalctl -u birthday-calendar-bot -n 50  # says what keeps them back"
    return warning("reminders", f"{late} reminders should have been sent by now", fix)


def _zones() -> Check:
    """Whether the system's time-zone data knows the zones that people chose."""
    used = {zone for (zone,) in Calendar.select(Calendar.timezone).distinct().tuples()}
    used |= {zone for (zone,) in Member.select(Member.timezone).distinct().tuples() if zone}
    unknown = used - set(dates.zone_names())
    if not unknown:
        return ok("time-zones", "All time zones in use are known.")
    named = ", ".join(sorted(unknown)[:3])
    fix = "sudo apt-get install --only-upgrade tzdata"
    return warning("time-zones", f"The time-zone data does not know {named}", fix)


def _backup(config: Config, now: int) -> Check:
    last = backups.last(backups.folder(config))
    fix = "sudo systemctl start birthday-calendar-backup  # journalctl -u tells how it went"
    if not last:
        return warning("backup", "There is no backup yet", fix)
    if last.get("reason"):
        return warning("backup", f"The last backup failed: {last['reason']}", fix)
    proven = int((last.get("proven") or {}).get("at", 0))
    if proven < now - BACKUP_DAYS * 86400:
        return warning("backup", f"The last proven backup is of {_clock(proven)}", fix)
    return ok("backup", f"The last backup is of {_clock(proven)}, {last.get('verdict')}.")
