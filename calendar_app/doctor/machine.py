"""The doctor's look at the machine: units, the web's socket, memory, disks, logs, the clock.

Reads only. Each check is a function of `Place`; `doctor` runs them side by side and cuts off what
takes too long. What needs systemd is skipped beside run.sh, what needs root for other users.
"""

import grp
import http.client
import json
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .. import health
from ..config import Config
from ..operation.privileges import USER
from . import disks, remedies
from .causes import SUDO, Check, error, ok, skipped, warning
from .remedies import BOT, OWN, OWN_TIMERS, SOCKET, WEB

UNITS = (*OWN, "nginx.service", "logrotate.service")
PROPERTIES = (
    "Id,LoadState,ActiveState,SubState,Result,StatusText,ExecMainStatus,ControlGroup,"
    "StateChangeTimestampMonotonic"
)
TOOL_SECONDS, ASK_SECONDS = 2.5, 2
PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOGS = Path("/var/log/birthday-calendar")
# /run and the like are small: there, little is enough.
LITTLE = 2**20
# systemd's own name for "the OOM killer took a process of this unit".
OOM_MESSAGE = "fe6faa94e7774663a0da52717891d8ef"
OOM_RECENT = 15 * 60
NO_SYSTEMD = "There are no systemd units here: the service was not installed."
NOT_ROOT = "Only root can see this."

Unit = dict[str, str]


@dataclass(frozen=True)
class Place:
    """What all checks start from; `config` is None where it cannot be read."""

    config: Config | None
    state: Path
    installed: bool
    units: dict[str, Unit] = field(default_factory=dict)

    @property
    def socket(self) -> Path:
        """The web API's unix socket."""
        return Path(f"/run/{SOCKET[:-7]}.sock") if self.installed else self.state / "run/web.sock"


def is_root() -> bool:
    """Whether this process may see everything."""
    return os.geteuid() == 0


def may_do_all() -> bool:
    """Whether root here is the root that may write and give away every file."""
    found = re.search(
        r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE
    )
    chown_and_override = 0b11
    return bool(found) and int(found[1], 16) & chown_and_override == chown_and_override


