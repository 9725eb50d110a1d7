"""From rules to promises: what is due is written down, once, and corrected when people change."""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from peewee import EXCLUDED

from .. import alerts, dates, models, recipients, rules
from ..dates import BirthDate
from ..models import Alert, Birthday, Holiday, Promise
from ..recipients import Recipient
from ..rules import DIGESTS, RULES, Rule
from ..texts import N_
from .almanac import (
    DELETED,
    LEAP_DAY,
    MOVED,
    NOT_WANTED,
    REASSIGNED,
    RESTORED,
    Almanac,
    Person,
    objection,
    period,
    wants,
)

log = logging.getLogger(__name__)

# After its day, what is about one day is still worth telling for so many days.
BELATED_DAYS = 7
USEFUL_DAYS = {"birthday": BELATED_DAYS, "holiday": 1, "responsible": 1}
RULES_AT_ONCE = 200
# So many days of one rule in one transaction, so that nobody waits long after a long downtime.
DAYS_AT_ONCE = 40
ROWS_AT_ONCE = 500
RULE_DUE = "SELECT 1 FROM reminder_rules WHERE next_due_at <= ? LIMIT 1"
DUE_RULES = f"{RULES} WHERE r.next_due_at <= ? ORDER BY r.next_due_at LIMIT {RULES_AT_ONCE}"
NOT_MOVED = "SELECT 1 FROM reminder_rules WHERE id = ? AND next_due_at = ?"
MOVE = "UPDATE reminder_rules SET next_date = ?, next_due_at = ? WHERE id = ?"
# Rules that have already worked off the day before `next_date`.
FIRED = f"""
    {RULES} WHERE r.calendar_id = ? AND r.kind = 'birthday' AND r.days_before = ?
    AND r.next_date = ?
"""
MOST_DAYS_BEFORE = 60
MISSED = N_("missed: the service was down or Telegram could not be reached")
MISSED_TOLD = N_(
    "Reminders were missed because the service was down or Telegram could not be reached for too"
    " long: {number}. The ledger of each recipient names them."
)
HOUR = 3600
UNIQUE = ("kind", "subject_id", "occurs_on", "days_before", "recipient", "snooze")
# What a promise that was taken back begins anew with, besides its time. Not its lease: where it is
# under way, whoever sends it notes that it came.
ANEW = {
    Promise.state: "planned",
    Promise.reason: "",
    Promise.attempts: 0,
    Promise.first_try_at: None,
}


class Due(NamedTuple):
    """One thing that a rule promises: about what, on which day, how many days before."""

    kind: str
    subject_id: int
    occurs_on: dt.date
    days_before: int


def promised(rule: Rule, day: dt.date, almanac: Almanac) -> list[Due]:
    """What the rule promises its recipient on that day."""
    to = rule.to
    if rule.kind in DIGESTS:
        # A digest with nobody in it is not promised.
        anybody = almanac.digest(to, *period(rule.kind, day))
        return [Due(rule.kind, to.calendar_id, day, 0)] if anybody else []
    on = day + dt.timedelta(days=rule.days_before)
    people = almanac.reminded(to, on, rule.days_before, rule.own_only)
    found = [Due("birthday", person.id, on, rule.days_before) for person in people]
    if rule.days_before == 0 and not rule.own_only:
        found += [Due("holiday", row[0], on, 0) for row in almanac.holidays(to.calendar_id, on)]
        found += [Due("responsible", row[0], on, 0) for row in almanac.in_charge(to, on)]
    return found


def is_too_late(kind: str, occurs_on: dt.date, days_before: int, today: dt.date) -> bool:
    """Whether it is of no use any more to tell it."""
    if kind in DIGESTS:
        return today > period(kind, occurs_on)[1]
    return today > occurs_on + dt.timedelta(days=0 if days_before else USEFUL_DAYS[kind])


# --- planning ----------------------------------------------------------------------------


def plan(now: int) -> int:
    """Turn the rules that have come due into promises; returns how many rules fired.

    Looking costs one index lookup when nothing is due. Catches up day by day after a downtime:
    what is too late to be told is written down as missed, and the operators are told how many.
    """
    fired = missed = 0
    while models.rows(RULE_DUE, now).fetchone():
        due = [rules.rule(row) for row in models.rows(DUE_RULES, now).fetchall()]
        done, late = _fire_all(due, now)
        fired, missed = fired + done, missed + late
        if not done:
            break  # What is left cannot be worked off, and was logged.
    tell_missed(missed, now)
    return fired


