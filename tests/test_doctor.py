"""The doctor: what it makes of logs, of a running service, and of one that is in trouble."""

import gzip
import json
import os
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import pytest

from calendar_app import doctor, logs, models
from calendar_app.doctor import causes, evidence
from calendar_app.doctor.causes import CAUSES, error, ok
from tests.service import children
from tests.world import ROOT, TOKEN, wait_for

LOGS = Path(__file__).parent / "logs"
CONTRACT = [
    "disk-full",
    "inodes-full",
    "bot-conflict",
    "bot-unauthorized",
    "telegram-unreachable",
    "webhook-set",
    "web-not-running",
    "web-start-failed",
    "socket-missing",
    "socket-permission",
    "upstream-timeout",
    "nginx-down",
    "nginx-config-invalid",
    "certificate-expired",
    "database-locked",
    "database-corrupt",
    "out-of-memory",
    "log-rotation-broken",
]
SHAPE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["status", "root_cause", "checks"],
    "properties": {
        "status": {"enum": ["ok", "warning", "error"]},
        "root_cause": {"enum": [None, *CAUSES]},
        "checks": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "status", "summary", "details", "fix"],
                "properties": {
                    "id": {"type": "string", "pattern": "^[a-z-]+$"},
                    "status": {"enum": ["ok", "warning", "error", "skipped"]},
                    "summary": {"type": "string", "minLength": 1},
                    "details": {"type": "string"},
                    "fix": {"type": "string"},
                },
                "if": {"properties": {"status": {"const": "ok"}}},
                "else": {"properties": {"fix": {"minLength": 1}}},
            },
        },
    },
}


