"""Booted machines for the tests in this folder, and the record of what they measured."""

import contextlib
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.system.faults import table
from tests.system.installation import Installation
from tests.system.machine import Machine
from tests.system.roots import SUITES

HERE = Path(__file__).parent
TOOLS = ("mmdebstrap", "systemd-nspawn", "wrk", "nsenter", "unshare", "setpriv")
RECORD = pytest.StashKey()


def pytest_configure(config):
    config.addinivalue_line("markers", "full: takes minutes; runs with FULL=1 (test.sh --full)")
    config.stash[RECORD] = []


def pytest_collection_modifyitems(config, items):
    """Long scenarios are left out unless FULL=1, and all where nothing can be booted."""
    if not os.environ.get("FULL"):
        long = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    missing = what_is_missing()
    if missing and os.environ.get("CI") != "true":
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=f"no machine can be booted: {missing}"))


def what_is_missing():
    """Why no machine can be booted here; empty if it can."""
    if os.geteuid() != 0:
        return "this needs root"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"missing: {', '.join(missing)}" if missing else ""


def pytest_terminal_summary(terminalreporter, config):
    record = config.stash.get(RECORD, [])
    if record:
        terminalreporter.section("measured on booted machines")
    for line in record:
        terminalreporter.write_line(line)
    for line in table.markdown(map(json.loads, record)):
        terminalreporter.write_line(line)


@contextlib.contextmanager
def booted(suite, folder, disks=None):
    """A machine with a clone and Telegram on it, nothing installed; `disks` as Machine has it."""
    with Machine(suite, folder, disks) as machine, contextlib.closing(Installation(machine)) as at:
        yield at


@pytest.fixture(scope="session", params=SUITES)
def installed(request, tmp_path_factory):
    """Installed once for all scenarios that leave it as they found it; on each Debian."""
    with booted(request.param, tmp_path_factory.mktemp(request.param)) as installation:
        installation.first = installation.install()
        yield installation


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A Debian 12 on which nothing is installed yet; one for each file."""
    with booted("bookworm", tmp_path_factory.mktemp("bookworm")) as installation:
        yield installation


@pytest.fixture(scope="module")
def running(bare):
    """A Debian 12 with the service installed; one for each file."""
    bare.install()
    return bare


@pytest.fixture
def measured(request, tmp_path_factory):
    """`measured(failed=0)` records that, for the summary and for the file `RESULTS`."""

    def record(**numbers):
        entry = {"scenario": request.module.SCENARIO, "test": request.node.name, **numbers}
        line = json.dumps(entry, ensure_ascii=False)
        request.config.stash[RECORD].append(line)
        folder = Path(os.environ.get("RESULTS") or tmp_path_factory.getbasetemp())
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "results.jsonl").open("a") as file:
            file.write(line + "\n")

    return record
