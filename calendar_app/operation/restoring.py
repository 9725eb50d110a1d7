"""Puts a backup in the place of the SQLite database, so that a kill at any moment leaves one.

Everything is done to the unpacked copy first: checked, migrated, adapted (see `carryover`). Only
then one rename puts it in place. What was there stays beside it as `before-restore-….db`.
Whoever calls has stopped the service.
"""

import datetime as dt
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from .. import models
from ..config import Config
from . import backups, carryover, files, snapshots
from .snapshots import Failed

NOT_SQLITE = (
    "A PostgreSQL database is restored by its own tools: stop birthday-calendar.target, create "
    "an empty database, `pg_restore --no-owner -d NEW FILE`, name it in DATABASE_URL, start again."
)
IN_USE = "Some process still has the database open: stop the web and the bot, then try again."
WRITTEN_SINCE = {
    "birthdays": "SELECT count(*) FROM birthdays WHERE updated_at > ?",
    "users": "SELECT count(*) FROM users WHERE created_at > ?",
    "calendars": "SELECT count(*) FROM calendars WHERE created_at > ?",
}
KEPT_DAYS = 30
NEWEST = "SELECT max(updated_at) FROM birthdays"


@dataclass
class Done:
    """What a restore did: rows in place, where the replaced database is, what fell short."""

    rows: dict[str, int]
    kept: str = ""
    damaged: bool = False
    problems: list[str] = field(default_factory=list)


def examine(config: Config, source: BinaryIO, name: str) -> dict[str, Any]:
    """Check a backup whole and tell what it would bring and cost; changes nothing.

    `{"taken", "release", "rows", "now", "since"}`: rows by table, in it and in the database, and
    what was written since it was taken; `now` and `since` empty where that cannot be read.
    """
    database = _database(config)
    match = backups.NAME.fullmatch(name)
    with backups.alone(backups.folder(config)), _unpacked(source, database) as new:
        rows = snapshots.check(new)
        _require_known_schema(new)
        with closing(snapshots.opened(new)) as inside:
            newest = inside.execute(NEWEST).fetchone()[0] or 0
    taken = _taken(name) or newest
    found = {"taken": taken, "release": match[2] if match else "", "rows": rows}
    return found | _compared(database, taken)


def _taken(name: str) -> int:
    """When a backup of that name was made, in seconds since 1970; 0 for another name."""
    match = backups.NAME.fullmatch(name)
    try:
        return int(dt.datetime.fromisoformat(match[1]).timestamp()) if match else 0
    except ValueError:
        return 0


def _compared(database: Path, taken: int) -> dict[str, Any]:
    try:
        with closing(snapshots.opened(database)) as live:
            since = {
                what: live.execute(query, (taken,)).fetchone()[0]
                for what, query in WRITTEN_SINCE.items()
            }
            return {"now": snapshots.count(live), "since": since}
    except (sqlite3.Error, Failed):
        return {"now": {}, "since": {}}


def replace(config: Config, source: BinaryIO, now: int) -> Done:
    """Put the backup in place; raises Failed, and everything is as it was."""
    database = _database(config)
    with (
        backups.alone(backups.folder(config)),
        _stopped(config.state_dir),
        _unpacked(source, database) as new,
    ):
        done = Done(snapshots.check(new))
        done.damaged = database.exists() and not _fold(database)
        with snapshots.connected(f"sqlite:///{quote(str(new))}"):
            models.migrate()
            if database.exists():
                done.problems = carryover.adapt(database, now)
            else:
                carryover.skip_what_was_due(now)
        _fold(new)
        done.kept = _keep(database, now)
        new.replace(database)
        files.sync_names(database.parent)
    return done


def drop_replaced(config: Config, now: int) -> None:
    """Remove the replaced databases of restores that are so long ago that nobody wants them."""
    path = models.sqlite_path(config.database_url)
    for kept in path.parent.glob("before-restore-*") if path else ():
        if kept.lstat().st_mtime < now - KEPT_DAYS * 24 * 3600:
            kept.unlink()


def _database(config: Config) -> Path:
    path = models.sqlite_path(config.database_url)
    if path is None:
        raise Failed(NOT_SQLITE)
    if path.is_symlink():
        raise Failed(f"{path} is a link: name the database itself in DATABASE_URL.")
    return path


@contextmanager
def _unpacked(source: BinaryIO, database: Path) -> Iterator[Path]:
    """The backup as a database beside the one it may replace, on the same file system."""
    new = database.with_name(f".restoring-{database.name}")
    source.seek(0)
    with snapshots.removed(new):
        snapshots.unpack(source, new)
        yield new


def _require_known_schema(new: Path) -> None:
    with snapshots.connected(f"sqlite:///{quote(str(new))}"):
        models.require_new_code()


@contextmanager
def _stopped(state: Path) -> Iterator[None]:
    """Keep run.sh from running on this state meanwhile; Failed if it does."""
    path = state / "run" / "run.lock"
    if not path.exists():
        yield
        return
    with ExitStack() as held:
        try:
            held.enter_context(files.locked(path))
        except BlockingIOError:
            raise Failed("run.sh runs on this state: stop it (Ctrl-C), then try again.") from None
        yield


def _fold(database: Path) -> bool:
    """Bring all of a database into its one file; False for one that is damaged.

    Leaving WAL mode needs the database for oneself, so it also tells that nobody else has it.
    """
    try:
        with closing(snapshots.opened(database)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise Failed(IN_USE) from None
        return False
    except sqlite3.DatabaseError:
        return False
    return True


def _keep(database: Path, now: int) -> str:
    """Give what is there a second name, so that it is never without one; returns that name."""
    if not database.exists():
        return ""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    kept = database.with_name(f"before-restore-{stamp}.db")
    with suppress(FileNotFoundError):
        kept.unlink()
    os.link(database, kept)
    # The log of a damaged database, which could not be folded in, would spoil the new one.
    for end in ("-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            Path(f"{database}{end}").rename(f"{kept}{end}")
    files.sync_names(database.parent)
    return str(kept)
