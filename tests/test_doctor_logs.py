"""The doctor: what it makes of log files."""

import gzip
import json
import os
import struct
import threading

import pytest

from calendar_app import logs
from tests.doctoring import CONTRACT, LOGS, found, judged, log, read, run, statuses
from tests.world import TOKEN


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
