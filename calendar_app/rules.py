"""Standing wishes to be reminded: who, of which calendar, of what, how many days before, when next.

`reminders` works them off. They follow what members, calendars and people set; `recipients` knows
what holds for whom.
"""

import datetime as dt
import json
from typing import Any, NamedTuple

from . import dates, models, recipients
from .models import Promise, ReminderRule
from .recipients import Recipient
from .texts import N_

DIGESTS = ("weekly", "monthly")
# A rule, then its recipient.
RULES = f"""
    SELECT r.id, r.kind, r.days_before, r.own_only, r.next_date, r.next_due_at, {recipients.FIELDS}
    FROM reminder_rules r
    JOIN calendars c ON c.id = r.calendar_id JOIN chats h ON h.id = r.recipient_id
    {recipients.JOINS}
"""
OWN_LEADS = """
    SELECT DISTINCT lead_days FROM birthdays WHERE calendar_id = ? AND lead_days IS NOT NULL
"""
HAS_OWN = "SELECT 1 FROM reminder_rules WHERE calendar_id = ? AND own_only LIMIT 1"
# Who may be reminded in private: members, of a group's calendar those who chose something there.
PRIVATE = """
    SELECT u.chat_id FROM members m
    JOIN users u ON u.id = m.user_id JOIN calendars c ON c.id = m.calendar_id
    WHERE m.calendar_id = ? AND c.archived_at IS NULL AND (c.kind <> 'group' OR EXISTS (
        SELECT 1 FROM reminder_rules r WHERE r.calendar_id = c.id
        AND r.recipient_id = u.chat_id AND r.kind = 'birthday' AND NOT r.own_only))
"""
# So many rules are read at once where all of them are looked at.
AT_ONCE = 500
ENDED = N_("reminders of this calendar were ended")


class Rule(NamedTuple):
    """One wish of one recipient; see `models.ReminderRule`."""

    id: int
    kind: str
    days_before: int
    own_only: bool
    next_date: str
    next_due_at: int
    to: Recipient


def rule(row: Any) -> Rule:
    """A row of RULES."""
    return Rule(*row[:6], Recipient(*row[6:]))


# --- days --------------------------------------------------------------------------------


def following(kind: str, day: dt.date) -> dt.date:
    """The next day after that one on which a rule of that kind has something to do."""
    if kind == "weekly":
        return day + dt.timedelta(days=7)
    if kind == "monthly":
        return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return day + dt.timedelta(days=1)


def on_or_after(kind: str, known: dt.date, day: dt.date) -> dt.date:
    """The first day from `day` on for a rule of that kind of which one day is known."""
    if kind == "weekly":
        return day + dt.timedelta(days=(known - day).days % 7)
    if kind == "monthly":
        return day if day.day == 1 else following(kind, day)
    return day


def _first(to: Recipient, now: int) -> dt.date:
    """Today where the recipient is, if its time is still to come; else tomorrow."""
    today = dates.local_date(now, to.zone)
    return today if to.due_at(today) >= now else today + dt.timedelta(days=1)


# --- wishes ------------------------------------------------------------------------------


def subscribe(calendar_id: int, recipient_id: int, now: int) -> None:
    """Promise that chat all that it wants to be told of the calendar.

    Also what people with own lead times need.
    """
    to = recipients.get(calendar_id, recipient_id)
    if to.kind == "group":
        _add(to, "birthday", 0, _first(to, now))
    else:
        _follow_leads(to, now)
        _follow_digests(to, now)


def _add(to: Recipient, kind: str, days_before: int, day: dt.date, own_only: bool = False) -> None:
    """A rule from that day on; one that was there stays, and is now chosen if this one is."""
    wanted = ReminderRule.insert(
        calendar=to.calendar_id,
        recipient=to.chat_id,
        kind=kind,
        days_before=days_before,
        next_date=day.isoformat(),
        next_due_at=to.due_at(day),
        own_only=own_only,
    )
    if own_only:
        wanted.on_conflict_ignore().execute()
        return
    same = [
        ReminderRule.calendar,
        ReminderRule.recipient,
        ReminderRule.kind,
        ReminderRule.days_before,
    ]
    wanted.on_conflict(conflict_target=same, update={ReminderRule.own_only: False}).execute()


def _of(calendar_id: int, recipient_id: int, *kinds: str) -> Any:
    return (
        (ReminderRule.calendar == calendar_id)
        & (ReminderRule.recipient == recipient_id)
        & ReminderRule.kind.in_(kinds)
    )


def unsubscribe(calendar_id: int, recipient_id: int | None = None, reason: str = ENDED) -> None:
    """End all wishes of one recipient for a calendar, or everybody's; takes back what is unsent."""
    rules, unsent = (ReminderRule.calendar == calendar_id), (Promise.calendar == calendar_id)
    if recipient_id is not None:
        rules &= ReminderRule.recipient == recipient_id
        unsent &= Promise.recipient == recipient_id
    ReminderRule.delete().where(rules).execute()
    Promise.update(state="skipped", reason=reason).where(
        unsent, Promise.state == "planned"
    ).execute()