def run(*arguments, environment=None, stdin=b"", **more):
    """The doctor as a process: its exit status, standard output and standard error."""
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null"} | (environment or {})
    done = subprocess.run(
        [sys.executable, "-m", "calendar_app", "doctor", *map(str, arguments)],
        cwd=ROOT, env=env, input=stdin, capture_output=True, timeout=120, **more,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def judged(*arguments, **more):
    """The doctor's answer in JSON, after a look at its shape and its exit status."""
    code, out, err = run("--json", *arguments, **more)
    assert out, err
    answer = json.loads(out)
    assert code == {"ok": 0, "warning": 1, "error": 2}[answer["status"]]
    return shaped(answer)


def shaped(answer):
    jsonschema.validate(answer, SHAPE)
    assert (answer["root_cause"] is None) == (answer["status"] != "error")
    return answer


def read(*paths):
    """What it makes of log files, in this process: there are many of them."""
    return shaped(doctor.as_json(evidence.read([str(path) for path in paths], pytest.fail)))


def statuses(answer):
    return {check["id"]: check["status"] for check in answer["checks"]}


def found(answer):
    return {name for name, status in statuses(answer).items() if status == "error"}


def log(tmp_path, *lines, name="some.log"):
    path = tmp_path / name
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


# --- which cause is the root -------------------------------------------------------------


def test_every_cause_of_the_contract_is_known_and_has_a_remedy_that_deletes_nothing():
    assert set(CONTRACT) <= set(CAUSES)
    for cause in CAUSES.values():
        assert cause.says
        assert cause.fix
        words = cause.fix.replace("-", " ").split()
        assert not {"rm", "delete", "vacuum", "prune", "truncate", "drop"} & set(words)


def test_no_cause_explains_itself():
    for name in CAUSES:
        assert name not in causes.explained(name)


@pytest.mark.parametrize(
    ("errors", "root"),
    [
        (["web-not-running", "web-start-failed", "disk-full", "bot-conflict"], "disk-full"),
        (["nginx-down", "nginx-config-invalid"], "nginx-config-invalid"),
        (["bot-conflict", "web-not-running"], "web-not-running"),
        (["bot-conflict", "webhook-set"], "webhook-set"),
        (["bot-unauthorized", "socket-permission"], "socket-permission"),
        (["log-rotation-broken", "bot-conflict"], "bot-conflict"),
        (["disk-full", "inodes-full"], "inodes-full"),
        (["database-locked", "upstream-timeout", "certificate-expired"], "database-locked"),
        (["telegram-unreachable"], "telegram-unreachable"),
    ],
)
def test_the_deepest_cause_is_the_root(errors, root):
    found = [error(name, "so it is") for name in errors]
    assert causes.root(found).id == root
    assert causes.root(found[::-1]).id == root


def test_time_decides_only_between_equals():
    def at(name, since):
        return causes.Check(name, "error", "so it is", "", "mend", since)

    assert causes.root([at("nginx-down", 5), at("certificate-expired", 3)]).id.startswith("cert")
    assert causes.root([at("bot-conflict", 1), at("nginx-down", 3)]).id == "nginx-down"
    assert causes.root([ok("disk-full", "fine")]) is None


# --- logs --------------------------------------------------------------------------------


def expected_root(name):
    """Samples are named for their root cause, and perhaps for where they are from."""
    if name.startswith(("healthy", "over-")):
        return None
    if name.startswith("post-mortem"):
        return "disk-full"
    if name.startswith("flapping"):
        return "bot-conflict"
    return max((c for c in CONTRACT if name.startswith(c)), key=len)


SAMPLES = sorted(path.stem for path in LOGS.glob("*.log"))


def test_there_is_a_sample_for_every_cause():
    assert {expected_root(name) for name in SAMPLES} == {None, *CONTRACT}


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_logs_are_judged_right(name):
    answer = read(LOGS / f"{name}.log")
    assert answer["root_cause"] == expected_root(name)
    if name.startswith("healthy"):
        assert not found(answer)


def test_the_post_mortem_needs_one_line():
    code, out, _ = run("--logs", LOGS / "post-mortem.log")
    lines = out.splitlines()
    assert code == 2
    assert lines[-1].startswith("disk-full: A disk is full (once, at 2026-05-12 07:41:02). To mend")
    assert found(judged("--logs", LOGS / "post-mortem.log")) == {
        "disk-full", "web-not-running", "bot-conflict",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "root"),
    [
        (["bot-conflict", "nginx-config-invalid"], "nginx-config-invalid"),
        (["web-start-failed", "socket-missing", "bot-unauthorized"], "web-start-failed"),
        (["out-of-memory", "upstream-timeout"], "out-of-memory"),
        (["database-corrupt", "web-start-failed-uvicorn"], "database-corrupt"),
        (["log-rotation-broken", "telegram-unreachable"], "telegram-unreachable"),
        (["disk-full-journal", "nginx-config-invalid", "database-corrupt"], "disk-full"),
        (["healthy", "bot-conflict", "healthy-nginx"], "bot-conflict"),
    ],
)
def test_several_files_are_judged_together_in_any_order(names, root):
    files = [LOGS / f"{name}.log" for name in names]
    assert read(*files)["root_cause"] == root
    assert read(*files[::-1])["root_cause"] == root


def test_trouble_that_is_over_is_told_but_is_no_error():
    answer = read(LOGS / "over-conflict.log")
    assert statuses(answer) == {"bot-conflict": "ok"}
    assert "over" in answer["checks"][0]["summary"]


def test_an_end_in_another_file_counts_when_its_time_is_later(tmp_path):
    # nginx's error log names no zone, as its access log does.
    error_line = (LOGS / "web-not-running.log").read_text().splitlines()[0]
    bad = log(tmp_path, error_line, name="error.log")
    after = log(tmp_path, "2026/11/23 12:05:00 [notice] 1#1: start worker processes")
    started = "2026-11-2{}T12:05:00Z INFO:     Application startup complete."
    assert read(bad, after)["root_cause"] == "web-not-running"
    before = log(tmp_path, started.format(2), name="before.log")
    assert read(bad, before)["root_cause"] == "web-not-running"
    # Five minutes later on an unknown clock may be hours before.
    near = log(tmp_path, started.format(3), name="near.log")
    assert read(bad, near)["root_cause"] == "web-not-running"
    later = log(tmp_path, started.format(5), name="later.log")
    assert read(bad, later)["root_cause"] is None


