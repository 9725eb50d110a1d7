"""What a user sets for themselves in a calendar: language, zone, time, leads, digests, quiet hours.

A value that is not set is the calendar's. The language is the user's everywhere.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from . import dates, models, rules
from .calendars import EDITOR, Access, Account
from .config import Config
from .errors import Forbidden
from .fields import Input, TimeOfDay, Zone, check
from .models import Calendar, Member, User
from .texts import N_, language_of

LeadDays = Annotated[list[Annotated[int, Field(ge=0, le=60)]], Field(max_length=61)]
# Names of the contract that stand under another name in the table of members.
MINUTES = {
    "notification_time": "notification_minute",
    "quiet_from": "quiet_from",
    "quiet_to": "quiet_to",
}
OWN = ("timezone", "leap_day", "weekly_digest", "monthly_digest")


class SettingsPatch(Input):
    """Some settings; those left out stay as they are."""

    language: Literal["en", "ru"] = "en"
    timezone: Zone = "UTC"
    notification_time: TimeOfDay = "09:00"
    lead_days: LeadDays = [0]
    weekly_digest: Annotated[int, Field(ge=0, le=6)] | None = None
    monthly_digest: bool = False
    quiet_from: TimeOfDay | None = None
    quiet_to: TimeOfDay | None = None
    leap_day: Literal["feb28", "mar1"] = "feb28"


def read(account: Account, access: Access, config: Config) -> dict[str, Any]:
    """All settings in force; for a user who is new, those that they would start with."""
    shown = {
        "language": language(account, config.default_language),
        "timezone": access.timezone if access.calendar_id else config.timezone,
        "notification_time": _clock(
            access.notification_minute if access.calendar_id else config.notification_minute
        ),
        "lead_days": [0],
        "weekly_digest": None,
        "monthly_digest": False,
        "quiet_from": None,
        "quiet_to": None,
        "leap_day": access.leap_day,
    }
    return shown | _own(access)


def _own(access: Access) -> dict[str, Any]:
    """What the member has set; nothing for somebody who is no member."""
    row = Member.get_or_none(Member.calendar == access.calendar_id, Member.user == access.user_id)
    if row is None:
        return {}
    return {
        "lead_days": rules.leads(access.calendar_id, row.user.chat_id),
        "weekly_digest": row.weekly_digest,
        "monthly_digest": row.monthly_digest,
        "quiet_from": _clock(row.quiet_from),
        "quiet_to": _clock(row.quiet_to),
    }


def _clock(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def change(access: Access, data: Any, now: int) -> None:
    """Set the given settings of a member; raises Invalid, Forbidden for who is none."""
    given = check(SettingsPatch, data).model_dump(exclude_unset=True)
    columns = {name: given[name] for name in OWN if name in given}
    for name, column in MINUTES.items():
        if name in given:
            columns[column] = given[name] and dates.minute_of_day(given[name])
    with models.writing():
        if not _is_member(access):
            raise Forbidden(N_("Only members of this calendar have settings of their own in it."))
        if "language" in given:
            User.update(language=given["language"]).where(User.id == access.user_id).execute()
        _set_columns(access, columns)
        chat_id = User.select(User.chat).where(User.id == access.user_id).scalar()
        if "lead_days" in given:
            rules.choose_leads(access.calendar_id, chat_id, set(given["lead_days"]), now)
        rules.choose_digests(access.calendar_id, chat_id, now)
        rules.reschedule(access.calendar_id, now, chat_id)


def _is_member(access: Access) -> bool:
    mine = (Member.calendar == access.calendar_id) & (Member.user == access.user_id)
    return Member.select().where(mine).exists()


def _set_columns(access: Access, columns: dict[str, Any]) -> None:
    if columns:
        Member.update(columns).where(
            Member.calendar == access.calendar_id, Member.user == access.user_id
        ).execute()


def change_group(access: Access, data: Any, now: int) -> None:
    """Set zone and time of a group's own reminders; raises Invalid, Forbidden."""
    given = check(SettingsPatch, data).model_dump(exclude_unset=True)
    access.require(EDITOR)
    columns = {"timezone": given["timezone"]} if "timezone" in given else {}
    if "notification_time" in given:
        columns["notification_minute"] = dates.minute_of_day(given["notification_time"])
    with models.writing():
        Calendar.update(columns).where(Calendar.id == access.calendar_id).execute()
        rules.reschedule(access.calendar_id, now)


def language(account: Account, default: str) -> str:
    """The language to speak with the user: the chosen one, else Telegram's, else `default`."""
    chosen = User.select(User.language).where(User.telegram_id == account.telegram_id).scalar()
    return chosen or language_of(account.language_code, default)
