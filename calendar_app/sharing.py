"""Calendars as things that are made and shared: their list, members, roles, invitations.

Owners rule over members; everybody may leave; a calendar is never without an owner.
Users are named by their Telegram ids here.
"""

import hashlib
import secrets
from typing import Annotated, Any, Literal

from pydantic import Field

from . import calendars, models, rules
from .calendars import EDITOR, OWNER, RANK, VIEWER, Access
from .config import Config
from .errors import Conflict, Forbidden, NotFound
from .fields import Input, Name, check
from .models import BotState, Calendar, Invitation, Member, User
from .texts import N_

MOST_CALENDARS = 50
DAY = 24 * 3600
# So long one can have back what was deleted.
ARCHIVED_DAYS = 30
LAST_OWNER = N_("A calendar needs an owner: make somebody else owner first, or delete it.")
PERSONAL = N_("This is somebody's own calendar: who it belongs to stays its owner.")
CONFIGURED = N_("This calendar's title is what the operator sets as SHARED_CALENDAR: ask there.")
NO_INVITATION = N_("This invitation is not valid any more: ask for a new one.")
NO_SUCH_INVITATION = N_("There is no such invitation to this calendar.")
NO_ARCHIVED = N_("There is no such deleted calendar of yours, or it was deleted too long ago.")
IN_GROUP = N_(
    "Who is in the group is in its calendar, with their role there: change it in Telegram."
)
NO_MEMBER = N_("There is no such member in this calendar.")
Role = Literal["owner", "editor", "viewer"]
Row = dict[str, Any]


class CalendarInput(Input):
    """A calendar as it is made or renamed."""

    title: Name


class MemberPatch(Input):
    """A member's new role."""

    role: Role


class InvitationInput(Input):
    """Whom an invitation makes what: role, days that it holds, how many may follow it."""

    role: Role = VIEWER
    days: Annotated[int, Field(ge=1, le=90)] = 7
    uses: Annotated[int, Field(ge=1, le=1000)] = 1


# --- calendars ---------------------------------------------------------------------------


def listed(telegram_id: int) -> list[Row]:
    """All calendars that the user may see, with their role in each."""
    return [_calendar(access) for access in calendars.accessible(telegram_id)]


def get(telegram_id: int, calendar_id: int) -> Row:
    """One calendar; raises NotFound."""
    return _calendar(calendars.enter(telegram_id, calendar_id))


def _calendar(access: Access) -> Row:
    return {
        "id": access.calendar_id,
        "kind": access.kind,
        "title": access.title,
        "role": access.role,
    }


def archived(telegram_id: int, now: int) -> list[Row]:
    """The deleted calendars that the user owned and can have back, and until when."""
    kept = ARCHIVED_DAYS * DAY
    return [
        {
            "id": access.calendar_id,
            "kind": access.kind,
            "title": access.title,
            "until": at + kept,
        }
        for access, at in calendars.put_away(telegram_id, now - kept)
    ]


def restore(telegram_id: int, calendar_id: int, now: int) -> Row:
    """Give a deleted calendar back to all its members; its owners may. Raises NotFound."""
    with models.writing():
        if all(row["id"] != calendar_id for row in archived(telegram_id, now)):
            raise NotFound(NO_ARCHIVED)
        calendars.unarchive(calendar_id, now)
    return get(telegram_id, calendar_id)


def create(telegram_id: int, data: Any, config: Config, now: int) -> Row:
    """Make a calendar of which the registered user is the owner; raises Invalid, Conflict."""
    title = check(CalendarInput, data).title
    with models.writing():
        user = calendars.active(telegram_id)
        if Member.select().where(Member.user == user).count() >= MOST_CALENDARS:
            raise Conflict(N_("You have {most} calendars already."), most=MOST_CALENDARS)
        calendar_id = calendars.create("other", title, config, now)
        _join(calendar_id, user, OWNER, now)
    return get(telegram_id, calendar_id)


