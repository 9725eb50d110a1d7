"""Routes: what a calendar has — days, birthdays, holidays, responsible people, greetings, cards.

Each translates HTTP to a call of the domain, in a few lines.
"""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from flask import Response, current_app, request, url_for
from pydantic import Field, StringConstraints

from . import (
    answers,
    auth,
    birthdays,
    calendars,
    cards,
    dates,
    duties,
    greetings,
    holidays,
    quotas,
    settings,
    texts,
    web,
)
from .birthdays import BirthdayInput, BirthdayPatch
from .calendars import Ref
from .cards import Card
from .duties import DutyInput, ResponsibleInput
from .errors import FieldError, Invalid, Unavailable
from .fields import REFUSED, FullDate, Input, QrAddress, ShortText, check
from .greetings import Wish
from .holidays import HolidayInput, HolidayPatch
from .texts import N_
from .web import CalendarParams, Call, Params, route

MOST_FOUND = 500
GREETINGS_A_DAY = 200
CARDS_A_DAY = 100


class SignIn(Input):
    """Telegram's initData, to be exchanged for a session."""

    init_data: str


class DayParams(CalendarParams):
    """A full date."""

    on: FullDate = Field(description="YYYY-MM-DD")


class MonthParams(CalendarParams):
    """A month of a year; padded with zeros or not."""

    year: Annotated[int, Field(ge=1, le=9999)]
    month: Annotated[int, Field(ge=1, le=12)]


class ListParams(CalendarParams):
    """A part of a list; without `limit` all of it. `after` comes with the Link header."""

    limit: Annotated[int | None, Field(ge=1, le=1000)] = Field(
        None, description="at most so many; left out: all"
    )
    after: Annotated[str | None, Field(max_length=64)] = Field(
        None, description="where the page begins: taken from the Link header, never made"
    )


class RowParams(CalendarParams):
    """One row, by its id."""

    row_id: int


class SearchParams(CalendarParams):
    """What to look for: words or parts of words, in any order."""

    q: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="each word must be found; % and _ are ordinary characters"
    )


class GreetingInput(Input):
    """Whom to greet, and how."""

    birthday_id: int
    style: Literal["formal", "friendly", "humorous", "warm"] = "friendly"
    length: Literal["short", "medium", "long"] = "medium"
    theme: ShortText = ""


class CardInput(Input):
    """What a card says, and where its QR code leads."""

    birthday_id: int
    greeting_text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    qr_url: QrAddress | None = None


BIRTHDAYS = ("/api/birthdays", "/api/panel/birthdays")
BIRTHDAY = tuple(f"{path}/<int:row_id>" for path in BIRTHDAYS)


@route("POST", "/api/auth/verify", params=Params, body=SignIn, returns=answers.Session, public=True)
def verify(call: Call) -> Any:
    """Exchange Telegram's initData for a session."""
    key = web.signing_key(call.config)
    account = auth.verify(check(SignIn, call.body).init_data, key, call.now)
    calendars.register(account, call.config, call.now)
    session, expires_at = auth.open_session(account, key, call.now)
    user = {
        name: getattr(account, name) for name in answers.TelegramUser.model_fields if name != "id"
    }
    return {
        "valid": True,
        "user": {"id": account.telegram_id, **user},
        "session": session,
        "expires_at": expires_at,
    }


@route("GET", "/api/calendar/<on>", params=DayParams, returns=answers.Day)
def day(call: Call) -> Any:
    """What one day has: birthdays with ages, holidays, who is responsible."""
    on = dt.date.fromisoformat(call.params.on)
    return {"date": call.params.on, **birthdays.day(_access(call), on)}


@route("GET", "/api/calendar/month/<year>/<month>", params=MonthParams, returns=answers.Month)
def month(call: Call) -> Any:
    """The days of a month that have something."""
    year, number = call.params.year, call.params.month
    found = birthdays.month(_access(call), year, number)
    return {
        "year": year,
        "month": number,
        "birthdays_by_date": found["birthdays"],
        "holidays_by_date": found["holidays"],
    }


@route("GET", *BIRTHDAYS, params=ListParams, returns=list[answers.Birthday])
def list_birthdays(call: Call) -> Any:
    """All birthdays, the next to come first."""
    access = _access(call)
    page = birthdays.upcoming(access, _today(call, access), call.params.limit, call.params.after)
    answer = current_app.json.response([_birthday(row) for row in page.rows])
    if page.next:
        arguments = request.args.to_dict() | {"after": page.next}
        address = url_for(request.endpoint, **arguments)
        answer.headers["Link"] = f'<{address}>; rel="next"'
    return answer


