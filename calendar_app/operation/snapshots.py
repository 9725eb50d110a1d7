"""Copies of the SQLite database: taken while others write, compressed, unpacked, checked.

Every file written here is named by the caller and removed by the caller's `removed`, so that
nothing is left over. Used by `backups`, `restoring` and `proof`.
"""

import gzip
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from peewee import fn

from .. import birthdays, dates, models
from ..calendars import OWNER, Access
from ..errors import AppError
from ..models import Birthday, Calendar
from . import files

SUFFIX = ".db.gz"
# Measured on rows like ours: level 6 is a quarter of the size at 25 MiB/s; 9 takes four times
# as long for a twentieth less, lzma twenty times for half.
LEVEL = 6
CHUNK = 2**20
# So much is left free on the disk whatever a file unpacks to.
RESERVE = 16 * 2**20
BUSY_SECONDS = 10

Rows = dict[str, int]


class Failed(AppError):
    """A backup or a restore that did not come about; the sentence says why and what to do."""


class NoRoom(Failed):
    """There is not room enough to make a backup and prove it."""


def size(database: Path) -> int:
    """Bytes of the database with what its log still holds."""
    parts = (database, Path(f"{database}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def opened(database: Path, mode: str = "rw") -> sqlite3.Connection:
    """A connection of its own to a database that exists; a link is not followed."""
    if database.is_symlink() or not database.is_file():
        raise Failed(f"There is no database at {database}.")
    address = f"file:{quote(str(database))}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def take(database: Path, target: Path) -> Rows:
    """Write a compressed copy of one moment; returns the rows of each table at that moment.

    In WAL mode nobody who writes meanwhile waits for it. Raises Failed without room for two: the
    copy, of which the scratch place of `prove` takes the room later, and the compressed file.
    """
    require_room(target.parent, 2 * size(database))
    plain_copy = target.with_name(f"{target.name}.copy")
    with removed(plain_copy):
        rows = copy(database, plain_copy)
        with plain_copy.open("rb") as plain, target.open("wb") as file:
            with gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as packed:
                shutil.copyfileobj(plain, packed, CHUNK)
            files.sync(file)
    return rows


def require_room(folder: Path, more: int) -> None:
    """Raises NoRoom where so many bytes more would not leave the RESERVE free."""
    needed = more + RESERVE
    if shutil.disk_usage(folder).free < needed:
        raise NoRoom(f"it needs {needed // 2**20} MiB free on the disk: free some space first.")


def copy(database: Path, target: Path) -> Rows:
    """Write a copy of one moment, as a database; returns the rows of each table at that moment."""
    with closing(opened(database)) as source, closing(sqlite3.connect(target)) as aside:
        aside.execute("PRAGMA synchronous = OFF")
        source.execute("BEGIN")
        rows = count(source)
        source.backup(aside)
    return rows


def count(connection: sqlite3.Connection) -> Rows:
    """The number of rows of each table."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    names = [name for (name,) in connection.execute(tables).fetchall()]
    quoted = {name: name.replace('"', '""') for name in names}
    sql = 'SELECT count(*) FROM "{}"'
    return {n: connection.execute(sql.format(q)).fetchone()[0] for n, q in quoted.items()}


def unpack(source: BinaryIO, target: Path) -> None:
    """Write the database that a backup holds, compressed or not; raises Failed for another file."""
    begin = source.read(16)
    source.seek(0)
    if begin[:5] == b"PGDMP":
        raise Failed("This is a backup of a PostgreSQL database; this service uses SQLite.")
    if begin[:2] != b"\x1f\x8b" and begin != b"SQLite format 3\0":
        raise Failed("This file is no backup of the calendar.")
    plain = gzip.GzipFile(fileobj=source) if begin[:2] == b"\x1f\x8b" else source
    try:
        with target.open("wb") as file:
            while chunk := plain.read(CHUNK):
                _require_room(target, len(chunk))
                file.write(chunk)
            files.sync(file)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise Failed("The backup is damaged: it ends too early or cannot be unpacked.") from None


def _require_room(target: Path, more: int) -> None:
    if shutil.disk_usage(target.parent).free < more + RESERVE:
        raise Failed("The disk has not enough room to unpack the backup: free some space first.")


def check(database: Path) -> Rows:
    """Look at every page and every reference; returns the rows of each table. Raises Failed."""
    try:
        with closing(opened(database)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            strays = connection.execute("PRAGMA foreign_key_check").fetchone()
            rows = count(connection)
    except sqlite3.DatabaseError as error:
        raise Failed(f"The copy of the database is damaged: {error}.") from None
    if verdict != "ok":
        raise Failed(f"The copy of the database is damaged: {' '.join(verdict.split())}.")
    if strays:
        raise Failed(f"The copy has a row of {strays[0]} that refers to nothing.")
    if "birthdays" not in rows or "schema_migration" not in rows:
        raise Failed("This file is a database, but not one of the calendar.")
    return rows


def prove(_database: Path, backup: Path, rows: Rows, now: int) -> str:
    """Unpack a backup, check all of it and ask it what a user would; raises Failed."""
    scratch = backup.with_name(f"{backup.name}.scratch")
    with removed(scratch):
        with backup.open("rb") as file:
            unpack(file, scratch)
        found = check(scratch)
        if found != rows:
            raise Failed("The backup does not have the rows that the database had.")
        with connected(f"sqlite:///{quote(str(scratch))}"):
            ask(now)
    return "proven"


@contextmanager
def connected(url: str) -> Iterator[None]:
    """All tables point at that database, as long as it lasts."""
    before = models.database.obj
    models.connect(url)
    try:
        yield
    finally:
        models.disconnect()
        models.database.initialize(before)


def ask(now: int) -> None:
    """The largest calendar lists its birthdays, as for a user; raises Failed if some lack."""
    number = fn.COUNT(Birthday.id)
    query = Birthday.select(Birthday.calendar, number).group_by(Birthday.calendar)
    largest = query.order_by(number.desc()).tuples().first()
    if largest is None:
        return
    calendar = Calendar.get_by_id(largest[0])
    access = Access(
        calendar.id,
        0,
        OWNER,
        calendar.kind,
        calendar.title,
        calendar.timezone,
        calendar.notification_minute,
        dates.FEB28,
    )
    listed = birthdays.upcoming(access, dates.local_date(now, calendar.timezone)).rows
    if len(listed) != largest[1]:
        raise Failed("The backup does not list the birthdays that it holds.")


@contextmanager
def removed(path: Path) -> Iterator[None]:
    """The database of that name and what SQLite puts beside it are gone before and after."""
    remove(path)
    try:
        yield
    finally:
        remove(path)


def remove(path: Path) -> None:
    """Remove a database file with what SQLite puts beside it."""
    for end in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            Path(f"{path}{end}").unlink()