def rename(telegram_id: int, calendar_id: int, data: Any) -> Row:
    """Give a calendar another title; raises Invalid, NotFound, Forbidden, Conflict."""
    given = check(CalendarInput, data)
    with models.writing():
        access = calendars.enter(telegram_id, calendar_id, need=OWNER)
        # The next start would put that title back (`calendars.ensure_shared`).
        if access.kind == "shared":
            raise Conflict(CONFIGURED)
        Calendar.update(title=given.title).where(Calendar.id == access.calendar_id).execute()
    return get(telegram_id, calendar_id)


def delete(telegram_id: int, calendar_id: int, now: int) -> None:
    """Take a calendar away from all its members; raises NotFound, Forbidden, Conflict."""
    with models.writing():
        access = calendars.enter(telegram_id, calendar_id, need=OWNER)
        if access.kind != "other":
            raise Conflict(N_("This calendar cannot be deleted; its entries can."))
        calendars.archive(access.calendar_id, now)


# --- members -----------------------------------------------------------------------------


def members(telegram_id: int, calendar_id: int) -> list[Row]:
    """Who shares a calendar, the owners first; raises NotFound, for who is no member too."""
    access = calendars.enter(telegram_id, calendar_id)
    rows = list(_members(access.calendar_id).tuples())
    if all(user_id != telegram_id for user_id, *_ in rows):
        raise NotFound(calendars.NO_CALENDAR)
    names = ("user_id", "first_name", "last_name", "username", "role")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return sorted(found, key=lambda row: (-RANK[row["role"]], row["first_name"], row["user_id"]))


def _members(calendar_id: int) -> Any:
    return (
        User.select(User.telegram_id, User.first_name, User.last_name, User.username, Member.role)
        .join(Member, on=(Member.user == User.id))
        .where(Member.calendar == calendar_id, User.deleting_since.is_null())
    )


def change_role(telegram_id: int, calendar_id: int, member_id: int, data: Any) -> Row:
    """Give a member another role; raises Invalid, NotFound, Forbidden, Conflict."""
    role = check(MemberPatch, data).role
    with models.writing():
        access = calendars.enter(telegram_id, calendar_id, need=OWNER)
        _not_in_group(access)
        member = _load(access, member_id)
        if role != OWNER:
            _keep_an_owner(access, member)
        Member.update(role=role).where(Member.id == member.id).execute()
        found = members(telegram_id, calendar_id)
    return next(row for row in found if row["user_id"] == member_id)


def remove(telegram_id: int, calendar_id: int, member_id: int) -> None:
    """Leave a calendar, or remove somebody as its owner; raises NotFound, Forbidden, Conflict."""
    with models.writing():
        need = VIEWER if member_id == telegram_id else OWNER
        access = calendars.enter(telegram_id, calendar_id, need)
        member = _load(access, member_id)
        _keep_an_owner(access, member)
        Member.delete().where(Member.id == member.id).execute()
        rules.unsubscribe(access.calendar_id, member.user.chat_id)


def _not_in_group(access: Access) -> None:
    if access.kind == "group":
        raise Conflict(IN_GROUP)


def _load(access: Access, member_id: int) -> Member:
    found = None
    if models.known_id(member_id):
        query = Member.select(Member, User).join(User)
        found = query.where(
            Member.calendar == access.calendar_id,
            User.telegram_id == member_id,
            User.deleting_since.is_null(),
        ).first()
    if found is None:
        raise NotFound(NO_MEMBER)
    return found


def _keep_an_owner(access: Access, member: Member) -> None:
    owners = (Member.calendar == access.calendar_id) & (Member.role == OWNER)
    # Who asked to be deleted is none to rely on.
    staying = Member.select().join(User).where(owners, User.deleting_since.is_null())
    others = staying.where(Member.id != member.id).exists()
    own = Calendar.select(Calendar.user).where(Calendar.id == access.calendar_id).scalar()
    if own == member.user_id:
        raise Conflict(PERSONAL)
    if member.role == OWNER and not others:
        raise Conflict(LAST_OWNER)


def _join(calendar_id: int, user: User, role: str, now: int) -> None:
    calendars.add_member(calendar_id, user.id, role, now)
    rules.subscribe(calendar_id, user.chat_id, now)


# --- invitations -------------------------------------------------------------------------


