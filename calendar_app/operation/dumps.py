"""Copies of a PostgreSQL database, by pg_dump, proven by restoring them into a scratch database.

The password reaches PostgreSQL's programs in a file that is removed again, never as an argument.
A role that may not create databases gets its backup listed only, and is told so. Used by
`backups` and `proof`.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import conninfo, sql

from . import files, snapshots
from .snapshots import Failed, Rows

SUFFIX = ".dump"
# One for the proof of a backup, one for that of an upgrade: they may come at the same time.
SCRATCH, COPY = "birthday_calendar_scratch", "birthday_calendar_copy"
SECONDS = 3600
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
STRAYS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = %s AND usename = current_user
"""
NAMES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE",
         "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}  # fmt: skip


def take(url: str, target: Path) -> Rows:
    """Write a dump of one moment; returns the rows of each table at that moment."""
    with _asked(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rows = _count(connection)
        (moment,) = connection.execute("SELECT pg_export_snapshot()").fetchone()
        _run(url, "pg_dump", "--format=custom", f"--snapshot={moment}", f"--file={target}")
    with target.open("rb+") as file:
        files.sync(file)
    return rows


def prove(url: str, backup: Path, rows: Rows, now: int) -> str:
    """`proven`, or `listed` where the role may create no database; raises Failed."""
    try:
        with _restored(url, backup, SCRATCH) as scratch:
            with _asked(scratch) as connection:
                found = _count(connection)
            if found != rows:
                raise Failed("The backup does not have the rows that the database had.")
            with snapshots.connected(scratch):
                snapshots.ask(now)
    except psycopg.errors.InsufficientPrivilege:
        _run(url, "pg_restore", "--list", backup)
        return "listed"
    return "proven"


@contextmanager
def copied(url: str, folder: Path) -> Iterator[str]:
    """The URL of a scratch database like this one, as long as it lasts; raises Failed.

    The dump that it is made from lies in `folder` for a moment.
    """
    dump = folder / f"copy{SUFFIX}"
    with ExitStack() as held:
        try:
            take(url, dump)
            scratch = held.enter_context(_restored(url, dump, COPY))
        except psycopg.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise Failed(f"PostgreSQL makes no copy of the database: {reason}.") from None
        finally:
            dump.unlink(missing_ok=True)
        yield scratch


@contextmanager
def _restored(url: str, dump: Path, name: str) -> Iterator[str]:
    """The URL of a new database of that name with what a dump holds."""
    with _scratch(url, name) as scratch:
        _run(scratch, "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={name}", dump)
        yield scratch


def _count(connection: psycopg.Connection) -> Rows:
    names = [name for (name,) in connection.execute(TABLES).fetchall()]
    query = sql.SQL("SELECT count(*) FROM {}")
    return {
        name: connection.execute(query.format(sql.Identifier(name))).fetchone()[0] for name in names
    }


@contextmanager
def _scratch(url: str, name: str) -> Iterator[str]:
    """The URL of a new, empty database; the one that a killed run left goes first."""
    with _asked(url, autocommit=True) as connection:
        _drop(connection, name)
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0")
        connection.execute(create.format(sql.Identifier(name)))
        try:
            parts = urlsplit(url)
            yield f"{parts.scheme}://{parts.netloc}/{name}?{parts.query}"
        finally:
            _drop(connection, name)


def _drop(connection: psycopg.Connection, name: str) -> None:
    """Drop a scratch database, with who of us is still in it: a process that was killed, say."""
    connection.execute(STRAYS, (name,))
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


@contextmanager
def _asked(url: str, autocommit: bool = False) -> Iterator[psycopg.Connection]:
    """A connection; that the database is away is said in one sentence."""
    try:
        connection = psycopg.connect(url, autocommit=autocommit)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise Failed(f"The database cannot be reached: {reason}") from None
    with connection:
        yield connection


def _run(url: str, program: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's programs against that database; raises Failed with what it said."""
    parts = conninfo.conninfo_to_dict(url)
    environment = {name: str(parts[key]) for key, name in NAMES.items() if key in parts}
    with tempfile.NamedTemporaryFile("w", prefix="birthday-calendar-") as passwords:
        escaped = str(parts.get("password", "")).replace("\\", "\\\\").replace(":", "\\:")
        passwords.write(f"*:*:*:*:{escaped}\n")
        passwords.flush()
        environment |= {"PGPASSFILE": passwords.name, "PATH": "/usr/bin:/bin:/usr/local/bin"}
        try:
            done = subprocess.run(  # noqa: S603 - our own program, no shell
                [program, *map(str, arguments)],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SECONDS,
            )
        except FileNotFoundError:
            raise Failed(f"{program} is not installed: apt-get install postgresql-client") from None
        except subprocess.TimeoutExpired:
            raise Failed(f"{program} did not end within {SECONDS // 60} minutes.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise Failed(f"{program} failed: {said[-1]}")
