"""Reminders: what is due, to whom, claimed, sent, and why not. Others use what is named here.

`plan` turns rules that have come due into promises in the ledger, one for each person, which the
database keeps unique. `deliver` (or `claim` and `record`) sends one message for all of the same
day and writes down what became of it; a crash in between frees itself when the lease ends.

- `almanac` reads what the days of calendars have, and knows who is told of it
- `planning` makes promises from rules, and corrects them when people change
- `wording` makes the text of a message
- `delivery` claims what is due, and records what became of it
- `buttons` does what the buttons of a reminder promise
"""

from .almanac import DELETED
from .buttons import done, snooze, told
from .delivery import (
    LEASE_SECONDS,
    Claim,
    Message,
    Outcome,
    Send,
    claim,
    close,
    deliver,
    message,
    overdue,
    record,
)
from .planning import (
    BELATED_DAYS,
    correct,
    correct_duty,
    correct_holiday,
    correct_leap_days,
    plan,
    withdraw,
)

__all__ = [
    "BELATED_DAYS",
    "DELETED",
    "LEASE_SECONDS",
    "Claim",
    "Message",
    "Outcome",
    "Send",
    "claim",
    "close",
    "correct",
    "correct_duty",
    "correct_holiday",
    "correct_leap_days",
    "deliver",
    "done",
    "message",
    "overdue",
    "plan",
    "record",
    "snooze",
    "told",
    "withdraw",
]
