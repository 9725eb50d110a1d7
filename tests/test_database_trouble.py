"""The database locked, damaged, emptied or gone under real processes: no silent loss."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from calendar_app import database, embedded, models
from tests.operating import operate
from tests.world import init_data, wait_for

ADA = {"full_name": "Ada Lovelace", "birth_date": "1815-12-10"}
HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
held.execute("ROLLBACK")
"""
FOLD = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], isolation_level=None) as database:
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
"""


class Alice:
    """A client that may be used by many threads; each call has a connection of its own."""

    def __init__(self, web):
        self.web = web

    def __call__(self, method, path, **more):
        headers = {"X-Init-Data": init_data("Alice", token=self.web.token)}
        transport = httpx.HTTPTransport(uds=str(self.web.socket))
        with httpx.Client(transport=transport, base_url="http://localhost", timeout=60) as client:
            return client.request(method, path, headers=headers, **more)

    def add(self, name):
        return self("POST", "/api/birthdays", json=ADA | {"full_name": name})

    def names(self):
        answer = self("GET", "/api/birthdays")
        assert answer.status_code == 200, answer.text
        return sorted(row["full_name"] for row in answer.json())


def is_problem(answer):
    """Whether this is a 503 that tells when to come back."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["detail"].endswith(".")
    return answer.status_code == 503


# --- locked ------------------------------------------------------------------------------


@pytest.fixture
def locked():
    """Another process that holds the write lock: `locked(database)` gives a function to end it."""
    begun = []

    def begin(database):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        begun.append(holder)
        assert holder.stdout.readline() == "held\n"
        return holder.communicate

    yield begin
    for holder in begun:
        holder.kill()
        holder.wait()


def test_while_another_process_writes_for_long_reads_go_on_and_writes_are_told_to_wait(
    service, locked
):
    web = service("web")
    alice = Alice(web)
    assert alice.add("Before").status_code == 201
    release = locked(web.folder / "calendar.db")
    over, refused, accepted = threading.Event(), [], []

    def write(number):
        while not over.is_set():
            name = f"Meanwhile {number}.{time.monotonic()}"
            answer = alice.add(name)
            if answer.status_code == 201:
                accepted.append(name)
            else:
                refused.append(answer)
            time.sleep(0.3)

    # Twice as many as there are threads, and they come back sooner than they are told to.
    with ThreadPoolExecutor(16) as writers:
        waiting = [writers.submit(write, number) for number in range(16)]
        wait_for(lambda: len(refused) >= 40, timeout=60)
        # All threads of both workers would be waiting by now, if writers could take them all.
        assert not accepted
        for _ in range(30):
            assert alice.names() == ["Before"]
            assert alice("GET", "/health").status_code == 200
        assert alice("GET", "/health/ready").status_code == 200
        assert not accepted, "the lock was not held for long enough to tell"
        release()
        wait_for(lambda: len(accepted) >= 16, timeout=60)
        over.set()
        for each in waiting:
            each.result()
    assert all(is_problem(answer) for answer in refused)
    # Nothing of what was refused is there, and all that was accepted.
    assert alice.names() == sorted(["Before", *accepted])
    log = web.log("web")
    assert "Traceback" not in log
    # Each worker logs a hundred lines at once and then two a second, whatever is asked.
    assert log.count("locked") <= 300


def test_a_write_that_waited_a_little_is_done(service, locked):
    web = service("web")
    alice = Alice(web)
    assert alice.add("Before").status_code == 201
    release = locked(web.folder / "calendar.db")
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(alice.add, "Patient")
        time.sleep(1)
        assert not written.done()
        release()
        assert written.result().status_code == 201
    assert alice.names() == ["Before", "Patient"]


# --- damaged, emptied, gone --------------------------------------------------------------


def header(database):
    with database.open("r+b") as file:
        file.write(b"\0" * 100)


def emptied(database):
    with database.open("r+b") as file:
        file.truncate()


def replaced_by_html(database):
    database.write_bytes(b"<html><body>404 Not Found</body></html>\n" * 20)


def gone(database):
    database.rename(database.with_name("elsewhere"))


def a_page(database):
    """The pages that have names on them, in the middle of the file."""
    data = database.read_bytes()
    pages = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    hit = [number for number, page in enumerate(pages) if b"Ada Lovelace" in page]
    assert hit
    assert 0 not in hit
    with database.open("r+b") as file:
        for number in hit:
            file.seek(number * 4096)
            file.write(b"\xa5" * 4096)


LOSSES = [header, emptied, replaced_by_html, gone]


def content(database):
    """All that is there of a database, by name."""
    return {path.name: path.read_bytes() for path in database.parent.glob("calendar.db")}


def operator(web, *arguments):
    """A verb on the service's state: (status, output, errors)."""
    token = {"TELEGRAM_BOT_TOKEN": web.token, "BALLAST_MIB": 0}
    return operate(web.folder, *arguments, **token)


@pytest.fixture
def kept(service):
    """A service with a birthday and a proven backup of it; stopped, its database in one file."""
    web = service("web")
    web.alice = Alice(web)
    assert web.alice.add("Ada Lovelace").status_code == 201
    status, out, err = operator(web, "backup")
    assert status == 0, err
    (web.backup,) = (path.name for path in (web.folder / "backups").glob("calendar-*"))
    web.terminate("web")
    web.database = web.folder / "calendar.db"
    subprocess.run([sys.executable, "-c", FOLD, web.database], check=True)
    return web


