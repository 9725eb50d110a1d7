"""The doctor's remedies, and --fix as far as no machine has to be mended; see tests/system too."""

import os
import pty
import shlex
import subprocess
import sys

import pytest

from calendar_app.doctor import fixing, remedies
from calendar_app.doctor.causes import CAUSES, error, ok, warning
from tests.doctoring import run
from tests.operating import environment
from tests.world import ROOT

PROGRAMS = {"systemctl", "systemd-sysusers", "systemd-tmpfiles", "install", "birthday-calendar"}
VERBS = {"restart", "start", "reload", "reset-failed"}


def test_each_text_is_made_of_the_commands_that_are_run():
    for text, commands in remedies.safe().items():
        shown = tuple(tuple(shlex.split(part)) for part in text.split("; "))
        assert shown == tuple(("sudo", *command) for command in commands)


def test_no_safe_remedy_stops_or_deletes_anything():
    for commands in remedies.safe().values():
        for command in commands:
            assert command[0] in PROGRAMS
            assert command[0] != "systemctl" or command[1] in VERBS
            assert command[0] != "systemd-tmpfiles" or command[1:2] == ("--create",)
            assert command[0] != "birthday-calendar" or command[1:] == ("release-ballast",)


def test_only_what_stands_in_the_table_is_ever_run():
    known = remedies.RESET_WEB
    assert remedies.commands(known)
    assert remedies.commands(f"{known}  # once it is mended") == remedies.commands(known)
    for other in ("", "rm -rf /", f"{known}; rm -rf /", f"echo # {known}", f" {known}"):
        assert remedies.commands(other) == ()


@pytest.mark.parametrize(
    "cause",
    ["bot-conflict", "bot-unauthorized", "webhook-set", "database-locked", "database-corrupt",
     "disk-full", "inodes-full", "out-of-memory", "telegram-unreachable", "nginx-config-invalid"],
)  # fmt: skip
def test_what_a_person_has_to_decide_is_not_decided_here(cause):
    assert remedies.commands(CAUSES[cause].fix) == ()


@pytest.mark.parametrize("cause", ["nginx-down", "bot-stopped", "web-not-running"])
def test_what_is_down_can_be_started(cause):
    assert remedies.commands(CAUSES[cause].fix)


def would(capsys, *checks):
    """What --fix says it would do, where nobody can be asked; nothing is ever run."""
    looks = []

    def look():
        looks.append(checks)
        return list(checks)

    found = fixing.fix(look, pytest.fail, yes=False)
    assert found == list(checks)
    assert len(looks) == 1
    return capsys.readouterr().out


def test_nobody_is_there_to_ask_so_nothing_is_done_and_it_is_said_what_would_be(capsys):
    said = would(capsys, error("bot-stopped", "It is down"), ok("journal", "fine"))
    assert "would run" in said
    assert CAUSES["bot-stopped"].fix in said


def test_the_web_is_not_restarted_because_of_a_full_disk(capsys):
    full = error("disk-full", "3 MiB are free", "", "sudo du -xhd3 /")
    said = would(capsys, full, error("web-not-running", "no answer"), error("nginx-down", "down"))
    assert "would run" not in said
    assert "A person has to decide: disk-full: 3 MiB are free. To mend it: sudo du" in said


def test_what_a_killed_process_left_behind_is_mended_all_the_same(capsys):
    said = would(capsys, error("out-of-memory", "killed"), error("nginx-down", "down"))
    assert remedies.RESET["nginx.service"] in said
    assert "A person has to decide: out-of-memory" in said


def test_the_same_remedy_is_offered_once(capsys):
    found = (error("web-not-running", "no answer"), error("socket-missing", "gone"))
    assert would(capsys, *found).count("would run") == 1


def test_a_released_ballast_is_asked_for_before_a_person_makes_room(capsys):
    fix = f"{remedies.RELEASE_BALLAST}  # for the moment, then sudo du -xhd3 /var"
    said = would(capsys, error("disk-full", "3 MiB are free", "", fix), warning("x", "y", "z"))
    assert f"{remedies.RELEASE_BALLAST}  # for the moment" in said


def test_fix_beside_run_sh_ends_with_the_line_and_what_a_person_has_to_do(tmp_path):
    code, out, err = run("--fix", environment={"VAR_DIR": str(tmp_path)})
    lines = out.splitlines()
    assert (code, err) == (2, "")
    assert lines[-1].startswith("web-not-running: ")
    assert any(line.startswith("A person has to decide: web-not-running") for line in lines)


@pytest.mark.parametrize("other", [["--json"], ["--logs", "/dev/null"], ["--tell", "/tmp/x"]])
def test_fix_goes_with_nothing_that_is_no_conversation(tmp_path, other):
    code, out, err = run("--fix", *other, environment={"VAR_DIR": str(tmp_path)})
    assert (code, out) == (2, "")
    assert "--fix" in err


ASK = """
from calendar_app.doctor import fixing, machine, remedies
from calendar_app.doctor.causes import error, ok
import calendar_app.doctor.machine
looks = [[error("bot-stopped", "It is down")], [ok("bot-stopped", "It runs")]]
fixing.fix(lambda: looks.pop(0), print, yes=False)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is asked")
def test_who_says_no_at_the_terminal_is_obeyed(tmp_path):
    ours, theirs = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment(tmp_path),
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    os.write(ours, b"no\n")
    out, _ = asking.communicate(timeout=60)
    assert "Do this? [y/N]" in out
    assert "left as it is" in out
    assert "done" not in out
    os.close(ours)
    os.close(theirs)
