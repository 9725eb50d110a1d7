"""Calendars and who may do what in them: users, members, roles, settings.

`enter` is the only way into a calendar, for the API and the bot alike: it finds the calendar
and checks the right to it in one query. What is not the user's to see is not found: so is what
belongs to a chat that was closed to us (see `quarantine`), and all that somebody had who asked to
be deleted. Who is in a group is known from Telegram (see `membership`).
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import dates, deletions, models, recipients, rules
from .config import Config
from .errors import Changed, Conflict, Forbidden, NotFound, Unavailable
from .models import Calendar, Chat, Member, Promise, ReminderRule, User
from .texts import N_

VIEWER, EDITOR, OWNER = "viewer", "editor", "owner"
RANK = {VIEWER: 1, EDITOR: 2, OWNER: 3}
CHANGED = N_("Somebody else changed this since you read it: read it again first.")
NO_CALENDAR = N_("There is no such calendar, or you are not a member of it.")
CHECKING = N_("Telegram is being asked whether you are in this group: try again in a moment.")
DELETING = N_("You asked to be deleted: take that back (/restore), or wait until it is done.")
CHECK_SECONDS = 5


@dataclass(frozen=True)
class Account:
    """A person as Telegram vouches for them (initData or an update); may be unknown to us yet.

    `may_write`: the bot may write to them first (Telegram's `allows_write_to_pm`).
    """

    telegram_id: int
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str = ""
    may_write: bool = False


@dataclass(frozen=True)
class Access:
    """A calendar as one user may use it; ids are 0 for a user who has none yet.

    `timezone`, `notification_minute` and `leap_day` are the ones in force for this user.
    """

    calendar_id: int
    user_id: int
    role: str
    kind: str
    title: str
    timezone: str
    notification_minute: int
    leap_day: str
    telegram_id: int = 0

    def allows(self, role: str) -> bool:
        """Whether the user has at least that role."""
        return RANK[self.role] >= RANK[role]

    def require(self, role: str) -> None:
        """Raises Forbidden unless the user has at least that role."""
        if not self.allows(role):
            raise Forbidden(
                N_("You may only look at this calendar; ask its owner for the right to change it.")
            )


# The fields of an Access, of calendars c, users u and members m.
FIELDS = """
    c.id, COALESCE(u.id, 0), COALESCE(m.role, 'viewer'), c.kind, c.title,
    COALESCE(m.timezone, c.timezone), COALESCE(m.notification_minute, c.notification_minute),
    COALESCE(m.leap_day, c.leap_day)
"""
OPEN = f"c.archived_at IS NULL AND u.deleting_since IS NULL AND NOT {recipients.CLOSED}"
UNCHECKED = "c.kind = 'group' AND m.checked_at IS NULL"
MINE = f"""
    SELECT {FIELDS} FROM users u
    JOIN members m ON m.user_id = u.id JOIN calendars c ON c.id = m.calendar_id
    WHERE u.telegram_id = ? AND {OPEN} AND NOT ({UNCHECKED})
"""
DEFAULT = f"{MINE} AND (c.kind = 'shared' OR c.user_id = u.id) ORDER BY c.kind = 'personal' LIMIT 1"
ONE = f"""
    SELECT {FIELDS}, {UNCHECKED} FROM calendars c
    LEFT JOIN users u ON u.telegram_id = ?
    LEFT JOIN members m ON m.user_id = u.id AND m.calendar_id = c.id
    WHERE c.id = ? AND {OPEN} AND (m.id IS NOT NULL OR c.open_to_everyone)
"""
MINE += " ORDER BY c.id"
PUT_AWAY = f"""
    SELECT {FIELDS}, c.archived_at FROM users u
    JOIN members m ON m.user_id = u.id JOIN calendars c ON c.id = m.calendar_id
    WHERE u.telegram_id = ? AND u.deleting_since IS NULL AND m.role = 'owner'
        AND c.kind = 'other' AND c.archived_at > ?
    ORDER BY c.id
"""

# When the rules of a calendar that was put away come due.
NEVER = 2**62

# What somebody sees who has not written anything yet: their own, empty calendar.
NEWCOMER = Access(0, 0, OWNER, "personal", "", "UTC", 0, dates.FEB28)


def enter(telegram_id: int, calendar_id: int | None = None, need: str = VIEWER) -> Access:
    """Open a calendar for that Telegram user; None: the shared one if listed, else their own.

    Raises NotFound unless the user is a member (or the calendar is open to everyone), Forbidden
    for a member whose role is below `need`, Unavailable while Telegram is asked whether they are
    in the group, Conflict for who asked to be deleted.
    """
    if calendar_id is None:
        row = models.rows(DEFAULT, telegram_id).fetchone()
        if row is None and need != VIEWER:
            raise Conflict(DELETING)
        access = Access(*row, telegram_id) if row else NEWCOMER
    else:
        access = _enter(telegram_id, calendar_id)
    access.require(need)
    return access


def _enter(telegram_id: int, calendar_id: int) -> Access:
    known = models.known_id(calendar_id)
    row = models.rows(ONE, telegram_id, calendar_id).fetchone() if known else None
    if row is None:
        raise NotFound(NO_CALENDAR)
    *fields, unchecked = row
    if unchecked:
        raise Unavailable(CHECKING, CHECK_SECONDS)
    return Access(*fields, telegram_id)


def accessible(telegram_id: int) -> list[Access]:
    """All calendars that the user may see: shared, their own, the others."""
    mine = [Access(*row, telegram_id) for row in models.rows(MINE, telegram_id)]
    shared = Calendar.select(Calendar.id).where(Calendar.kind == "shared").scalar()
    seen = models.rows(ONE, telegram_id, shared).fetchone() if shared else None
    if seen and all(access.calendar_id != seen[0] for access in mine):
        mine.append(Access(*seen[:-1], telegram_id))
    order = ("shared", "personal")
    return sorted(mine, key=lambda found: (found.kind not in order, found.kind != "shared"))


def put_away(telegram_id: int, since: int) -> list[tuple[Access, int]]:
    """The calendars of which the user is an owner and that were deleted since then, and when."""
    found = models.rows(PUT_AWAY, telegram_id, since)
    return [(Access(*fields, telegram_id), at) for *fields, at in found]


@dataclass(frozen=True)
class Ref:
    """One row as a user names it; `calendar_id` None: whichever calendar it is in.

    `accepts` judges the version found, for a change that must not overwrite another's.
    """

    telegram_id: int
    row_id: int
    calendar_id: int | None = None
    accepts: Callable[[int], bool] = lambda _version: True


def enter_for(table: Any, ref: Ref, need: str, missing: str) -> Access:
    """Open the calendar that a row is in; for the one loader that each kind of row has.

    Raises NotFound with the sentence `missing` also where the row is not the user's to know of,
    Forbidden, and Changed where `ref` does not accept the row's version.
    """
    found = None
    if models.known_id(ref.row_id):
        query = table.select(table.calendar_id, table.version).where(table.id == ref.row_id)
        found = query.tuples().first()
    if found is None or ref.calendar_id not in (None, found[0]):
        raise NotFound(missing)
    try:
        access = enter(ref.telegram_id, found[0])
    except NotFound:
        raise NotFound(missing) from None
    access.require(need)
    if not ref.accepts(found[1]):
        raise Changed(CHANGED)
    return access


def register(account: Account, config: Config, now: int) -> int:
    """Make sure that the user, their chat and their own calendar exist; returns the user's id.

    Writes only what is new or has changed. Whoever left is back by this, unless they asked to be
    deleted: see `me`.
    """
    found = User.get_or_none(User.telegram_id == account.telegram_id)
    if found and found.deleting_since is not None:
        return found.id
    if found and _up_to_date(found, account) and _personal_calendar(found.id):
        return found.id
    # Who is known may go on reading, whatever their name has become.
    with models.writing(essential=found is not None):
        chat_id = _chat(account.telegram_id, "private", account.may_write, now)
        Chat.update(reason="", quarantined_at=None).where(Chat.id == chat_id).execute()
        user_id = _user(account, chat_id, now)
        if not _personal_calendar(user_id):
            _create_personal(account, user_id, chat_id, config, now)
    return user_id


def _up_to_date(user: User, account: Account) -> bool:
    known = (user.first_name, user.last_name, user.username, user.language_code)
    shown = (account.first_name, account.last_name, account.username, account.language_code)
    left = user.chat.reason and not user.chat.reachable
    return known == shown and not left and (user.chat.reachable or not account.may_write)


def _chat(telegram_id: int, kind: str, reachable: bool, now: int) -> int:
    """The internal id of a chat; one that may be written to (again) becomes reachable."""
    Chat.insert(
        telegram_id=telegram_id, kind=kind, reachable=reachable, created_at=now
    ).on_conflict_ignore().execute()
    if reachable:
        Chat.update(reachable=True, reason="", quarantined_at=None).where(
            Chat.telegram_id == telegram_id, ~Chat.reachable
        ).execute()
    return Chat.select(Chat.id).where(Chat.telegram_id == telegram_id).scalar()


def _user(account: Account, chat_id: int, now: int) -> int:
    shown = {
        User.first_name: account.first_name,
        User.last_name: account.last_name,
        User.username: account.username,
        User.language_code: account.language_code,
    }
    User.insert(
        {User.telegram_id: account.telegram_id, User.chat: chat_id, User.created_at: now, **shown}
    ).on_conflict(conflict_target=[User.telegram_id], update=shown).execute()
    return User.select(User.id).where(User.telegram_id == account.telegram_id).scalar()


def _personal_calendar(user_id: int) -> int | None:
    found = Calendar.select(Calendar.id).where(
        Calendar.user == user_id, Calendar.kind == "personal"
    )
    return found.scalar()


def _create_personal(
    account: Account, user_id: int, chat_id: int, config: Config, now: int
) -> None:
    title = account.first_name or account.username or str(account.telegram_id)
    calendar_id = create("personal", title, config, now, user=user_id)
    add_member(calendar_id, user_id, OWNER, now)
    rules.subscribe(calendar_id, chat_id, now)


def create(kind: str, title: str, config: Config, now: int, **more: Any) -> int:
    """Make a calendar with the instance's time and zone; `more` are further columns."""
    return Calendar.insert(
        kind=kind,
        title=title[:200],
        timezone=config.timezone,
        notification_minute=config.notification_minute,
        created_at=now,
        **more,
    ).execute()


def add_member(calendar_id: int, user_id: int, role: str, now: int) -> None:
    """Give the user that role, whatever it was before."""
    Member.insert(calendar=calendar_id, user=user_id, role=role, created_at=now).on_conflict(
        conflict_target=[Member.user, Member.calendar], update={Member.role: role}
    ).execute()


def ensure_shared(config: Config, now: int) -> None:
    """Make the instance's shared calendar what the configuration says; admins are its owners."""
    current = Calendar.kind == "shared"
    with models.writing(essential=True):
        if not config.shared_calendar:
            Calendar.update(archived_at=now).where(
                current, Calendar.archived_at.is_null()
            ).execute()
            return
        if not Calendar.select().where(current).exists():
            create("shared", config.shared_calendar, config, now)
        Calendar.update(
            title=config.shared_calendar,
            open_to_everyone=config.shared_calendar_access == "everyone",
            archived_at=None,
        ).where(current).execute()
        shared_id = Calendar.select(Calendar.id).where(current).scalar()
        for telegram_id in config.admin_telegram_ids:
            _make_owner(shared_id, telegram_id, now)


def archive(calendar_id: int, now: int) -> None:
    """Hide a calendar from everybody and let its reminders rest; its rows stay."""
    deletions.remember("calendar", calendar_id)
    ReminderRule.update(next_due_at=NEVER).where(ReminderRule.calendar == calendar_id).execute()
    Promise.update(state="skipped", reason=N_("the calendar was put away")).where(
        Promise.calendar == calendar_id, Promise.state == "planned"
    ).execute()
    Calendar.update(archived_at=now).where(
        Calendar.id == calendar_id, Calendar.archived_at.is_null()
    ).execute()


def unarchive(calendar_id: int, now: int) -> None:
    """Show a calendar again to all its members; reminders go on from today."""
    deletions.forget("calendar", calendar_id)
    Calendar.update(archived_at=None).where(Calendar.id == calendar_id).execute()
    for row in models.rows(f"{rules.RULES} WHERE r.calendar_id = ?", calendar_id).fetchall():
        rule = rules.rule(row)
        today = dates.local_date(now, rule.to.zone)
        day = rules.on_or_after(rule.kind, dt.date.fromisoformat(rule.next_date), today)
        ReminderRule.update(next_date=day.isoformat(), next_due_at=rule.to.due_at(day)).where(
            ReminderRule.id == rule.id
        ).execute()


def _make_owner(calendar_id: int, telegram_id: int, now: int) -> None:
    user_id = User.select(User.id).where(User.telegram_id == telegram_id).scalar()
    if user_id is None:
        chat_id = _chat(telegram_id, "private", False, now)
        user_id = _user(Account(telegram_id), chat_id, now)
    mine = (Member.calendar == calendar_id) & (Member.user == user_id)
    is_new = not Member.select().where(mine).exists()
    add_member(calendar_id, user_id, OWNER, now)
    if is_new:
        chat_id = User.select(User.chat).where(User.id == user_id).scalar()
        rules.subscribe(calendar_id, chat_id, now)


@dataclass(frozen=True)
class Group:
    """A group of Telegram: its chat id and title there."""

    chat_id: int
    title: str


def enter_group(telegram_id: int, group: Group, role: str, config: Config, now: int) -> Access:
    """Open a group's calendar for a registered user whose role in it Telegram vouches for.

    The calendar is made at the first time. Who asked to be deleted sees an empty one.
    """
    if is_leaving(telegram_id):
        return replace(NEWCOMER, role=VIEWER)
    known = Chat.select().where(Chat.telegram_id == group.chat_id).exists()
    with models.writing(essential=known):
        recipient = _chat(group.chat_id, "group", True, now)
        found = Calendar.select(Calendar.id).where(Calendar.chat == recipient).scalar()
        calendar_id = found or create("group", group.title or "Group", config, now, chat=recipient)
        if not found:
            rules.subscribe(calendar_id, recipient, now)
        user_id = User.select(User.id).where(User.telegram_id == telegram_id).scalar()
        add_member(calendar_id, user_id, role, now)
        Member.update(checked_at=now).where(
            Member.calendar == calendar_id, Member.user == user_id
        ).execute()
    return enter(telegram_id, calendar_id)


def is_leaving(telegram_id: int) -> bool:
    """Whether the user asked to be deleted; only `me` still knows them."""
    mine = (User.telegram_id == telegram_id) & User.deleting_since.is_null(False)
    return User.select().where(mine).exists()


def active(telegram_id: int) -> User:
    """A registered user who is about to write; raises Conflict for who asked to be deleted."""
    if is_leaving(telegram_id):
        raise Conflict(DELETING)
    return User.get(User.telegram_id == telegram_id)


def changed(calendar_id: int) -> None:
    """Count a write to the calendar: its `revision` is what caches go by."""
    Calendar.update(revision=Calendar.revision + 1).where(Calendar.id == calendar_id).execute()
