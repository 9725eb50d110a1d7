"""The doctor: what it makes of a running service, and of one that is in trouble."""

import json
import os
import signal
import socket
import sqlite3
import subprocess

import pytest

from calendar_app import models
from tests.doctoring import found, judged, statuses
from tests.service import children
from tests.world import wait_for


@pytest.fixture
def running(service):
    """Web and bot; the web's socket also stands where run.sh has it."""
    started = service()
    (started.folder / "run").mkdir()
    (started.folder / "run" / "web.sock").symlink_to(started.socket)
    return started


def answers(started):
    """Whether somebody still takes connections at the web's socket."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(started.socket)) == 0


def look(started, **more):
    return judged(environment=started.environment | more)


def test_a_service_that_runs_has_no_errors(running):
    running.wait_for_bot("ok")
    answer = look(running)
    assert answer["status"] == "warning"
    well = {"web-not-running", "upstream-timeout", "bot-conflict", "webhook-set", "disk-full"}
    well |= {"database-corrupt", "database-locked", "reminders", "time-zones", "schema"}
    assert {statuses(answer)[name] for name in well} == {"ok"}
    assert statuses(answer)["backup"] == "warning"
    assert statuses(answer)["nginx-down"] == "skipped"
    assert running.token not in json.dumps(answer)


def test_the_doctor_changes_nothing(running):
    running.wait_for_bot("ok")
    running.terminate("bot")
    running.terminate("web")
    # What lies beside the database comes and goes with whoever reads it.
    names = ("calendar.db", "bot.log", "web.log")
    before = {name: (running.folder / name).stat().st_mtime_ns for name in names}
    had = {path.name for path in running.folder.iterdir()}
    look(running)
    assert before == {name: (running.folder / name).stat().st_mtime_ns for name in names}
    left = {path.name for path in running.folder.iterdir()}
    assert left <= {*had, "calendar.db-shm", "calendar.db-wal"}


def test_a_dead_web_is_named(running):
    running.kill("web")
    wait_for(lambda: not answers(running))  # its workers end a moment later
    answer = look(running)
    assert answer["root_cause"] == "web-not-running"
    assert "run.sh" in {c["id"]: c["fix"] for c in answer["checks"]}["web-not-running"]


def test_a_web_that_hangs_is_named(running):
    web = running.processes["web"].pid
    group = wait_for(lambda: len(found := children(web)) == 2 and found)
    for pid in (web, *group):
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: look(running)["root_cause"] == "upstream-timeout", 60, 0.5)
    finally:
        for pid in (web, *group):
            os.kill(pid, signal.SIGCONT)


def test_a_dead_bot_is_named(running):
    running.wait_for_bot("ok")
    running.kill("bot")
    running.wait_for_bot("stopped")
    wait_for(lambda: look(running)["root_cause"] == "bot-stopped", 60, 0.5)


def test_a_wrong_token_is_named(service, telegram):
    started = service("bot", TELEGRAM_BOT_TOKEN="42:" + "x" * 35)
    wait_for(lambda: statuses(look(started))["bot-unauthorized"] == "error", 60, 0.5)


def test_a_webhook_of_somebody_else_is_named_with_its_host(running, telegram):
    import requests

    address = f"{telegram.url}/bot{running.token}/setWebhook"
    requests.post(address, json={"url": "https://other.example.org/hook"}, timeout=10)
    answer = look(running)
    assert answer["root_cause"] == "webhook-set"
    summaries = {check["id"]: check["summary"] for check in answer["checks"]}
    assert "other.example.org" in summaries["webhook-set"]


def test_whoever_keeps_the_database_locked_is_named(running):
    connection = sqlite3.connect(running.folder / "calendar.db", isolation_level=None)
    running.terminate("bot")
    connection.execute("BEGIN IMMEDIATE")
    answer = look(running)
    connection.close()
    assert "database-locked" in found(answer)
    fixes = {check["id"]: check["fix"] for check in answer["checks"]}
    assert str(os.getpid()) in fixes["database-locked"]


@pytest.mark.parametrize("damage", [b"no database at all, not even nearly", None])
def test_a_damaged_database_is_named_and_left_as_it_is(running, damage):
    running.terminate("bot")
    running.terminate("web")
    path = running.folder / "calendar.db"
    raw = path.read_bytes()
    raw = damage if damage else raw[:8192] + b"\xa5" * 12288 + raw[20480:]
    path.write_bytes(raw)
    answer = look(running)
    assert answer["root_cause"] == "database-corrupt"
    assert path.read_bytes() == raw


def test_a_bad_configuration_is_named_with_the_bad_key(tmp_path):
    answer = judged(environment={"VAR_DIR": str(tmp_path), "TIMEZONE": "Mars/Olympus"})
    assert answer["root_cause"] == "web-start-failed"
    assert any("TIMEZONE" in check["summary"] for check in answer["checks"])


def test_a_database_server_that_is_away_is_named_without_its_password(tmp_path):
    address = "postgresql://calendar:open-sesame@127.0.0.1:1/calendar"
    answer = judged(environment={"VAR_DIR": str(tmp_path), "DATABASE_URL": address})
    assert "database-unreachable" in found(answer)
    assert "open-sesame" not in json.dumps(answer)


def test_a_database_server_that_answers_is_well(tmp_path, postgres):
    address = postgres()
    models.connect(address)
    models.migrate()
    models.disconnect()
    answer = judged(environment={"VAR_DIR": str(tmp_path), "DATABASE_URL": address})
    assert {statuses(answer)[name] for name in ("database-locked", "schema", "time-zones")} == {
        "ok"
    }


def test_a_full_disk_is_named_with_what_fills_it(tmp_path):
    """On a file system of its own; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", disk]).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        (disk / "logs").mkdir()
        (disk / "logs" / "fat.log").write_bytes(bytes(10_000_000))
        answer = judged(environment={"VAR_DIR": str(disk)})
        check = next(check for check in answer["checks"] if check["id"] == "disk-full")
        assert answer["root_cause"] == "disk-full"
        assert f"{disk}/logs (9 MiB)" in check["details"]
        assert str(disk) in check["fix"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_database_of_a_newer_release_is_named(running):
    running.terminate("bot")
    with sqlite3.connect(running.folder / "calendar.db") as connection:
        connection.execute("INSERT INTO code_floor (id, migration) VALUES (1, 9999)")
    wait_for(lambda: look(running)["root_cause"] == "web-start-failed", 60, 0.5)


def test_a_zone_that_nobody_knows_is_a_warning(running, app):
    models.disconnect()
    with sqlite3.connect(running.folder / "calendar.db") as connection:
        connection.execute(
            "INSERT INTO calendars (kind, title, timezone, notification_minute, created_at)"
            " VALUES ('shared', 'Ours', 'Mars/Olympus', 540, 0)"
        )
    assert statuses(look(running))["time-zones"] == "warning"
