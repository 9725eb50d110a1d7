"""Holidays of a calendar: days of each year with a name. A row is loaded by `_load` only."""

import datetime as dt
from typing import Annotated, Any

from pydantic import Field

from . import calendars, dates, deletions, models, reminders
from .calendars import EDITOR, VIEWER, Access, Ref
from .errors import FieldError, Invalid
from .fields import REFUSED, Comment, Input, Name, check, left_out
from .models import Holiday
from .texts import N_

NOT_FOUND = N_("There is no such holiday, or you are not a member of its calendar.")
Row = dict[str, Any]
_COLUMNS = (Holiday.id, Holiday.name, Holiday.day, Holiday.month, Holiday.description)


class HolidayInput(Input):
    """A holiday as it is given; 29 February is a day."""

    name: Name
    day: Annotated[int, Field(ge=1, le=31)]
    month: Annotated[int, Field(ge=1, le=12)]
    description: Comment = ""


class HolidayPatch(HolidayInput):
    """Some fields of a holiday; those left out stay as they are."""

    name: Name = left_out("")
    day: Annotated[int, Field(ge=1, le=31)] = left_out(1)
    month: Annotated[int, Field(ge=1, le=12)] = left_out(1)


def listed(access: Access, today: dt.date) -> list[Row]:
    """All holidays in the order of the year; `date` is when each comes next."""
    query = (
        Holiday.select(*_COLUMNS, Holiday.version)
        .where(Holiday.calendar == access.calendar_id)
        .order_by(Holiday.month, Holiday.day, Holiday.id)
    )
    return [_row(values, today) for values in query.tuples()]


def get(ref: Ref, now: int) -> Row:
    """One holiday and its `version`. Raises NotFound."""
    return _load(ref, VIEWER, now)[1]


def create(telegram_id: int, calendar_id: int | None, data: Any, now: int) -> Row:
    """Add a holiday; raises Invalid, NotFound, Forbidden."""
    values = _existing(check(HolidayInput, data).model_dump())
    with models.writing():
        access = calendars.enter(telegram_id, calendar_id, need=EDITOR)
        row_id = Holiday.insert(**values, calendar=access.calendar_id).execute()
        calendars.changed(access.calendar_id)
        return get(Ref(telegram_id, row_id), now)


def replace(ref: Ref, data: Any, now: int) -> Row:
    """Set all fields; raises Invalid, NotFound, Forbidden, Changed."""
    return _change(ref, check(HolidayInput, data).model_dump(), now)


def amend(ref: Ref, data: Any, now: int) -> Row:
    """Set the given fields only; raises Invalid, NotFound, Forbidden, Changed."""
    return _change(ref, check(HolidayPatch, data).model_dump(exclude_unset=True), now)


def delete(ref: Ref, now: int) -> None:
    """Remove a holiday; raises NotFound, Forbidden, Changed."""
    with models.writing():
        access, row = _load(ref, EDITOR, now)
        deletions.remember("holiday", row["id"])
        Holiday.delete().where(Holiday.id == row["id"]).execute()
        reminders.correct_holiday(row["id"], now)
        calendars.changed(access.calendar_id)


def _change(ref: Ref, values: Row, now: int) -> Row:
    with models.writing():
        access, row = _load(ref, EDITOR, now)
        _existing(row | values)
        Holiday.update(**values, version=Holiday.version + 1).where(
            Holiday.id == row["id"]
        ).execute()
        if any(values.get(name, row[name]) != row[name] for name in ("day", "month")):
            reminders.correct_holiday(row["id"], now)
        calendars.changed(access.calendar_id)
        return get(Ref(ref.telegram_id, row["id"]), now)


def _existing(values: Row) -> Row:
    if not dates.exists(None, values["month"], values["day"]):
        raise Invalid(REFUSED, FieldError("day", N_("is not a day that exists")))
    return values


def _load(ref: Ref, need: str, now: int) -> tuple[Access, Row]:
    access = calendars.enter_for(Holiday, ref, need, NOT_FOUND)
    query = Holiday.select(*_COLUMNS, Holiday.version).where(Holiday.id == ref.row_id)
    return access, _row(query.tuples().get(), dates.local_date(now, access.timezone))


def _row(values: tuple, today: dt.date) -> Row:
    row_id, name, day, month, description, version = values
    return {
        "id": row_id,
        "name": name,
        "day": day,
        "month": month,
        "description": description,
        "date": dates.next_day(month, day, today).isoformat(),
        "version": version,
    }
