"""The doctor answers within five seconds, whatever hangs; and tells others what only root sees."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest

from calendar_app.doctor import statechecks
from tests.doctoring import shaped
from tests.operating import USER, begin, command
from tests.operating import environment as plain
from tests.service import children
from tests.test_doctor import running  # noqa: F401 - a fixture
from tests.world import ROOT, wait_for

SECONDS = 5


def timed(environment, user=None):
    """The doctor's answer, and how long it took beyond what starting Python takes."""
    began = time.monotonic()
    subprocess.check_output(command("--version", user=user), cwd=ROOT, env=environment, timeout=60)
    start = time.monotonic() - began
    began = time.monotonic()
    done = subprocess.run(
        command("doctor", "--json", user=user),
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    took = time.monotonic() - began
    assert done.stderr == ""
    return shaped(json.loads(done.stdout)), took - start


@contextmanager
def black_hole():
    """A server that takes every connection and never says a word; yields its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def take():
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for each in held:
            each.close()


def test_telegram_in_a_black_hole_costs_no_more_than_the_time_there_is(running):  # noqa: F811
    with black_hole() as address:
        answer, seconds = timed(running.environment | {"TELEGRAM_API_URL": address})
    assert seconds < SECONDS
    assert {c["id"]: c["status"] for c in answer["checks"]}["webhook-set"] == "skipped"


def test_a_database_locked_for_all_costs_no_more_and_is_named(running):  # noqa: F811
    running.terminate("bot")
    running.terminate("web")
    with sqlite3.connect(running.folder / "calendar.db", isolation_level=None) as connection:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        answer, seconds = timed(running.environment)
    connection.close()
    assert seconds < SECONDS
    assert {c["id"]: c["status"] for c in answer["checks"]}["database-locked"] == "error"


def test_all_of_it_at_once_costs_no_more(running):  # noqa: F811
    web = running.processes["web"].pid
    frozen = [web, *wait_for(lambda: len(found := children(web)) == 2 and found)]
    connection = sqlite3.connect(running.folder / "calendar.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        with black_hole() as address:
            answer, seconds = timed(running.environment | {"TELEGRAM_API_URL": address})
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
        connection.close()
    assert seconds < SECONDS
    assert answer["root_cause"] == "database-locked"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_for_a_stranger_what_cannot_be_read_is_skipped_with_the_reason(tmp_path):
    state = tmp_path / "state"
    begin(state)
    state.chmod(0o700)
    answer, _ = timed(plain(state), user=USER)
    checks = {check["id"]: check for check in answer["checks"]}
    # The room of other file systems everybody may see.
    for each in set(statechecks.IDS) - {"disk-full", "inodes-full"}:
        assert checks[each]["status"] == "skipped"
        assert "sudo" in checks[each]["summary"] + checks[each]["fix"]
