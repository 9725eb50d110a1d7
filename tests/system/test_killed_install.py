"""Scenario 5: kill -9 of install.sh at any moment leaves what works, and the next run succeeds."""

import os
import random
import signal
import time

import pytest

from tests.system.machine import CLONE

SCENARIO = 5
pytestmark = pytest.mark.full
RANDOM_KILLS = 8


def steps(installation):
    return installation.run([f"{CLONE}/scripts/install.sh", "--list-steps"]).stdout.split()


def killed(outcome):
    """Whether SIGKILL ended it, as a shell tells (137) or as Python does."""
    return outcome.returncode in (137, -signal.SIGKILL)


def test_a_first_install_killed_before_each_step_succeeds_in_the_end(bare, measured):
    names = steps(bare)
    assert len(names) >= 10
    for step in names:
        outcome = bare.install(check=False, BIRTHDAY_CALENDAR_STOP_AT=step)
        assert killed(outcome), (step, outcome.stdout, outcome.stderr)
    bare.install()
    assert bare.answers()
    assert bare.bot_greets()
    measured(steps=len(names), names=names)


def test_an_upgrade_killed_before_each_step_leaves_an_answering_service(running, measured):
    names = steps(running)
    for step in names:
        before = running.version()
        running.change()
        outcome = running.install(check=False, BIRTHDAY_CALENDAR_STOP_AT=step)
        assert killed(outcome), (step, outcome.stdout, outcome.stderr)
        assert running.answers(), step
        assert running.request("GET", "/api/birthdays", "Bob").status_code == 200, step
        running.install()
        assert running.version() != before, step
        assert running.answers(), step
        assert_no_remains(running)
    assert running.bot_greets()
    measured(steps=len(names), answered_after_each=True)


def test_an_upgrade_killed_at_random_moments_does_too(running, measured):
    running.change()
    began = time.monotonic()
    running.install()
    whole = time.monotonic() - began
    moments = [round(random.uniform(0, whole), 1) for _ in range(RANDOM_KILLS)]
    print("moments:", moments)
    for moment in moments:
        running.change()
        install = running.machine.start(running.install_command())
        time.sleep(moment)
        kill_all_of(running, install)
        assert running.answers(), moment
        running.install()
        assert running.answers(), moment
        assert_no_remains(running)
    measured(moments_in_seconds=moments, of_seconds=round(whole, 1))


def kill_all_of(running, install):
    """SIGKILL to install.sh and to all that it started, at once: as a machine's end would."""
    os.killpg(install.pid, signal.SIGKILL)
    install.communicate()


def assert_no_remains(installation):
    """No half-built release, no rehearsal, no more than three releases."""
    releases = installation.releases()
    assert not [name for name in releases if name.startswith(".")], releases
    assert len(releases) <= 3
    units = installation.run("systemctl list-units --all --plain '*rehearsal*' --no-legend").stdout
    assert units == ""
    assert installation.run("ls /run/systemd/system | grep rehearsal", check=False).stdout == ""
