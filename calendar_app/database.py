"""The database connection, transactions and migrations, for SQLite and PostgreSQL alike.

`models` shows all of this beside its tables: the others say `models.writing()`.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import peewee
from playhouse import db_url, migrations

from . import embedded, room

database = peewee.DatabaseProxy()
MIGRATIONS = Path(__file__).parent / "migrations"
LARGEST_ID = 2**63 - 1
# PostgreSQL's advisory locks of who migrates and of who writes; any constants will do.
MIGRATION_LOCK, WRITE_LOCK = 0x626972746864, 0x626972746865
# What a query raises, above all when the database is locked, full, damaged or away.
Trouble = peewee.DatabaseError


class Table(peewee.Model):
    """Base of all tables."""

    id = peewee.BigAutoField()

    class Meta:
        database = database
        legacy_table_names = False


class OldCode(RuntimeError):
    """The database admits only newer code; the text is the sentence for the operator.

    A RuntimeError, because gunicorn shows that as one line where the app is loaded.
    """


class Unusable(RuntimeError):
    """There is no sound database where there was one; the text tells the operator what to do."""


def is_trouble(error: Exception) -> bool:
    """Whether the database is to blame; a broken rule or a bad query is a bug of ours."""
    mistakes = (peewee.IntegrityError, peewee.ProgrammingError, peewee.DataError)
    return isinstance(error, Trouble) and not isinstance(error, mistakes)


def is_damage(error: Exception) -> bool:
    """Whether the database itself is broken, and will be until somebody mends it."""
    if not isinstance(error, Trouble):
        return False
    cause = error.__cause__ or error.__context__
    said = any(word in str(error) for word in ("malformed", "not a database"))
    return said or getattr(cause, "sqlstate", "") in ("XX001", "XX002")


def connect(url: str, patience: float | None = None) -> None:
    """Point all tables at the database of that URL (`sqlite:///…` or `postgresql://…`).

    Nothing is opened yet: each thread opens its own connection when it first asks something,
    and keeps it. `patience`: how many seconds a thread waits until the other writers of its
    process are done; None: as long as it takes.
    """
    path = sqlite_path(url)
    if path is not None:
        database.initialize(embedded.SqliteFile(path))
    else:
        database.initialize(db_url.connect(url, unquote_user=True, unquote_password=True))
    _turns.patience = patience


def sqlite_path(url: str) -> Path | None:
    """The file that a `sqlite:///…` address means; None for another database."""
    prefix = "sqlite:///"
    return Path(unquote(url.removeprefix(prefix))) if url.startswith(prefix) else None


def is_sqlite() -> bool:
    """Whether the database is the embedded one."""
    return isinstance(database.obj, peewee.SqliteDatabase)


def is_full(error: Exception) -> bool:
    """Whether a disk without room is to blame, the database server's own too (SQLSTATE 53100)."""
    if not isinstance(error, peewee.OperationalError):
        return False
    cause = error.__cause__ or error.__context__
    # SQLite says "full" or "I/O error", as it comes to the database or to its shared memory.
    short = is_sqlite() and bool(room.shortage(Path(database.database).parent))
    return short or "full" in str(error) or getattr(cause, "sqlstate", "") == "53100"