def test_a_line_of_our_own_form_is_understood_in_every_wrapping(tmp_path):
    said = "WARNING bot.status: conflict: another program polls with this bot token"
    entry = {
        "__REALTIME_TIMESTAMP": "1790000000000000",
        "SYSLOG_IDENTIFIER": "python",
        "MESSAGE": said,
    }
    wrapped = [
        said,
        f"2026-11-23 12:00:00,123 {said}",
        f"Nov 23 12:00:00 srv birthday-calendar-bot[5]: {said}",
        f"Nov 23 12:00:00.123456 srv birthday-calendar-bot[5]: {said}",
        f"2026-11-23T12:00:00+0100 srv birthday-calendar-bot[5]: {said}",
        f"2026-11-23T12:00:00.123456+01:00 srv birthday-calendar-bot[5]: {said}",
        f"Mon 2026-11-23 12:00:00 UTC srv birthday-calendar-bot[5]: {said}",
        f"1790000000.123456 srv birthday-calendar-bot[5]: {said}",
        f"birthday-bot-1  | 2026-11-23T12:00:00.123456789Z {said}",
        f"\x1b[33mbot_1  |\x1b[0m \x1b[1m{said}\x1b[0m\r",
        json.dumps(entry),
        json.dumps(entry | {"MESSAGE": list(said.encode())}).replace(" ", ""),
        json.dumps({"log": said + "\n", "stream": "stderr", "time": "2026-11-23T12:00:00.1Z"}),
        json.dumps({"level": "warning", "message": said, "timestamp": "2026-11-23T12:00:00Z"}),
    ]
    for number, line in enumerate(wrapped):
        assert read(log(tmp_path, line))["root_cause"] == "bot-conflict", wrapped[number]


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "[DEBUG]", "[INFO]", "level=info msg=x"])
def test_what_is_said_at_debug_or_info_is_no_symptom(tmp_path, level):
    line = f"2026-11-23 12:00:00,123 {level} x: [Errno 28] No space left on device"
    assert read(log(tmp_path, line))["status"] == "ok"


def test_a_journal_export_is_read_with_its_binary_fields(tmp_path):
    message = b"Traceback\n\nOSError: [Errno 28] No space left on device"
    entry = (
        b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1790000000000000\nPRIORITY=3\n"
        b"SYSLOG_IDENTIFIER=birthday-calendar-web\nMESSAGE\n"
        + struct.pack("<Q", len(message)) + message + b"\n\n"
    )  # fmt: skip
    quiet = b"__CURSOR=s=2\n__REALTIME_TIMESTAMP=1790000001000000\nPRIORITY=7\nMESSAGE=ENOSPC\n\n"
    path = tmp_path / "export"
    path.write_bytes(quiet + entry)
    answer = judged("--logs", path)
    assert answer["root_cause"] == "disk-full"
    assert "once, at 2026-09-21" in answer["checks"][0]["summary"]


def test_packed_files_pipes_and_other_encodings_are_read(tmp_path):
    raw = (LOGS / "post-mortem.log").read_bytes()
    packed = tmp_path / "x.gz"
    packed.write_bytes(gzip.compress(raw))
    wide = tmp_path / "wide.log"
    wide.write_bytes(raw.decode().encode("utf-16"))
    broken = tmp_path / "broken.log"
    broken.write_bytes(
        b"\xfa\xff\xfe \x80\n" * 3 + b"\0\0\n" + raw.replace(b"calendar.", b"cal\xe9ndar.")
    )
    for arguments, stdin in (([packed], b""), (["-"], raw), ([broken], b""), ([wide], b"")):
        assert judged("--logs", *arguments, stdin=stdin)["root_cause"] == "disk-full", arguments


