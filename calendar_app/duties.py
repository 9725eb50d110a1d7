"""Responsible people and the dates they are in charge of. A row is loaded by `_load` only."""

import datetime as dt
from typing import Annotated, Any

from pydantic import Field

from . import calendars, deletions, models, reminders, search
from .calendars import EDITOR, Access, Ref
from .fields import FullDate, Input, Name, ShortText, check
from .models import Duty, ResponsiblePerson
from .texts import N_

NOT_FOUND = N_("There is no such responsible person, or you are not a member of the calendar.")
Row = dict[str, Any]
_PERSON = ResponsiblePerson
_COLUMNS = (_PERSON.id, _PERSON.full_name, _PERSON.company, _PERSON.position)


class ResponsibleInput(Input):
    """Somebody who can be in charge of a date."""

    full_name: Name
    company: ShortText = ""
    position: ShortText = ""


class DutyInput(Input):
    """Who is in charge on which date."""

    responsible_id: Annotated[int, Field(ge=1)]
    date: FullDate


def listed(access: Access) -> list[Row]:
    """All responsible people, by name."""
    query = (
        _PERSON.select(*_COLUMNS)
        .where(_PERSON.calendar == access.calendar_id)
        .order_by(_PERSON.search_text, _PERSON.id)
    )
    return [_row(values) for values in query.tuples()]


def create(telegram_id: int, calendar_id: int | None, data: Any) -> Row:
    """Add somebody; raises Invalid, NotFound, Forbidden."""
    values = check(ResponsibleInput, data).model_dump()
    with models.writing():
        access = calendars.enter(telegram_id, calendar_id, need=EDITOR)
        row_id = _PERSON.insert(
            **values, search_text=search.search_text(values), calendar=access.calendar_id
        ).execute()
        calendars.changed(access.calendar_id)
        return {"id": row_id, **values}


def replace(ref: Ref, data: Any) -> Row:
    """Set all fields; raises Invalid, NotFound, Forbidden, Changed."""
    values = check(ResponsibleInput, data).model_dump()
    with models.writing():
        access = _load(ref, EDITOR)
        _PERSON.update(
            **values, search_text=search.search_text(values), version=_PERSON.version + 1
        ).where(_PERSON.id == ref.row_id).execute()
        calendars.changed(access.calendar_id)
        return {"id": ref.row_id, **values}


def delete(ref: Ref) -> None:
    """Remove somebody and their dates; raises NotFound, Forbidden, Changed."""
    with models.writing():
        access = _load(ref, EDITOR)
        deletions.remember("responsible", ref.row_id)
        reminders.withdraw("responsible", [ref.row_id], reminders.DELETED)
        _PERSON.delete().where(_PERSON.id == ref.row_id).execute()
        calendars.changed(access.calendar_id)


def assign(telegram_id: int, calendar_id: int | None, data: Any, now: int) -> None:
    """Put somebody in charge of a date, instead of who was; raises Invalid, NotFound, Forbidden."""
    given = check(DutyInput, data)
    with models.writing():
        access = _load(Ref(telegram_id, given.responsible_id, calendar_id), EDITOR)
        on_date = (Duty.calendar == access.calendar_id) & (Duty.on_date == given.date)
        was = Duty.select(Duty.responsible).where(on_date).scalar()
        Duty.insert(
            calendar=access.calendar_id, responsible=given.responsible_id, on_date=given.date
        ).on_conflict(
            conflict_target=[Duty.calendar, Duty.on_date],
            update={Duty.responsible: given.responsible_id},
        ).execute()
        if was not in (None, given.responsible_id):
            on = dt.date.fromisoformat(given.date)
            reminders.correct_duty(access.calendar_id, on, was, now)
        calendars.changed(access.calendar_id)


def find(access: Access, text: str) -> list[Row]:
    """Responsible people who have each word of the text in name, company or position."""
    query = (
        _PERSON.select(*_COLUMNS)
        .where(_PERSON.calendar == access.calendar_id, *search.matches(_PERSON, text))
        .order_by(_PERSON.search_text, _PERSON.id)
    )
    return [_row(values) for values in query.tuples()]


def _load(ref: Ref, need: str) -> Access:
    return calendars.enter_for(_PERSON, ref, need, NOT_FOUND)


def _row(values: tuple) -> Row:
    return dict(zip(("id", "full_name", "company", "position"), values, strict=True))
