"""Who is in a group, as Telegram says: the bot asks there, no client is ever believed.

A member's `checked_at` is when Telegram last said so. Without it a group's calendar is closed to
them: `calendars.enter` raises Unavailable until the bot has asked. Links to a group's calendar
carry its random key, which only lets somebody be asked about.
"""

import secrets
from typing import Any, NamedTuple

from . import calendars, models, rules
from .calendars import VIEWER, Access
from .errors import NotFound
from .models import (
    Birthday,
    Calendar,
    Chat,
    Duty,
    Holiday,
    Member,
    ResponsiblePerson,
    User,
)
from .texts import N_

# The bot asks again after a day; what it could not ask for two days holds no longer.
CHECK_SECONDS = 24 * 3600
TRUST_SECONDS = 48 * 3600
LEFT = N_("not in the group any more")
NOT_IN = N_("You are not in this group, so its calendar is closed to you.")
NO_GROUP = N_("This link leads to no group: ask in the group for a new one.")
DUE = """
    SELECT h.telegram_id, u.telegram_id FROM members m
    JOIN users u ON u.id = m.user_id JOIN calendars c ON c.id = m.calendar_id
    JOIN chats h ON h.id = c.chat_id
    WHERE c.kind = 'group' AND h.reachable AND {which} ORDER BY m.checked_at, m.id LIMIT ?
"""
LAPSED = """
    SELECT 1 FROM members m JOIN users u ON u.id = m.user_id
    WHERE u.telegram_id = ? AND m.checked_at <= ? LIMIT 1
"""


class Check(NamedTuple):
    """A question to Telegram: is that user in that chat? Both by Telegram's ids."""

    chat_id: int
    user_id: int


def due(now: int, limit: int) -> list[Check]:
    """Whom to ask Telegram about: who waits for it first, then who was checked a day ago."""
    found = models.rows(DUE.format(which="m.checked_at IS NULL"), limit).fetchall()
    old = DUE.format(which="m.checked_at <= ?")
    found += models.rows(old, now - CHECK_SECONDS, limit).fetchall()
    return [Check(*row) for row in found[:limit]]


def checked(check: Check, role: str | None, now: int) -> None:
    """Note what Telegram said of a member: their role, or None for who is not in the group."""
    with models.writing(essential=True):
        member = _member(check)
        if member is None:
            return
        if role is not None:
            Member.update(role=role, checked_at=now).where(Member.id == member.id).execute()
            return
        Member.delete().where(Member.id == member.id).execute()
        rules.unsubscribe(member.calendar_id, member.user.chat_id, LEFT)


def _member(check: Check) -> Member | None:
    query = (
        Member.select(Member, User)
        .join(User)
        .switch(Member)
        .join(Calendar)
        .join(Chat, on=(Calendar.chat == Chat.id))
    )
    return query.where(
        User.telegram_id == check.user_id, Chat.telegram_id == check.chat_id
    ).first()  # fmt: skip


def lapse(telegram_id: int, now: int) -> None:
    """Close the groups' calendars that the bot could not check for this user for too long.

    For whoever is about to let them in; costs a look where there is nothing to close.
    """
    long_ago = now - TRUST_SECONDS
    if not models.rows(LAPSED, telegram_id, long_ago).fetchone():
        return
    user = User.select(User.id).where(User.telegram_id == telegram_id)
    with models.writing(essential=True):
        Member.update(checked_at=None).where(
            Member.user.in_(user), Member.checked_at <= long_ago
        ).execute()


def key(access: Access) -> str:
    """The key that links to this group's calendar carry; made at the first time."""
    mine = Calendar.id == access.calendar_id
    known = Calendar.select(Calendar.key).where(mine).scalar()
    if known:
        return known
    with models.writing():
        Calendar.update(key=secrets.token_urlsafe(16)).where(mine, Calendar.key.is_null()).execute()
        return Calendar.select(Calendar.key).where(mine).scalar()


def group_of(group_key: str) -> int | None:
    """The group (Telegram's id) that a link's key leads to; None for no such group."""
    found = _group(group_key)
    return found and found.chat.telegram_id


def _group(group_key: str) -> Calendar | None:
    found = Calendar.get_or_none(
        Calendar.key == group_key[:100].replace("\0", ""), Calendar.archived_at.is_null()
    )
    return found if found and found.chat.reachable else None


def ask(telegram_id: int, group_key: str, now: int) -> dict[str, Any]:
    """Come by a link to a group's calendar, as a registered user: `{"id", "state"}`.

    `state` is `member`, or `checking` until the bot has asked Telegram. Raises NotFound, Conflict.
    """
    with models.writing():
        user = calendars.active(telegram_id)
        found = _group(group_key)
        if found is None:
            raise NotFound(NO_GROUP)
        Member.insert(
            calendar=found.id, user=user.id, role=VIEWER, created_at=now
        ).on_conflict_ignore().execute()
        mine = (Member.calendar == found.id) & (Member.user == user.id)
        is_checked = Member.select(Member.checked_at).where(mine).scalar() is not None
    return {"id": found.id, "state": "member" if is_checked else "checking"}


def enter(telegram_id: int, group_key: str, role: str | None, now: int) -> Access:
    """Come by a link, with the role that Telegram just told (None: not in the group).

    As a registered user. Raises NotFound, Conflict.
    """
    group_id = group_of(group_key)
    with models.writing():
        found = ask(telegram_id, group_key, now)
        checked(Check(group_id, telegram_id), role, now)
    if role is None:
        raise NotFound(NOT_IN)
    return calendars.enter(telegram_id, found["id"])


# --- groups that become supergroups --------------------------------------------------------


def follow(old_id: int, new_id: int) -> None:
    """Follow a group that Telegram made a supergroup (both by Telegram's ids): its chat stays ours.

    What the supergroup has got already, as it was heard of first, goes into the group's calendar.
    """
    with models.writing(essential=True):
        old = Chat.get_or_none(Chat.telegram_id == old_id)
        if old is None or old_id == new_id:
            return
        new = Chat.get_or_none(Chat.telegram_id == new_id)
        if new is not None:
            _merge(new, old)
        Chat.update(telegram_id=new_id, reachable=True, reason="").where(
            Chat.id == old.id
        ).execute()


def _merge(new: Chat, old: Chat) -> None:
    source, target = (Calendar.get_or_none(Calendar.chat == chat) for chat in (new, old))
    if source and target:
        _move(source, target)
        Calendar.delete().where(Calendar.id == source.id).execute()
        calendars.changed(target.id)
    elif source:
        Calendar.update(chat=old).where(Calendar.id == source.id).execute()
    Chat.delete().where(Chat.id == new.id).execute()


def _move(source: Calendar, target: Calendar) -> None:
    """All that people entered; of what both have the target's stays."""
    duties = list(Duty.select().where(Duty.calendar == source).dicts())
    Duty.delete().where(Duty.calendar == source).execute()
    for table in (Birthday, Holiday, ResponsiblePerson):
        table.update(calendar=target).where(table.calendar == source).execute()
    for duty in duties:
        row = {"responsible": duty["responsible"], "on_date": duty["on_date"]}
        Duty.insert(calendar=target, **row).on_conflict_ignore().execute()
    known = Member.select(Member.user).where(Member.calendar == target)
    Member.update(calendar=target).where(
        Member.calendar == source, Member.user.not_in(known)
    ).execute()