def invite(telegram_id: int, calendar_id: int, data: Any, config: Config, now: int) -> Row:
    """Make a link that makes whoever follows it a member, with at most the inviter's role.

    Raises Invalid, NotFound, Forbidden, Conflict.
    """
    given = check(InvitationInput, data)
    with models.writing():
        access = calendars.enter(telegram_id, calendar_id, need=EDITOR)
        _not_in_group(access)
        if RANK[given.role] > RANK[access.role]:
            raise Forbidden(N_("You cannot invite somebody to a role above your own."))
        code, expires_at = secrets.token_urlsafe(16), now + given.days * DAY
        invitation_id = Invitation.insert(
            calendar=access.calendar_id,
            code_hash=_hash(code),
            role=given.role,
            expires_at=expires_at,
            uses_left=given.uses,
            created_by=access.user_id,
        ).execute()
    return {
        "id": invitation_id,
        "url": _address(code, config),
        "code": code,
        "role": given.role,
        "expires_at": expires_at,
        "uses_left": given.uses,
    }


def _address(code: str, config: Config) -> str:
    """A link into the chat with the bot; into the Mini App where the bot never ran."""
    bot = BotState.select(BotState.username).scalar()
    if bot:
        return f"https://t.me/{bot}?start=join_{code}"
    return f"{config.telegram_webapp_url or '/'}?invitation={code}"


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def accept(telegram_id: int, code: str, now: int) -> Row:
    """Follow an invitation as a registered user; a higher role that one has stays.

    Raises NotFound for one that is unknown, used up, revoked or over.
    """
    with models.writing():
        found = Invitation.get_or_none(Invitation.code_hash == _hash(code[:100]))
        if found is None or found.expires_at <= now or _is_void(found):
            raise NotFound(NO_INVITATION)
        user = calendars.active(telegram_id)
        mine = (Member.calendar == found.calendar_id) & (Member.user == user)
        role = Member.select(Member.role).where(mine).scalar()
        if role is None or RANK[role] < RANK[found.role]:
            _use(found)
            _join(found.calendar_id, user, found.role, now)
        # Of a calendar that is hidden just now nothing is used up.
        return get(telegram_id, found.calendar_id)


def _is_void(invitation: Invitation) -> bool:
    """Whether the calendar is gone, or the inviter may not give that role any more."""
    query = Member.select(Member.role).where(
        Member.calendar == invitation.calendar_id, Member.user == invitation.created_by_id
    )
    role = query.scalar()
    archived = invitation.calendar.archived_at is not None
    return archived or role is None or RANK[role] < max(RANK[EDITOR], RANK[invitation.role])


def _use(invitation: Invitation) -> None:
    used = Invitation.update(uses_left=Invitation.uses_left - 1).where(
        Invitation.id == invitation.id, Invitation.uses_left > 0
    )
    if not used.execute():
        raise NotFound(NO_INVITATION)


def invitations(telegram_id: int, calendar_id: int, now: int) -> list[Row]:
    """The invitations that can be followed, without their codes; raises NotFound, Forbidden."""
    access = calendars.enter(telegram_id, calendar_id, need=EDITOR)
    shown = ("id", "role", "expires_at", "uses_left")
    query = Invitation.select().where(
        Invitation.calendar == access.calendar_id,
        Invitation.expires_at > now,
        Invitation.uses_left > 0,
    )
    found = [row for row in query.order_by(Invitation.id) if not _is_void(row)]
    return [{name: getattr(row, name) for name in shown} for row in found]


def revoke(telegram_id: int, calendar_id: int, invitation_id: int | None = None) -> None:
    """End one invitation to a calendar, or all; raises NotFound, Forbidden."""
    with models.writing():
        access = calendars.enter(telegram_id, calendar_id, need=EDITOR)
        wanted = Invitation.calendar == access.calendar_id
        if invitation_id is not None:
            if not models.known_id(invitation_id):
                raise NotFound(NO_SUCH_INVITATION)
            wanted &= Invitation.id == invitation_id
        if not Invitation.delete().where(wanted).execute() and invitation_id is not None:
            raise NotFound(NO_SUCH_INVITATION)
