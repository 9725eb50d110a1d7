"""Our units, through systemctl: started, stopped, and asked why they do not start.

Used by install.py, rehearsal.py and removal.py.
"""

import time
from collections.abc import Iterable
from pathlib import Path

from scripts.installer import host

FOLDER = Path("/etc/systemd/system")
KINDS = ("service", "socket", "timer", "target")
TARGET = "birthday-calendar.target"
SOCKET = "birthday-calendar-web.socket"
WEB = "birthday-calendar-web.service"
BOT = "birthday-calendar-bot.service"
START_SECONDS = 120


def installed() -> list[Path]:
    """The files of ours that stand in systemd's folder."""
    return sorted(p for kind in KINDS for p in FOLDER.glob(f"birthday-calendar*.{kind}"))


def enable(paths: Iterable[Path]) -> None:
    """Have all that say so started at boot."""
    names = [path.name for path in paths if b"[Install]" in path.read_bytes()]
    host.run("systemctl", "enable", "--quiet", *names)


def disable(names: Iterable[str]) -> None:
    """Stop units and start them at boot no more; for what is not there, nothing happens."""
    for name in names:
        host.attempt("systemctl", "disable", "--quiet", name)
    # All at once, so that the socket does not wake the service.
    host.attempt("systemctl", "stop", *names)
    host.attempt("systemctl", "reset-failed", *names)


def restart(name: str) -> None:
    """Restart (or start) a unit and wait until it is ready; raises Failed that says why not."""
    since = str(int(time.time()))
    done = host.attempt("systemctl", "restart", name, seconds=START_SECONDS)
    if done.returncode:
        raise host.Failed(f"{name} does not start: {why(name, since)}")


def _status_text(name: str) -> str:
    """What a unit that does not start says of itself; it tries again and again, and so do we."""
    for _ in range(20):
        shown = host.attempt("systemctl", "show", "--value", "-p", "StatusText", name)
        if shown.stdout.startswith("cannot start"):
            break
        time.sleep(0.5)
    return shown.stdout.strip()


def why(name: str, since: str) -> str:
    """What a unit and its journal say of its failure."""
    said = _status_text(name)
    journal = host.attempt(
        *("journalctl", "--no-pager", "-q", "-o", "cat", "-n", "8", f"--since=@{since}"),
        *("_SYSTEMD_UNIT=" + name,),
    )
    lines = [f"    {line}" for line in journal.stdout.splitlines()]
    return "\n".join([said or "its last lines in the journal are", *lines])
