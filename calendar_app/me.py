"""Everything about one user: shown as one document, deleted as one act that can be taken back.

Who asks to be deleted is hidden at once and purged after a day to think again: nobody but this
module then knows them.
"""

from collections.abc import Callable
from typing import Any

from . import birthdays, calendars, dates, deletions, duties, holidays, mentions, models, settings
from .calendars import OWNER, Access, Account
from .config import Config
from .errors import Conflict
from .models import (
    Birthday,
    Calendar,
    Chat,
    Counter,
    Dialog,
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
        "calendars": [
            _calendar(account, access, config, now)
            for access in calendars.accessible(account.telegram_id)
        ],
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
    elif access.user_id:
        entered = Birthday.select(Birthday.id).where(
            Birthday.calendar == access.calendar_id, Birthday.created_by == access.user_id
        )
        own = {row_id for (row_id,) in entered.tuples()}
        found["birthdays"] = [row for row in rows if row["id"] in own]
    return found


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

    Calendars shared with others stay: the highest of the others becomes the owner. `still`: whether
    it is wanted, asked in the transaction.
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
    if not others and calendar.kind == "other":
        Calendar.delete().where(Calendar.id == calendar.id).execute()
    elif others and all(other.role != OWNER for other in others) and calendar.kind != "group":
        heir = max(others, key=lambda other: (calendars.RANK[other.role], -other.id))
        Member.update(role=OWNER).where(Member.id == heir.id).execute()
