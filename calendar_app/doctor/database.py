"""The doctor's look at the database itself: is it locked, is it whole, does it answer.

Part of `statechecks`, so it runs as whoever the state belongs to; it reads only.
"""

import fcntl
import os
import sqlite3
import struct
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from .. import models
from ..config import Config
from ..operation import backups, trouble
from .causes import Check, error, ok, skipped

IDS = ("database-locked", "database-corrupt", "database-unreachable")
# The lock of who writes, in the shared memory beside a database in WAL mode (sqlite.org/walformat).
WRITE_LOCK_BYTE = 120
LOCKED_SECONDS = 1.0
CHECK_SECONDS = 0.8
FLOCK = struct.Struct("hhqqi4x")


def look(config: Config) -> list[Check]:
    """Whether the database can be used: its lock, its pages; a server's answer."""
    path = models.sqlite_path(config.database_url)
    if path is None:
        return _server(config.database_url)
    if is_lost(config):
        checks = [
            error("database-corrupt", f"{path} is empty or gone, but there are backups of it")
        ]
    else:
        checks = _sqlite(path)
    return [_with_backup(check, config) for check in checks]


def is_lost(config: Config) -> bool:
    """Whether there is nothing where a database used to be: a backup tells of it."""
    path = models.sqlite_path(config.database_url)
    if path is None or (path.exists() and path.stat().st_size):
        return False
    return bool(backups.listed(backups.folder(config)))


def _with_backup(check: Check, config: Config) -> Check:
    """A damaged database with the name of the newest backup that can take its place."""
    if check.id != "database-corrupt" or check.status != "error":
        return check
    kept = backups.listed(backups.folder(config))
    if not kept:
        return replace(check, details="There is no backup on this machine.")
    newest = kept[0].path.name
    fix = f"sudo birthday-calendar restore {newest}  # keeps the damaged file beside it"
    return replace(check, fix=fix)


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