class _Turns:
    """The writers of this process, one at a time.

    Where a thread is also needed for reading, it must not wait behind a writer that another
    process holds up: once somebody did in vain, whoever finds a writer waiting is refused at once,
    until one gets through.
    """

    def __init__(self) -> None:
        self.patience: float | None = None
        self._lock = threading.RLock()
        self._held_up = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the others; raises Trouble where that takes too long."""
        seconds = -1 if self.patience is None else 0 if self._held_up else self.patience
        if not self._lock.acquire(timeout=seconds):
            self._held_up = True
            raise peewee.OperationalError("the database is locked: another writer waits already")
        try:
            yield
        finally:
            self._lock.release()

    def through(self) -> None:
        """A writer got the database."""
        self._held_up = False


_turns = _Turns()


@contextmanager
def writing(durable: bool = True, essential: bool = False) -> Iterator[None]:
    """A transaction that may write; may be nested.

    Raises NoRoom while the embedded database's disk is short of room, also within an essential
    one: `essential` is what the service itself must record, for which some room is kept. Raises
    Trouble when other writers keep the database for too long.

    On SQLite it takes the write lock at once: a read that later wants to write is refused as
    "locked" when another process wrote in between. The lock of this process in front of it
    makes its threads queue fairly. PostgreSQL is told to do the same: a read in here sees what
    was written before, and nothing is written between. `durable=False` is for what may be lost
    in a power cut.
    """
    if is_sqlite() and not essential:
        room.require(Path(database.database).parent)
    follow()
    with _turns.turn(), _transaction(durable):
        _turns.through()
        yield


def follow() -> None:
    """Look whether the embedded database is still the one that this thread has open."""
    if is_sqlite():
        database.follow()


@contextmanager
def _transaction(durable: bool) -> Iterator[None]:
    if is_sqlite():
        with _synchronous(durable), database.atomic("IMMEDIATE"):
            yield
        return
    with database.atomic():
        database.execute_sql(
            "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s)",
            (f"{embedded.BUSY_SECONDS}s", WRITE_LOCK),
        )
        yield


@contextmanager
def _synchronous(durable: bool) -> Iterator[None]:
    if durable or database.in_transaction():
        yield
        return
    database.execute_sql("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        database.execute_sql("PRAGMA synchronous=FULL")


def migrate() -> list[str]:
    """Bring the schema up to date, one process at a time; returns what was applied.

    Raises OldCode, before anything is changed. What a newer release applied is left as it is.
    Raises Trouble that names the migration that failed; that one has changed nothing.
    """
    if is_sqlite():
        path = Path(database.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        embedded.make(path)
    with _migration_lock():
        require_new_code()
        runner = migrations.Runner(database.obj, str(MIGRATIONS))
        pending = _pending(runner)
        try:
            return runner.up() if pending else []
        except Trouble as error:
            failed = _pending(runner)[0]
            raise type(error)(f"Migration {failed} failed and changed nothing: {error}") from error


def _pending(runner: migrations.Runner) -> list[str]:
    return [found.name for found in runner.status() if not found.applied]


def newest_migration() -> int:
    """The number of the newest migration that this code knows."""
    return max(int(path.stem.partition("_")[0]) for path in MIGRATIONS.glob("[0-9]*.py"))


def require_new_code() -> None:
    """Raises OldCode where the database admits only code that knows newer migrations.

    A migration that older code cannot live with says so in `code_floor`; without one, all may.
    """
    if not database.table_exists("code_floor"):
        return
    floor = database.execute_sql("SELECT max(migration) FROM code_floor").fetchone()[0] or 0
    known = newest_migration()
    if floor > known:
        raise OldCode(
            f"The database needs a release that knows migration {floor}; "
            f"this one knows {known}: install the newer release."
        )


@contextmanager
def _migration_lock() -> Iterator[None]:
    if not is_sqlite():
        database.execute_sql("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        try:
            yield
        finally:
            database.execute_sql("SELECT pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
        return
    folder = os.open(Path(database.database).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def disconnect() -> None:
    """Close this thread's connection: before a fork, and where a thread ends."""
    if not database.is_closed():
        database.close()


def rows(sql: str, *values: Any) -> Any:
    """The rows of a query in SQL, with a `?` for each value, as tuples.

    For what is asked at every request or every second: peewee's building of the query costs
    several times what asking it does.
    """
    return database.execute_sql(sql.replace("?", database.param), values)


def known_id(number: int) -> bool:
    """Whether a number can be a row's id at all; larger ones the database would refuse."""
    return 0 < number <= LARGEST_ID
