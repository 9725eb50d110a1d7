"""The data of the service that this one replaces, read from its PostgreSQL database.

Its columns are named as its API names them; where it had two names for one thing, both are known.
"""

import datetime as dt
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from .. import calendars, dates, models, search
from ..calendars import Access
from ..exchange import verdicts
from ..exchange.entries import OPTIONAL, Entry, one_line, settled
from ..models import Duty, Holiday, ResponsiblePerson
from .privileges import Refused

SERVICE = re.compile(r"[A-Za-z0-9_.-]{1,63}")
TABLES = (
    "birthdays",
    "professional_holidays",
    "responsible_persons",
    "date_responsible_assignments",
)
IN_CHARGE = ("responsible_person_id", "responsible_id", "person_id")
ON = ("date", "assignment_date", "on_date")
Row = dict[str, Any]


@dataclass(frozen=True)
class Old:
    """What was found: birthdays as entries of a list, the rest as rows."""

    people: list[Entry]
    holidays: list[Row]
    responsible: list[Row]
    duties: list[Row]


def read(service: str) -> Old:
    """All of it, by the name of a libpq service; the database is only read from."""
    if not SERVICE.fullmatch(service):
        raise Refused("Give the name of a libpq service, as pg_service.conf has it.")
    try:
        with psycopg.connect(service=service, row_factory=dict_row) as connection:
            connection.read_only = True
            found = [_rows(connection, table) for table in TABLES]
    except psycopg.Error as error:
        said = str(error).strip().partition("\n")[0]
        raise Refused(f"The database of service {service} cannot be read: {said}") from None
    people = (_entry(number, row) for number, row in enumerate(found[0], 1))
    return Old(settled(people, None, dt.date.max.year), *found[1:])


def _rows(connection: Any, table: str) -> list[Row]:
    known = connection.execute("SELECT to_regclass(%s) AS at", (table,)).fetchone()["at"]
    return list(connection.execute(f"SELECT * FROM {table} ORDER BY id")) if known else []


def _entry(number: int, row: Row) -> Entry:
    more = {name: one_line(row.get(name) or "") for name in OPTIONAL if name != "comment"}
    comment = str(row.get("comment") or "").strip()
    name = one_line(row.get("full_name") or row.get("name") or "")
    return Entry(number, name, str(row.get("birth_date") or ""), **more, comment=comment)


def write(old: Old, access: Access) -> str:
    """Add holidays, responsible people and their dates that are not there yet; says how many."""
    with models.writing():
        holidays = sum(_holiday(row, access.calendar_id) for row in old.holidays)
        ids = {row["id"]: _person(row, access.calendar_id) for row in old.responsible}
        duties = sum(_duty(row, ids, access.calendar_id) for row in old.duties)
        calendars.changed(access.calendar_id)
    return f"{holidays} holidays, {len(ids)} responsible people, {duties} of their dates."


def _holiday(row: Row, calendar_id: int) -> bool:
    on = row.get("date")
    month, day = (on.month, on.day) if on else (row.get("month"), row.get("day"))
    name = one_line(row.get("name") or "")[:200]
    if not name or not dates.exists(None, month or 0, day or 0):
        return False
    same = (Holiday.calendar == calendar_id) & (Holiday.month == month) & (Holiday.day == day)
    if Holiday.select().where(same, Holiday.name == name).exists():
        return False
    text = str(row.get("description") or "")[:1000]
    Holiday.insert(
        calendar=calendar_id, name=name, month=month, day=day, description=text
    ).execute()
    return True


def _person(row: Row, calendar_id: int) -> int:
    """The id of the responsible person, who may be there already."""
    table = ResponsiblePerson
    name = one_line(row.get("full_name") or row.get("name") or "?")[:200]
    known = table.select(table.id, table.full_name).where(table.calendar == calendar_id).tuples()
    for row_id, other in known:
        if verdicts.name_key(other) == verdicts.name_key(name):
            return row_id
    values = {key: one_line(row.get(key) or "")[:200] for key in ("company", "position")}
    values["full_name"] = name
    text = search.search_text(values)
    return table.insert(**values, search_text=text, calendar=calendar_id).execute()


def _duty(row: Row, ids: dict[int, int], calendar_id: int) -> bool:
    """Whether the date had nobody yet; nobody is replaced."""
    person = ids.get(next((row[name] for name in IN_CHARGE if name in row), None))
    on = next((row[name] for name in ON if name in row), None)
    if person is None or on is None:
        return False
    with suppress(ValueError):
        on = dt.date.fromisoformat(str(on)[:10]).isoformat()
        query = Duty.insert(calendar=calendar_id, responsible=person, on_date=on)
        return query.on_conflict_ignore().as_rowcount().execute() > 0
    return False
