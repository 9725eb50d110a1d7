"""Copies of a PostgreSQL database, by pg_dump, proven by restoring them into a scratch database.

The password reaches PostgreSQL's programs in a file that is removed again, never as an argument.
A role that may not create databases gets its backup listed only, and is told so. Used by
`backups`.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import conninfo, sql

from . import files, snapshots
from .snapshots import Failed, Rows

SUFFIX = ".dump"
SCRATCH = "birthday_calendar_scratch"
SECONDS = 3600
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
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
        with _scratch(url) as scratch:
            _run(
                scratch,
                "pg_restore",
                "--exit-on-error",
                "--no-owner",
                f"--dbname={SCRATCH}",
                backup,
            )
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


def _count(connection: psycopg.Connection) -> Rows:
    names = [name for (name,) in connection.execute(TABLES).fetchall()]
    query = sql.SQL("SELECT count(*) FROM {}")
    return {
        name: connection.execute(query.format(sql.Identifier(name))).fetchone()[0] for name in names
    }


@contextmanager
def _scratch(url: str) -> Iterator[str]:
    """The URL of a new, empty database; the one that a killed run left goes first."""
    drop, create = (
        sql.SQL(text).format(sql.Identifier(SCRATCH))
        for text in ("DROP DATABASE IF EXISTS {}", "CREATE DATABASE {} TEMPLATE template0")
    )
    with _asked(url, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(create)
        try:
            parts = urlsplit(url)
            yield f"{parts.scheme}://{parts.netloc}/{SCRATCH}?{parts.query}"
        finally:
            connection.execute(drop)


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