def tell_missed(number: int, now: int) -> None:
    """Tell the operators that so many were missed; once an hour at most."""
    if not number:
        return
    old = (Alert.key == "missed") & Alert.cleared_at.is_null() & (Alert.told_at < now - HOUR)
    with models.writing(essential=True):
        Alert.update(cleared_at=now).where(old).execute()
        alerts.tell("missed", MISSED_TOLD, now, number=number)


def _fire_all(due: list[Rule], now: int) -> tuple[int, int]:
    """Fire the rules in one transaction; where one is broken, each by itself.

    Returns how many fired, and how many promises came too late.
    """
    try:
        with models.writing(essential=True):
            almanac = Almanac()
            found = [row for rule in due for row in _fire(rule, almanac, now)]
            _write(found)
        return len(due), sum(row["state"] == "skipped" for row in found)
    except Exception as error:
        if models.is_trouble(error):
            raise
        if len(due) == 1:
            log.exception("reminder rule %s is broken and left alone", due[0].id)
            return 0, 0
    single = [_fire_all([rule], now) for rule in due]
    return sum(done for done, _ in single), sum(late for _, late in single)


def _fire(rule: Rule, almanac: Almanac, now: int) -> list[dict[str, Any]]:
    """Move the rule to its next day; the promises of the days that it has reached."""
    if not models.rows(NOT_MOVED, rule.id, rule.next_due_at).fetchone():
        return []  # Another process was faster.
    day, due_at = dt.date.fromisoformat(rule.next_date), rule.next_due_at
    today, found = dates.local_date(now, rule.to.zone), []
    for _ in range(DAYS_AT_ONCE):
        found += [_row(due, rule.to, due_at, today) for due in promised(rule, day, almanac)]
        day = rules.following(rule.kind, day)
        due_at = rule.to.due_at(day)
        if due_at > now:
            break
    models.rows(MOVE, day.isoformat(), due_at, rule.id)
    return found


def _row(due: Due, to: Recipient, due_at: int, today: dt.date) -> dict[str, Any]:
    missed = is_too_late(due.kind, due.occurs_on, due.days_before, today)
    return due._asdict() | {
        "occurs_on": due.occurs_on.isoformat(),
        "recipient": to.chat_id,
        "calendar": to.calendar_id,
        "due_at": due_at,
        "try_at": due_at,
        "state": "skipped" if missed else "planned",
        "reason": MISSED if missed else "",
    }


def _write(found: list[dict[str, Any]]) -> None:
    missed = [row for row in found if row["state"] == "skipped"]
    planned = [row for row in found if row["state"] != "skipped"]
    for start in range(0, len(missed), ROWS_AT_ONCE):
        some = missed[start : start + ROWS_AT_ONCE]
        Promise.insert_many(some).on_conflict_ignore().execute()
    for start in range(0, len(planned), ROWS_AT_ONCE):
        _promise(planned[start : start + ROWS_AT_ONCE])


def _promise(rows: list[dict[str, Any]]) -> None:
    """Promise what is new, and what was taken back unsent and holds again."""
    columns = [getattr(Promise, name) for name in UNIQUE]
    anew = {Promise.due_at: EXCLUDED.due_at, Promise.try_at: EXCLUDED.try_at} | ANEW
    taken_back = (Promise.state == "skipped") & (Promise.reason != RESTORED)
    Promise.insert_many(rows).on_conflict(
        conflict_target=columns, update=anew, where=taken_back
    ).execute()


# --- what changes ------------------------------------------------------------------------


def withdraw(kind: str, subject_ids: Iterable[int], reason: str) -> None:
    """Take back what is still to be sent about things that were changed or deleted."""
    Promise.update(state="skipped", reason=reason).where(
        Promise.kind == kind, Promise.subject_id.in_(list(subject_ids)), Promise.state == "planned"
    ).execute()


# The fields of a birthday that decide who is told of it, and when.
TELLING = {"birth_date", "leap_day", "lead_days", "muted", "skip_year", "linked_user_id"}


def correct(birthday_id: int, changed: Iterable[str], now: int) -> None:
    """Make the unsent promises about somebody right again, in the transaction of the change.

    `changed`: the names of the fields that have other values now.
    """
    person = Almanac().person(birthday_id)
    if person is None or not TELLING & set(changed):
        return
    calendar_id = Birthday.select(Birthday.calendar).where(Birthday.id == birthday_id).scalar()
    rules.follow_people(calendar_id, now)
    _correct([person], calendar_id, 0, now)


def correct_leap_days(calendar_id: int, recipient_id: int, now: int) -> None:
    """The same for who was born on 29 February, where the day on which that is kept is another.

    `recipient_id`: whose rule was changed; 0: the calendar's. A person's own rule wins over it.
    """
    month, day = LEAP_DAY
    who = Birthday.select(Birthday.id).where(
        Birthday.calendar == calendar_id,
        Birthday.month == month,
        Birthday.day == day,
        Birthday.leap_day.is_null(),
    )
    almanac = Almanac()
    people = [almanac.person(birthday_id) for (birthday_id,) in list(who.tuples())]
    _correct([person for person in people if person], calendar_id, recipient_id, now)


