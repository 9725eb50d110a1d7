"""Everything about one user: shown as one document, deleted as one act."""

from typing import Any

from . import birthdays, calendars, dates, deletions, duties, holidays, models, settings
from .calendars import OWNER, Access, Account
from .config import Config
from .models import Calendar, Chat, Member, Promise, User

USER = ("telegram_id", "first_name", "last_name", "username", "language_code", "language")
PROMISE = ("kind", "subject_id", "occurs_on", "days_before", "due_at", "state", "reason", "sent_at")


def read(account: Account, config: Config, now: int) -> dict[str, Any]:
    """What is kept about the user, and the whole content of the calendars that they own."""
    user = User.get_or_none(User.telegram_id == account.telegram_id)
    if user is None:
        return {"user": None, "calendars": [], "reminders": []}
    query = Promise.select().where(Promise.recipient == user.chat_id).order_by(Promise.id)
    return {
        "user": {name: getattr(user, name) for name in USER},
        "calendars": [
            _calendar(account, access, config, now)
            for access in calendars.accessible(account.telegram_id)
        ],
        "reminders": [{name: getattr(row, name) for name in PROMISE} for row in query],
    }


def _calendar(account: Account, access: Access, config: Config, now: int) -> dict[str, Any]:
    found = {
        "id": access.calendar_id,
        "kind": access.kind,
        "title": access.title,
        "role": access.role,
        "settings": settings.read(account, access, config),
    }
    if access.role == OWNER:
        today = dates.local_date(now, access.timezone)
        found["birthdays"] = birthdays.upcoming(access, today).rows
        found["holidays"] = holidays.listed(access, today)
        found["responsible"] = duties.listed(access)
    return found


def delete(telegram_id: int) -> None:
    """Delete the user, their calendars, settings and reminders, at once.

    Calendars shared with others stay: the highest of the others becomes the owner.
    """
    with models.writing():
        user = User.get_or_none(User.telegram_id == telegram_id)
        if user is None:
            return
        for membership in list(Member.select().where(Member.user == user)):
            _leave(membership)
        deletions.remember("user", telegram_id)
        User.delete().where(User.id == user.id).execute()
        Chat.delete().where(Chat.id == user.chat_id).execute()


def _leave(membership: Member) -> None:
    others = list(
        Member.select().where(Member.calendar == membership.calendar_id, Member.id != membership.id)
    )
    calendar = membership.calendar
    if not others and calendar.kind == "other":
        Calendar.delete().where(Calendar.id == calendar.id).execute()
    elif others and all(other.role != OWNER for other in others) and calendar.kind != "group":
        heir = max(others, key=lambda other: (calendars.RANK[other.role], -other.id))
        Member.update(role=OWNER).where(Member.id == heir.id).execute()
