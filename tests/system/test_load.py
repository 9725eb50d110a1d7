"""Scenario 3: under load, restarts, upgrades and rollbacks cost nobody anything; crashes little."""

import time

import pytest

from tests.system.installation import WEB
from tests.system.load import CONNECTIONS, Load
from tests.system.traffic import PEOPLE
from tests.world import wait_for

SCENARIO = 3
pytestmark = pytest.mark.full
ALL_CONNECTIONS = CONNECTIONS + 2 * PEOPLE


def judge(load, measured, most=0, **numbers):
    """At most so many requests failed, no write was lost or doubled, and there was a load."""
    measured(**load.summary(), **numbers)
    assert load.requests > 5_000
    assert load.people["writes"] > 200
    assert load.lost_and_doubled() == ([], [])
    assert load.failed <= most


def test_three_restarts_fail_no_request(running, measured):
    with Load(running) as load:
        for _ in range(3):
            time.sleep(4)
            running.run(f"systemctl restart {WEB}")
        time.sleep(5)
    judge(load, measured)


def test_an_upgrade_fails_no_request(running, measured):
    before = running.version()
    running.change()
    with Load(running) as load:
        time.sleep(2)
        began = time.monotonic()
        running.install()
        took = time.monotonic() - began
        time.sleep(3)
    assert running.version() != before
    judge(load, measured, upgrade_seconds=round(took, 1))


def test_a_rollback_fails_no_request(running, measured):
    before = running.version()
    with Load(running) as load:
        time.sleep(2)
        running.run("birthday-calendar rollback", timeout=600)
        time.sleep(5)
    assert running.version() not in ("", before)
    judge(load, measured)


def test_three_sigkills_of_the_master_fail_only_what_was_in_flight(running, measured):
    with Load(running) as load:
        for _ in range(3):
            time.sleep(4)
            master = running.main_pid(WEB)
            running.run(["kill", "-KILL", master])
            wait_for(lambda dead=master: running.main_pid(WEB) not in (0, dead), 60)
        time.sleep(5)
    judge(load, measured, most=3 * ALL_CONNECTIONS, kills=3)


def test_frozen_workers_are_replaced_within_15_seconds(running, measured):
    with Load(running) as load:
        time.sleep(4)
        running.run(["kill", "-STOP", *running.workers()])
        began = time.monotonic()
        assert running.answers()
        healed = time.monotonic() - began
        time.sleep(3)
    assert healed <= 15
    judge(load, measured, most=ALL_CONNECTIONS, healed_seconds=round(healed, 1))