def follow_member(calendar_id: int, recipient_id: int, now: int) -> None:
    """Follow what a member has set: lead times, digests, time, zone, quiet hours."""
    to = recipients.get(calendar_id, recipient_id)
    _follow_leads(to, now)
    _follow_digests(to, now)
    _reschedule(calendar_id, recipient_id, now)


def follow_calendar(calendar_id: int, now: int) -> None:
    """Follow what a calendar has set, for all its recipients; a member's own value wins."""
    for (chat_id,) in models.rows(PRIVATE, calendar_id).fetchall():
        to = recipients.get(calendar_id, chat_id)
        _follow_leads(to, now)
        _follow_digests(to, now)
    _reschedule(calendar_id, 0, now)


def _follow_leads(to: Recipient, now: int) -> None:
    wanted = recipients.wishes(to).leads
    # Who chose nothing in a group is not reminded in private at all.
    theirs = own_leads(to.calendar_id) if wanted or to.group_id is None else set()
    mine = _of(to.calendar_id, to.chat_id, "birthday")
    unwanted = ReminderRule.days_before.not_in(list(wanted | theirs))
    ReminderRule.delete().where(mine, unwanted).execute()
    # Those that only people need go on where they are: their next day may be due already.
    for_people = ReminderRule.days_before.in_(list(theirs - wanted))
    ReminderRule.update(own_only=True).where(mine, for_people).execute()
    for days_before in wanted:
        _add(to, "birthday", days_before, _first(to, now))
    _follow_people(to, theirs, now)


def _follow_digests(to: Recipient, now: int) -> None:
    wishes = recipients.wishes(to)
    first = _first(to, now)
    wanted = {}
    if wishes.weekday is not None:
        wanted["weekly"] = first + dt.timedelta(days=(wishes.weekday - first.weekday()) % 7)
    if wishes.monthly:
        wanted["monthly"] = on_or_after("monthly", first, first)
    known = ReminderRule.select(ReminderRule.kind, ReminderRule.next_date).where(
        _of(to.calendar_id, to.chat_id, *DIGESTS)
    )
    for kind, next_date in list(known.tuples()):
        other = dt.date.fromisoformat(next_date).weekday() != wishes.weekday
        if kind not in wanted or (kind == "weekly" and other):
            ReminderRule.delete().where(_of(to.calendar_id, to.chat_id, kind)).execute()
    for kind, day in wanted.items():
        _add(to, kind, 0, day)


def own_leads(calendar_id: int) -> set[int]:
    """All lead times that single people of a calendar have for themselves."""
    # An index holds the few who have some.
    found = models.rows(OWN_LEADS, calendar_id).fetchall()
    return {days for (text,) in found for days in json.loads(text)}


def follow_people(calendar_id: int, now: int) -> None:
    """Make the rules that people with own lead times need, and drop those that none does."""
    wanted = own_leads(calendar_id)
    if not wanted and not models.rows(HAS_OWN, calendar_id).fetchone():
        return
    theirs = (ReminderRule.calendar == calendar_id) & ReminderRule.own_only
    ReminderRule.delete().where(theirs, ReminderRule.days_before.not_in(list(wanted))).execute()
    for (chat_id,) in models.rows(PRIVATE, calendar_id).fetchall():
        _follow_people(recipients.get(calendar_id, chat_id), wanted, now)


def _follow_people(to: Recipient, wanted: set[int], now: int) -> None:
    for days_before in wanted:
        _add(to, "birthday", days_before, _first(to, now), own_only=True)


def _reschedule(calendar_id: int, recipient_id: int, now: int) -> None:
    """Follow a change of time, zone or quiet hours: nothing that was still to come is left out.

    `recipient_id`: whose change it was; 0: the calendar's.
    """
    where = f"{RULES} WHERE r.calendar_id = ? AND ? IN (0, r.recipient_id)"
    for row in models.rows(where, calendar_id, recipient_id).fetchall():
        found = rule(row)
        known = dt.date.fromisoformat(found.next_date)
        # A day that was worked off already may come again: the ledger forbids doubles.
        day = min(known, on_or_after(found.kind, known, _first(found.to, now)))
        ReminderRule.update(next_date=day.isoformat(), next_due_at=found.to.due_at(day)).where(
            ReminderRule.id == found.id
        ).execute()


def follow_zones() -> int:
    """Let every rule come due when the zones say now; returns how many moved. Takes its time."""
    moved, last = 0, 0
    where = f"{RULES} WHERE r.id > ? AND c.archived_at IS NULL ORDER BY r.id LIMIT {AT_ONCE}"
    while found := [rule(row) for row in models.rows(where, last).fetchall()]:
        last = found[-1].id
        due = {each: each.to.due_at(dt.date.fromisoformat(each.next_date)) for each in found}
        wrong = {each: at for each, at in due.items() if at != each.next_due_at}
        if wrong:
            moved += _move(wrong)
    return moved


def _move(wrong: dict[Rule, int]) -> int:
    with models.writing(essential=True):
        # What fired or was changed meanwhile is right already.
        return sum(
            ReminderRule.update(next_due_at=at)
            .where(ReminderRule.id == each.id, ReminderRule.next_due_at == each.next_due_at)
            .execute()
            for each, at in wrong.items()
        )
