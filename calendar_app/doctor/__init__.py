"""The doctor: `birthday-calendar doctor` names what is wrong, the root cause last, and the remedy.

Looks at this machine (`machine`, `frontdoor`, `statechecks`), or with --logs at log files from
anywhere (`evidence`); which of several findings is the root cause, `causes` knows. Changes nothing.
"""

import argparse
import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from .. import config
from ..config import Config
from ..logs import mask
from ..operation import privileges, trouble
from . import causes, disks, evidence, frontdoor, machine, statechecks
from .causes import CAUSES, Check
from .logfiles import Unreadable
from .machine import Place

EXIT = {"ok": 0, "warning": 1, "error": 2}
# Both halves together stay below 5 s.
STATE_SECONDS, MACHINE_SECONDS = 3, 3
LOOKS: tuple[tuple[Callable[[Place], list[Check]], tuple[str, ...]], ...] = (
    (machine.web_unit, ("web-start-failed",)),
    (machine.web, ("web-not-running", "upstream-timeout")),
    (machine.socket_file, ("socket-missing", "socket-permission")),
    (frontdoor.nginx, ("nginx-down", "nginx-config-invalid")),
    (frontdoor.certificate, ("certificate-expired",)),
    (frontdoor.rotation, ("log-rotation-broken",)),
    (frontdoor.webhook, ("webhook-set",)),
    (machine.room, ("disk-full", "inodes-full")),
    (machine.memory, ("out-of-memory",)),
    (machine.other_units, ("units",)),
    (machine.journal, ("journal",)),
    (machine.clock, ("clock",)),
)
# The priority of a line in the journal (sd-daemon(3)).
PRIORITY = {"warning": "<4>", "error": "<3>"}
STARTING_SECONDS = 20
RUN = "./scripts/run.sh  # starts web and bot"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    option = parser.add_argument
    option("--json", action="store_true", help="everything as JSON")
    option("--quiet", action="store_true", help="nothing if all is well, else only the last line")
    option(
        "--logs",
        nargs="+",
        metavar="FILE",
        help="judge these log files (- for standard input) instead of this machine: exports of "
        "the journal, logs of nginx, syslog, docker; also gzip, bzip2, xz",
    )


def run(args: argparse.Namespace, _settings: None = None) -> int:
    """Look, tell, and return the exit status: 0 well, 1 warnings, 2 errors (or no such log)."""
    if args.logs:
        try:
            checks = evidence.read(args.logs, lambda said: print(said, file=sys.stderr))
        except Unreadable as problem:
            print(problem, file=sys.stderr)
            return EXIT["error"]
    else:
        checks = look()
    _tell(args, checks)
    return EXIT[status(checks)]


def status(checks: list[Check]) -> str:
    """The worst of all."""
    return max((c.status for c in checks if c.status in EXIT), key=EXIT.__getitem__, default="ok")


# --- looking -----------------------------------------------------------------------------


def look() -> list[Check]:
    """All checks of this machine, in the order of the causes."""
    state = config.state_dir()
    if not config.installed():
        # In a clone there is nothing that needs root, and all files may be somebody else's.
        privileges.drop(state)
    settings, checks = _configured(state)
    place = Place(settings, state, config.installed(), machine.units())
    return sorted(_merged(checks + _in_time(place), place), key=_order)


def _configured(state: Path) -> tuple[Config | None, list[Check]]:
    """The configuration, as far as this user may read it, and what its reading and use told."""
    try:
        privileges.check(state)
        settings = config.load()
    except privileges.Refused as problem:
        return None, _unseen(str(problem))
    except config.ConfigError as problem:
        fix = "sudo birthday-calendar check-config  # names every bad value"
        bad = causes.error("web-start-failed", mask(str(problem)), "", fix)
        return None, [bad, *_unseen("The configuration is bad.")]
    return settings, _of_state(settings)


def _of_state(settings: Config) -> list[Check]:
    """What the state's owner sees; as root that is a child that became this owner."""

    def question() -> list[dict[str, Any]]:
        return statechecks.look(settings, int(time.time()))

    try:
        found = privileges.ask(settings.state_dir, question, STATE_SECONDS)
        return [Check(**each) for each in found]
    except Exception as problem:
        said = trouble.sentence(problem)
        if said is None:
            raise
        return _unseen(said)


