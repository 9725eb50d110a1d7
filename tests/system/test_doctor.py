"""The doctor on a booted machine: what it mends, whom it tells, how long it takes."""

import json
import re

import pytest

from tests.system.installation import BOT, WEB
from tests.world import PEOPLE, wait_for

DOCTOR = "birthday-calendar-doctor.service"
TOLD = "/var/lib/birthday-calendar-doctor/told.json"
# How it is broken, by what is found then; all but the first run with --full.
BREAKS = {
    "nginx-down": "systemctl stop nginx",
    "socket-missing": "rm /run/birthday-calendar-web.sock",
    "socket-permission": "chown root:root /run/birthday-calendar-web.sock",
    "bot-stopped": f"systemctl stop {BOT}",
    "log-rotation-broken": "rm /etc/logrotate.d/birthday-calendar",
    "journal": "rm /etc/systemd/journald.conf.d/50-birthday-calendar.conf",
    "folders": "systemctl stop nginx; mv /var/log/birthday-calendar /var/log/gone",
    "units": "systemctl stop birthday-calendar-logrotate.timer",
    "web-not-running": f"systemctl stop {WEB}.socket {WEB}.service",
}


def doctor(at, *options, check=False):
    return at.run(["birthday-calendar", "doctor", *options], check=check)


def answer(at):
    return json.loads(doctor(at, "--json").stdout)


def wrong(at):
    return {c["id"] for c in answer(at)["checks"] if c["status"] in ("error", "warning")}


def test_a_fresh_installation_has_no_errors(running):
    wait_for(lambda: answer(running)["status"] != "error", 60, 1)
    assert wrong(running) <= {"certificate-expired", "backup", "clock", "units"}


@pytest.mark.parametrize(
    "cause",
    [c if c == "nginx-down" else pytest.param(c, marks=pytest.mark.full) for c in BREAKS],
)
def test_fix_mends_it_and_ends_with_the_line(running, cause):
    before = wrong(running)
    assert cause not in before
    running.run(BREAKS[cause])
    wait_for(lambda: wrong(running) > before, 60, 1)
    assert cause in wrong(running) or cause == "web-not-running"  # its socket is what is missing
    said = doctor(running, "--fix").stdout
    assert "would run" in said
    assert wrong(running) > before
    said = doctor(running, "--fix", "--yes").stdout
    assert "failed:" not in said, said
    assert said.splitlines()[-1].startswith(("No errors; ", "All is well."))
    wait_for(lambda: wrong(running) <= before, 60, 2)
    wait_for(running.answers, 60, 0.5)


def test_the_timers_run_remembers_in_a_file_of_roots_own(running):
    running.run(["systemctl", "start", DOCTOR])
    stat = running.run(["stat", "-c", "%U %a %s", TOLD, TOLD.rsplit("/", 1)[0]]).stdout.split("\n")
    assert stat[0] == "root 600 32768"
    assert stat[1].startswith("root 700")
    told = json.loads(running.machine.read(TOLD))
    # It looked at the service's state, not at a folder of its own.
    assert told["api"].startswith("http://127.0.0.1:")
    assert told["root"] == ""


@pytest.mark.full
def test_the_operators_hear_of_a_stopped_bot_once_and_of_its_return(running):
    running.run(f"echo ADMIN_TELEGRAM_IDS={PEOPLE['Alice']} >>/etc/birthday-calendar/env")
    running.run(["systemctl", "restart", BOT])
    wait_for(lambda: answer(running)["status"] != "error", 60, 1)
    running.alice.send("/start")
    wait_for(running.alice.received, 60)
    running.run(["systemctl", "start", DOCTOR])
    before = len(running.alice.received())
    since = running.run("date +%s").stdout.strip()
    running.run(f"systemctl stop {BOT}")
    for _ in range(4):
        running.run(["systemctl", "start", DOCTOR])
    assert len(running.alice.received()) == before + 1
    assert "bot-stopped" in running.alice.last_message().text
    running.run(["systemctl", "start", BOT])
    wait_for(lambda: answer(running)["status"] != "error", 60, 1)
    for _ in range(2):
        running.run(["systemctl", "start", DOCTOR])
    own = [m.text for m in running.alice.received()[before:] if "bot-stopped" in m.text]
    assert len(own) == 2
    command = ["journalctl", "-o", "cat", "-u", DOCTOR, f"--since=@{since}", "-p", "notice"]
    lines = running.run(command).stdout.splitlines()
    assert len([line for line in lines if line.startswith("bot-stopped: ")]) == 2


def test_it_takes_less_than_five_seconds_with_nginx_and_telegram_hanging(running):
    running.run("pkill -STOP -x nginx")
    running.telegram.fail(hang=60, times=None)
    try:
        timed = running.run("time -p birthday-calendar doctor --json >/tmp/seen", check=False)
        seconds = float(re.search(r"^real (\S+)$", timed.stderr, re.M)[1])
        assert seconds < 5
        assert json.loads(running.machine.read("/tmp/seen"))["checks"]
    finally:
        running.telegram.clear_faults()
        running.run("pkill -CONT -x nginx")


def test_a_stranger_sees_what_is_skipped_and_why(running):
    done = running.run("runuser -u nobody -- birthday-calendar doctor --json", check=False)
    checks = {check["id"]: check for check in json.loads(done.stdout)["checks"]}
    for name in ("nginx-config-invalid", "database-corrupt", "backup", "webhook-set", "ballast"):
        assert checks[name]["status"] == "skipped", checks[name]
        assert "sudo" in checks[name]["summary"] + checks[name]["fix"], checks[name]
    assert done.stderr == ""
