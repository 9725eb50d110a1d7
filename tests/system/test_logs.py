"""Scenario 8: no storm fills the disk with logs, none hides what others log, and none is lost."""

import concurrent.futures
import http.client
import re
import ssl
import time

import pytest

from tests.system.installation import NAME, PORT
from tests.system.load import wrk
from tests.world import wait_for

SCENARIO = 8
pytestmark = pytest.mark.full
MIB = 1024 * 1024
STORM_SECONDS = 150  # of each: ten minutes in all
STORMS = {
    "pages that are not there": "/nothing",
    "calls of the API that nobody signed": "/api/birthdays",
    "an API that is away": "/api/birthdays",
    "health checks of an app that is away": "/health",
}
NO_RATE_LIMIT = "/run/systemd/journald.conf.d/99-test.conf"
LINE = 700  # bytes that a short line takes in the journal
SOCKET = "birthday-calendar-web.socket birthday-calendar-web.service"


def size_of_logs(running):
    """Bytes that all logs of the machine take on its disk."""
    return int(running.run("du -sk /var/log").stdout.split()[0]) * 1024


@pytest.fixture(scope="module")
def others(running):
    """What other services logged before: in the journal, and in a file of Debian's nginx."""
    running.run("logger -t neighbour 'before the storm'")
    running.run("curl -s http://127.0.0.1/before-the-storm")
    running.logs_before = size_of_logs(running)
    return running


@pytest.mark.parametrize("storm", STORMS)
def test_a_storm_leaves_few_logs(others, measured, storm):
    away = "away" in storm
    if away:
        others.run(f"systemctl stop {SOCKET}")
    largest, until = 0, time.monotonic() + STORM_SECONDS
    with wrk(others, STORMS[storm], STORM="1") as blowing:
        while time.monotonic() < until:
            time.sleep(2)
            largest = max(largest, size_of_logs(others) - others.logs_before)
    if away:
        others.run(f"systemctl start {SOCKET}")
    wait_for(others.answers)
    measured(
        storm=storm,
        requests=blowing.found["requests"],
        failed=blowing.found["statuses"],
        largest_growth_of_logs_mib=round(largest / MIB, 1),
    )
    assert blowing.found["statuses"] > 10_000
    assert largest < 64 * MIB


def test_what_others_logged_is_still_there(others):
    assert "before the storm" in others.run("journalctl --no-pager -t neighbour").stdout
    assert "before-the-storm" in others.run("cat /var/log/nginx/access.log*").stdout


def test_debians_own_rotation_still_rotates_nginx(others):
    others.run("rm -f /var/log/nginx/access.log.*")
    assert others.run("logrotate -f /etc/logrotate.conf").stderr == ""
    assert "before-the-storm" in others.machine.read("/var/log/nginx/access.log.1")
    others.run("curl -s http://127.0.0.1/after-the-rotation")
    wait_for(lambda: "after-the-rotation" in others.machine.read("/var/log/nginx/access.log"))
    others.run("systemctl start logrotate.service")
    assert others.property("logrotate.service", "Result") == "success"


def test_the_journal_keeps_its_cap_whatever_is_poured_into_it(running, measured):
    drop_in = running.machine.read("/etc/systemd/journald.conf.d/50-birthday-calendar.conf")
    number, unit = re.search(r"(?m)^SystemMaxUse=(\d+)([MG])", drop_in).groups()
    cap = int(number) * MIB * {"M": 1, "G": 1024}[unit]
    # Without this journald would drop nearly all, and the cap would not be tried.
    running.machine.write(NO_RATE_LIMIT, "[Journal]\nRateLimitIntervalSec=0\n")
    running.run("systemctl restart systemd-journald")
    lines = 4 * cap // LINE
    pour = f"seq -f 'a line of a storm, number %.0f, that says nothing of worth' {lines}"
    running.run(["systemd-run", "--wait", "-q", "bash", "-c", pour], timeout=600)
    running.run("journalctl --sync")
    used = int(running.run("du -sk /var/log/journal").stdout.split()[0]) * 1024
    running.run(f"rm {NO_RATE_LIMIT} && systemctl restart systemd-journald")
    measured(lines=lines, journal_mib=round(used / MIB, 1), cap_mib=cap // MIB)
    assert cap / 2 < used <= cap


def test_rotation_under_load_loses_no_line(running, measured):
    """Each request has a name of its own; rotations come amid them."""
    folder = "/var/log/birthday-calendar"
    wanted = 2000
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, running, lane, wanted // 8) for lane in range(8)]
        rotations = 0
        while not all(future.done() for future in asked):
            running.run("logrotate -f -s /run/rotated-by-hand /etc/logrotate.d/birthday-calendar")
            rotations += 1
            time.sleep(1)
        names = [name for future in asked for name in future.result()]
    lines = running.run(f"cd {folder} && zcat -f access.log*").stdout
    lost = [name for name in names if f"/api/birthdays/{name} " not in lines]
    measured(requests=len(names), rotations=rotations, lines_lost=len(lost))
    assert len(names) == wanted
    assert rotations >= 3
    assert lost == []


def ask(running, lane, count):
    """Asks from an address of its own, within its limit, for names that nobody else asks for."""
    connection = running.machine.network.inside(connect, lane)
    names = [f"9{lane}{number:06}" for number in range(count)]
    for name in names:
        connection.request("GET", f"/api/birthdays/{name}", headers={"Host": NAME})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 401, answer.status
        time.sleep(1 / 40)
    return names


def connect(lane):
    """A connection from an address of the lane's own."""
    insecure = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(
        "127.0.0.1", PORT, source_address=(f"127.0.2.{lane + 1}", 0), context=insecure, timeout=30
    )
    connection.connect()
    return connection
