"""The HTTP API: each route translates HTTP to a call of the domain, in a few lines.

`create_app` makes the WSGI app that gunicorn serves. Paths, methods and JSON names are those of
the service that this one replaces, so that its clients keep working.
"""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any

from flask import Flask, Response, current_app, request, url_for
from pydantic import BaseModel, Field

from . import auth, birthdays, calendars, dates, health, models, openapi, web
from .birthdays import BirthdayInput, BirthdayPatch, Ref
from .config import Config, load
from .fields import FullDate, Input, check
from .web import CalendarParams, Call, Params, route

VERSION = "0.1.0"


class SignIn(Input):
    """Telegram's initData, to be exchanged for a session."""

    init_data: str


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

    birth_date: str
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

    date: str
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

    status: str


class AccessAnswer(BaseModel):
    """Whether this user may write here."""

    has_access: bool


class DayParams(CalendarParams):
    """A full date."""

    on: FullDate


class MonthParams(CalendarParams):
    """A month of a year; padded with zeros or not."""

    year: Annotated[int, Field(ge=1, le=9999)]
    month: Annotated[int, Field(ge=1, le=12)]


class ListParams(CalendarParams):
    """A part of a list; without `limit` all of it. `after` comes with the Link header."""

    limit: Annotated[int | None, Field(ge=1, le=1000)] = None
    after: Annotated[str | None, Field(max_length=64)] = None


class BirthdayParams(CalendarParams):
    """One birthday."""

    birthday_id: int


BIRTHDAYS = ("/api/birthdays", "/api/panel/birthdays")
BIRTHDAY = tuple(f"{path}/<int:birthday_id>" for path in BIRTHDAYS)


@route("POST", "/api/auth/verify", params=Params, body=SignIn, returns=Session, public=True)
def verify(call: Call) -> Any:
    """Exchange Telegram's initData for a session."""
    key = web.signing_key(call.config)
    account = auth.verify(check(SignIn, call.body).init_data, key, call.now)
    calendars.register(account, call.config, call.now)
    session, expires_at = auth.open_session(account, key, call.now)
    user = {name: getattr(account, name) for name in TelegramUser.model_fields if name != "id"}
    return {
        "valid": True,
        "user": {"id": account.telegram_id, **user},
        "session": session,
        "expires_at": expires_at,
    }


@route("GET", "/api/calendar/<on>", params=DayParams, returns=Day)
def day(call: Call) -> Any:
    """What one day has: birthdays with ages, holidays, who is responsible."""
    on = dt.date.fromisoformat(call.params.on)
    return {"date": call.params.on, **birthdays.day(_access(call), on)}


@route("GET", "/api/calendar/month/<year>/<month>", params=MonthParams, returns=Month)
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


@route("GET", *BIRTHDAYS, params=ListParams, returns=list[Birthday])
def list_birthdays(call: Call) -> Any:
    """All birthdays, the next to come first."""
    access = _access(call)
    today = dates.local_date(call.now, access.timezone)
    page = birthdays.upcoming(access, today, call.params.limit, call.params.after)
    answer = current_app.json.response([_birthday(row) for row in page.rows])
    if page.next:
        arguments = request.args.to_dict() | {"after": page.next}
        address = url_for(request.endpoint, **arguments)
        answer.headers["Link"] = f'<{address}>; rel="next"'
    return answer


@route("POST", *BIRTHDAYS, body=BirthdayInput, returns=Birthday, status=201, idempotent=True)
def create_birthday(call: Call) -> Any:
    """Add a birthday."""
    calendar_id, telegram_id = call.params.calendar, call.account.telegram_id
    return _birthday(birthdays.create(telegram_id, calendar_id, call.body, call.now))


@route("GET", *BIRTHDAY, params=BirthdayParams, returns=Birthday)
def get_birthday(call: Call) -> Any:
    """One birthday; its ETag is for If-Match."""
    return _tagged(birthdays.get(_ref(call)))


@route("PUT", *BIRTHDAY, params=BirthdayParams, body=BirthdayInput, returns=Birthday)
def replace_birthday(call: Call) -> Any:
    """Set all fields of a birthday; those left out become empty."""
    return _tagged(birthdays.replace(_ref(call), call.body, call.now))


@route("PATCH", *BIRTHDAY, params=BirthdayParams, body=BirthdayPatch, returns=Birthday)
def amend_birthday(call: Call) -> Any:
    """Set some fields of a birthday; those left out stay."""
    return _tagged(birthdays.amend(_ref(call), call.body, call.now))


@route("DELETE", *BIRTHDAY, params=BirthdayParams, returns=Deleted)
def delete_birthday(call: Call) -> Any:
    """Remove a birthday."""
    birthdays.delete(_ref(call))
    return {"status": "deleted"}


@route("GET", "/api/panel/check-access", returns=AccessAnswer)
def check_access(call: Call) -> Any:
    """May this user change the calendar?"""
    return {"has_access": _access(call).allows(calendars.EDITOR)}


@route("GET", "/api/openapi.json", params=Params, public=True)
def description(_call: Call) -> Any:
    """This description."""
    return openapi.describe(ROUTES, VERSION)


ROUTES = [found for found in list(globals().values()) if isinstance(found, web.Route)]


def create_app(config: Config | None = None, clock: Callable[[], float] | None = None) -> Flask:
    """The WSGI app, its database migrated and ready; raises ConfigError for a bad configuration.

    `clock` tells the time (seconds since 1970) instead of the machine's clock.
    """
    config = config or load()
    app = web.create(config, ROUTES, clock)
    models.connect(config.database_url)
    models.migrate()
    calendars.ensure_shared(config, web.now(app))
    # A connection must not be shared by the workers that are forked from here.
    models.disconnect()
    app.add_url_rule("/health", "health", _alive)
    app.add_url_rule("/health/ready", "ready", _ready)
    return app


def _alive() -> Response:
    return Response(health.ALIVE, mimetype="application/json")


def _ready() -> Response:
    report = health.ready(current_app.config["calendar"], web.now(current_app))
    answer = current_app.json.response(report)
    answer.status_code = 503 if report["status"] == "down" else 200
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _access(call: Call) -> calendars.Access:
    return calendars.enter(call.account.telegram_id, call.params.calendar)


def _ref(call: Call) -> Ref:
    params = call.params
    return Ref(call.account.telegram_id, params.birthday_id, params.calendar, _accepts)


def _accepts(version: int) -> bool:
    """Whether the request's If-Match, if it has one, names this version."""
    return "If-Match" not in request.headers or request.if_match.contains(str(version))


def _birthday(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in Birthday.model_fields}


def _tagged(row: dict[str, Any]) -> Response:
    answer = current_app.json.response(_birthday(row))
    answer.set_etag(str(row["version"]))
    return answer
