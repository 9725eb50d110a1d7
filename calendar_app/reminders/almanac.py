"""What the days of calendars have, and who is told of it. The one reader for all of reminders."""

import datetime as dt
import json
from typing import Any, NamedTuple

from .. import dates, models
from ..dates import BirthDate
from ..recipients import Recipient
from ..texts import N_

PERSON = """
    SELECT b.id, b.year, b.month, b.day, b.leap_day, b.lead_days, b.muted, b.skip_year,
        b.linked_user_id, b.hide_age, b.full_name, b.company, b.position
    FROM birthdays b
"""
OF_DAY = f"{PERSON} WHERE b.calendar_id = ? AND b.month = ? AND b.day = ? ORDER BY b.id"
HOLIDAYS = "SELECT id, name, description FROM holidays"
IN_CHARGE = """
    SELECT p.id, p.full_name, p.company, p.position
    FROM duties d JOIN responsible_people p ON p.id = d.responsible_id
    WHERE d.calendar_id = ? AND d.on_date = ?
"""
IN_MONTHS = f"{PERSON} WHERE b.calendar_id = ? AND b.month IN ({{}}) ORDER BY b.id"
ONE = f"{PERSON} WHERE b.id = ?"
DISMISSED = "SELECT birthday_id FROM dismissals WHERE recipient_id = ? AND year = ?"
MOVED = N_("the date was changed")
DELETED = N_("it was deleted")
DONE = N_("it was marked as done for this year")
MUTED = N_("this person is muted")
NOT_WANTED = N_("another lead time was chosen for this person")
SKIPPED = N_("this person is skipped this year")
REASSIGNED = N_("somebody else is responsible now")
OWN = N_("it is the recipient's own birthday")
RESTORED = N_("it was due before the calendar was restored from a backup")
LEAP_DAY = (2, 29)
# So far beyond a day looks what is told on it: the longest lead time, and a month's digest.
FURTHEST = dt.timedelta(days=61)


class Person(NamedTuple):
    """A birthday as reminders need it; `lead_days`: their own lead times as JSON, or None."""

    id: int
    year: int | None
    month: int
    day: int
    leap_day: str | None
    lead_days: str | None
    muted: bool
    skip_year: int | None
    linked_user_id: int | None
    hide_age: bool
    full_name: str
    company: str
    position: str


def is_kept(person: Person, leap_day: str, on: dt.date) -> bool:
    """Whether the birthday is kept on that day, by the recipient's rule for 29 February."""
    born = BirthDate(person.year, person.month, person.day)
    kept = dates.occurrence(born, on.year, person.leap_day or leap_day)
    return kept == on and (person.year is None or person.year < on.year)


def objection(person: Person, to: Recipient, on: dt.date) -> str:
    """Why that recipient is not told that the person's birthday is on that day; "" if told."""
    if not is_kept(person, to.leap_day, on):
        return MOVED
    if person.linked_user_id is not None and person.linked_user_id == to.telegram_id:
        return OWN
    if person.muted:
        return MUTED
    return SKIPPED if person.skip_year == on.year else ""


def wants(person: Person, to: Recipient, days_before: int, own_only: bool) -> bool:
    """Whether a rule with that lead time is meant for that person.

    Own lead times take the place of the recipient's; a group gets the day itself, whatever they
    are.
    """
    if person.lead_days is None or to.kind == "group":
        return not own_only
    return days_before in json.loads(person.lead_days)


class Almanac:
    """The days of calendars, each read once: for one transaction, or for a dry run."""

    def __init__(self) -> None:
        self._read: dict[tuple, list[Any]] = {}

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        key = (sql, *values)
        if key not in self._read:
            self._read[key] = models.rows(sql, *values).fetchall()
        return self._read[key]

    def people(self, to: Recipient, on: dt.date) -> list[Person]:
        """Those whose birthday that recipient is told to be on that day."""
        people = (Person(*row) for row in self._of_day(to, on))
        return [person for person in people if not objection(person, to, on)]

    def _of_day(self, to: Recipient, on: dt.date) -> list[Any]:
        found = self._born(to.calendar_id, on.month, on.day)
        if dates.may_keep_leap_day(on):
            found = found + self._born(to.calendar_id, *LEAP_DAY)
        return found

    def _born(self, calendar_id: int, month: int, day: int) -> list[Any]:
        return self._rows(OF_DAY, calendar_id, month, day)

    def reminded(
        self, to: Recipient, on: dt.date, days_before: int, own_only: bool
    ) -> list[Person]:
        """Those of that day of whom a rule with that lead time reminds the recipient."""
        people = [p for p in self.people(to, on) if wants(p, to, days_before, own_only)]
        return [person for person in people if not self.is_done(to, person.id, on.year)]

    def digest(
        self, to: Recipient, first: dt.date, last: dt.date
    ) -> list[tuple[dt.date, list[Person]]]:
        """Those days from first to last on which there are birthdays, with the people."""
        days = (first + dt.timedelta(days=number) for number in range((last - first).days + 1))
        return [(day, people) for day in days if (people := self.people(to, day))]

    def person(self, birthday_id: int) -> Person | None:
        """One person as reminders need them; None if deleted."""
        found = self._rows(ONE, birthday_id)
        return Person(*found[0]) if found else None

    def is_done(self, to: Recipient, birthday_id: int, year: int) -> bool:
        """Whether the recipient wants no more reminders of that person in that year."""
        return any(row[0] == birthday_id for row in self._rows(DISMISSED, to.chat_id, year))

    def holidays(self, calendar_id: int, on: dt.date) -> list[tuple[int, str, str]]:
        """Id, name and description of the holidays of that day."""
        sql = f"{HOLIDAYS} WHERE calendar_id = ? AND month = ? AND day = ? ORDER BY id"
        return self._rows(sql, calendar_id, on.month, on.day)

    def in_charge(self, to: Recipient, on: dt.date) -> list[tuple[int, str, str, str]]:
        """Id, name, company and position of who is responsible on that day, if to be told.

        Members are told, a group is not; nor is who is the reason for it. Of 29 February that goes
        for both days on which others may keep it.
        """
        people = (Person(*row) for row in self._of_day(to, on))
        own = [person for person in people if person.linked_user_id == to.telegram_id]
        if to.kind == "group" or any(is_kept(p, rule, on) for p in own for rule in dates.LEAP_DAYS):
            return []
        return self._rows(IN_CHARGE, to.calendar_id, on.isoformat())


class Yearbook(Almanac):
    """The same for a long time to come: the people of a calendar are read all at once.

    Only those whose birthday may be told of on the days from first to last, in advance too.
    """

    def __init__(self, first: dt.date, last: dt.date) -> None:
        super().__init__()
        end = min(last, dt.date.max - FURTHEST) + FURTHEST
        months = {(first + dt.timedelta(days=n)).month for n in range(min((end - first).days, 366))}
        # Who was born on 29 February may keep 1 March.
        self._months = sorted(months | {end.month} | ({2} if 3 in months else set()))
        self._born_on: dict[int, dict[tuple[int, int], list[Any]]] = {}

    def _born(self, calendar_id: int, month: int, day: int) -> list[Any]:
        if calendar_id not in self._born_on:
            days = self._born_on[calendar_id] = {}
            sql = IN_MONTHS.format(", ".join(map(str, self._months)))
            for row in models.rows(sql, calendar_id).fetchall():
                days.setdefault((row[2], row[3]), []).append(row)
        return self._born_on[calendar_id].get((month, day), [])


def period(kind: str, first: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day that a digest of that kind tells of."""
    if kind == "weekly":
        return first, first + dt.timedelta(days=6)
    return first, (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
