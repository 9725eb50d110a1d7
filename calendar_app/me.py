"""Everything about one user: shown as one document, deleted as one act that can be taken back.

Who asks to be deleted is hidden at once and purged after a day to think again: nobody but this
module then knows them.
"""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from . import (
    birthdays,
    calendars,
    dates,
    deletions,
    duties,
    holidays,
    mentions,
    models,
    settings,
    sharing,
)
from .calendars import OWNER, Access, Account
from .config import Config
from .errors import Conflict
from .exchange import imports
from .exchange.verdicts import DOUBTFUL
from .models import (
    Birthday,
    Calendar,
    Chat,
    Counter,
    Dialog,
    Duty,
    Import,
    ImportPart,
    ImportRow,
    Invitation,
    Member,
    Promise,
    User,
)
from .texts import N_

# The day to think again.
THINK_SECONDS = 24 * 3600
ASKED = N_("the user asked to be deleted")
NOT_DELETING = N_("You did not ask to be deleted, or it is done already.")
# What is said of a deletion, with the time until which it can be taken back.
STAYS = N_(
    "Everything about you is hidden now and deleted after a day; until then you can take it back."
    " What you entered in calendars of others stays theirs. Nothing else stays but an anonymous"
    " count, backups until they are replaced, and for 400 days the number of your account, so that"
    " no restored backup brings you back."
)
USER = (
    "telegram_id",
    "first_name",
    "last_name",
    "username",
    "language_code",
    "language",
    "created_at",
)
PROMISE = ("kind", "subject_id", "occurs_on", "days_before", "due_at", "state", "reason", "sent_at")
IMPORT = ("id", "format", "state", "total", "done", "created_at")
INVITATION = ("id", "calendar_id", "role", "expires_at", "uses_left")


def read(account: Account, config: Config, now: int) -> dict[str, Any]:
    """What is kept about the user, and the whole content of the calendars that they own.

    For who asked to be deleted only when that was.
    """
    user = User.get_or_none(User.telegram_id == account.telegram_id)
    if user is None or user.deleting_since is not None:
        nothing = {"user": None, "calendars": [], "reminders": [], "mentions": []}
        since = user and user.deleting_since
        return nothing | {"invitations": [], "dialogs": [], "deleting_since": since}
    made = Invitation.select().where(Invitation.created_by == user).order_by(Invitation.id)
    asked = Dialog.select().where(Dialog.user_id == account.telegram_id)
    return {
        "user": {name: getattr(user, name) for name in USER}
        | {"bot_may_write": user.chat.reachable, "bot_may_not_write_because": user.chat.reason},
        "calendars": _calendars(account, config, now),
        "reminders": _reminders(user),
        "mentions": mentions.listed(account.telegram_id),
        "invitations": [{name: getattr(row, name) for name in INVITATION} for row in made],
        "dialogs": [{"step": row.step, "draft": row.draft} for row in asked],
        "deleting_since": None,
    }


def _reminders(user: User) -> list[dict[str, Any]]:
    """The user's part of the ledger, without what was promised them about their own day."""
    own = Birthday.select(Birthday.id).where(Birthday.linked_user_id == user.telegram_id)
    about_self = (Promise.kind == "birthday") & Promise.subject_id.in_(own)
    query = Promise.select().where(Promise.recipient == user.chat_id, ~about_self)
    return [{name: getattr(row, name) for name in PROMISE} for row in query.order_by(Promise.id)]


def _calendars(account: Account, config: Config, now: int) -> list[dict[str, Any]]:
    """The user's calendars, and the deleted ones that they can still have back."""
    since = now - sharing.ARCHIVED_DAYS * sharing.DAY
    found: list[tuple[Access, int | None]] = [
        *((access, None) for access in calendars.accessible(account.telegram_id)),
        *calendars.put_away(account.telegram_id, since),
    ]
    return [_calendar(account, access, config, now) | {"deleted_at": at} for access, at in found]


def _calendar(account: Account, access: Access, config: Config, now: int) -> dict[str, Any]:
    """A calendar: all of it for its owner, for others what they entered there."""
    found = {
        "id": access.calendar_id,
        "kind": access.kind,
        "title": access.title,
        "role": access.role,
        "settings": settings.read(account, access, config),
    }
    today = dates.local_date(now, access.timezone)
    rows = birthdays.upcoming(access, today).rows
    if access.role == OWNER:
        found["settings_for_all"] = settings.read_calendar(access)
        found["birthdays"] = rows
        found["holidays"] = holidays.listed(access, today)
        found["responsible"] = duties.listed(access)
        found["duties"] = _duties(access)
    elif access.user_id:
        entered = Birthday.select(Birthday.id).where(
            Birthday.calendar == access.calendar_id, Birthday.created_by == access.user_id
        )
        own = {row_id for (row_id,) in entered.tuples()}
        found["birthdays"] = [row for row in rows if row["id"] in own]
    return found | {"imports": _imports(access)}


