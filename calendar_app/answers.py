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
    """A birthday as it is kept."""

    birth_date: Date
    comment: str
    responsible: str


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
    """A text to send."""

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


class Invitation(BaseModel):
    """A link that makes whoever follows it a member, until `expires_at` (seconds since 1970)."""

    url: str
    code: str
    role: Role
    expires_at: int
    uses_left: int


class Me(BaseModel):
    """Everything about the user."""

    user: dict[str, Any] | None
    calendars: list[dict[str, Any]]
    reminders: list[dict[str, Any]]