@route(
    "POST", *BIRTHDAYS, body=BirthdayInput, returns=answers.Birthday, status=201, idempotent=True
)
def create_birthday(call: Call) -> Any:
    """Add a birthday."""
    calendar_id, telegram_id = call.params.calendar, call.account.telegram_id
    return _birthday(birthdays.create(telegram_id, calendar_id, call.body, call.now))


@route("GET", *BIRTHDAY, params=RowParams, returns=answers.Birthday)
def get_birthday(call: Call) -> Any:
    """One birthday; its ETag is for If-Match."""
    return _tagged(_birthday, birthdays.get(_ref(call)))


@route("PUT", *BIRTHDAY, params=RowParams, body=BirthdayInput, returns=answers.Birthday)
def replace_birthday(call: Call) -> Any:
    """Set all fields of a birthday; those left out become empty."""
    return _tagged(_birthday, birthdays.replace(_ref(call), call.body, call.now))


@route("PATCH", *BIRTHDAY, params=RowParams, body=BirthdayPatch, returns=answers.Birthday)
def amend_birthday(call: Call) -> Any:
    """Set some fields of a birthday; those left out stay."""
    return _tagged(_birthday, birthdays.amend(_ref(call), call.body, call.now))


@route("DELETE", *BIRTHDAY, params=RowParams, returns=answers.Deleted)
def delete_birthday(call: Call) -> Any:
    """Remove a birthday."""
    birthdays.delete(_ref(call))
    return {"status": "deleted"}


HOLIDAYS = "/api/holidays"
HOLIDAY = "/api/holidays/<int:row_id>"
RESPONSIBLE = "/api/panel/responsible"
ONE_RESPONSIBLE = "/api/panel/responsible/<int:row_id>"


@route("GET", HOLIDAYS, returns=list[answers.Holiday])
def list_holidays(call: Call) -> Any:
    """All holidays in the order of the year."""
    access = _access(call)
    return [_holiday(row) for row in holidays.listed(access, _today(call, access))]


@route("POST", HOLIDAYS, body=HolidayInput, returns=answers.Holiday, status=201, idempotent=True)
def create_holiday(call: Call) -> Any:
    """Add a holiday."""
    row = holidays.create(call.account.telegram_id, call.params.calendar, call.body, call.now)
    return _holiday(row)


@route("GET", HOLIDAY, params=RowParams, returns=answers.Holiday)
def get_holiday(call: Call) -> Any:
    """One holiday; its ETag is for If-Match."""
    return _tagged(_holiday, holidays.get(_ref(call), call.now))


@route("PUT", HOLIDAY, params=RowParams, body=HolidayInput, returns=answers.Holiday)
def replace_holiday(call: Call) -> Any:
    """Set all fields of a holiday."""
    return _tagged(_holiday, holidays.replace(_ref(call), call.body, call.now))


@route("PATCH", HOLIDAY, params=RowParams, body=HolidayPatch, returns=answers.Holiday)
def amend_holiday(call: Call) -> Any:
    """Set some fields of a holiday; those left out stay."""
    return _tagged(_holiday, holidays.amend(_ref(call), call.body, call.now))


@route("DELETE", HOLIDAY, params=RowParams, returns=answers.Deleted)
def delete_holiday(call: Call) -> Any:
    """Remove a holiday."""
    holidays.delete(_ref(call), call.now)
    return {"status": "deleted"}


@route("GET", RESPONSIBLE, returns=list[answers.ShortBirthday])
def list_responsible(call: Call) -> Any:
    """Everybody who can be in charge of a date, by name."""
    return duties.listed(_access(call))


@route(
    "POST",
    RESPONSIBLE,
    body=ResponsibleInput,
    returns=answers.ShortBirthday,
    status=201,
    idempotent=True,
)
def create_responsible(call: Call) -> Any:
    """Add somebody who can be in charge of a date."""
    return duties.create(call.account.telegram_id, call.params.calendar, call.body)


@route(
    "PUT",
    ONE_RESPONSIBLE,
    params=RowParams,
    body=ResponsibleInput,
    returns=answers.ShortBirthday,
)
def replace_responsible(call: Call) -> Any:
    """Set all fields of a responsible person."""
    return duties.replace(_ref(call), call.body)


