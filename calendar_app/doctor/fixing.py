"""`doctor --fix`: does what is safe to do, after asking, and looks again.

What it may do are the commands of `remedies` that a check's `fix` names; what is left needs a
person, and it says what. A finding that another one explains is left alone: it goes with that one,
and the web is never restarted because of a full disk.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable

from ..operation import privileges
from . import causes, machine, remedies, wording
from .causes import Check

# A backup may take its time.
COMMAND_SECONDS = 900
ROUNDS = 3
# What systemd starts needs a moment before it can be looked at.
SETTLE_SECONDS = 3
# What this did, it did: nothing comes back by itself when it is gone.
PAST = {"out-of-memory"}

Look = Callable[[], list[Check]]


def fix(look: Look, settle: Callable[[float], None], *, yes: bool) -> list[Check]:
    """Mend what can be mended safely; returns what is found after that.

    `settle` waits so many seconds before the next look; with `yes` nobody is asked. Where nobody
    can be asked, it is only said what would be done.
    """
    checks, tried = look(), set()
    for _ in range(ROUNDS):
        waiting = [check for check in _to_mend(checks) if check.fix not in tried]
        if not waiting:
            break
        tried |= {check.fix for check in waiting}
        mended = [_mend(check, yes) for check in waiting]
        if not any(mended):
            break
        settle(SETTLE_SECONDS)
        checks = look()
    for check in _for_people(checks):
        print(f"A person has to decide: {wording.finding(check)}")
    return checks


def _to_mend(checks: list[Check]) -> list[Check]:
    """What no other finding explains, and a safe remedy mends; each remedy once."""
    found = {check.fix: check for check in reversed(_own(checks)) if remedies.commands(check.fix)}
    return list(reversed(found.values()))


def _for_people(checks: list[Check]) -> list[Check]:
    return [c for c in _own(checks) if c.status == "error" and not remedies.commands(c.fix)]


def _own(checks: list[Check]) -> list[Check]:
    """What is wrong by itself, not because of something else that was found."""
    wrong = {check.id for check in checks if check.status == "error"} - PAST
    explained = {name for cause in wrong for name in causes.explained(cause)}
    return [c for c in checks if c.status in ("error", "warning") and c.id not in explained]


def _mend(check: Check, yes: bool) -> bool:
    """Ask, and run the remedy; whether it was run to its end."""
    print(f"{check.id}: {wording.one_line(check.summary)}")
    if not machine.is_root():
        print(f"  would run, as root: {check.fix}")
        return False
    if not yes and not sys.stdin.isatty():
        print(f"  would run (give --yes where nobody can be asked): {check.fix}")
        return False
    if not yes and not _agreed(check):
        print("  left as it is")
        return False
    return all(_run(command) for command in remedies.commands(check.fix))


def _agreed(check: Check) -> bool:
    try:
        said = input(f"  {wording.one_line(check.fix)}\n  Do this? [y/N] ")
    except EOFError:
        return False
    return said.strip().lower() in ("y", "yes")


def _run(command: tuple[str, ...]) -> bool:
    """Run one command and say how it went."""
    program = shutil.which(command[0], path=machine.PATHS) or command[0]
    try:
        done = subprocess.run(  # noqa: S603 - a row of remedies, no shell
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            text=True,
            errors="replace",
            env={"PATH": machine.PATHS, "LC_ALL": "C.UTF-8"},
        )
        failed = (done.stderr.strip() or "no reason given") if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as problem:
        failed = str(problem)
    print(
        f"  {' '.join(command)}: {'failed: ' if failed else 'done'}{privileges.printable(failed)}"
    )
    return not failed
