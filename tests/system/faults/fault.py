"""What a fault is: how to bring it about and to mend it, and what users may notice of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

# A line of root's shell on the machine, or a function of the Installation.
Step = str | Callable
# 1: it warns, as of a certificate that nobody signed.
DOCTOR_MENDS = "birthday-calendar doctor --fix --yes || test $? = 1"


@dataclass(frozen=True)
class Fault:
    """One row of the table. No number in it is a wish: it is what the service promises."""

    ANY: ClassVar[int] = 10**9

    name: str
    begin: Step
    mend: Step = ""  # none: it heals by itself
    before: Step = ""  # with no traffic yet
    while_it_lasts: Step = ""
    seconds: int = 10  # how long it lasts at least
    # What the doctor must name as the root cause, None for nothing; "" does not ask it.
    cause: str | None = ""
    doctor: str = "birthday-calendar doctor --json"
    # Requests that may fail with anything but a problem document and Retry-After.
    failed: int = 0
    away: bool = False  # whether the web or nginx is, so that /health may go without an answer
    refusals: tuple[int, ...] = ()  # further problem documents that are right here
    # Chat messages that may stay without an answer, and answers that may come twice.
    unanswered: int = 0
    answered_twice: int = 0
    # Reminders that may come twice, and that may be left out, with the reason in the ledger.
    doubled: int = 0
    skipped: int = 0
    afterwards: Step = ""  # looks at what came of it
    well_within: int = 60  # seconds after the mend
    quick: bool = False  # runs in every test.sh

    def __str__(self):
        return self.name


def take(step, at):
    """Takes a step on that Installation."""
    if callable(step):
        step(at)
    elif step:
        at.run(step)