def _unseen(why: str) -> list[Check]:
    return [causes.skipped(each, why, causes.SUDO) for each in statechecks.IDS]


def _in_time(place: Place) -> list[Check]:
    """All looks side by side; who has not come back in time is left behind."""
    answers: queue.SimpleQueue[tuple[int, list[Check]]] = queue.SimpleQueue()
    for number in range(len(LOOKS)):
        threading.Thread(target=_answer, args=(answers, number, place), daemon=True).start()
    found: dict[int, list[Check]] = {}
    until = time.monotonic() + MACHINE_SECONDS
    while len(found) < len(LOOKS):
        try:
            number, checks = answers.get(timeout=max(0, until - time.monotonic()))
        except queue.Empty:
            break
        found[number] = checks
    late = "This took too long and was left."
    for number, (_, ids) in enumerate(LOOKS):
        found.setdefault(number, [causes.skipped(each, late, causes.SUDO) for each in ids])
    return [check for number in sorted(found) for check in found[number]]


def _answer(answers: queue.SimpleQueue[tuple[int, list[Check]]], number: int, place: Place) -> None:
    each, ids = LOOKS[number]
    try:
        answers.put((number, each(place)))
    except Exception as problem:  # One look that stumbles must not silence the others.
        said = f"This check failed: {type(problem).__name__}: {mask(str(problem))}"
        answers.put((number, [causes.skipped(check, said, causes.SUDO) for check in ids]))


def _merged(checks: list[Check], place: Place) -> list[Check]:
    """One check for each id, seen in the light of where we are."""
    found = disks.worst(checks)
    unit = place.units.get(machine.BOT, {})
    age = time.monotonic() - int(unit.get("StateChangeTimestampMonotonic") or 0) / 1e6
    if unit and age < STARTING_SECONDS:
        starting = causes.ok("bot-stopped", "The bot is starting.")
        found = [starting if check.id == starting.id else check for check in found]
    if place.installed:
        return found
    # Beside run.sh there is no unit to restart.
    return [replace(each, fix=RUN) if "systemctl" in each.fix else each for each in found]


def _order(check: Check) -> int:
    known = list(CAUSES)
    return known.index(check.id) if check.id in known else len(known)


# --- telling -----------------------------------------------------------------------------


def _tell(args: argparse.Namespace, checks: list[Check]) -> None:
    if args.json:
        print(json.dumps(as_json(checks), indent=1))
        return
    verdict = status(checks)
    if args.quiet and verdict == "ok":
        return
    lines = [] if args.quiet else _lines(checks)
    # Under systemd its line gets the priority that fits.
    sign = PRIORITY.get(verdict, "") if args.quiet and config.logs_to_journal() else ""
    print("\n".join([*lines, sign + last_line(checks)]))


def as_json(checks: list[Check]) -> dict[str, Any]:
    """The answer of --json; the names are what monitoring relies on."""
    shown = [asdict(check) for check in checks]
    for check in shown:
        del check["since"]
    root = causes.root(checks)
    return {"status": status(checks), "root_cause": root.id if root else None, "checks": shown}


def _lines(checks: list[Check]) -> list[str]:
    width = max((len(check.id) for check in checks), default=0)
    return [f"{c.status:<7}  {c.id:<{width}}  {_one_line(c.summary)}" for c in checks]


def last_line(checks: list[Check]) -> str:
    """The root cause and the command that mends it, in one line."""
    root = causes.root(checks)
    warnings = [check for check in checks if check.status == "warning"]
    if root:
        return _one_line(f"{root.id}: {root.summary.rstrip('.')}. To mend it: {root.fix}")
    if warnings:
        first, more = warnings[0], len(warnings) - 1
        others = f" ({more} more warnings)" if more else ""
        return _one_line(f"No errors; {first.id}: {first.summary}{others}. To mend it: {first.fix}")
    return "All is well."


def _one_line(text: str) -> str:
    return privileges.printable(" ".join(text.split()))
