"""Processes and files that the web needs: killed, frozen, without memory, broken, gone."""

import re
from pathlib import Path

from tests.system.faults.fault import DOCTOR_MENDS, Fault
from tests.system.installation import WEB
from tests.system.machine import children
from tests.world import wait_for

SOCKET = "/run/birthday-calendar-web.sock"
API = "/opt/birthday-calendar/current/calendar_app/api.py"
CGROUPS = Path("/sys/fs/cgroup")
# Else the machine has no memory controller: the limit comes from outside, and neither systemd nor
# the doctor can know what the kernel did.
UNIFIED = (CGROUPS / "cgroup.controllers").exists()
GROUP = CGROUPS / "memory" / "birthday-calendar-fault"


def kill(signal):
    """Sends it to one of gunicorn's workers."""
    return lambda at: at.run(["kill", f"-{signal}", at.workers()[0]])


def kill_the_master(at):
    at.run(["kill", "-KILL", at.main_pid(WEB)])


def take_its_memory(at):
    """From now on the kernel kills who asks for more than the web has already."""
    if UNIFIED:
        at.run(
            f"systemctl set-property --runtime {WEB}.service MemoryMax=$(systemctl show "
            f"--value -p MemoryCurrent {WEB})"
        )
        return
    GROUP.mkdir(exist_ok=True)
    (GROUP / "memory.limit_in_bytes").write_text("2M")
    # What they have counts elsewhere: a new worker's pages are the first that count here.
    for pid in _outside(at):
        (GROUP / "cgroup.procs").write_text(str(pid))
    kill("TERM")(at)
    wait_for(lambda: "oom_kill 0" not in (GROUP / "memory.oom_control").read_text(), 60)


def _outside(at):
    """The web's processes by their numbers on the host, gunicorn's master first."""
    master = str(at.main_pid(WEB))
    for process in Path("/proc").glob("[0-9]*"):
        inner = re.search(r"^NSpid:.*\t(\d+)$", _status(process), re.MULTILINE)
        if inner and inner[1] == master and b"gunicorn" in (process / "cmdline").read_bytes():
            return [int(process.name), *children(int(process.name))]
    raise AssertionError("no master of gunicorn")


def _status(process):
    try:
        return (process / "status").read_text()
    except OSError:
        return ""


def give_memory_back(at):
    if UNIFIED:
        at.run(f"systemctl set-property --runtime {WEB}.service MemoryMax=512M")
    else:
        (GROUP / "memory.limit_in_bytes").write_text("-1")
        for pid in (GROUP / "cgroup.procs").read_text().split():
            (GROUP.parent / "cgroup.procs").write_text(pid)
        GROUP.rmdir()


FAULTS = [
    # What a worker has in hand when it is killed is answered by nginx.
    Fault("web worker SIGKILL", kill("KILL"), away=True),
    Fault("web worker SIGSTOP", kill("STOP"), away=True, seconds=15),
    Fault("web master SIGKILL", kill_the_master, away=True, seconds=5, quick=True),
    Fault(
        "web without memory, processes killed by the kernel",
        take_its_memory,
        give_memory_back,
        cause="out-of-memory" if UNIFIED else "",
        away=True,
        failed=8,  # an answer may be cut in the middle: as many as one worker's threads, twice
    ),
    Fault(
        "app that cannot be imported",
        f"cp -a {API} /root/api.py; echo 'import nothing_of_that_name' >>{API}; "
        f"systemctl restart --no-block {WEB}",
        f"cp -a /root/api.py {API}",
        cause="web-start-failed",
        away=True,
    ),
    Fault(
        "socket file removed",
        f"rm {SOCKET}",
        DOCTOR_MENDS,
        cause="socket-missing",
        away=True,
    ),
    Fault(
        "socket's rights wrong",
        f"chmod 600 {SOCKET}",
        DOCTOR_MENDS,
        cause="socket-permission",
        away=True,
    ),
    Fault(
        "kill -9 of the whole system",
        lambda at: at.machine.crash(),
        failed=Fault.ANY,
        away=True,
        unanswered=1,
        doubled=12,
    ),
]