def tells_the_remedy(text, web):
    assert f"restore {web.backup}" in text, text
    assert "Traceback" not in text, text
    return True


@pytest.mark.parametrize("lose", LOSSES)
def test_a_lost_database_is_never_begun_anew_and_the_backup_is_offered_and_works(kept, lose):
    lose(kept.database)
    before = content(kept.database)
    kept.start("web")
    assert kept.get("/health").status_code == 200
    assert kept.get("/health/ready").status_code == 503
    assert kept.get("/health/ready").json()["status"] == "down"
    assert "birthday_calendar_database_up 0.0" in kept.get("/metrics").text
    for answer in (kept.alice("GET", "/api/birthdays"), kept.alice.add("Bob")):
        assert is_problem(answer)
    assert tells_the_remedy(kept.log("web"), kept)
    kept.start("bot")
    assert kept.processes["bot"].wait(timeout=60) == 1
    assert tells_the_remedy(kept.log("bot"), kept)
    status, _, told = operator(kept, "migrate")
    assert status == 1
    assert tells_the_remedy(told, kept)
    status, _, told = operator(kept, "backup")
    assert status == 1
    assert "Traceback" not in told
    assert operator(kept, "status")[0] == 0
    assert content(kept.database) == before
    kept.terminate("web")
    assert content(kept.database) == before
    status, out, told = operator(kept, "restore", kept.backup, "--yes")
    assert status == 0, (out, told)
    kept.start("web")
    assert kept.alice.names() == ["Ada Lovelace"]
    assert kept.get("/health/ready").status_code == 200


@pytest.mark.parametrize("lose", [emptied, replaced_by_html, gone])
def test_a_database_that_is_lost_while_the_service_runs_takes_no_more_writes(kept, lose):
    kept.start("web")
    assert kept.alice.add("Bob").status_code == 201
    lose(kept.database)
    for number in range(10):
        assert is_problem(kept.alice.add(f"Lost {number}"))
        assert is_problem(kept.alice("GET", "/api/birthdays"))
    assert kept.get("/health/ready").json()["status"] == "down"
    assert kept.get("/health").status_code == 200
    assert "Traceback" not in kept.log("web")


def test_a_database_put_in_place_of_another_is_what_is_served(kept):
    kept.start("web")
    assert kept.alice.names() == ["Ada Lovelace"]
    copy = kept.database.with_name("copy")
    subprocess.run([sys.executable, "-c", FOLD, kept.database], check=True)
    copy.write_bytes(kept.database.read_bytes())
    assert kept.alice.add("Bob").status_code == 201
    subprocess.run([sys.executable, "-c", FOLD, kept.database], check=True)
    copy.replace(kept.database)
    for _ in range(20):
        assert kept.alice.names() == ["Ada Lovelace"]
    assert kept.alice.add("Charlie").status_code == 201
    assert kept.alice.names() == ["Ada Lovelace", "Charlie"]


def test_a_damaged_page_is_told_once_and_no_backup_of_it_replaces_a_good_one(kept):
    a_page(kept.database)
    kept.start("web")
    # Ready as long as nobody has seen the page.
    assert kept.get("/health/ready").status_code == 200
    assert all(is_problem(kept.alice("GET", "/api/birthdays")) for _ in range(10))
    assert kept.get("/health/ready").json()["checks"]["database"]["status"] == "damaged"
    assert kept.get("/health/ready").status_code == 503
    assert kept.get("/health").status_code == 200
    # What does not lie on that page is served.
    assert kept.alice("GET", "/api/settings").status_code == 200
    assert tells_the_remedy(kept.log("web"), kept)
    assert kept.log("web").count("restore calendar-") == 1
    status, _, told = operator(kept, "backup")
    assert status == 1
    assert "damaged" in told
    assert [path.name for path in (kept.folder / "backups").glob("calendar-*")] == [kept.backup]
    kept.terminate("web")
    status, out, told = operator(kept, "restore", kept.backup, "--yes")
    assert status == 0, (out, told)
    kept.start("web")
    assert kept.alice.names() == ["Ada Lovelace"]
    assert kept.get("/health/ready").status_code == 200


def test_who_wants_an_empty_calendar_moves_the_backups_away(kept):
    gone(kept.database)
    (kept.folder / "backups").rename(kept.folder / "old backups")
    kept.start("web")
    assert kept.alice.names() == []
    assert kept.alice.add("Bob").status_code == 201


def test_on_postgresql_too_a_writer_does_not_wait_for_ever(postgres, monkeypatch):
    url = postgres()
    models.connect(url)
    models.migrate()
    monkeypatch.setattr(embedded, "BUSY_SECONDS", 1)
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (database.WRITE_LOCK,))
        with pytest.raises(models.Trouble) as refused, models.writing():
            pytest.fail("two write at once")
        assert models.is_trouble(refused.value)
        other.rollback()
        with models.writing():
            assert models.database.in_transaction()
    models.disconnect()
