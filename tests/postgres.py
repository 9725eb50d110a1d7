"""A PostgreSQL of its own for tests: a temporary cluster on a unix socket, ended with the session.

Import the fixture `postgres` where it is needed; it gives a function that makes a new, empty
database and returns its URL. `as_new` gives the URL of one with our tables, as after the first
start: one database for all tests, put back each time, forty times faster than a new one. Root may
not run PostgreSQL: then it runs as the user `postgres`.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from calendar_app import models

# One after the other, never at once: durability is nobody's concern here.
OPTIONS = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def binaries():
    """The folder of the newest PostgreSQL's programs."""
    found = Path("/usr/lib/postgresql").glob("*/bin")
    newest = max(found, key=lambda path: int(path.parent.name), default=None)
    assert newest, "PostgreSQL is not installed: apt-get install postgresql"
    return newest


def run(program, *arguments):
    """One of PostgreSQL's programs, as a user that may run it."""
    command = [binaries() / program, *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    subprocess.run(
        command, check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


@contextmanager
def cluster():
    """A running cluster in a new folder; gives the folder, which holds the socket too."""
    # Not pytest's tmp_path: its folders are closed to other users, and too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    data = str(folder / "data")
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        log, options = str(folder / "log"), f"{OPTIONS} -k {folder}"
        run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)
        try:
            yield folder
        finally:
            run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres():
    """A function that makes an empty database and returns its URL."""
    numbers = itertools.count(1)
    with cluster() as folder:

        def new_database():
            name = f"test{next(numbers)}"
            run("createdb", "-h", str(folder), "-U", "postgres", name)
            return f"postgresql:///{name}?host={folder}&user=postgres"

        yield new_database


KEEP = """
CREATE SCHEMA kept;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('CREATE TABLE kept.%1$I AS TABLE public.%1$I', name);
    END LOOP;
END $$"""
PUT_BACK = """
DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;  -- no foreign key is looked at
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'kept' LOOP
        EXECUTE format('DELETE FROM public.%I', name);
        EXECUTE format('INSERT INTO public.%1$I SELECT * FROM kept.%1$I', name);
    END LOOP;
    PERFORM setval(format('public.%I', sequencename)::regclass, 1, false)
        FROM pg_sequences WHERE schemaname = 'public';
END $$"""


@pytest.fixture(scope="session")
def migrated(postgres):
    """The URL of a database with our tables, and what was in them at the beginning beside them."""
    url = postgres()
    models.connect(url)
    models.migrate()
    models.disconnect()
    with psycopg.connect(url) as connection:
        connection.execute(KEEP)
    return url


@pytest.fixture
def as_new(migrated):
    """The URL of a database as after the first start."""
    with psycopg.connect(migrated) as connection:
        connection.execute(PUT_BACK)
    return migrated
