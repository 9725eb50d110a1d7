"""The embedded database as a file: opened only where it is, made only by `make`.

SQLite by itself makes what it does not find, and goes on writing to a file that was taken away:
either way a calendar would be lost without a word. For `database` alone.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import peewee

PRAGMAS = {
    "journal_mode": "wal",
    # What people typed survives a power cut.
    "synchronous": "full",
    "foreign_keys": 1,
    "cache_size": -4096,
    "temp_store": "memory",
}
# How long a write waits for another process's.
BUSY_SECONDS = 10


class SqliteFile(peewee.SqliteDatabase):
    """A connection for each thread to the file at this path, which has to be there."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, pragmas=PRAGMAS, timeout=BUSY_SECONDS)

    def follow(self) -> None:
        """Let go of a file that is no longer at its place, or was cut: what is there is opened.

        Not in a transaction. Costs a look at the folder.
        """
        if self.is_closed() or self.in_transaction():
            return
        seen, now = self._state.seen, _look(self.database)
        # Nobody makes it smaller: we never VACUUM.
        if now is None or seen is None or now[:2] != seen[:2] or now[2] < seen[2]:
            self.close()
        else:
            self._state.seen = now

    def _connect(self) -> Any:
        seen = _look(self.database)
        # SQLite would begin anew in an empty file, and throw away the log beside it.
        if seen is None or not seen[2]:
            raise sqlite3.OperationalError(f"there is no database at {self.database}")
        self._state.seen = seen
        return super()._connect()


def _look(path: str) -> tuple[int, int, int] | None:
    """Which file is there, and its size; None where there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked at every request
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size


def make(path: Path) -> None:
    """Make an empty database, readable for its owner alone, unless there is a file."""
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        if path.stat().st_size:
            return
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as new:
        new.execute("PRAGMA journal_mode = wal")