def _duties(access: Access) -> list[dict[str, Any]]:
    """Who is responsible when, but for the days on which others prepare the user's own birthday."""
    mine = Duty.calendar == access.calendar_id
    query = Duty.select(Duty.on_date, Duty.responsible_id).where(mine).order_by(Duty.on_date)
    rows = list(query.tuples())
    years = {dt.date.fromisoformat(date).year for date, _ in rows}
    own = {on.isoformat() for year in years for on in birthdays.own_days(access, year)}
    return [{"date": date, "responsible_id": number} for date, number in rows if date not in own]


def _imports(access: Access) -> list[dict[str, Any]]:
    """The user's lists, with what is kept of them besides the birthdays that they made."""
    mine = (Import.calendar == access.calendar_id) & (Import.user == access.user_id)
    return [
        {name: getattr(found, name) for name in IMPORT}
        | {"doubtful": _doubtful(found.id), "unwritten": _unwritten(found.id)}
        for found in Import.select().where(mine).order_by(Import.id)
    ]


def _doubtful(import_id: int) -> list[dict[str, Any]]:
    mine = (ImportRow.import_id == import_id) & (ImportRow.verdict == DOUBTFUL)
    rows = ImportRow.select().where(mine).order_by(ImportRow.id)
    return [{"line": row.line, "birthday": json.loads(row.content)} for row in rows]


def _unwritten(import_id: int) -> list[dict[str, Any]]:
    parts = ImportPart.select().where(ImportPart.import_id == import_id).order_by(ImportPart.id)
    return [asdict(entry) for part in parts for entry in imports.entries_of(part)]


def delete(telegram_id: int, now: int) -> int | None:
    """Hide the user and all that is theirs at once, to be purged after a day.

    Returns until when it can be taken back (seconds since 1970); None for a user not known.
    """
    with models.writing():
        user = User.get_or_none(User.telegram_id == telegram_id)
        if user is None:
            return None
        if user.deleting_since is None:
            User.update(deleting_since=now).where(User.id == user.id).execute()
            Chat.update(reachable=False, reason=ASKED).where(
                Chat.id == user.chat_id, Chat.reachable
            ).execute()
            deletions.remember("user", telegram_id)
        return (user.deleting_since or now) + THINK_SECONDS


def restore(telegram_id: int) -> None:
    """Take the deletion back; raises Conflict where there is none."""
    with models.writing():
        user = User.get_or_none(User.telegram_id == telegram_id)
        if user is None or user.deleting_since is None:
            raise Conflict(NOT_DELETING)
        User.update(deleting_since=None).where(User.id == user.id).execute()
        Chat.update(reachable=True, reason="").where(
            Chat.id == user.chat_id, Chat.reason == ASKED
        ).execute()
        deletions.forget("user", telegram_id)


def purge_due(now: int) -> int:
    """Delete for good who asked for it more than a day ago; returns how many."""
    due = User.select(User.telegram_id).where(User.deleting_since <= now - THINK_SECONDS)
    found = [telegram_id for (telegram_id,) in due.tuples()]
    for telegram_id in found:
        purge(telegram_id, lambda user: user.deleting_since is not None)
    return len(found)


def purge(telegram_id: int, still: Callable[[User], bool] = lambda _user: True) -> None:
    """Delete the user, their calendars, settings and reminders for good.

    Their personal calendar goes with them, whoever shares it. Others that are shared stay, unless
    they were deleted: the highest of the others becomes the owner. `still`: whether it is wanted,
    asked in the transaction.
    """
    with models.writing(essential=True):
        user = User.get_or_none(User.telegram_id == telegram_id)
        if user is None or not still(user):
            return
        for membership in list(Member.select().where(Member.user == user)):
            _leave(membership)
        Birthday.update(linked_user_id=None, confirmed_at=None).where(
            Birthday.linked_user_id == telegram_id
        ).execute()
        Dialog.delete().where(Dialog.user_id == telegram_id).execute()
        User.delete().where(User.id == user.id).execute()
        Chat.delete().where(Chat.id == user.chat_id).execute()
        Counter.insert(name="users_deleted", value=1).on_conflict(
            conflict_target=[Counter.name], update={Counter.value: Counter.value + 1}
        ).execute()


def _leave(membership: Member) -> None:
    others = list(
        Member.select().where(Member.calendar == membership.calendar_id, Member.id != membership.id)
    )
    calendar = membership.calendar
    # Of a group Telegram knows the owners; a personal calendar goes with its owner.
    if calendar.kind in ("group", "personal") or any(other.role == OWNER for other in others):
        return
    # What its owner deleted has no heirs.
    if calendar.kind == "other" and (not others or calendar.archived_at is not None):
        Calendar.delete().where(Calendar.id == calendar.id).execute()
    elif others:
        heir = max(others, key=lambda other: (calendars.RANK[other.role], -other.id))
        Member.update(role=OWNER).where(Member.id == heir.id).execute()
