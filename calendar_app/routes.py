"""Routes: sign-in, and what a calendar has — days, birthdays, holidays.

Each translates HTTP to a call of the domain, in a few lines.
"""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any

from flask import Response, current_app, request, url_for
from pydantic import Field

from . import (
    answers,
    auth,
    birthdays,
    calendars,
    holidays,
    web,
)
from .birthdays import BirthdayInput, BirthdayPatch, NewBirthday
from .fields import FullDate, Input, check
from .holidays import HolidayInput, HolidayPatch
from .web import CalendarParams, Call, Params, RowParams, route


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
    return {"date": call.params.on, **birthdays.day(call.access(), on)}


@route("GET", "/api/calendar/month/<year>/<month>", params=MonthParams, returns=answers.Month)
def month(call: Call) -> Any:
    """The days of a month that have something."""
    year, number = call.params.year, call.params.month
    found = birthdays.month(call.access(), year, number)
    return {
        "year": year,
        "month": number,
        "birthdays_by_date": found["birthdays"],
        "holidays_by_date": found["holidays"],
    }


@route("GET", *BIRTHDAYS, params=ListParams, returns=list[answers.Birthday])
def list_birthdays(call: Call) -> Any:
    """All birthdays, the next to come first."""
    access = call.access()
    page = birthdays.upcoming(access, call.today(access), call.params.limit, call.params.after)
    answer = current_app.json.response([_birthday(row) for row in page.rows])
    if page.next:
        arguments = request.args.to_dict() | {"after": page.next}
        address = url_for(request.endpoint, **arguments)
        answer.headers["Link"] = f'<{address}>; rel="next"'
    return answer


@route("POST", *BIRTHDAYS, body=NewBirthday, returns=answers.Birthday, status=201, idempotent=True)
def create_birthday(call: Call) -> Any:
    """Add a birthday."""
    calendar_id, telegram_id = call.params.calendar, call.account.telegram_id
    return _birthday(birthdays.create(telegram_id, calendar_id, call.body, call.now))


@route("GET", *BIRTHDAY, params=RowParams, returns=answers.Birthday)
def get_birthday(call: Call) -> Any:
    """One birthday; its ETag is for If-Match."""
    return _tagged(_birthday, birthdays.get(call.ref()))


@route("PUT", *BIRTHDAY, params=RowParams, body=BirthdayInput, returns=answers.Birthday)
def replace_birthday(call: Call) -> Any:
    """Set all fields of a birthday; those left out become empty."""
    return _tagged(_birthday, birthdays.replace(call.ref(), call.body, call.now))


@route("PATCH", *BIRTHDAY, params=RowParams, body=BirthdayPatch, returns=answers.Birthday)
def amend_birthday(call: Call) -> Any:
    """Set some fields of a birthday; those left out stay."""
    return _tagged(_birthday, birthdays.amend(call.ref(), call.body, call.now))


@route("DELETE", *BIRTHDAY, params=RowParams, returns=answers.Deleted)
def delete_birthday(call: Call) -> Any:
    """Remove a birthday."""
    birthdays.delete(call.ref())
    return {"status": "deleted"}


HOLIDAYS = "/api/holidays"
HOLIDAY = "/api/holidays/<int:row_id>"


@route("GET", HOLIDAYS, returns=list[answers.Holiday])
def list_holidays(call: Call) -> Any:
    """All holidays in the order of the year."""
    access = call.access()
    return [_holiday(row) for row in holidays.listed(access, call.today(access))]


@route("POST", HOLIDAYS, body=HolidayInput, returns=answers.Holiday, status=201, idempotent=True)
def create_holiday(call: Call) -> Any:
    """Add a holiday."""
    row = holidays.create(call.account.telegram_id, call.params.calendar, call.body, call.now)
    return _holiday(row)


@route("GET", HOLIDAY, params=RowParams, returns=answers.Holiday)
def get_holiday(call: Call) -> Any:
    """One holiday; its ETag is for If-Match."""
    return _tagged(_holiday, holidays.get(call.ref(), call.now))


@route("PUT", HOLIDAY, params=RowParams, body=HolidayInput, returns=answers.Holiday)
def replace_holiday(call: Call) -> Any:
    """Set all fields of a holiday."""
    return _tagged(_holiday, holidays.replace(call.ref(), call.body, call.now))


@route("PATCH", HOLIDAY, params=RowParams, body=HolidayPatch, returns=answers.Holiday)
def amend_holiday(call: Call) -> Any:
    """Set some fields of a holiday; those left out stay."""
    return _tagged(_holiday, holidays.amend(call.ref(), call.body, call.now))


@route("DELETE", HOLIDAY, params=RowParams, returns=answers.Deleted)
def delete_holiday(call: Call) -> Any:
    """Remove a holiday."""
    holidays.delete(call.ref(), call.now)
    return {"status": "deleted"}


def _birthday(row: dict[str, Any]) -> dict[str, Any]:
    fields = answers.Birthday.model_fields.items()
    return {
        name: row[name]
        for name, field in fields
        if field.is_required() or row[name] != field.default
    }


def _holiday(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in answers.Holiday.model_fields}


def _tagged(shown: Callable[[dict[str, Any]], Any], row: dict[str, Any]) -> Response:
    answer = current_app.json.response(shown(row))
    answer.set_etag(str(row["version"]))
    return answer
