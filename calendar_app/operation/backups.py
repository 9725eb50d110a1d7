"""Backups of the database: made while the service runs, proven, kept by number and by size.

A file has its name only once it was proven: restored into a scratch place, checked whole, and
asked what a user would ask. `last.json` beside the files tells of the latest run; it stands
there and not in the database so that it survives what the backups are for.
"""

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import alerts, models
from ..config import Config
from ..texts import N_
from . import dumps, files, snapshots, trouble
from .snapshots import Failed, NoRoom

NAME = re.compile(r"calendar-([0-9]{8}T[0-9]{6}Z)-([\w.+-]{1,80})\.(?:db\.gz|dump)")
KEPT = 14
# All backups together take at most this part of the file system; the newest stays in any case.
SHARE = 4
LONGEST_REPORT = 2**16
RUNNING = "Another backup or restore is running: try again when it is done."
FAILED = N_("The backup failed: {reason}")


@dataclass(frozen=True)
class Backup:
    """A proven backup: `taken` is its UTC time as in its name, `release` who made it."""

    path: Path
    taken: str
    release: str
    bytes: int


def folder(config: Config) -> Path:
    """Where the backups are."""
    return config.state_dir / "backups"


def listed(where: Path) -> list[Backup]:
    """The proven backups, the newest first."""
    found = []
    for path in where.iterdir() if where.is_dir() else ():
        match = NAME.fullmatch(path.name)
        if match and path.is_file() and not path.is_symlink():
            found.append(Backup(path, match[1], match[2], path.stat().st_size))
    return sorted(found, key=lambda backup: backup.taken, reverse=True)


def make(config: Config, release: str, now: int) -> dict[str, Any]:
    """Make a backup and prove it; returns what `last.json` says.

    The tables are connected to the database. Raises Failed, OSError or the database's errors,
    after it was written down and the operators were told.
    """
    where = folder(config)
    with alone(where):
        report = {"at": now, "verdict": "failed", "reason": "", "proven": last(where).get("proven")}
        begun = time.monotonic()
        try:
            report |= _made(config, where, release, now)
            _rotate(where)
        except (Failed, OSError, sqlite3.Error, models.Trouble) as error:
            report["verdict"] = "no room" if isinstance(error, NoRoom) else "failed"
            report["reason"] = " ".join((trouble.sentence(error) or str(error)).split())
            raise
        finally:
            report["seconds"] = round(time.monotonic() - begun, 1)
            with suppress(OSError):
                files.write(where / "last.json", json.dumps(report, indent=1).encode())
            _tell(config, report["reason"], now)
    return report


def last(where: Path) -> dict[str, Any]:
    """What became of the latest backup; empty if there was none or it cannot be read."""
    try:
        with files.opened(where / "last.json") as file:
            found = json.loads(file.read(LONGEST_REPORT))
    except (OSError, ValueError, files.NotOrdinary):
        return {}
    return found if isinstance(found, dict) else {}


def _made(config: Config, where: Path, release: str, now: int) -> dict[str, Any]:
    path = models.sqlite_path(config.database_url)
    kind, source = (dumps, config.database_url) if path is None else (snapshots, path)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    final = where / f"calendar-{stamp}-{release}{kind.SUFFIX}"
    new = where / f".new{kind.SUFFIX}"
    with snapshots.removed(new):
        rows = kind.take(source, new)
        try:
            verdict = kind.prove(source, new, rows, now)
        except Failed:
            # For whoever wants to know why; only the last one.
            new.replace(where / f"failed{kind.SUFFIX}")
            raise
        report = {"file": final.name, "bytes": new.stat().st_size, "verdict": verdict}
        new.replace(final)
    files.sync_names(where)
    return report | {"rows": rows, "proven": {"at": now, "file": final.name}}


def _tell(config: Config, reason: str, now: int) -> None:
    """Tell the operators, if the database is well enough to tell them through."""
    path = models.sqlite_path(config.database_url)
    if path is not None and not path.is_file():
        return  # To look for it would make it.
    with suppress(models.Trouble):
        if reason:
            alerts.tell("backup", FAILED, now, reason=reason)
        else:
            alerts.clear("backup", now)
            # Each of its pages was looked at.
            alerts.clear("database-corrupt", now)


@contextmanager
def alone(where: Path) -> Iterator[None]:
    """Make the folder and hold it; what a killed run left there is removed. Raises Failed."""
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(files.locked(where / ".lock"))
        except BlockingIOError:
            raise Failed(RUNNING) from None
        for left in where.glob(".new*"):
            left.unlink()
        yield


def _rotate(where: Path) -> None:
    """Keep the newest, and of the others as many as number and size allow."""
    room = shutil.disk_usage(where).total // SHARE
    for place, backup in enumerate(listed(where)):
        room -= backup.bytes
        if place and (place >= KEPT or room < 0):
            backup.path.unlink(missing_ok=True)
