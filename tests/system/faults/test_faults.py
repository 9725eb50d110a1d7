"""Scenario 10: whatever goes wrong, users get an honest answer and nothing is lost."""

import contextlib

import pytest

from tests.system.conftest import booted
from tests.system.faults import clocks, database, disks, front, processes, row, telegram
from tests.world import wait_for

SCENARIO = 10
MODULES = (disks, telegram, processes, front, database, clocks)
FAULTS = [fault for module in MODULES for fault in module.FAULTS]
READY_PATIENCE = 120


class Machines:
    """The machine that all rows share; another one when a row left it ill."""

    def __init__(self, tmp_path_factory):
        self._folders, self._at, self._open = tmp_path_factory, None, contextlib.ExitStack()

    def well(self):
        """An installation that is well."""
        try:
            if self._at is not None:
                wait_for(lambda: row.is_well(self._at), READY_PATIENCE)
        except AssertionError:
            self.close()
        return self._at or self._new()

    def _new(self):
        folder = self._folders.mktemp("faults")
        at = self._open.enter_context(booted("bookworm", folder, disks.DISKS))
        at.install()
        at.run(f"chown birthday-calendar: {disks.STATE}/backups && birthday-calendar backup")
        wait_for(lambda: row.is_well(at), READY_PATIENCE)
        self._at = at
        return at

    def close(self):
        self._open.close()
        self._at = None


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    found = Machines(tmp_path_factory)
    yield found
    found.close()


@pytest.mark.parametrize(
    "fault",
    [pytest.param(f, id=f.name, marks=[] if f.quick else pytest.mark.full) for f in FAULTS],
)
def test_nothing_is_lost_by(fault, machines, measured):
    seen = row.play(fault, machines.well())
    measured(fault=fault.name, **seen)
    assert (seen["writes_lost"], seen["writes_doubled"], seen["database"]) == (0, 0, "('ok',)")
    assert seen["reminders_missing"] == 0
    assert seen["reminders_doubled"] <= fault.doubled
    assert seen["reminders_skipped"] <= fault.skipped
    assert seen["unanswered"] <= fault.unanswered
    assert seen["answered_twice"] <= fault.answered_twice
    assert seen["failed"] <= fault.failed, seen["failures"]
    assert fault.away or seen["missed_health"] == 0
    assert fault.cause in ("", seen["doctor"])
    assert seen["well_after"] is not None
    assert seen["well_after"] <= fault.well_within
