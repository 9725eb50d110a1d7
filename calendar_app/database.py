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

database = peewee.DatabaseProxy()
_write_lock = threading.RLock()
MIGRATIONS = Path(__file__).parent / "migrations"
LARGEST_ID = 2**63 - 1
# PostgreSQL's advisory locks of who migrates and of who writes; any constants will do.
MIGRATION_LOCK, WRITE_LOCK = 0x626972746864, 0x626972746865
# What a query raises, above all when the database is locked, full, damaged or away.
Trouble = peewee.DatabaseError


class OldCode(RuntimeError):
    """The database admits only newer code; the text is the sentence for the operator.

    A RuntimeError, because gunicorn shows that as one line where the app is loaded.
    """


def is_trouble(error: Exception) -> bool:
    """Whether the database is to blame; a broken rule or a bad query is a bug of ours."""
    mistakes = (peewee.IntegrityError, peewee.ProgrammingError, peewee.DataError)
    return isinstance(error, Trouble) and not isinstance(error, mistakes)


def connect(url: str) -> None:
    """Point all tables at the database of that URL (`sqlite:///…` or `postgresql://…`).

    Nothing is opened yet: each thread opens its own connection when it first asks something,
    and keeps it.
    """
    path = sqlite_path(url)
    if path is not None:
        database.initialize(_sqlite(path))
    else:
        database.initialize(db_url.connect(url, unquote_user=True, unquote_password=True))


def sqlite_path(url: str) -> Path | None:
    """The file that a `sqlite:///…` address means; None for another database."""
    prefix = "sqlite:///"
    return Path(unquote(url.removeprefix(prefix))) if url.startswith(prefix) else None


def _sqlite(path: Path) -> peewee.SqliteDatabase:
    pragmas = {
        "journal_mode": "wal",
        # What people typed survives a power cut.
        "synchronous": "full",
        "foreign_keys": 1,
        "cache_size": -4096,
        "temp_store": "memory",
    }
    return peewee.SqliteDatabase(path, pragmas=pragmas, timeout=10)


def is_sqlite() -> bool:
    """Whether the database is the embedded one."""
    return isinstance(database.obj, peewee.SqliteDatabase)


@contextmanager
def writing(durable: bool = True) -> Iterator[None]:
    """A transaction that may write; may be nested.

    On SQLite it takes the write lock at once: a read that later wants to write is refused as
    "locked" when another process wrote in between. The lock of this process in front of it
    makes its threads queue fairly. PostgreSQL is told to do the same: a read in here sees what
    was written before, and nothing is written between. `durable=False` is for what may be lost
    in a power cut.
    """
    if not is_sqlite():
        with database.atomic():
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (WRITE_LOCK,))
            yield
        return
    with _write_lock, _synchronous(durable), database.atomic("IMMEDIATE"):
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
        Path(database.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
