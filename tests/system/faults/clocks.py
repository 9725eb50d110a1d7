"""The wall clock of web and bot jumps, by a library that moves nothing but the time of day.

Where Telegram's clock goes along, that is as if the time had really come.
"""

import base64
import datetime as dt
import subprocess
import tempfile
import time
from pathlib import Path
from zoneinfo import ZoneInfo

from calendar_app import dates
from tests.system.faults.fault import Fault
from tests.system.faults.row import is_well
from tests.system.installation import BOT, WEB
from tests.world import wait_for

LIBRARY, OFFSET = "/usr/local/lib/moved-clock.so", "/usr/local/share/moved-clock"
SOURCE = Path(__file__).with_name("moved_clock.c")
DROP_IN = f"[Service]\nEnvironment=LD_PRELOAD={LIBRARY}\n"
DAY = 24 * 3600
BERLIN = "Europe/Berlin"
# The summer's begin and end: local times from 2 to 3 do not exist, or exist twice.
SPRING, AUTUMN = dt.date(2026, 3, 29), dt.date(2026, 10, 25)
AT_NIGHT = [30 * half for half in range(2, 9)]  # 01:00 to 04:00, in minutes


def prepare(at):
    """Web and bot run with the library, and the right time."""
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder, "clock.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", built, SOURCE], check=True)
        text = base64.b64encode(built.read_bytes()).decode()
    at.run(f"base64 -d >{LIBRARY}", input=text)
    for unit in (WEB, BOT):
        at.machine.write(f"/etc/systemd/system/{unit}.service.d/clock.conf", DROP_IN)
    move(0)(at)
    at.run(f"systemctl daemon-reload && systemctl restart {WEB} {BOT}")
    wait_for(lambda: is_well(at), 60)


def move(seconds):
    """The step that moves the clock so far from the true time."""
    return lambda at: at.machine.write(OFFSET, str(int(seconds)))


def move_all(seconds):
    """The same, and Telegram's clock too."""

    def step(at):
        move(seconds)(at)
        at.telegram.set_delays(clock_ahead=int(seconds))

    return step


def go_to(day, hour):
    """The step that moves them to that hour of a day in Berlin."""

    def step(at):
        local = dt.datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(BERLIN))
        move_all(local.timestamp() - time.time())(at)

    return step


def with_somebody_of_tomorrow(at):
    """There is a reminder for the day to which the clock jumps, which must not come early."""
    prepare(at)
    at.recipients.promise([int(time.time()) + DAY - 3600])
    at.tomorrows = list(at.recipients.waiting)[-1]
    at.recipients.not_for.add(at.tomorrows)


def tomorrow_is_still_to_come(at):
    assert at.recipients.came(at.tomorrows) == 0
    assert at.tomorrows not in at.recipients.ledger()


def before_the_night_of(day):
    """Reminders at each half hour of that night, and the clock at half past midnight."""

    def step(at):
        prepare(at)
        go_to(day, 0)(at)
        dues = [dates.instant(day, minute, BERLIN) for minute in AT_NIGHT]
        at.recipients.promise(dues, day, BERLIN)

    return step


JUMP = {"mend": move_all(0), "refusals": (401,)}  # Telegram's signatures are of another day
FAULTS = [
    Fault(
        "clock jumps a day ahead",
        move(DAY),
        before=with_somebody_of_tomorrow,
        afterwards=tomorrow_is_still_to_come,
        **JUMP,
    ),
    Fault("clock jumps a day back", move(-DAY), before=prepare, **JUMP),
    Fault(
        "clock jumps over the begin of summer time",
        go_to(SPRING, 5),
        before=before_the_night_of(SPRING),
        **JUMP,
    ),
    Fault(
        "clock jumps over the end of summer time",
        go_to(AUTUMN, 5),
        before=before_the_night_of(AUTUMN),
        **JUMP,
    ),
]
