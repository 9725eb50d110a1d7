"""A PostgreSQL of its own for tests: a temporary cluster on a unix socket, ended with the session.

Import the fixture `postgres` where it is needed; it gives a function that makes a new, empty
database and returns its URL. Root may not run PostgreSQL: then it runs as the user `postgres`.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

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
