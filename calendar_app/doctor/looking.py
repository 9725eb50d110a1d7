"""One look at this machine: all checks side by side, within a time that a person waits.

`look` is for the command, for --fix and for the timer alike. It changes nothing.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import config
from ..config import Config
from ..logs import mask
from ..operation import privileges, trouble
from . import causes, disks, frontdoor, machine, remedies, rivals, statechecks, telegram
from .causes import CAUSES, Check
from .machine import Place

# All of it; what has not come back by then is left behind.
SECONDS = 3.8
# Of these, what is kept for naming who else polls.
RIVALS_SECONDS = 0.6
STARTING_SECONDS = 20
# Beside run.sh there is no unit to restart.
RUN = "./scripts/run.sh  # starts web and bot"
BESIDE_RUN = {remedies.BACK_UP: ".venv/bin/python -m calendar_app backup"}

Look = tuple[Callable[[Place], list[Check]], tuple[str, ...]]
LOOKS: tuple[Look, ...] = (
    (machine.web_unit, ("web-start-failed",)),
    (machine.web, ("web-not-running", "upstream-timeout")),
    (machine.socket_file, ("socket-missing", "socket-permission")),
    (frontdoor.nginx, ("nginx-down", "nginx-config-invalid")),
    (frontdoor.certificate, ("certificate-expired",)),
    (frontdoor.rotation, ("log-rotation-broken",)),
    (telegram.look, ("webhook-set", "bot-unauthorized")),
    (machine.room, ("disk-full", "inodes-full")),
    (machine.memory, ("out-of-memory",)),
    (machine.other_units, ("units",)),
    (machine.folders, ("folders",)),
    (machine.journal, ("journal",)),
    (machine.clock, ("clock",)),
)


@dataclass(frozen=True)
class Seen:
    """What was found: `checks` in the order of the causes, and what telling it needs.

    `alerts`: what the service itself has told the operators and not taken back; `languages` of
    the operators, as far as the database tells.
    """

    checks: list[Check]
    settings: Config | None = None
    alerts: frozenset[str] = frozenset()
    languages: dict[int, str] = field(default_factory=dict)


def look() -> Seen:
    """All checks of this machine, within SECONDS."""
    until = time.monotonic() + SECONDS
    state = config.state_dir()
    if not config.installed():
        # In a clone there is nothing that needs root, and all files may be somebody else's.
        privileges.drop(state)
    settings, checks = _configured(state)
    # The child that looks at the state is made first: there are no threads yet.
    asked = privileges.asking(state, _question(settings)) if settings else None
    place = Place(settings, state, config.installed(), machine.units())
    told: dict[str, Any] = {}
    looks = LOOKS
    if asked:
        looks += ((lambda _: _of_state(asked, until, told), statechecks.IDS),)
    found = _in_time(looks, place, until - RIVALS_SECONDS)
    merged = _merged(checks + found, place, until)
    languages = {int(who): str(said) for who, said in told.get("languages", {}).items()}
    alerts = frozenset(map(str, told.get("alerts", ())))
    return Seen(sorted(merged, key=_order), settings, alerts, languages)


def _configured(state: Path) -> tuple[Config | None, list[Check]]:
    """The configuration, as far as this user may read it, and what its reading told."""
    try:
        privileges.check(state)
        return config.load(), []
    except privileges.Refused as problem:
        return None, _unseen(str(problem))
    except config.ConfigError as problem:
        fix = "sudo birthday-calendar check-config  # names every bad value"
        bad = causes.error("web-start-failed", mask(str(problem)), "", fix)
        return None, [bad, *_unseen("The configuration is bad.")]


def _question(settings: Config) -> Callable[[], dict[str, Any]]:
    return lambda: statechecks.look(settings, int(time.time()))


def _of_state(asked: Callable[[float], Any], until: float, told: dict[str, Any]) -> list[Check]:
    """What the state's owner sees; as root that is a child that became this owner.

    What is no check goes into `told`.
    """
    try:
        answer = asked(until - RIVALS_SECONDS - 0.1 - time.monotonic())
    except Exception as problem:
        said = trouble.sentence(problem)
        if said is None:
            raise
        return _unseen(said)
    told.update(answer)
    return [Check(**each) for each in answer["checks"]]


def _unseen(why: str) -> list[Check]:
    return [causes.skipped(each, why, causes.SUDO) for each in statechecks.IDS]


def _in_time(looks: tuple[Look, ...], place: Place, until: float) -> list[Check]:
    """All looks side by side; who has not come back in time is left behind."""
    answers: queue.SimpleQueue[tuple[int, list[Check]]] = queue.SimpleQueue()
    for number, each in enumerate(looks):
        arguments = (answers, number, each, place)
        threading.Thread(target=_answer, args=arguments, daemon=True).start()
    found: dict[int, list[Check]] = {}
    while len(found) < len(looks):
        try:
            number, checks = answers.get(timeout=max(0, until - time.monotonic()))
        except queue.Empty:
            break
        found[number] = checks
    late = "This took too long and was left."
    for number, (_, ids) in enumerate(looks):
        found.setdefault(number, [causes.skipped(each, late, causes.SUDO) for each in ids])
    return [check for number in sorted(found) for check in found[number]]


def _answer(
    answers: queue.SimpleQueue[tuple[int, list[Check]]], number: int, look: Look, place: Place
) -> None:
    each, ids = look
    try:
        answers.put((number, each(place)))
    except Exception as problem:  # One look that stumbles must not silence the others.
        said = f"This check failed: {type(problem).__name__}: {mask(str(problem))}"
        answers.put((number, [causes.skipped(check, said, causes.SUDO) for check in ids]))


# --- all of it together ------------------------------------------------------------------


def _merged(checks: list[Check], place: Place, until: float) -> list[Check]:
    """One check for each id, seen in the light of where we are and of the others."""
    found = {check.id: check for check in disks.worst(checks)}
    if _is_new(place.units.get(machine.BOT, {})):
        found["bot-stopped"] = causes.ok("bot-stopped", "The bot is starting.")
    conflict = found.get("bot-conflict")
    if conflict and conflict.status == "error":
        found[conflict.id] = rivals.named(conflict, place, until)
    if place.installed:
        return list(found.values())
    return [replace(check, fix=_beside_run(check.fix)) for check in found.values()]


def _beside_run(fix: str) -> str:
    return BESIDE_RUN.get(fix.partition(remedies.NOTE)[0], RUN) if "systemctl" in fix else fix


def _is_new(unit: machine.Unit) -> bool:
    """Whether it was started just now: it may not have told of itself yet."""
    age = time.monotonic() - int(unit.get("StateChangeTimestampMonotonic") or 0) / 1e6
    return unit.get("ActiveState") in ("active", "activating") and age < STARTING_SECONDS


def _order(check: Check) -> int:
    known = list(CAUSES)
    return known.index(check.id) if check.id in known else len(known)
