"""Routes: who shares what — settings, calendars, members, invitations, one's own data."""

from typing import Any

from pydantic import Field

from . import answers, calendars, me, settings, sharing
from .settings import SettingsPatch
from .sharing import CalendarInput, InvitationInput, MemberPatch
from .web import CalendarParams, Call, Params, route


class OneCalendar(Params):
    """One calendar."""

    calendar_id: int


class OneMember(OneCalendar):
    """One member of a calendar, by the Telegram id."""

    user_id: int


class OneInvitation(Params):
    """An invitation's code, as it stands in its address."""

    code: str = Field(max_length=100)


CALENDAR = "/api/calendars/<int:calendar_id>"
MEMBERS = f"{CALENDAR}/members"
MEMBER = f"{MEMBERS}/<int:user_id>"
INVITATIONS = f"{CALENDAR}/invitations"


@route("GET", "/api/settings", params=CalendarParams, returns=answers.Settings)
def get_settings(call: Call) -> Any:
    """What holds for the user in the calendar."""
    access = calendars.enter(call.account.telegram_id, call.params.calendar)
    return settings.read(call.account, access, call.config)


@route("PATCH", "/api/settings", body=SettingsPatch, returns=answers.Settings)
def change_settings(call: Call) -> Any:
    """Change one's own settings; those left out stay."""
    access = calendars.enter(call.account.telegram_id, call.params.calendar)
    settings.change(access, call.body, call.now)
    return get_settings.view(call)


@route("GET", "/api/calendars", params=Params, returns=list[answers.Calendar])
def list_calendars(call: Call) -> Any:
    """All calendars that the user may see."""
    return sharing.listed(call.account.telegram_id)


@route(
    "POST",
    "/api/calendars",
    params=Params,
    body=CalendarInput,
    returns=answers.Calendar,
    status=201,
    idempotent=True,
)
def create_calendar(call: Call) -> Any:
    """Make a further calendar, such as "Family"."""
    return sharing.create(call.account.telegram_id, call.body, call.config, call.now)


@route("GET", CALENDAR, params=OneCalendar, returns=answers.Calendar)
def get_calendar(call: Call) -> Any:
    """One calendar."""
    return sharing.get(call.account.telegram_id, call.params.calendar_id)


@route("PATCH", CALENDAR, params=OneCalendar, body=CalendarInput, returns=answers.Calendar)
def rename_calendar(call: Call) -> Any:
    """Give a calendar another title; its owners may."""
    return sharing.rename(call.account.telegram_id, call.params.calendar_id, call.body)


@route("DELETE", CALENDAR, params=OneCalendar, returns=answers.Deleted, conflicts=True)
def delete_calendar(call: Call) -> Any:
    """Take a calendar away from all its members; its owners may."""
    sharing.delete(call.account.telegram_id, call.params.calendar_id, call.now)
    return {"status": "deleted"}


@route("GET", MEMBERS, params=OneCalendar, returns=list[answers.Member])
def list_members(call: Call) -> Any:
    """Who shares a calendar, the owners first."""
    return sharing.members(call.account.telegram_id, call.params.calendar_id)


@route("PATCH", MEMBER, params=OneMember, body=MemberPatch, returns=answers.Member, conflicts=True)
def change_member(call: Call) -> Any:
    """Give a member another role; owners may."""
    params = call.params
    return sharing.change_role(
        call.account.telegram_id, params.calendar_id, params.user_id, call.body
    )


@route("DELETE", MEMBER, params=OneMember, returns=answers.Deleted, conflicts=True)
def remove_member(call: Call) -> Any:
    """Leave a calendar, or remove somebody as its owner."""
    sharing.remove(call.account.telegram_id, call.params.calendar_id, call.params.user_id)
    return {"status": "deleted"}


@route(
    "POST",
    INVITATIONS,
    params=OneCalendar,
    body=InvitationInput,
    returns=answers.Invitation,
    status=201,
    idempotent=True,
)
def invite(call: Call) -> Any:
    """Make a link that makes whoever follows it a member; editors and owners may."""
    calendar_id = call.params.calendar_id
    return sharing.invite(call.account.telegram_id, calendar_id, call.body, call.config, call.now)


@route("DELETE", INVITATIONS, params=OneCalendar, returns=answers.Deleted)
def revoke_invitations(call: Call) -> Any:
    """End all invitations to a calendar; editors and owners may."""
    sharing.revoke(call.account.telegram_id, call.params.calendar_id)
    return {"status": "deleted"}


@route("POST", "/api/invitations/<code>/accept", params=OneInvitation, returns=answers.Calendar)
def accept_invitation(call: Call) -> Any:
    """Follow an invitation."""
    return sharing.accept(call.account.telegram_id, call.params.code, call.now)


@route("GET", "/api/me", params=Params, returns=answers.Me)
def get_me(call: Call) -> Any:
    """Everything about me."""
    return me.read(call.account, call.config, call.now)


@route("DELETE", "/api/me", params=Params, returns=answers.Deleted)
def delete_me(call: Call) -> Any:
    """Delete me, my calendars, settings and reminders, at once."""
    me.delete(call.account.telegram_id)
    return {"status": "deleted"}