def run(*command: str, seconds: float = TOOL_SECONDS) -> subprocess.CompletedProcess[str] | None:
    """What a program of the system printed; None where it is missing or takes too long."""
    found = shutil.which(command[0], path=PATHS)
    if found is None:
        return None
    with suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(  # noqa: S603 - no shell
            [found, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            text=True,
            errors="replace",
            env={"PATH": PATHS, "LC_ALL": "C.UTF-8"},
        )
    return None


def units() -> dict[str, Unit]:
    """What systemd says of the units, by name; empty where there is no systemd."""
    done = run("systemctl", "show", f"--property={PROPERTIES}", *UNITS)
    blocks = done.stdout.split("\n\n") if done else []
    found = (
        dict(row.split("=", 1) for row in block.splitlines() if "=" in row) for block in blocks
    )
    return {unit["Id"]: unit for unit in found if unit.get("LoadState") == "loaded"}


# --- units -------------------------------------------------------------------------------


def web_unit(place: Place) -> list[Check]:
    """Whether the web API's unit could start."""
    cause = "web-start-failed"
    unit = place.units.get(WEB)
    if unit is None:
        return [skipped(cause, NO_SYSTEMD)]
    says = unit["StatusText"]
    if unit["ActiveState"] == "failed":
        fix = f"{remedies.RESET_WEB}  # once what the journal names is mended"
        return [error(cause, f"systemd has given the web API up ({unit['Result']})", says, fix)]
    if unit["SubState"] != "auto-restart" and not says.startswith("cannot start"):
        return [ok(cause, f"The web unit is {unit['ActiveState']}.", says)]
    code = unit["ExecMainStatus"]
    fix = "sudo birthday-calendar check-config  # names the bad value" if code == "78" else ""
    return [error(cause, f"The web API cannot start: {says or 'exit status ' + code}", "", fix)]


def other_units(place: Place) -> list[Check]:
    """Whether timers wait and the services of upkeep ended well."""
    if WEB not in place.units:
        return [skipped("units", NO_SYSTEMD)]
    states = {name: place.units[name]["ActiveState"] for name in OWN if name in place.units}
    failed = [name for name, state in states.items() if state == "failed"]
    asleep = [name for name in OWN_TIMERS if states.get(name) == "inactive"]
    missing = [name for name in OWN if name not in states]
    if failed:
        fix = f"{remedies.RESET[failed[0]]}  # journalctl -u {failed[0]} says why it failed"
        return [warning("units", f"Failed: {' '.join(failed)}", fix)]
    if asleep:
        return [warning("units", f"Not started: {' '.join(asleep)}", remedies.RESTART[asleep[0]])]
    if missing:
        fix = "sudo ./scripts/install.sh  # puts them in place"
        return [warning("units", f"Not there: {' '.join(missing)}", fix)]
    return [ok("units", "No unit has failed.")]


def folders(place: Place) -> list[Check]:
    """Whether the service's user and folders are there, as sysusers.d and tmpfiles.d make them."""
    if not place.installed:
        return [skipped("folders", NO_SYSTEMD)]
    missing = [str(path) for path in (place.state, LOGS) if not path.is_dir()]
    try:
        pwd.getpwnam(USER)
    except KeyError:
        missing.insert(0, f"the user {USER}")
    if missing:
        return [warning("folders", f"Not there: {', '.join(missing)}", remedies.MAKE_FOLDERS)]
    return [ok("folders", "The service's user and folders are there.")]


# --- the web API on its socket -----------------------------------------------------------


def socket_file(place: Place) -> list[Check]:
    """Whether the socket is there, and nginx may use it."""
    missing, rights = "socket-missing", "socket-permission"
    unit = place.units.get(SOCKET)
    if unit and unit["ActiveState"] != "active":
        said = f"{SOCKET} is {unit['ActiveState']} ({unit['Result']}): nobody listens"
        return [error(missing, said), skipped(rights, "There is no socket.")]
    try:
        found = place.socket.stat()
    except PermissionError:
        return [skipped(missing, NOT_ROOT, SUDO), skipped(rights, NOT_ROOT, SUDO)]
    except OSError:
        # Beside run.sh gunicorn itself makes the file: without it the web API does not run.
        said = f"{place.socket} is not there"
        gone = error(missing, said) if place.installed else skipped(missing, said)
        return [gone, skipped(rights, "There is no socket.")]
    there = ok(missing, f"{place.socket} is there.")
    return [there, _rights(found) if place.installed else skipped(rights, NO_SYSTEMD)]


def _rights(found: os.stat_result) -> Check:
    mode = stat.filemode(found.st_mode)
    try:
        group = grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        group = str(found.st_gid)
    if found.st_mode & stat.S_IWOTH:
        said = "Every user may write to the socket"
        return warning("socket-permission", said, remedies.RESTART_WEB, mode)
    if group != "www-data" or not found.st_mode & stat.S_IWGRP:
        return error("socket-permission", f"nginx may not use the socket: {mode}, group {group}")
    return ok("socket-permission", f"nginx may use the socket: {mode}, group {group}.")


def web(place: Place) -> list[Check]:
    """Whether the web API answers on its socket."""
    ids = ("web-not-running", "upstream-timeout")
    wrong = None
    try:
        answer = _ask(place.socket)
        if answer != health.ALIVE:
            wrong = error("upstream-timeout", "The web API answers /health, but not as it should")
    except PermissionError:
        return [skipped(each, "Only root and the service may ask.", SUDO) for each in ids]
    except (TimeoutError, http.client.HTTPException):
        wrong = error("upstream-timeout", f"The web API did not answer within {ASK_SECONDS} s")
    except OSError as problem:
        wrong = error("web-not-running", f"Nobody answers at {place.socket}: {problem.strerror}")
    said = {each: ok(each, "The web API answers.") for each in ids}
    if wrong:
        said = {each: skipped(each, "The web API does not answer.") for each in ids}
        said[wrong.id] = wrong
    return list(said.values())


def _ask(path: Path) -> bytes:
    with closing(http.client.HTTPConnection("localhost")) as asking:
        asking.sock = socket.socket(socket.AF_UNIX)
        asking.sock.settimeout(ASK_SECONDS)
        asking.sock.connect(str(path))
        asking.request("GET", "/health")
        return asking.getresponse().read(1000)


# --- memory ------------------------------------------------------------------------------


def memory(place: Place) -> list[Check]:
    """Whether the kernel killed something of ours, or of the machine, for want of memory."""
    cause = "out-of-memory"
    if WEB not in place.units:
        return [skipped(cause, NO_SYSTEMD)]
    killed = _killed()
    kills = sum(_oom_kills(place.units[name]) for name in (WEB, BOT) if name in place.units)
    if not killed and not kills:
        return [ok(cause, "Nothing was killed for want of memory.")]
    last = max(killed, default=(0.0, ""))
    details = last[1] or f"{kills} processes of the running units"
    said = "The kernel killed a process for want of memory"
    if last[0] > time.time() - OOM_RECENT:
        return [
            error(
                cause,
                f"{said}, last at {time.strftime('%H:%M', time.gmtime(last[0]))} UTC",
                details,
            )
        ]
    return [warning(cause, f"{said}, but not lately", "ps aux --sort=-rss | head", details)]


def _oom_kills(unit: Unit) -> int:
    """How many the unit has lost since it started."""
    with suppress(OSError):
        text = Path(f"/sys/fs/cgroup{unit['ControlGroup']}/memory.events").read_text()
        found = re.search(r"^oom_kill (\d+)$", text, re.MULTILINE)
        return int(found[1]) if found else 0
    return 0


def _killed() -> list[tuple[float, str]]:
    """When and what, in the last day, as far as the journal tells this user."""
    day = ("journalctl", "-q", "--no-pager", "-o", "json", "--since=-24h")
    asked = (
        # Only systemd itself: anybody can write to the journal.
        [*day, "_PID=1", f"MESSAGE_ID={OOM_MESSAGE}", f"UNIT={WEB}", f"UNIT={BOT}"],
        [*day, "-n", "20", "_TRANSPORT=kernel", "-g", "ut of memory: Killed process"],
    )
    return [found for command in asked for found in _entries(run(*command))]


def _entries(done: subprocess.CompletedProcess[str] | None) -> Iterable[tuple[float, str]]:
    for row in done.stdout.splitlines() if done else ():
        with suppress(ValueError, KeyError, TypeError):
            entry = json.loads(row)
            yield int(entry["__REALTIME_TIMESTAMP"]) / 1e6, str(entry["MESSAGE"])[:200]


# --- disks, the journal, the clock -------------------------------------------------------


def room(place: Place) -> list[Check]:
    """Room where nginx and the journal write; the state's own is looked at by its owner."""
    walk = disks.Walk((Path("/var/log"), Path("/var/lib"), Path("/var"), Path("/")), place.state)
    places = [path for path in (LOGS, Path("/var/lib/nginx")) if path.exists()]
    found = [check for path in places for check in disks.room(path, walk)]
    return disks.worst(found + disks.room(Path("/run"), disks.Walk((Path("/run"),)), LITTLE))


def journal(place: Place) -> list[Check]:
    """Whether the journal's size is capped, all drop-ins taken together."""
    if not place.installed:
        return [skipped("journal", NO_SYSTEMD)]
    done = run("systemd-analyze", "cat-config", "systemd/journald.conf")
    caps = re.findall(r"^SystemMaxUse=(.*)$", done.stdout, re.MULTILINE) if done else None
    if caps is None:
        return [skipped("journal", "journald's configuration cannot be read here.", SUDO)]
    if not caps or not caps[-1].strip():
        said = "The journal's size has no cap of its own"
        return [warning("journal", said, remedies.CAP_JOURNAL)]
    usage = run("journalctl", "--disk-usage")
    return [
        ok("journal", f"The journal's cap is {caps[-1]}.", usage.stdout.strip() if usage else "")
    ]


def clock(_place: Place) -> list[Check]:
    """Whether the clock is kept right; reminders and signatures depend on it."""
    done = run("timedatectl", "show", "--property=NTPSynchronized", "--value")
    said = done.stdout.strip() if done else ""
    if said not in ("yes", "no"):
        return [skipped("clock", "Nobody here tells whether the clock is right.")]
    if said == "no":
        fix = (
            "sudo timedatectl set-ntp true  # if that fails: sudo apt-get install systemd-timesyncd"
        )
        return [warning("clock", "Nothing keeps the clock right", fix)]
    return [ok("clock", "The clock is kept right.")]