def test_a_named_pipe_is_read_while_somebody_writes_to_it(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    raw = (LOGS / "bot-conflict.log").read_bytes()
    writer = threading.Thread(target=lambda: path.write_bytes(raw))
    writer.start()
    assert judged("--logs", path)["root_cause"] == "bot-conflict"
    writer.join()


def test_a_torn_archive_is_judged_as_far_as_it_goes(tmp_path):
    path = tmp_path / "torn.gz"
    noise = os.urandom(20000).hex().encode()
    path.write_bytes(gzip.compress((LOGS / "post-mortem.log").read_bytes() + noise)[:-5000])
    code, out, err = run("--json", "--logs", path)
    assert (code, json.loads(out)["root_cause"]) == (2, "disk-full")
    assert "only in part" in err


@pytest.mark.parametrize("kind", ["missing", "folder", "device", "zstd", "journal", "nul"])
def test_what_is_no_log_file_is_answered_with_one_sentence(tmp_path, kind):
    path = tmp_path / "file"
    if kind == "folder":
        path.mkdir()
    elif kind == "zstd":
        path.write_bytes(b"\x28\xb5\x2f\xfd rest")
    elif kind == "journal":
        path.write_bytes(b"LPKSHHRH" + bytes(100))
    name = "/dev/zero" if kind == "device" else path
    code, out, err = run("--logs", name)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert str(name) in err
    assert "Traceback" not in err


def test_an_empty_log_is_well(tmp_path):
    assert judged("--logs", log(tmp_path))["checks"] == []
    code, out, _ = run("--logs", log(tmp_path))
    assert (code, out) == (0, "All is well.\n")
    assert run("--quiet", "--logs", log(tmp_path)) == (0, "", "")


def test_quiet_is_the_last_line_alone():
    whole = run("--logs", LOGS / "post-mortem.log")[1]
    assert run("--quiet", "--logs", LOGS / "post-mortem.log")[1] == whole.splitlines()[-1] + "\n"


def test_examples_show_no_secret_and_nothing_that_a_terminal_obeys(tmp_path):
    line = (
        f"ERROR x: HTTPSConnectionPool(host='api.telegram.org', port=443): Max retries exceeded "
        f"with url: /bot{TOKEN}/getUpdates \x1b]0;title\x07 \x9b2J"
    )
    answer = judged("--logs", log(tmp_path, line))
    assert answer["root_cause"] == "telegram-unreachable"
    shown = json.dumps(answer, ensure_ascii=False)
    assert TOKEN not in shown
    assert logs.mask(TOKEN) in shown
    assert answer["checks"][0]["details"].isprintable()


def test_a_storm_of_lines_takes_little_memory_and_hides_no_other_cause(tmp_path):
    path = tmp_path / "storm.log"
    spam = (LOGS / "bot-conflict-telebot.log").read_bytes() * 2000
    with path.open("wb") as file:
        for _ in range(8):
            file.write(spam)
        file.write(b"OSError: [Errno 28] No space left on device\n")
        for _ in range(8):
            file.write(spam)
        file.write(b"x" * 5_000_000)  # a line that never ends
        file.write(b"\n" + (LOGS / "nginx-down.log").read_bytes())
    limit = 200 * 2**20

    def limited():
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    answer = judged("--logs", path, preexec_fn=limited)
    assert answer["root_cause"] == "disk-full"
    assert found(answer) == {"disk-full", "bot-conflict", "nginx-down"}
    assert "(64000 times" in {c["id"]: c["summary"] for c in answer["checks"]}["bot-conflict"]


# --- a running service -------------------------------------------------------------------


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
    look(running)
    assert before == {name: (running.folder / name).stat().st_mtime_ns for name in names}
    left = {path.name for path in running.folder.iterdir()}
    assert left <= {*names, "calendar.db-shm", "calendar.db-wal", "run"}


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
        wait_for(lambda: look(running)["root_cause"] == "upstream-timeout", 20, 0.5)
    finally:
        for pid in (web, *group):
            os.kill(pid, signal.SIGCONT)


def test_a_dead_bot_is_named(running):
    running.wait_for_bot("ok")
    running.kill("bot")
    running.wait_for_bot("stopped")
    wait_for(lambda: look(running)["root_cause"] == "bot-stopped", 20, 0.5)


def test_a_wrong_token_is_named(service, telegram):
    started = service("bot", TELEGRAM_BOT_TOKEN="42:" + "x" * 35)
    wait_for(lambda: statuses(look(started))["bot-unauthorized"] == "error", 20, 0.5)


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
    wait_for(lambda: look(running)["root_cause"] == "web-start-failed", 20, 0.5)


def test_a_zone_that_nobody_knows_is_a_warning(running, app):
    models.disconnect()
    with sqlite3.connect(running.folder / "calendar.db") as connection:
        connection.execute(
            "INSERT INTO calendars (kind, title, timezone, notification_minute, created_at)"
            " VALUES ('shared', 'Ours', 'Mars/Olympus', 540, 0)"
        )
    assert statuses(look(running))["time-zones"] == "warning"
