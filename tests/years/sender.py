"""The sender: a process of its own that does what the bot's loop does, at the time it is told.

It looks whenever something is due, as the bot does every second; each flight of messages goes to
the other side of the wire, which answers with what became of them. Then they are recorded.
"""

import logging
import os
from ctypes import c_longlong
from multiprocessing.connection import Connection

from calendar_app import models, reminders
from calendar_app.reminders import Outcome

# As many as bot.delivery has in flight.
IN_FLIGHT = 12
# When there is something to do next: a rule comes due, or what was put off or claimed.
NEXT = """
    SELECT min(at) FROM (SELECT min(next_due_at) AS at FROM reminder_rules UNION ALL
        SELECT min(max(try_at, lease_until)) FROM ledger WHERE state = 'planned')
"""
# So many looks in which nothing moves are too many: something is due and is never worked off.
PATIENCE = 1000


class Stuck(RuntimeError):
    """What is due stays due."""


def live(database_url: str, wire: Connection, clock: c_longlong) -> None:
    """Obey `(from, until)`, from a moment on until before another; ends with the wire.

    `clock` shows the time that it has come to, also when it was killed.
    """
    logging.basicConfig(level=logging.ERROR)
    # That reminders were missed is told to the operators; here it is meant to happen.
    logging.getLogger("calendar_app.alerts").disabled = True
    models.connect(database_url)
    owner = f"sender/{os.getpid()}"
    while True:
        try:
            now, until = wire.recv()
        except EOFError:
            return
        walk(now, until, owner, wire, clock)
        wire.send(None)


def walk(now: int, until: int, owner: str, wire: Connection, clock: c_longlong) -> None:
    """Go from one thing that is due to the next."""
    idle = 0
    while now < until:
        clock.value = now
        while send_some(now, owner, wire):
            idle = 0
        coming = models.rows(NEXT).fetchone()[0] or until
        idle += coming <= now
        if idle > PATIENCE:
            raise Stuck(f"at {now} something that was due at {coming} is never worked off")
        now = max(coming, now + 1)


def send_some(now: int, owner: str, wire: Connection) -> bool:
    """Plan, claim a flight, send it off, record it; False for nothing."""
    reminders.plan(now)
    claims = reminders.claim(now, owner, IN_FLIGHT)
    if claims:
        wire.send((now, [_sent(claim.message) for claim in claims]))
        for claim, outcome in zip(claims, wire.recv(), strict=True):
            reminders.record(claim, Outcome(*outcome), now)
    return bool(claims)


def _sent(message: reminders.Message) -> tuple[int, str, int | None]:
    """Chat, text, and the reminder that its buttons name."""
    named = [data.removeprefix("done:") for _, data in message.buttons if data.startswith("done:")]
    return message.chat_id, message.html, int(named[0]) if named else None
