"""Installs, upgrades, rolls back: follows the steps, and knows the way back from each of them.

Until the step `remember` nothing that runs is touched. From then on a failure puts every file back
as it was, and the version that ran before runs on. Started by install.sh with the system's Python.
"""

import fcntl
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from scripts.installer import (
    checks,
    host,
    layout,
    options,
    releases,
    removal,
    settings,
    steps,
    units,
)
from scripts.installer.host import Failed, say, warn
from scripts.installer.options import Options
from scripts.installer.steps import Run, Step

LOCK = Path("/run/birthday-calendar-install.lock")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# For tests: the name of the step before which this run kills itself.
STOP_AT = "BIRTHDAY_CALENDAR_STOP_AT"


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, SIGTERM, or a terminal that went away."""


def main() -> NoReturn:
    """Do what the command line says; ends with the exit status."""
    os.umask(0o022)
    source = Path(__file__).resolve().parent.parent.parent
    try:
        asked = options.parse(sys.argv[1:])
        os.chdir("/")
        for number in SIGNALS:
            signal.signal(number, _stop)
        _act(asked, source)
    except Stopped:
        warn("Stopped.")
        sys.exit(130)
    except Failed as failure:
        warn(str(failure))
        sys.exit(1)
    sys.exit(0)


def _stop(*_: object) -> NoReturn:
    _be_deaf()
    raise Stopped


def _be_deaf() -> None:
    """Nothing interrupts the way back."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _act(asked: Options, source: Path) -> None:
    if asked.action == "list_steps":
        for step in steps.INSTALL:
            say(step.name)
    elif asked.action == "rollback":
        roll_back(asked)
    elif asked.action == "install":
        install(options.ask_domain(asked), source)
    else:
        claim()
        removal.remove(asked)
        LOCK.unlink()


def claim(problems: Sequence[str] = ()) -> None:
    """Hold the lock until this process ends; raises Failed with the problems, all at once."""
    if os.geteuid() != 0:
        raise Failed("install.sh must run as root: sudo ./scripts/install.sh …")
    handle = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if problems:
            LOCK.unlink()
    except BlockingIOError:
        problems = ["Another install.sh is at work on this machine: wait for its end.", *problems]
    if problems:
        lines = "".join(f"\n- {problem}" for problem in problems)
        raise Failed(f"Nothing was changed, because:{lines}")


def install(asked: Options, source: Path) -> None:
    """Install this version, or switch to it from the one that runs."""
    say("Checking this machine")
    claim(checks.problems(asked, source))
    for warning in checks.warnings(asked):
        warn(f"Warning: {warning}")
    release = releases.RELEASES / releases.version(source)
    say(f"Birthday Calendar {release.name}")
    follow(steps.INSTALL, Run(asked, source, release))
    say(f"Birthday Calendar {release.name} answers at {asked.address}")
    if not settings.trusted(asked):
        say(
            "Its certificate is self-signed: Telegram will not open the Mini App. "
            f"Give --cert FILE --key FILE, and TELEGRAM_WEBAPP_URL in {settings.ENV}."
        )
    if not settings.has_token():
        say("It has no bot token yet: birthday-calendar set-token")


def roll_back(asked: Options) -> None:
    """Switch to the release that ran before this one; data stays as it is."""
    claim()
    now = releases.current()
    target = now and releases.previous(now)
    if not now or not target:
        raise Failed("There is no release to go back to: none ran before this one, or it is gone.")
    say(f"Back from {now.name} to {target.name}")
    follow(steps.ROLLBACK, Run(asked, target, target, back=True))
    say(f"{target.name} runs again. Data was not changed.")


def follow(these: Sequence[Step], run: Run) -> None:
    """Do the steps; if one fails, all that they changed is put back."""
    try:
        for step in these:
            if os.environ.get(STOP_AT) == step.name:
                os.kill(os.getpid(), signal.SIGKILL)
            say(step.text)
            more = step.do(run)
            if more:
                say(f"  {more}")
    except Stopped:
        warn(put_back(run))
        raise
    except (Failed, OSError) as failure:
        _be_deaf()
        raise Failed(f"{reason_last(str(failure))}\n{put_back(run)}") from None


def reason_last(text: str) -> str:
    """The same lines, those quoted from a journal (indented) before the sentence about them."""
    return "\n".join(sorted(text.splitlines(), key=lambda line: not line.startswith("    ")))


def put_back(run: Run) -> str:
    """Make everything as it was before this run; returns how that went, in a sentence."""
    before = run.release_before
    try:
        if before is None:
            return _take_away(run)
        changed = host.place(run.before)
        if changed:
            back = Run(options.kept(), before, before, changed=changed)
            steps.activate(back)
        layout.forget()
    except (Failed, OSError) as failure:
        return f"{before.name if before else 'What stood here'} was put back, but: {failure}"
    return f"{before.name} is back and answers." if changed else f"{before.name} goes on running."


def _take_away(run: Run) -> str:
    """The way back from a first installation."""
    if not run.before:
        return "Nothing that runs was changed; install.sh can be run again."
    units.disable([path.name for path in units.installed()])
    steps.retire(host.place(run.before))
    layout.forget()
    return "What was begun is stopped and taken away; install.sh can be run again."
