"""What a user sets for themselves in a calendar, and what a calendar sets for all its members.

Zone, time, lead times, digests, quiet hours, 29 February. A member's own value wins; where there is
none the calendar's holds. The language is the user's everywhere; a calendar's is its group's.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from . import dates, models, recipients, reminders, rules
from .calendars import EDITOR, Access, Account
from .config import Config
from .errors import FieldError, Forbidden, Invalid
from .fields import REFUSED, Input, TimeOfDay, Zone, check
from .models import Calendar, Member, User
from .texts import N_, language_of

LeadDays = Annotated[list[Annotated[int, Field(ge=0, le=60)]], Field(max_length=61)]
# Names of the contract that stand under another name in the tables.
MINUTES = {
    "notification_time": "notification_minute",
    "quiet_from": "quiet_from",
    "quiet_to": "quiet_to",
}
OWN = ("timezone", "leap_day", "weekly_digest", "monthly_digest")
# What somebody wants none of is another thing than what they have not set.
DECLINED = {
    "no_weekly": ("weekly_digest",),
    "no_monthly": ("monthly_digest",),
    "no_quiet": ("quiet_from", "quiet_to"),
}
# What a member has who has set nothing, by what they would have set.
_NO_SPAN = {"quiet_from": None, "quiet_to": None, "no_quiet": False}
UNSET: dict[str, dict[str, Any]] = {
    "timezone": {"timezone": None},
    "notification_time": {"notification_minute": None},
    "lead_days": {"lead_days": None},
    "weekly_digest": {"weekly_digest": None, "no_weekly": False},
    "monthly_digest": {"monthly_digest": False, "no_monthly": False},
    "quiet_from": _NO_SPAN,  # both or neither: the two are one span
    "quiet_to": _NO_SPAN,
    "leap_day": {"leap_day": None},
}
Own = Literal[*UNSET]
NO_MEMBER = N_("Only members of this calendar have settings of their own in it.")
NOT_IN_GROUPS = N_("a group is told of the day itself; each member sets this for themselves")
Row = dict[str, Any]


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


class CalendarSettingsPatch(SettingsPatch):
    """Some of what a calendar sets; its `language` is what a group is spoken to in."""

    language: Literal["en", "ru"] | None = None


def _stored(given: Row) -> Row:
    """Settings as columns."""
    columns = {name: given[name] for name in OWN if name in given}
    if "lead_days" in given:
        columns["lead_days"] = json.dumps(sorted(set(given["lead_days"])))
    for name, column in MINUTES.items():
        if name in given:
            columns[column] = given[name] and dates.minute_of_day(given[name])
    return columns


def _clock(minute: int | None) -> str | None:
    return None if minute is None else f"{minute // 60:02}:{minute % 60:02}"


# --- a user's own ------------------------------------------------------------------------


def read(account: Account, access: Access, config: Config) -> Row:
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
    return shown | _in_force(access)


def _in_force(access: Access) -> Row:
    """What a member is reminded by; nothing for somebody who is no member."""
    chat_id = _chat(access)
    if chat_id is None:
        return {}
    to = recipients.get(access.calendar_id, chat_id)
    wishes = recipients.wishes(to)
    return {
        "lead_days": sorted(wishes.leads),
        "weekly_digest": wishes.weekday,
        "monthly_digest": wishes.monthly,
        "quiet_from": _clock(to.quiet_from),
        "quiet_to": _clock(to.quiet_to),
    }


def _chat(access: Access) -> int | None:
    """The chat with a member; None for somebody who is none."""
    query = User.select(User.chat).join(Member, on=(Member.user == User.id))
    return query.where(Member.calendar == access.calendar_id, User.id == access.user_id).scalar()


def change(access: Access, data: Any, now: int) -> None:
    """Set the given settings of a member; raises Invalid, Forbidden for who is none."""
    given = check(SettingsPatch, data).model_dump(exclude_unset=True)
    with models.writing():
        _set(access, _own(_both_ends(given, access)), now)
        if "language" in given:
            User.update(language=given["language"]).where(User.id == access.user_id).execute()


def _both_ends(given: Row, access: Access) -> Row:
    """Quiet hours are one span: who sets one end keeps the other, also where it is another's."""
    ends = DECLINED["no_quiet"]
    if not any(name in given for name in ends):
        return given
    before = _in_force(access)
    return {name: before.get(name) for name in ends} | given


def _own(given: Row) -> Row:
    """A member's columns, with what they want none of."""
    columns = _stored(given)
    for flag, names in DECLINED.items():
        if any(name in columns for name in names):
            values = [columns.get(name) for name in names]
            columns[flag] = all(value is None or value is False for value in values)
    return columns


def forget(access: Access, only: Own | None, now: int) -> None:
    """Let what the calendar sets hold for a member again; raises Forbidden for who is none.

    `only`: one setting by its name; None: all of them. Quiet hours go as one.
    """
    forgotten = UNSET.values() if only is None else [UNSET[only]]
    with models.writing():
        _set(access, {name: value for row in forgotten for name, value in row.items()}, now)


def _set(access: Access, columns: Row, now: int) -> None:
    chat_id = _chat(access)
    if chat_id is None:
        raise Forbidden(NO_MEMBER)
    if columns:
        Member.update(columns).where(
            Member.calendar == access.calendar_id, Member.user == access.user_id
        ).execute()
        rules.follow_member(access.calendar_id, chat_id, now)
    if "leap_day" in columns:
        reminders.correct_leap_days(access.calendar_id, chat_id, now)


def language(account: Account, default: str) -> str:
    """The language to speak with the user: the chosen one, else Telegram's, else `default`."""
    chosen = User.select(User.language).where(User.telegram_id == account.telegram_id).scalar()
    return chosen or language_of(account.language_code, default)


# --- a calendar's ------------------------------------------------------------------------


def read_calendar(access: Access) -> Row:
    """What a calendar sets for all its members."""
    row = Calendar.get_by_id(access.calendar_id)
    shown = {name: getattr(row, name) for name in (*OWN, "language")}
    shown |= {name: _clock(getattr(row, column)) for name, column in MINUTES.items()}
    return shown | {"lead_days": json.loads(row.lead_days)}


def change_calendar(access: Access, data: Any, now: int) -> None:
    """Set what holds for all members who set nothing else; raises Invalid, Forbidden."""
    given = check(CalendarSettingsPatch, data).model_dump(exclude_unset=True)
    access.require(EDITOR)
    private = [name for name in ("lead_days", "weekly_digest", "monthly_digest") if name in given]
    if access.kind == "group" and private:
        raise Invalid(REFUSED, *(FieldError(name, NOT_IN_GROUPS) for name in private))
    columns = _stored(given) | {name: given[name] for name in ("language",) if name in given}
    if not columns:
        return
    with models.writing():
        Calendar.update(columns).where(Calendar.id == access.calendar_id).execute()
        rules.follow_calendar(access.calendar_id, now)
        if "leap_day" in columns:
            reminders.correct_leap_days(access.calendar_id, 0, now)
