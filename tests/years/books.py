"""Holds the product's ledger against the judge: each promise and what became of it, in words."""

import datetime as dt
from collections.abc import Iterator

from calendar_app import models

from .demands import DIGESTS, FAILED, HOPELESS, MISSED, SENT, WITHDRAWN, Key
from .findings import Finding
from .judge import Judge
from .oracle import Recipient
from .world import World

# What the ledger may say of something that the judge calls so.
STATES = {
    SENT: ("sent", "late"),
    FAILED: ("failed",),
    MISSED: ("skipped",),
    WITHDRAWN: ("skipped",),
    HOPELESS: ("failed", "skipped"),
}
LATE_SECONDS = 15 * 60
ROWS = """
    SELECT h.telegram_id, l.calendar_id, l.kind, l.subject_id, l.occurs_on, l.days_before,
        l.state, l.reason, l.sent_at, l.due_at
    FROM ledger l JOIN chats h ON h.id = l.recipient_id WHERE l.snooze = 0
"""


def findings(judge: Judge, world: World, end: int) -> Iterator[Finding]:
    """Where the ledger says something else than what happened."""
    books = _read(world)
    for to in judge.recipients.values():
        rows = books.pop((to.chat, to.calendar), {})
        for key, state in to.settled.items():
            if not key.again:
                row = rows.pop(key, None)
                if wrong := _wrong(to, key, state, row):
                    yield Finding.of("ledger", to, f"{tuple(key)} {state}: {wrong}, {row}", end)
        waiting = {demand.key for demand in to.open}
        for key, row in rows.items():
            if key not in waiting:
                yield Finding.of("ledger", to, f"{tuple(key)} was never promised: {row}", end)


def _read(world: World) -> dict[tuple[int, int], dict[Key, tuple]]:
    numbers = {(kind, row_id): number for (kind, number), row_id in world.ids.items()}
    books: dict[tuple[int, int], dict[Key, tuple]] = {}
    for chat_id, calendar, kind, subject, on, lead, *row in models.rows(ROWS).fetchall():
        number = subject if kind in DIGESTS else numbers[kind, subject]
        chat = world.telegram.names[chat_id]
        key = Key(kind, number, dt.date.fromisoformat(on), lead)
        books.setdefault((chat, calendar), {})[key] = tuple(row)
    return books


def _wrong(to: Recipient, key: Key, state: str, row: tuple | None) -> str:
    if row is None:
        return "it is not in the ledger"
    said, reason, sent_at, due_at = row
    if key in to.twice:
        return ""  # It came, and was taken back or refused when it would have come once more.
    if said not in STATES[state]:
        return f"it is {said}"
    if state == SENT:
        late = sent_at - due_at > LATE_SECONDS
        return "" if (said == "late") == late else f"it is {said}"
    return "" if reason and (state != MISSED or reason.startswith("missed:")) else "no reason"
