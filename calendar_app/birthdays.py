"""Birthdays: every read and write of them, with permission and validation inside.

A row is loaded by `_load` only, which also checks the right to it. `dates` places the days,
`people` tells what of a row its reader may see.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from peewee import Case

from . import calendars, dates, deletions, models, people, reminders, rules, search
from .calendars import EDITOR, VIEWER, Access, Ref
from .dates import BirthDate
from .errors import FieldError, Invalid
from .fields import REFUSED, Comment, Date, Input, Name, Responsible, ShortText, check, left_out
from .models import Birthday
from .texts import N_

NOT_FOUND = N_("There is no such birthday, or you are not a member of its calendar.")
# What the calendar's pages are made of, asked at every look at them.
IN_DAYS = """
    SELECT year, month, day, leap_day, hide_age, linked_user_id,
        id, full_name, company, position, comment, responsible
    FROM birthdays
"""
HOLIDAYS = "SELECT id, name, day, description FROM holidays"
IN_CHARGE = """
    SELECT p.id, p.full_name, p.company, p.position
    FROM responsible_people p JOIN duties d ON d.responsible_id = p.id
    WHERE d.calendar_id = ? AND d.on_date = ?
"""
BORN = (Birthday.year, Birthday.month, Birthday.day)
SHORT = (Birthday.id, Birthday.full_name, Birthday.company, Birthday.position)
# Sorts every day of next year behind every day of this one (days sort as month * 100 + day).
NEXT_YEAR = 10_000

Row = dict[str, Any]


class BirthdayInput(Input):
    """A birthday as it is given: all but name and date may be left out."""

    full_name: Name
    birth_date: Date
    company: ShortText = ""
    position: ShortText = ""
    responsible: Responsible = ""
    comment: Comment = ""


class NewBirthday(BirthdayInput, people.More):
    """A birthday with all that can be said of the person."""


class BirthdayPatch(NewBirthday):
    """Some fields of a birthday; those left out stay as they are."""

    full_name: Name = left_out("")
    birth_date: Date = left_out("")


@dataclass(frozen=True)
class Page:
    """Part of a list, and where the next part begins (None: this was the last)."""

    rows: list[Row]
    next: str | None


def month(access: Access, year: int, month: int) -> dict[str, dict[str, list[Row]]]:
    """The month's days that have something: `{"birthdays": {"YYYY-MM-DD": […]}, "holidays": …}`.

    `year` 1–9999, `month` 1–12. Nobody is shown before birth.
    """
    in_month = "month = ? OR month = 2 AND day = 29" if month == 3 else "month = ?"
    birthdays: dict[str, list[Row]] = {}
    for on, born, row in _placed(access, year, in_month, month):
        if on.month == month and _is_born(born, on):
            birthdays.setdefault(on.isoformat(), []).append(_short(row[1:]))
    holidays: dict[str, list[Row]] = {}
    for row_id, name, day_of_month, _ in _holidays(access, "month = ?", month):
        if dates.exists(year, month, day_of_month):
            on = dt.date(year, month, day_of_month).isoformat()
            holidays.setdefault(on, []).append({"id": row_id, "name": name})
    return {"birthdays": dict(sorted(birthdays.items())), "holidays": holidays}


def day(access: Access, on: dt.date) -> dict[str, Any]:
    """What one day has: `{"birthdays": […], "holidays": […], "responsible": {…} or None}`."""
    on_day = "month = ? AND day = ?"
    this_day = on_day + (" OR month = 2 AND day = 29" if dates.may_keep_leap_day(on) else "")
    found = [
        (born, row)
        for kept_on, born, row in _placed(access, on.year, this_day, on.month, on.day)
        if kept_on == on and _is_born(born, on)
    ]
    holidays = [
        {"id": row_id, "name": name, "description": description}
        for row_id, name, _, description in _holidays(access, on_day, on.month, on.day)
    ]
    return {
        "birthdays": [_on_day(access, born, on, row) for born, row in found],
        "holidays": holidays,
        "responsible": _responsible(access, on),
    }


def _on_day(access: Access, born: BirthDate, on: dt.date, row: tuple) -> Row:
    known = {"age": _age(born, on), "comment": row[5], "responsible": row[6]}
    hides = people.is_self(access, row[0])
    return _short(row[1:]) | known | ({"comment": "", "responsible": ""} if hides else {})


def _placed(
    access: Access, year: int, where: str, *values: int
) -> Iterable[tuple[dt.date, BirthDate, tuple]]:
    """Birthdays with the day of `year` on which this user keeps them, and columns of IN_DAYS.

    The date of birth is what the user may know of it; the columns begin with `linked_user_id`.
    """
    sql = f"{IN_DAYS} WHERE calendar_id = ? AND ({where}) ORDER BY id"
    for year_born, month_born, day_born, rule, hide_age, *row in models.rows(
        sql, access.calendar_id, *values
    ):
        whole = BirthDate(year_born, month_born, day_born)
        born = people.seen_date(access, whole, hide_age, row[0])
        yield dates.occurrence(born, year, rule or access.leap_day), born, tuple(row)


def _is_born(born: BirthDate, on: dt.date) -> bool:
    return born.year is None or dt.date(*born) <= on


def _age(born: BirthDate, kept_on: dt.date) -> int | None:
    return None if born.year is None else kept_on.year - born.year


def _short(row: tuple) -> Row:
    return {"id": row[0], "full_name": row[1], "company": row[2], "position": row[3]}


def _holidays(access: Access, where: str, *values: int) -> Iterable[tuple]:
    """Id, name, day, description of holidays."""
    sql = f"{HOLIDAYS} WHERE calendar_id = ? AND {where} ORDER BY month, day, id"
    return models.rows(sql, access.calendar_id, *values)


def _responsible(access: Access, on: dt.date) -> Row | None:
    row = models.rows(IN_CHARGE, access.calendar_id, on.isoformat()).fetchone()
    # Who prepares one's own day is not told.
    return _short(row) if row and on not in own_days(access, on.year) else None


def own_days(access: Access, year: int) -> set[dt.date]:
    """The days of `year` on which the birthday of who is looking may be kept by others.

    Of 29 February both days, as each reader has a rule for it.
    """
    mine = "linked_user_id = ?"
    return {
        on
        for rule in dates.LEAP_DAYS
        for on, born, _ in _placed(
            dataclasses.replace(access, leap_day=rule), year, mine, access.telegram_id
        )
        if _is_born(born, on)
    }


def upcoming(
    access: Access, today: dt.date, limit: int | None = None, after: str | None = None
) -> Page:
    """The calendar's birthdays, the next to come first, `limit` of them from `after` on.

    `after` is a Page's `next`; Invalid for anything else.
    """
    start, place, last_id = _read_cursor(after) if after else (today, -1, 0)
    order = _order(start, access.leap_day)
    query = (
        Birthday.select(*_COLUMNS, order.alias("place"))
        .where(
            Birthday.calendar == access.calendar_id,
            (order > place) | ((order == place) & (Birthday.id > last_id)),
        )
        .order_by(order, Birthday.id)
        .limit(None if limit is None else limit + 1)
    )
    found = list(query.tuples())
    rows = [_row(access, values) for values in found[:limit]]
    if limit is None or len(found) <= limit:
        return Page(rows, None)
    *_, last_place = found[limit - 1]
    return Page(rows, f"{start.isoformat()}.{last_place}.{rows[-1]['id']}")


def find(access: Access, text: str, limit: int) -> list[Row]:
    """Birthdays that have each word of the text in name, company or position.

    Parts of words will do, whatever their case; ё counts as е.
    """
    query = (
        Birthday.select(*_COLUMNS)
        .where(Birthday.calendar == access.calendar_id, *search.matches(Birthday, text))
        .order_by(Birthday.search_text, Birthday.id)
        .limit(limit)
    )
    return [_row(access, values) for values in query.tuples()]


def _read_cursor(text: str) -> tuple[dt.date, int, int]:
    try:
        start, place, row_id = text.split(".")
        if not models.known_id(int(row_id)) or not 0 <= int(place) <= 2 * NEXT_YEAR:
            raise ValueError(text)
        return dt.date.fromisoformat(start), int(place), int(row_id)
    except ValueError:
        message = N_("must be taken from the Link header of the page before")
        raise Invalid(N_("There is no such page."), FieldError("after", message)) from None


def _order(today: dt.date, leap_day: str) -> Any:
    """An SQL expression that sorts birthdays by the day on which they are next kept."""
    this_year = _place(today.year, leap_day)
    next_year = _place(min(today.year + 1, dt.MAXYEAR), leap_day)
    reached = this_year >= today.month * 100 + today.day
    return Case(None, ((reached, this_year),), next_year + NEXT_YEAR)


def _place(year: int, leap_day: str) -> Any:
    """An SQL expression: month * 100 + day on which a birthday is kept in `year`."""
    kept = {
        rule: on.month * 100 + on.day
        for rule in dates.LEAP_DAYS
        for on in [dates.occurrence(BirthDate(None, 2, 29), year, rule)]
    }
    plain = Birthday.month * 100 + Birthday.day
    cases = [((plain == 229) & (Birthday.leap_day == rule), place) for rule, place in kept.items()]
    return Case(None, (*cases, (plain == 229, kept[leap_day])), plain)


def get(ref: Ref) -> Row:
    """One birthday with all its fields and its `version`. Raises NotFound."""
    return _load(ref, VIEWER)[1]


def create(telegram_id: int, calendar_id: int | None, data: Any, now: int) -> Row:
    """Add a birthday to a calendar (None: the user's default one).

    `data` has the fields of NewBirthday. Raises Invalid, NotFound, Forbidden.
    """
    given = check(NewBirthday, data)
    with models.writing():
        access = calendars.enter(telegram_id, calendar_id, need=EDITOR)
        values = given.model_dump()
        people.require_member(access.calendar_id, given.linked_user_id)
        birthday_id = Birthday.insert(
            **_stored(values, now),
            search_text=search.search_text(values),
            calendar=access.calendar_id,
            created_by=access.user_id,
            created_at=now,
        ).execute()
        if given.lead_days is not None:
            rules.follow_people(access.calendar_id, now)
        calendars.changed(access.calendar_id)
        return get(Ref(telegram_id, birthday_id))


def replace(ref: Ref, data: Any, now: int) -> Row:
    """Set all fields of BirthdayInput; raises Invalid, NotFound, Forbidden, Changed."""
    return _change(ref, check(BirthdayInput, data).model_dump(), now)


def amend(ref: Ref, data: Any, now: int) -> Row:
    """Set the given fields only; raises Invalid, NotFound, Forbidden, Changed."""
    return _change(ref, check(BirthdayPatch, data).model_dump(exclude_unset=True), now)


def delete(ref: Ref) -> None:
    """Remove a birthday and what was still to be sent about it."""
    with models.writing():
        access, row = _load(ref, EDITOR)
        remove(access.calendar_id, row["id"])


def remove(calendar_id: int, *ids: int) -> None:
    """Delete birthdays whose deletion was asked for by somebody who may; in a transaction."""
    deletions.remember("birthday", *ids)
    Birthday.delete().where(Birthday.id.in_(ids)).execute()
    reminders.withdraw("birthday", ids, N_("the birthday was deleted"))
    calendars.changed(calendar_id)


def _change(ref: Ref, values: Row, now: int) -> Row:
    with models.writing():
        access, row = _load(ref, EDITOR)
        write(row, people.allowed(access, row, values), now)
        return get(Ref(ref.telegram_id, row["id"]))


def write(row: Row, values: Row, now: int) -> None:
    """Change a birthday for somebody who may, and what was promised of it; in a transaction."""
    stored = _stored(values, now)
    search_text = search.search_text(row | values)
    Birthday.update(**stored, search_text=search_text, version=Birthday.version + 1).where(
        Birthday.id == row["id"]
    ).execute()
    changed = {name for name, value in values.items() if value != row.get(name)}
    reminders.correct(row["id"], changed, now)
    calendars.changed(row["calendar_id"])


def _load(ref: Ref, need: str) -> tuple[Access, Row]:
    """The one way to a row: finds it and checks the right to it."""
    access = calendars.enter_for(Birthday, ref, need, NOT_FOUND)
    query = Birthday.select(*_COLUMNS).where(Birthday.id == ref.row_id)
    return access, _row(access, query.tuples().get()) | {"calendar_id": access.calendar_id}


def _stored(values: Row, now: int) -> Row:
    """Input as columns; raises Invalid for a birth that is yet to come."""
    columns = {**people.stored(values), "updated_at": now}
    if "birth_date" in values:
        born = dates.birth_date(columns.pop("birth_date"))
        if dates.in_future(born, now):
            wrong = FieldError("birth_date", N_("must not lie in the future"))
            raise Invalid(REFUSED, wrong)
        columns |= born._asdict()
    return columns


_COLUMNS = (
    *SHORT,
    *BORN,
    Birthday.comment,
    Birthday.responsible,
    Birthday.version,
    *people.COLUMNS,
)


def _row(access: Access, values: tuple) -> Row:
    """A row of _COLUMNS as this user may see it."""
    comment, responsible, version, *more = values[7 : 10 + len(people.COLUMNS)]
    known = people.shown(tuple(more))
    born = BirthDate(*values[4:7])
    seen = people.seen_date(access, born, known["hide_age"], known["linked_user_id"])
    row = _short(values) | {
        "birth_date": str(seen),
        "comment": comment,
        "responsible": responsible,
        "version": version,
    }
    return people.hidden(access, row | known)
