"""Standing wishes to be reminded: who, of which calendar, how many days before, when next.

`reminders` works them off. A member's own zone and time win over the calendar's.
"""

import datetime as dt
from typing import Any

from peewee import JOIN, fn

from . import dates
from .models import Calendar, Member, Promise, ReminderRule, User
from .texts import N_

# Zone and minute of the day in force, in a query that `with_member` joined.
CLOCK = (
    fn.COALESCE(Member.timezone, Calendar.timezone),
    fn.COALESCE(Member.notification_minute, Calendar.notification_minute),
)


def subscribe(calendar_id: int, recipient_id: int, now: int, days_before: int = 0) -> None:
    """Promise that chat a reminder of the calendar's birthdays, so many days before each."""
    zone, minute = clock(calendar_id, recipient_id)
    next_date = _next_date(now, zone, minute)
    ReminderRule.insert(
        calendar=calendar_id,
        recipient=recipient_id,
        kind="birthday",
        days_before=days_before,
        next_date=next_date.isoformat(),
        next_due_at=dates.instant(next_date, minute, zone),
    ).on_conflict_ignore().execute()


def unsubscribe(calendar_id: int, recipient_id: int | None = None) -> None:
    """End all wishes of one recipient for a calendar, or everybody's; takes back what is unsent."""
    rules, unsent = (ReminderRule.calendar == calendar_id), (Promise.calendar == calendar_id)
    if recipient_id is not None:
        rules &= ReminderRule.recipient == recipient_id
        unsent &= Promise.recipient == recipient_id
    ReminderRule.delete().where(rules).execute()
    Promise.update(state="skipped", reason=N_("reminders of this calendar were ended")).where(
        unsent, Promise.state == "planned"
    ).execute()


def choose_leads(calendar_id: int, recipient_id: int, days: set[int], now: int) -> None:
    """Remind that recipient exactly so many days before each birthday (0: on the day)."""
    mine = (
        (ReminderRule.calendar == calendar_id)
        & (ReminderRule.recipient == recipient_id)
        & (ReminderRule.kind == "birthday")
    )
    ReminderRule.delete().where(mine, ReminderRule.days_before.not_in(list(days))).execute()
    for days_before in days:
        subscribe(calendar_id, recipient_id, now, days_before)


def leads(calendar_id: int, recipient_id: int) -> list[int]:
    """How many days before each birthday that recipient is reminded."""
    query = ReminderRule.select(ReminderRule.days_before).where(
        ReminderRule.calendar == calendar_id,
        ReminderRule.recipient == recipient_id,
        ReminderRule.kind == "birthday",
    )
    return sorted(days for (days,) in query.tuples())


def reschedule(calendar_id: int, now: int) -> None:
    """Follow a change of time or zone: nothing that was still to come is left out."""
    rules = ReminderRule.select().where(ReminderRule.calendar == calendar_id)
    for rule in list(rules):
        zone, minute = clock(calendar_id, rule.recipient_id)
        # A day that was worked off already may come again: the ledger forbids doubles.
        next_date = min(rule.next_date, _next_date(now, zone, minute).isoformat())
        due = dates.instant(dt.date.fromisoformat(next_date), minute, zone)
        ReminderRule.update(next_date=next_date, next_due_at=due).where(
            ReminderRule.id == rule.id
        ).execute()


def clock(calendar_id: int, recipient_id: int) -> tuple[str, int]:
    """Zone and minute of the day for one recipient: a member's own, else the calendar's."""
    query = with_member(Calendar.select(*CLOCK), recipient_id).where(Calendar.id == calendar_id)
    return query.tuples().get()


def with_member(query: Any, recipient: Any) -> Any:
    """The query joined with the member whose private chat the recipient is, if it is one."""
    member = (Member.user == User.id) & (Member.calendar == Calendar.id)
    return query.join(User, JOIN.LEFT_OUTER, on=(User.chat == recipient)).join(
        Member, JOIN.LEFT_OUTER, on=member
    )


def _next_date(now: int, zone: str, minute: int) -> dt.date:
    today = dates.local_date(now, zone)
    return today if dates.instant(today, minute, zone) >= now else today + dt.timedelta(days=1)
