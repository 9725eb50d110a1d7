"""The database locked by another program, and its file damaged."""

from tests.system.faults.disks import ADA, STATE
from tests.system.faults.fault import Fault
from tests.world import wait_for

DATABASE = f"{STATE}/calendar.db"
LOCK = f"""
import sqlite3, time
db = sqlite3.connect("{DATABASE}", timeout=30, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
time.sleep(600)
"""
# Header and first pages, and all that is not in the file yet.
DAMAGE = f"""
dd if=/dev/urandom of={DATABASE} bs=4096 count=40 conv=notrunc status=none
truncate -s 0 {DATABASE}-wal
"""


def lock(at):
    at.machine.write("/usr/local/lib/lock.py", LOCK)
    at.run("systemd-run -q --unit=locking --uid=birthday-calendar python3 /usr/local/lib/lock.py")


def damage_after_a_backup(at):
    """Nobody but Bob writes between the backup and the discovery of the damage.

    What is acknowledged just then stands in the damaged file only, which a restore keeps.
    """
    at.traffic.pause_writers()
    at.run("birthday-calendar backup")
    at.run(DAMAGE)
    bob = {"method": "POST", "path": "/api/birthdays", "person": "Bob", "json": ADA}
    wait_for(lambda: at.request(**bob).status_code == 503, 60)
    at.traffic.go_on()


def is_told(at):
    """What can be read is served; the process lives, and says that it is not well."""
    assert at.request("GET", "/health").status_code == 200
    assert at.request("GET", "/health/ready").status_code == 503


def restore(at):
    newest = at.run("birthday-calendar backup --list | head -1 | cut -d' ' -f1").stdout.strip()
    at.run(["birthday-calendar", "restore", newest, "--yes"])


FAULTS = [
    Fault(
        "database locked for 60 s",
        lock,
        "systemctl stop locking",
        seconds=60,
        cause="database-locked",
    ),
    Fault(
        "database file damaged",
        damage_after_a_backup,
        restore,
        away=True,
        cause="database-corrupt",
        while_it_lasts=is_told,
        # Nobody knows what was sent since the backup: a restore sends nothing that was due before.
        skipped=Fault.ANY,
        seconds=5,
        quick=True,
    ),
]