def _correct(people: list[Person], calendar_id: int, recipient_id: int, now: int) -> None:
    """Make the promises to one recipient, or all (0), about these people right again."""
    for person in people:
        _withdraw_wrong(person, recipient_id)
    born = {BirthDate(None, person.month, person.day) for person in people}
    days = {
        dates.occurrence(day, year, rule)
        for day in born
        for year in _years(now)
        for rule in dates.LEAP_DAYS
    }
    almanac, ids = Almanac(), {person.id for person in people}
    for rule, on in _fired(calendar_id, days, now):
        if recipient_id in (0, rule.to.chat_id):
            for person in almanac.reminded(rule.to, on, rule.days_before, rule.own_only):
                if person.id in ids:
                    _promise_anew(Due("birthday", person.id, on, rule.days_before), rule.to, now)


def _withdraw_wrong(person: Person, recipient_id: int) -> None:
    """Take back those unsent promises about somebody that do not hold any more."""
    mine = (Promise.kind == "birthday") & (Promise.subject_id == person.id)
    if recipient_id:
        mine &= Promise.recipient == recipient_id
    for promise in list(Promise.select().where(mine, Promise.state == "planned")):
        to = recipients.get(promise.calendar_id, promise.recipient_id)
        wrong = objection(person, to, dt.date.fromisoformat(promise.occurs_on))
        # Whether the recipient's own lead times still ask for it is their rules' business.
        if not wrong and person.lead_days and not wants(person, to, promise.days_before, False):
            wrong = NOT_WANTED
        if wrong:
            Promise.update(state="skipped", reason=wrong).where(Promise.id == promise.id).execute()


def correct_holiday(holiday_id: int, now: int) -> None:
    """Make the unsent promises about a holiday right again, in the transaction of the change.

    For another day, and for one that was deleted.
    """
    holiday = Holiday.get_or_none(Holiday.id == holiday_id)
    withdraw("holiday", [holiday_id], MOVED if holiday else DELETED)
    if holiday is None:
        return
    day = (holiday.month, holiday.day)
    days = {dt.date(year, *day) for year in _years(now) if dates.exists(year, *day)}
    for rule, on in _fired(holiday.calendar_id, days, now):
        if rule.days_before == 0 and not rule.own_only:
            _promise_anew(Due("holiday", holiday_id, on, 0), rule.to, now)


def correct_duty(calendar_id: int, on: dt.date, was: int, now: int) -> None:
    """Make the unsent promises of who is in charge on a day right again: it was somebody else."""
    mine = (Promise.kind == "responsible") & (Promise.subject_id == was)
    Promise.update(state="skipped", reason=REASSIGNED).where(
        mine, Promise.occurs_on == on.isoformat(), Promise.state == "planned"
    ).execute()
    almanac = Almanac()
    for rule, _ in _fired(calendar_id, [on], now):
        if rule.days_before == 0 and not rule.own_only:
            for row in almanac.in_charge(rule.to, on):
                _promise_anew(Due("responsible", row[0], on, 0), rule.to, now)


def _years(now: int) -> set[int]:
    """The years of all days that may be told of today, wherever on Earth that is."""
    utc = dt.datetime.fromtimestamp(now, dt.UTC).date()
    return {(utc + dt.timedelta(days=days)).year for days in (-1, 1, MOST_DAYS_BEFORE + 1)}


def _fired(calendar_id: int, days: Iterable[dt.date], now: int) -> Iterator[tuple[Rule, dt.date]]:
    """Rules that told of one of these days already today, as it is where the recipient is.

    They will not come back to it by themselves.
    """
    utc = dt.datetime.fromtimestamp(now, dt.UTC).date()
    for on in days:
        for today in (utc + dt.timedelta(days=shift) for shift in (-1, 0, 1)):
            lead, tomorrow = (on - today).days, today + dt.timedelta(days=1)
            if not 0 <= lead <= MOST_DAYS_BEFORE:
                continue
            for row in models.rows(FIRED, calendar_id, lead, tomorrow.isoformat()).fetchall():
                rule = rules.rule(row)
                if dates.local_date(now, rule.to.zone) == today:
                    yield rule, on


def _promise_anew(due: Due, to: Recipient, now: int) -> None:
    """Promise it for now; also what was promised once and taken back unsent."""
    _promise([_row(due, to, now, due.occurs_on)])
