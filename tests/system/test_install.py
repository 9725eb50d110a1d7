"""Scenario 1: a fresh install brings everything up, and a reboot brings all of it back."""

import json
import re

import pytest

from tests.system.installation import BOT, HEALTH, NAME, PORT, URL, WEB
from tests.world import wait_for

SCENARIO = 1
UNITS = (
    "birthday-calendar.target",
    f"{WEB}.socket",
    f"{WEB}.service",
    f"{BOT}.service",
    "birthday-calendar-backup.timer",
    "birthday-calendar-doctor.timer",
    "birthday-calendar-logrotate.timer",
    "nginx.service",
)


def test_every_unit_is_active_and_the_system_is_running(installed, measured):
    states = installed.run(["systemctl", "is-active", *UNITS], check=False).stdout.split()
    assert dict(zip(UNITS, states, strict=True)) == dict.fromkeys(UNITS, "active")
    state = installed.run("systemctl is-system-running", check=False).stdout.strip()
    failed = installed.run("systemctl --failed --no-legend --no-pager").stdout
    assert (state, failed) == ("running", "")
    measured(system=state, units_active=len(UNITS))


def test_health_through_nginx_is_the_exact_json(installed):
    curl = f"curl -ks --resolve {NAME}:{PORT}:127.0.0.1 https://{NAME}:{PORT}/health"
    assert installed.run(curl).stdout == HEALTH
    assert installed.run(f"curl -ks {URL}/health").stdout == HEALTH


def test_health_on_the_socket_is_the_same(installed):
    curl = "curl -s --unix-socket /run/birthday-calendar-web.sock http://localhost/health"
    assert installed.run(curl).stdout == HEALTH


def test_the_mini_app_and_its_files_are_served(installed):
    page = installed.request("GET", "/")
    assert page.status_code == 200
    assert "no-cache" in page.headers["cache-control"]
    script = next(word for word in page.text.split('"') if word.endswith("main.js"))
    answer = installed.request("GET", "/" + script.lstrip("/"))
    assert answer.status_code == 200
    assert installed.version() in script
    assert "immutable" in answer.headers["cache-control"]


def test_what_a_user_writes_is_read_again(installed):
    body = {"full_name": "Ada Lovelace", "birth_date": "1815-12-10"}
    assert installed.request("POST", "/api/birthdays", "Bob", json=body).status_code == 201
    rows = installed.request("GET", "/api/birthdays", "Bob").json()
    assert [row["full_name"] for row in rows] == ["Ada Lovelace"]


def test_the_bot_answers_a_message_and_says_that_it_polls(installed):
    assert installed.bot_greets()
    wait_for(lambda: "polling" in status_of_bot(installed))


def status_of_bot(installed):
    return installed.run(f"systemctl status --no-pager {BOT}", check=False).stdout


def test_the_operator_sees_all_on_one_screen(installed):
    shown = installed.run("birthday-calendar status")
    assert len(shown.stdout.splitlines()) <= 40
    assert installed.version() in shown.stdout


def test_a_restore_brings_back_what_was_and_the_service_with_it(installed, measured):
    made = installed.run("birthday-calendar backup").stdout
    assert "proven" in made, made
    eve = {"full_name": "Eve", "birth_date": "--01-02"}
    assert installed.request("POST", "/api/birthdays", "Bob", json=eve).status_code == 201
    listed = installed.run("birthday-calendar backup --list").stdout
    newest = max(line.split()[0] for line in listed.splitlines())
    said = installed.run(["birthday-calendar", "restore", newest, "--yes"], timeout=120).stdout
    assert names(installed, "Bob") == ["Ada Lovelace"]
    assert installed.bot_greets()
    states = installed.run(["systemctl", "is-active", *UNITS], check=False).stdout.split()
    assert set(states) == {"active"}
    measured(backup=made.strip(), restore=said.strip().splitlines()[-1])


def names(installed, person):
    return [row["full_name"] for row in installed.request("GET", "/api/birthdays", person).json()]


def test_a_token_set_again_reaches_web_and_bot(installed):
    installed.run("birthday-calendar set-token --file /root/token")
    assert installed.bot_greets()
    assert names(installed, "Bob") == ["Ada Lovelace"]


def test_the_doctor_finds_nothing_wrong_as_root_and_as_its_unit(installed):
    seen = installed.run("birthday-calendar doctor --json", check=False)
    report = json.loads(seen.stdout)
    assert seen.returncode <= 1, report
    assert report["root_cause"] is None
    ill = {c["id"] for c in report["checks"] if c["status"] not in ("ok", "skipped")}
    # What it warns of is true: nobody signed the certificate, and no time server is asked here.
    assert ill <= {"certificate-expired", "clock"}, report
    installed.run("systemctl start birthday-calendar-doctor.service")
    assert installed.property("birthday-calendar-doctor.service", "Result") == "success"


def test_there_is_nothing_to_roll_back_to(installed):
    refused = installed.run("birthday-calendar rollback", check=False)
    assert refused.returncode == 1
    assert "no release to go back to" in refused.stdout + refused.stderr


def test_an_install_again_changes_nothing_and_ends_well(installed):
    before, pid = installed.version(), installed.main_pid("nginx")
    worker = installed.run(["pgrep", "-P", pid]).stdout
    again = installed.install()
    assert again.returncode == 0
    assert installed.version() == before
    assert installed.releases() == [before]
    assert installed.run(["pgrep", "-P", pid]).stdout == worker, "nginx was reloaded in vain"
    assert installed.answers()


@pytest.fixture(scope="module")
def rebooted(installed):
    """The machine after a reboot."""
    installed.machine.reboot()
    return installed


def test_a_reboot_brings_all_of_it_back(rebooted, measured):
    assert rebooted.machine.state == "running", rebooted.facts()
    wait_for(rebooted.answers)
    test_every_unit_is_active_and_the_system_is_running(rebooted, measured)
    rows = rebooted.request("GET", "/api/birthdays", "Bob").json()
    assert [row["full_name"] for row in rows] == ["Ada Lovelace"]
    assert rebooted.bot_greets()


def test_the_journal_tells_of_starts_and_of_what_was_served(rebooted, measured):
    web, bot = rebooted.journal(WEB), rebooted.journal(BOT)
    assert web.count("Started") >= 2, web
    assert bot.count("Started") >= 2, bot
    assert re.search(r"POST /api/birthdays 201 \d+ ms", web), web
    assert re.search(r"[1-9]\d* replies, \d+ ms", bot), bot
    measured(web_lines=len(web.splitlines()), bot_lines=len(bot.splitlines()))
