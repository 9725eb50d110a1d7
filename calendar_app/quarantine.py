"""What belongs to somebody who is gone: hidden at once, kept for 30 days, then purged.

Gone is a group that the bot was removed from, or a person who blocked it or whose account is no
more (`reminders.close`); `calendars.enter` hides what is theirs until they are back, be it only
to read (`arrive`). Calendars that were put away go the same way. A purge that would take too much
stops and asks the operators.
"""

import logging
from typing import Any

from peewee import fn

from . import alerts, calendars, deletions, me, membership, models, recipients
from .calendars import Account
from .config import Config
from .models import (
    Birthday,
    Calendar,
    Chat,
    Deletion,
    Duty,
    Holiday,
    Member,
    ResponsiblePerson,
    User,
)
from .texts import N_

log = logging.getLogger(__name__)

KEPT_SECONDS = 30 * 24 * 3600
# More than this share of a kind of row, and more than a handful, is not deleted unasked.
MOST_PERCENT = 5
HANDFUL = 20
TOO_MUCH = N_(
    "The nightly clean-up would delete much for good: {rows}. Nothing was deleted. See why so many"
    " are gone, then let it through: sudo birthday-calendar purge"
)
# What goes with a calendar.
KINDS = (Birthday, Holiday, ResponsiblePerson, Duty, Member)
GONE = f"""
    SELECT c.id FROM calendars c LEFT JOIN users o ON o.id = c.user_id
    LEFT JOIN chats h ON h.id = COALESCE(c.chat_id, o.chat_id)
    WHERE c.kind = 'other' AND c.archived_at <= ?
    OR {recipients.CLOSED} AND h.quarantined_at <= ? AND o.deleting_since IS NULL
    ORDER BY c.id
"""
# What there is to do for who asks something, in one look, as it is taken at every request: their
# checks in groups are too old; they are known, but their chat is closed, which was not their wish.
AT_ARRIVAL = f"""
    SELECT EXISTS ({membership.LAPSED}), EXISTS (
        SELECT 1 FROM users u JOIN chats h ON h.id = u.chat_id
        WHERE u.telegram_id = ? AND u.deleting_since IS NULL AND NOT h.reachable AND h.reason <> '')
"""
Taken = dict[str, tuple[int, int]]


def arrive(account: Account, config: Config, now: int, writes: bool) -> None:
    """Let in who signed in: register who writes, and who was gone though they only read."""
    values = (account.telegram_id, now - membership.TRUST_SECONDS, account.telegram_id)
    lapsed, gone = models.rows(AT_ARRIVAL, *values).fetchone()
    if lapsed:
        membership.lapse(account.telegram_id, now)
    if writes:
        calendars.register(account, config, now)
    elif gone:
        try:
            calendars.register(account, config, now)
        except models.Trouble as error:
            # On a full disk or behind other writers one still reads what there is.
            if not models.is_trouble(error):
                raise


def begin(now: int) -> None:
    """Let the 30 days of who is newly gone begin, and end them for who is back."""
    closed = ~Chat.reachable & (Chat.reason != "")
    with models.writing(essential=True):
        Chat.update(quarantined_at=now).where(closed, Chat.quarantined_at.is_null()).execute()
        Chat.update(quarantined_at=None).where(
            ~closed, Chat.quarantined_at.is_null(False)
        ).execute()


def taken(now: int) -> Taken:
    """What a purge would delete now: (how many, of how many) by table."""
    gone = _gone(now)
    found = {"calendars": (len(gone), Calendar.select().count())} if gone else {}
    for table in KINDS if gone else ():
        of_gone = table.select(fn.COUNT(table.id)).where(table.calendar.in_(gone)).scalar()
        if of_gone:
            found[table._meta.table_name] = (of_gone, table.select().count())
    return found


def purge(now: int, agreed: bool = False) -> dict[str, int]:
    """Delete for good what was left or put away 30 days ago; how many rows of each table.

    Where that is too much it deletes nothing and tells the operators, unless they `agreed`.
    """
    rows = taken(now)
    if any(_is_too_much(*count) for count in rows.values()) and not agreed:
        alerts.tell("purge", TOO_MUCH, now, rows=told(rows))
        return {}
    for calendar_id in _gone(now):
        _purge(calendar_id, now)
    alerts.clear("purge", now)
    if rows:
        log.warning("purged what was left or put away 30 days ago: %s", told(rows))
    return {table: number for table, (number, _) in rows.items()}


def told(rows: Taken) -> str:
    """`birthdays 412/900, …`: what would go, of how much."""
    return ", ".join(f"{table} {number}/{of}" for table, (number, of) in rows.items())


def _is_too_much(number: int, of: int) -> bool:
    return number > HANDFUL and number * 100 > MOST_PERCENT * of


def _gone(now: int) -> list[int]:
    long_ago = now - KEPT_SECONDS
    return [row_id for (row_id,) in models.rows(GONE, long_ago, long_ago)]


def _purge(calendar_id: int, now: int) -> None:
    """Delete one calendar, unless somebody came back meanwhile."""
    with models.writing(essential=True):
        if calendar_id not in _gone(now):
            return
        calendar = Calendar.get_by_id(calendar_id)
        known = (Deletion.kind == "calendar") & (Deletion.subject_id == calendar_id)
        if not Deletion.select().where(known).exists():
            deletions.remember("calendar", calendar_id)
        Calendar.delete().where(Calendar.id == calendar_id).execute()
        _purge_owner(calendar)


def _purge_owner(calendar: Any) -> None:
    """The group's chat; the person too, unless they are a member of some other calendar."""
    if calendar.chat_id is not None:
        Chat.delete().where(Chat.id == calendar.chat_id).execute()
    elif calendar.user_id is not None:
        owner = User.get_by_id(calendar.user_id)
        if not Member.select().where(Member.user == owner).exists():
            deletions.remember("user", owner.telegram_id)
            me.purge(owner.telegram_id)
