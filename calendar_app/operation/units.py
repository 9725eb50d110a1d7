"""The service's systemd units: how they are, stopping them for a while, starting them again."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import AppError

PREFIX = "birthday-calendar"
TARGET = f"{PREFIX}.target"
# In the order in which they are stopped: a request must not start the web again.
SERVING = (f"{PREFIX}-web.socket", f"{PREFIX}-web.service", f"{PREFIX}-bot.service")
TIMERS = tuple(f"{PREFIX}-{name}.timer" for name in ("backup", "doctor", "logrotate"))
FIELDS = "Id,LoadState,ActiveState,SubState,Result,StatusText,ActiveEnterTimestamp"
SECONDS = 120


class UnitsFailed(AppError):
    """systemd did not do what it was asked to."""


def states() -> dict[str, dict[str, str]]:
    """What systemd says of each unit, by its name; empty where there is no systemd."""
    try:
        done = _systemctl("show", f"--property={FIELDS}", TARGET, *SERVING, *TIMERS)
    except UnitsFailed:
        return {}
    blocks = (block.splitlines() for block in done.split("\n\n") if block.strip())
    found = [dict(line.split("=", 1) for line in block if "=" in line) for block in blocks]
    return {unit["Id"]: unit for unit in found if unit.get("LoadState") not in (None, "not-found")}


@contextmanager
def stopped() -> Iterator[None]:
    """Web and bot are stopped meanwhile, and started again if the service is on.

    The target tells: it stays on, so that the run after one that was killed starts them too.
    """
    known = states()
    serving = [unit for unit in SERVING if unit in known]
    if serving:
        _systemctl("stop", *serving)
    try:
        yield
    finally:
        if serving and known.get(TARGET, {}).get("ActiveState") == "active":
            _systemctl("start", *serving)


def restart_running() -> list[str]:
    """Restart web and bot if they run; returns which are known here."""
    known = [unit for unit in SERVING[1:] if unit in states()]
    if known:
        _systemctl("try-restart", *known)
    return known


def _systemctl(*arguments: str) -> str:
    command = ["/usr/bin/systemctl", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, text=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnitsFailed(f"`{' '.join(command)}` did not work: {error}") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnitsFailed(f"`{' '.join(command)}` failed: {reason}")
    return done.stdout
