"""How long a look for what is due takes with 10,000 and with 1,000,000 birthdays, and firing.

Run: python -m tests.bench.bench_due [SMALL LARGE]. Prints microseconds of CPU and their ratio.
"""

import datetime as dt
import sys
import tempfile
import time
from pathlib import Path

from calendar_app import models, reminders
from calendar_app.reminders import Outcome
from tests.world import settings

# Birthdays of one calendar; each calendar has one recipient.
IN_ONE = 100
NOW = int(dt.datetime(2026, 12, 10, 8, tzinfo=dt.UTC).timestamp())
LOOKS = 2000
NUMBERS = """
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
"""
FILL = (
    """INSERT INTO chats (id, telegram_id, kind, reachable, created_at)
       {calendars} SELECT i, i, 'private', 1, 0 FROM n""",
    """INSERT INTO users (id, telegram_id, chat_id, created_at)
       {calendars} SELECT i, i, i, 0 FROM n""",
    """INSERT INTO calendars
           (id, kind, title, user_id, timezone, notification_minute, created_at)
       {calendars} SELECT i, 'personal', 'x', i, 'UTC', 540, 0 FROM n""",
    """INSERT INTO members (calendar_id, user_id, role, created_at)
       {calendars} SELECT i, i, 'owner', 0 FROM n""",
    """INSERT INTO reminder_rules
           (calendar_id, recipient_id, kind, days_before, next_date, next_due_at)
       {calendars} SELECT i, i, 'birthday', 0, '2026-12-10', {due} FROM n""",
    """INSERT INTO birthdays (calendar_id, full_name, search_text, year, month, day,
           created_at, updated_at)
       {birthdays} SELECT i % {number} + 1, 'Person ' || i, 'x', 1950 + i % 60, i / 7 % 12 + 1,
           i / 11 % 28 + 1, 0, 0 FROM n""",
)


def filled(folder: Path, count: int) -> int:
    """A database with so many birthdays; returns how many calendars they are in."""
    calendars = max(1, count // IN_ONE)
    models.connect(settings(folder).database_url)
    models.migrate()
    values = {
        "calendars": NUMBERS.format(count=calendars),
        "birthdays": NUMBERS.format(count=count),
        "number": calendars,
        "due": NOW + 3600,
    }
    with models.database.atomic():
        for statement in FILL:
            models.database.execute_sql(statement.format(**values))
    models.database.execute_sql("ANALYZE")
    return calendars


def idle() -> float:
    """Microseconds of CPU for a look when nothing is due."""
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(LOOKS):
            reminders.plan(NOW)
            reminders.claim(NOW, "bench/1", 12)
        best = min(best, (time.process_time() - began) / LOOKS * 1e6)
    return best


def main(small: int = 10_000, large: int = 1_000_000) -> float:
    """Print what a look costs with few and with many; returns their ratio."""
    looks = []
    for count in (small, large):
        with tempfile.TemporaryDirectory() as folder:
            calendars = filled(Path(folder), count)
            looks.append(idle())
            print(f"{count:>9} birthdays: an idle look takes {looks[-1]:.1f} µs")
            began = time.process_time()
            fired = reminders.plan(NOW + 3600)
            each = (time.process_time() - began) / fired * 1e6
            due = models.Promise.select().count()
            print(f"{'':>9} {fired} of {calendars} rules fired, {each:.0f} µs each; {due} due")
            began, sent = time.process_time(), 0
            while sent < 1000 and (claims := reminders.claim(NOW + 3600, "bench/1", 12)):
                for claim in claims:
                    reminders.record(claim, Outcome("sent"), NOW + 3600)
                sent += len(claims)
            each = (time.process_time() - began) / max(sent, 1) * 1e6
            print(f"{'':>9} claimed and recorded {sent} messages, {each:.0f} µs each")
            models.disconnect()
    print(f"ratio {looks[1] / looks[0]:.2f}")
    return looks[1] / looks[0]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