@route("DELETE", ONE_RESPONSIBLE, params=RowParams, returns=answers.Deleted)
def delete_responsible(call: Call) -> Any:
    """Remove a responsible person and their dates."""
    duties.delete(_ref(call))
    return {"status": "deleted"}


@route("POST", "/api/panel/assign-responsible", body=DutyInput, returns=answers.Assigned)
def assign_responsible(call: Call) -> Any:
    """Put somebody in charge of a date, instead of who was."""
    duties.assign(call.account.telegram_id, call.params.calendar, call.body)
    return {"status": "assigned"}


@route("GET", "/api/panel/search", params=SearchParams, returns=list[answers.Found])
def search(call: Call) -> Any:
    """Birthdays and responsible people with each word in name, company or position."""
    # No text in a database has a NUL; PostgreSQL cannot even be asked for one.
    access, words = _access(call), call.params.q.replace("\0", " ")
    if not words.strip():
        raise Invalid(REFUSED, FieldError("q", N_("must not be blank")))
    rows = birthdays.find(access, words, MOST_FOUND)
    found = [{"type": "birthday"} | _short(row) for row in rows]
    return found + [{"type": "responsible"} | row for row in duties.find(access, words)]


@route(
    "POST",
    "/api/panel/generate-greeting",
    body=GreetingInput,
    returns=answers.Greeting,
    limited=True,
)
def generate_greeting(call: Call) -> Any:
    """A greeting from templates, in the user's language; another one each time."""
    given = check(GreetingInput, call.body)
    row = birthdays.get(Ref(call.account.telegram_id, given.birthday_id, call.params.calendar))
    choice = quotas.spend(call.account.telegram_id, "greetings", GREETINGS_A_DAY, call.now)
    access = calendars.enter(call.account.telegram_id, row["calendar_id"])
    born = dates.birth_date(row["birth_date"])
    on = dates.next_occurrence(born, _today(call, access), access.leap_day)
    wish = Wish(
        row["full_name"],
        dates.age(born, on, access.leap_day) or None,
        given.style,
        given.length,
        given.theme,
    )
    return {"greeting": greetings.compose(_language(call), wish, choice)}


@route("POST", "/api/panel/create-card", body=CardInput, returns=bytes, limited=True)
def create_card(call: Call) -> Any:
    """A card with name, day and greeting as a PNG; it never shows the comment."""
    given = check(CardInput, call.body)
    row = birthdays.get(Ref(call.account.telegram_id, given.birthday_id, call.params.calendar))
    quotas.spend(call.account.telegram_id, "cards", CARDS_A_DAY, call.now)
    born, language = dates.birth_date(row["birth_date"]), _language(call)
    card = Card(
        row["full_name"],
        row["position"],
        row["company"],
        texts.day(language, born.month, born.day),
        given.greeting_text,
        given.qr_url,
        language,
    )
    with _one_card_at_a_time():
        return Response(cards.draw(card), mimetype="image/png")


@contextmanager
def _one_card_at_a_time() -> Iterator[None]:
    """Drawing is the one thing here that keeps a core busy: the others must not wait for it."""
    if not _drawing.acquire(timeout=5):
        raise Unavailable(N_("Many cards are being drawn right now. Try again in a moment."), 5)
    try:
        yield
    finally:
        _drawing.release()


_drawing = threading.Lock()


@route("GET", "/api/panel/check-access", returns=answers.AccessAnswer)
def check_access(call: Call) -> Any:
    """Whether this user may change the calendar."""
    return {"has_access": _access(call).allows(calendars.EDITOR)}


def _access(call: Call) -> calendars.Access:
    return calendars.enter(call.account.telegram_id, call.params.calendar)


def _ref(call: Call) -> Ref:
    params = call.params
    return Ref(call.account.telegram_id, params.row_id, params.calendar, _accepts)


def _accepts(version: int) -> bool:
    """Whether the request's If-Match, if it has one, names this version."""
    return "If-Match" not in request.headers or request.if_match.contains(str(version))


def _birthday(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in answers.Birthday.model_fields}


def _holiday(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in answers.Holiday.model_fields}


def _short(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in answers.ShortBirthday.model_fields}


def _tagged(shown: Callable[[dict[str, Any]], Any], row: dict[str, Any]) -> Response:
    answer = current_app.json.response(shown(row))
    answer.set_etag(str(row["version"]))
    return answer


def _today(call: Call, access: calendars.Access) -> dt.date:
    return dates.local_date(call.now, access.timezone)


def _language(call: Call) -> str:
    return settings.language(call.account, call.config.default_language)
