"""Disks without room: the state's, that of the logs, that of the backups, /run."""

from tests.system.faults.fault import Fault
from tests.world import wait_for

STATE = "/var/lib/birthday-calendar"
# What has a file system of its own on the machine, so that it can be filled.
DISKS = {
    STATE: "size=320m,nr_inodes=16k,mode=700",
    f"{STATE}/backups": "size=32m,nr_inodes=2k",
    "/var/log": "size=256m,nr_inodes=20k,mode=755",
}
TARGET = "birthday-calendar.target"
ADA = {"full_name": "Ada", "birth_date": "--12-10"}


def fill(folder):
    """The line that writes until not a byte is left."""
    return f"dd if=/dev/zero of={folder}/filler bs=64K status=none || true"


def empty(folder):
    return f"rm -rf {folder}/filler"


def fill_inodes(folder):
    return f"mkdir {folder}/filler && cd {folder}/filler && seq 30000 | xargs touch || true"


def is_read_only(at):
    """People read; who writes is told why not, by the API and by the bot."""
    wait_for(lambda: _post(at).status_code == 507, 15)
    refused = _post(at)
    assert refused.headers["Retry-After"]
    assert refused.json()["status"] == 507
    assert at.request("GET", "/api/birthdays", "Bob").status_code == 200
    at.alice.send("/add Ada 10.12.1990")
    assert at.alice.wait_for_message("full")


def _post(at):
    return at.request("POST", "/api/birthdays", "Bob", json=ADA)


def fill_and_reboot(at):
    at.run(fill(STATE))
    at.machine.reboot()


def backup_fails(at):
    at.run(fill(f"{STATE}/backups"))
    assert at.run("systemctl start birthday-calendar-backup", check=False).returncode != 0


FAULTS = [
    Fault(
        "disk full before the start",
        f"systemctl start {TARGET}",
        empty(STATE),
        before=f"systemctl stop {TARGET}; {fill(STATE)}",
        away=True,
        cause="disk-full",
        while_it_lasts=is_read_only,
    ),
    Fault(
        "disk full while running",
        fill(STATE),
        empty(STATE),
        cause="disk-full",
        while_it_lasts=is_read_only,
        seconds=5,
        quick=True,
    ),
    Fault(
        "disk full, and a reboot",
        fill_and_reboot,
        empty(STATE),
        cause="disk-full",
        while_it_lasts=is_read_only,
        failed=Fault.ANY,
        away=True,
    ),
    Fault(
        "no inodes left",
        fill_inodes(STATE),
        empty(STATE),
        cause="inodes-full",
        while_it_lasts=is_read_only,
    ),
    Fault("disk of the logs full", fill("/var/log"), empty("/var/log"), cause="disk-full"),
    Fault(
        "/run full",
        f"mount -o remount,size=24m /run; {fill('/run')}",
        f"{empty('/run')}; mount -o remount,size=1g /run",
        cause="disk-full",
    ),
    Fault(
        "disk of the backups full",
        backup_fails,
        f"{empty(f'{STATE}/backups')}; systemctl start birthday-calendar-backup",
        cause=None,
    ),
]
