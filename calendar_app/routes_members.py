"""Routes: who shares what — settings, calendars, members, invitations, one's own data."""

from typing import Any

from flask import current_app
from pydantic import Field

from . import answers, calendars, me, membership, settings, sharing, texts
from .settings import CalendarSettingsPatch, SettingsPatch
from .sharing import CalendarInput, InvitationInput, MemberPatch
from .web import CalendarParams, Call, Params, route


class OneCalendar(Params):
    """One calendar."""

    calendar_id: int


class OneMember(OneCalendar):
    """One member of a calendar, by the Telegram id."""

    user_id: int


class InvitationOfCalendar(OneCalendar):
    """One invitation to a calendar, by its id."""

    invitation_id: int


class OneInvitation(Params):
    """An invitation's code, as it stands in its address."""

    code: str


class OneGroup(Params):
    """A group, by the key that a link to its calendar carries."""

    key: str


class OwnSettings(CalendarParams):
    """One's own settings in a calendar."""

    only: settings.Own | None = Field(None, description="one of them; left out: all")


class MeParams(Params):
    """Whether to give it as a file."""

    download: bool = Field(False, description="1: as a file to keep")


CALENDAR = "/api/calendars/<int:calendar_id>"
MEMBERS = f"{CALENDAR}/members"
MEMBER = f"{MEMBERS}/<int:user_id>"
INVITATIONS = f"{CALENDAR}/invitations"


@route("GET", "/api/settings", params=CalendarParams, returns=answers.Settings)
def get_settings(call: Call) -> Any:
    """What holds for the user in the calendar."""
    access = call.access()
    return settings.read(call.account, access, call.config)


@route("PATCH", "/api/settings", body=SettingsPatch, returns=answers.Settings)
def change_settings(call: Call) -> Any:
    """Change one's own settings; those left out stay."""
    access = call.access()
    settings.change(access, call.body, call.now)
    return get_settings.view(call)


@route("DELETE", "/api/settings", params=OwnSettings, returns=answers.Settings)
def forget_settings(call: Call) -> Any:
    """Forget one's own settings, or one of them: what the calendar sets holds again."""
    settings.forget(call.access(), call.params.only, call.now)
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


@route(
    "PATCH",
    CALENDAR,
    params=OneCalendar,
    body=CalendarInput,
    returns=answers.Calendar,
    conflicts=True,
)
def rename_calendar(call: Call) -> Any:
    """Give a calendar another title; its owners may."""
    return sharing.rename(call.account.telegram_id, call.params.calendar_id, call.body)


@route("GET", f"{CALENDAR}/settings", params=OneCalendar, returns=answers.CalendarSettings)
def get_calendar_settings(call: Call) -> Any:
    """What a calendar sets for all its members."""
    return settings.read_calendar(_one(call))


@route(
    "PATCH",
    f"{CALENDAR}/settings",
    params=OneCalendar,
    body=CalendarSettingsPatch,
    returns=answers.CalendarSettings,
)
def change_calendar_settings(call: Call) -> Any:
    """Set what holds for all members who set nothing else; editors and owners may."""
    settings.change_calendar(_one(call), call.body, call.now)
    return settings.read_calendar(_one(call))


def _one(call: Call) -> calendars.Access:
    return calendars.enter(call.account.telegram_id, call.params.calendar_id)


@route("DELETE", CALENDAR, params=OneCalendar, returns=answers.Deleted, conflicts=True)
def delete_calendar(call: Call) -> Any:
    """Take a calendar away from all its members; its owners may."""
    sharing.delete(call.account.telegram_id, call.params.calendar_id, call.now)
    return {"status": "deleted"}


@route("GET", "/api/archived", params=Params, returns=list[answers.ArchivedCalendar])
def list_archived(call: Call) -> Any:
    """The deleted calendars that I can have back."""
    return sharing.archived(call.account.telegram_id, call.now)


@route("POST", f"{CALENDAR}/restore", params=OneCalendar, returns=answers.Calendar)
def restore_calendar(call: Call) -> Any:
    """Have a deleted calendar back, within 30 days; who owned it may."""
    return sharing.restore(call.account.telegram_id, call.params.calendar_id, call.now)


@route("POST", "/api/groups/<key>/enter", params=OneGroup, returns=answers.Entered, conflicts=True)
def enter_group(call: Call) -> Any:
    """Come by a link to a group's calendar; `checking`: until Telegram says that I am in it."""
    return membership.ask(call.account.telegram_id, call.params.key, call.now)


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
    conflicts=True,
)
def invite(call: Call) -> Any:
    """Make a link that makes whoever follows it a member; editors and owners may."""
    calendar_id = call.params.calendar_id
    return sharing.invite(call.account.telegram_id, calendar_id, call.body, call.config, call.now)


@route("GET", INVITATIONS, params=OneCalendar, returns=list[answers.OpenInvitation])
def list_invitations(call: Call) -> Any:
    """The invitations that can be followed; editors and owners may see them."""
    return sharing.invitations(call.account.telegram_id, call.params.calendar_id, call.now)


@route(
    "DELETE",
    f"{INVITATIONS}/<int:invitation_id>",
    params=InvitationOfCalendar,
    returns=answers.Deleted,
)
def revoke_invitation(call: Call) -> Any:
    """End one invitation; editors and owners may."""
    params = call.params
    sharing.revoke(call.account.telegram_id, params.calendar_id, params.invitation_id)
    return {"status": "deleted"}


@route("DELETE", INVITATIONS, params=OneCalendar, returns=answers.Deleted)
def revoke_invitations(call: Call) -> Any:
    """End all invitations to a calendar; editors and owners may."""
    sharing.revoke(call.account.telegram_id, call.params.calendar_id)
    return {"status": "deleted"}


@route(
    "POST",
    "/api/invitations/<code>/accept",
    params=OneInvitation,
    returns=answers.Calendar,
    conflicts=True,
)
def accept_invitation(call: Call) -> Any:
    """Follow an invitation."""
    return sharing.accept(call.account.telegram_id, call.params.code, call.now)


@route("GET", "/api/me", params=MeParams, returns=answers.Me)
def get_me(call: Call) -> Any:
    """Everything about me."""
    answer = current_app.json.response(me.read(call.account, call.config, call.now))
    if call.params.download:
        disposition = 'attachment; filename="birthday-calendar-me.json"'
        answer.headers["Content-Disposition"] = disposition
    return answer


@route("DELETE", "/api/me", params=Params, returns=answers.DeletedMe)
def delete_me(call: Call) -> Any:
    """Hide me, my calendars, settings and reminders at once, and delete them after a day."""
    until = me.delete(call.account.telegram_id, call.now)
    return {"status": "deleted", "until": until, "stays": texts.say(call.language(), me.STAYS)}


@route("POST", "/api/me/restore", params=Params, returns=answers.Restored, conflicts=True)
def restore_me(call: Call) -> Any:
    """Take back that I asked to be deleted."""
    me.restore(call.account.telegram_id)
    return {"status": "restored"}
