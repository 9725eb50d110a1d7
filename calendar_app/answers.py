"""What the API answers: the shapes of its JSON, for openapi.json."""

from typing import Any, Literal

from pydantic import BaseModel

from .fields import Date, FullDate

Role = Literal["owner", "editor", "viewer"]


class TelegramUser(BaseModel):
    """The signed-in user as Telegram tells of them."""

    id: int
    first_name: str
    last_name: str
    username: str
    language_code: str


class Session(BaseModel):
    """A session: send it as `Authorization: Bearer …` until it ends (seconds since 1970)."""

    valid: bool
    user: TelegramUser
    session: str
    expires_at: int


class ShortBirthday(BaseModel):
    """A person in the month's overview."""

    id: int
    full_name: str
    company: str
    position: str


class DayBirthday(ShortBirthday):
    """A person on one day; `age` is null where the year of birth is unknown."""

    age: int | None
    comment: str
    responsible: str


class Birthday(ShortBirthday):
    """A birthday as it is kept, as far as the user may see it.

    What follows `responsible` is left out where it has its default value, as clients of old know
    none of it. `linked_user_id` is whose birthday it is, a user of Telegram; they never see what
    others noted for themselves about it. `lead_days` null: each recipient's own. A hidden age has
    no year.
    """

    birth_date: Date
    comment: str
    responsible: str
    labels: list[str] = []
    leap_day: Literal["feb28", "mar1"] | None = None
    lead_days: list[int] | None = None
    muted: bool = False
    skip_year: int | None = None
    hide_age: bool = False
    linked_user_id: int | None = None
    confirmed: bool = False


class ShortHoliday(BaseModel):
    """A holiday in the month's overview."""

    id: int
    name: str


class DayHoliday(ShortHoliday):
    """A holiday on its day."""

    description: str


class Day(BaseModel):
    """What one day has."""

    date: FullDate
    birthdays: list[DayBirthday]
    holidays: list[DayHoliday]
    responsible: ShortBirthday | None


class Month(BaseModel):
    """The days of a month that have something, by `YYYY-MM-DD`."""

    year: int
    month: int
    birthdays_by_date: dict[str, list[ShortBirthday]]
    holidays_by_date: dict[str, list[ShortHoliday]]


class Deleted(BaseModel):
    """Said when something is gone."""

    status: Literal["deleted"]


class AccessAnswer(BaseModel):
    """Whether this user may write here."""

    has_access: bool


class Holiday(BaseModel):
    """A holiday as it is kept; `date` is when it comes next."""

    id: int
    name: str
    day: int
    month: int
    description: str
    date: FullDate


class Assigned(BaseModel):
    """Said when somebody is in charge."""

    status: Literal["assigned"]


class Found(ShortBirthday):
    """Somebody who was searched for: a `birthday` or a `responsible` person."""

    type: Literal["birthday", "responsible"]


class Greeting(BaseModel):
    """A text to send; `job` where a language model was asked for another one."""

    greeting: str
    job: str | None = None


class GreetingJob(BaseModel):
    """What became of a greeting that a language model was asked for."""

    state: Literal["waiting", "ready", "failed"]
    greeting: str


class Settings(BaseModel):
    """What holds for the user in a calendar."""

    language: Literal["en", "ru"]
    timezone: str
    notification_time: str
    lead_days: list[int]
    weekly_digest: int | None
    monthly_digest: bool
    quiet_from: str | None
    quiet_to: str | None
    leap_day: Literal["feb28", "mar1"]


class CalendarSettings(Settings):
    """What a calendar sets for all its members; `language` is a group's, null: each one's own."""

    language: Literal["en", "ru"] | None


class Calendar(BaseModel):
    """A calendar and the user's role in it."""

    id: int
    kind: Literal["personal", "group", "shared", "other"]
    title: str
    role: Role


class Member(BaseModel):
    """Somebody who shares a calendar; `user_id` is Telegram's."""

    user_id: int
    first_name: str
    last_name: str
    username: str
    role: Role


class ArchivedCalendar(BaseModel):
    """A deleted calendar that can be had back `until` then (seconds since 1970)."""

    id: int
    kind: Literal["other"]
    title: str
    until: int


class OpenInvitation(BaseModel):
    """An invitation that can be followed until `expires_at` (seconds since 1970)."""

    id: int
    role: Role
    expires_at: int
    uses_left: int


class Invitation(OpenInvitation):
    """A link that makes whoever follows it a member; its code is told this once."""

    url: str
    code: str


class Mention(ShortBirthday):
    """What others entered about the user; the calendar's title only for its members."""

    birth_date: Date
    confirmed: bool
    calendar_kind: Literal["group", "shared", "other"]
    calendar_title: str


class PersonLink(BaseModel):
    """A link for the one whose birthday it is, until `expires_at` (seconds since 1970)."""

    url: str
    code: str
    expires_at: int


class Linked(BaseModel):
    """Said when a birthday is known to be the user's own."""

    status: Literal["linked"]


class Me(BaseModel):
    """Everything about the user; `deleting_since` (seconds since 1970): they asked for deletion."""

    user: dict[str, Any] | None
    calendars: list[dict[str, Any]]
    reminders: list[dict[str, Any]]
    mentions: list[Mention]
    invitations: list[dict[str, Any]]
    dialogs: list[dict[str, Any]]
    deleting_since: int | None


class DeletedMe(Deleted):
    """Said when all of the user is hidden; `until` when (seconds) it can be taken back."""

    until: int | None
    stays: str


class Entered(BaseModel):
    """A group's calendar, and whether Telegram said already that the user is in the group."""

    id: int
    state: Literal["member", "checking"]


class Restored(BaseModel):
    """Said when something that was deleted is back."""

    status: Literal["restored"]
