"""What must not come again, or come back, when a backup takes the place of a database.

Works on the connected SQLite database: the restored one, before anybody uses it. From the file
that it will replace come the updates worked off, what was sent, the deletions that users asked
for and the numbers that ids have reached: as far as that file can be read. See `restoring`.
"""

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from peewee import fn

from .. import birthdays, calendars, dates, me, models, recipients, reminders, rules
from ..models import (
    Alert,
    Birthday,
    Calendar,
    Chat,
    Deletion,
    Holiday,
    Promise,
    ReminderRule,
    ResponsiblePerson,
    Update,
)
from ..reminders.almanac import RESTORED

DAY = 24 * 3600
# The last days of a gap are gone through one by one: the ledger then knows of them, and a change
# of time or zone does not bring them again.
PAST_DAYS = 2
PROMISE = (
    "kind",
    "subject_id",
    "occurs_on",
    "days_before",
    "recipient_id",
    "snooze",
    "calendar_id",
    "due_at",
    "state",
    "reason",
    "try_at",
    "attempts",
    "sent_at",
)
UNIQUE, SETTLED = PROMISE[:6], ("state", "reason", "attempts", "sent_at")
SENT = f"SELECT {', '.join(PROMISE)} FROM ledger WHERE sent_at >= ?"
SETTLE = f"""
    INSERT INTO ledger ({", ".join(PROMISE)}) VALUES ({", ".join("?" * len(PROMISE))})
    ON CONFLICT ({", ".join(UNIQUE)})
    DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in SETTLED)}
"""
UPDATES = "SELECT bot_id, update_id, received_at FROM updates"
# Kinds of rows that nothing else hangs on.
PLAIN = {"holiday": Holiday, "responsible": ResponsiblePerson}
DELETIONS = "SELECT kind, subject_id, at FROM deletions ORDER BY id"
NUMBERS = "SELECT name, seq FROM sqlite_sequence"
Old = sqlite3.Connection


def adapt(replaced: Path, now: int) -> list[str]:
    """Make the restored database fit for going on from `now`.

    Returns a sentence for each thing that could not be had from the replaced one.
    """
    problems = []
    with models.writing(essential=True):
        for what, part in PARTS.items():
            try:
                with closing(_open(replaced)) as old:
                    part(old, now)
            except sqlite3.Error as error:
                problems.append(f"The replaced database did not give {what}: {error}.")
        skip_what_was_due(now)
    return problems


def _open(path: Path) -> Old:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)


def _carry_updates(old: Old, _now: int) -> None:
    found = old.execute(UPDATES).fetchall()
    for start in range(0, len(found), 500):
        columns = [Update.bot_id, Update.update_id, Update.received_at]
        rows = found[start : start + 500]
        Update.insert_many(rows, columns).on_conflict_ignore().execute()


def _carry_sent(old: Old, _now: int) -> None:
    """What was sent since the backup was made stands in the ledger again."""
    since = Promise.select(fn.MAX(Promise.sent_at)).scalar() or 0
    chats = {row_id for (row_id,) in Chat.select(Chat.id).tuples()}
    known = {row_id for (row_id,) in Calendar.select(Calendar.id).tuples()}
    for row in old.execute(SENT, (since,)).fetchall():
        promise = dict(zip(PROMISE, row, strict=True))
        if promise["recipient_id"] in chats and promise["calendar_id"] in known:
            models.rows(SETTLE, *row)


def _carry_numbers(old: Old, _now: int) -> None:
    """An id that was given since the backup is not given to another row."""
    known = dict(models.rows(NUMBERS).fetchall())
    for table, reached in old.execute(NUMBERS).fetchall():
        if table not in known:
            models.rows("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", table, reached)
        elif reached > known[table]:
            models.rows("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", reached, table)


def _repeat_deletions(old: Old, now: int) -> None:
    if not old.execute("SELECT 1 FROM sqlite_master WHERE name = 'deletions'").fetchone():
        return
    columns = [Deletion.kind, Deletion.subject_id, Deletion.at]
    known = set(Deletion.select(*columns).tuples())
    missing = [row for row in old.execute(DELETIONS).fetchall() if row not in known]
    for kind, subject_id, at in missing:
        _delete(kind, subject_id, now, at)
        Deletion.insert(kind=kind, subject_id=subject_id, at=at).execute()


def _delete(kind: str, subject_id: int, now: int, at: int) -> None:
    if kind == "user":
        if me.delete(subject_id, now) and at <= now - me.THINK_SECONDS:
            me.purge(subject_id)
    elif kind == "calendar":
        _delete_calendar(subject_id, now)
    elif kind == "birthday":
        of_calendar = Birthday.select(Birthday.calendar).where(Birthday.id == subject_id).scalar()
        if of_calendar is not None:
            birthdays.remove(of_calendar, subject_id)
    elif kind in PLAIN:
        PLAIN[kind].delete().where(PLAIN[kind].id == subject_id).execute()


def _delete_calendar(calendar_id: int, now: int) -> None:
    """One that was made for others to share can be put away; any other was purged."""
    kind = Calendar.select(Calendar.kind).where(Calendar.id == calendar_id).scalar()
    if kind == "other":
        calendars.archive(calendar_id, now)
    elif kind:
        Calendar.delete().where(Calendar.id == calendar_id).execute()


PARTS = {
    "the updates already worked off": _carry_updates,
    "the numbers given to rows": _carry_numbers,
    "the reminders sent": _carry_sent,
    "the deletions that users asked for": _repeat_deletions,
}


def skip_what_was_due(now: int) -> None:
    """Nothing that was due until now is sent to anybody; everything later is."""
    past = now - PAST_DAYS * DAY
    for rule in list(ReminderRule.select().where(ReminderRule.next_due_at < past)):
        to = recipients.get(rule.calendar_id, rule.recipient_id)
        known = dt.date.fromisoformat(rule.next_date)
        day = rules.on_or_after(rule.kind, known, dates.local_date(past, to.zone))
        ReminderRule.update(next_date=day.isoformat(), next_due_at=to.due_at(day)).where(
            ReminderRule.id == rule.id
        ).execute()
    reminders.plan(now)
    Promise.update(state="skipped", reason=RESTORED).where(
        Promise.state == "planned", Promise.due_at <= now
    ).execute()
    # The operators were told of these in their time.
    Alert.update(sent_at=now).where(Alert.sent_at.is_null()).execute()
