"""Standing wishes to be reminded: who, of which calendar, of what, how many days before, when next.

`reminders` works them off. A member's own zone and time win over the calendar's. What is for a day
goes out at the recipient's time; where that lies in their quiet hours, at the end of those.
"""

import datetime as dt
import json
from typing import Any, NamedTuple

from . import dates, models, texts
from .models import Promise, ReminderRule
from .texts import N_

DIGESTS = ("weekly", "monthly")
# Whether the chat that a calendar c belongs to, a group's or its owner's, is closed to us, or its
# owner asked to be deleted.
CLOSED = """
    (EXISTS (SELECT 1 FROM chats q WHERE NOT q.reachable AND q.reason <> '' AND q.id = c.chat_id)
    OR EXISTS (SELECT 1 FROM users o JOIN chats q ON q.id = o.chat_id WHERE o.id = c.user_id
        AND (o.deleting_since IS NOT NULL OR NOT q.reachable AND q.reason <> '')))
"""
GONE = N_("the calendar is hidden: its group or its owner is gone")
# One recipient in one calendar, of calendars c, chats h, users u and members m.
RECIPIENT = f"""
    c.id, h.id, h.telegram_id, h.kind, h.reachable AND c.archived_at IS NULL AND NOT {CLOSED},
    CASE WHEN c.archived_at IS NOT NULL THEN 'the calendar was put away'
        WHEN h.reachable AND {CLOSED} THEN '{GONE}' ELSE h.reason END,
    COALESCE(m.timezone, c.timezone), COALESCE(m.notification_minute, c.notification_minute),
    COALESCE(m.leap_day, 'feb28'), m.quiet_from, m.quiet_to,
    COALESCE(CASE WHEN u.id IS NULL THEN c.language ELSE u.language END, ''),
    COALESCE(u.language_code, '')
"""
MEMBER = """
    LEFT JOIN users u ON u.chat_id = h.id
    LEFT JOIN members m ON m.user_id = u.id AND m.calendar_id = c.id
"""
ONE = f"SELECT {RECIPIENT} FROM calendars c JOIN chats h ON h.id = ? {MEMBER} WHERE c.id = ?"
# A rule, then its recipient.
RULES = f"""
    SELECT r.id, r.kind, r.days_before, r.own_only, r.next_date, r.next_due_at, {RECIPIENT}
    FROM reminder_rules r
    JOIN calendars c ON c.id = r.calendar_id JOIN chats h ON h.id = r.recipient_id {MEMBER}
"""
DIGESTS_OF = """
    SELECT m.weekly_digest, m.monthly_digest FROM members m JOIN users u ON u.id = m.user_id
    WHERE m.calendar_id = ? AND u.chat_id = ?
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


class Recipient(NamedTuple):
    """A chat that is reminded of a calendar, with what holds for it there.

    `chat_id` is ours, `telegram_id` Telegram's. `minute`: since midnight, in `zone`.
    """

    calendar_id: int
    chat_id: int
    telegram_id: int
    kind: str
    reachable: bool
    reason: str
    zone: str
    minute: int
    leap_day: str
    quiet_from: int | None
    quiet_to: int | None
    chosen_language: str
    language_code: str

    def language(self, default: str) -> str:
        """The language to speak there: the chosen one, else Telegram's, else `default`."""
        return self.chosen_language or texts.language_of(self.language_code, default)

    def due_at(self, day: dt.date) -> int:
        """When what is for that day goes out."""
        return self.awake(dates.instant(day, self.minute, self.zone))

    def awake(self, at: int) -> int:
        """That instant, or the end of the quiet hours in which it lies."""
        if self.quiet_from is None or self.quiet_to is None:
            return at
        local = dt.datetime.fromtimestamp(at, dates.zone(self.zone))
        minute = local.hour * 60 + local.minute
        over_midnight = self.quiet_from > self.quiet_to
        after_start, before_end = minute >= self.quiet_from, minute < self.quiet_to
        if not (after_start or before_end if over_midnight else after_start and before_end):
            return at
        end = local.date() + dt.timedelta(days=over_midnight and after_start)
        return max(at, dates.instant(end, self.quiet_to, self.zone))


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


def recipient(calendar_id: int, chat_id: int) -> Recipient:
    """What holds for that chat (our id) in that calendar."""
    return Recipient(*models.rows(ONE, chat_id, calendar_id).fetchone())


def clock(calendar_id: int, recipient_id: int) -> tuple[str, int]:
    """Zone and minute of the day for one recipient: a member's own, else the calendar's."""
    found = recipient(calendar_id, recipient_id)
    return found.zone, found.minute


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


def subscribe(calendar_id: int, recipient_id: int, now: int, days_before: int = 0) -> None:
    """Promise that chat a reminder of the calendar's birthdays, so many days before each.

    Also what else a member chose, and what people with own lead times need.
    """
    to = recipient(calendar_id, recipient_id)
    _add(to, "birthday", days_before, _first(to, now))
    _follow_digests(to, now)
    if to.kind == "private":
        _follow_people(to, own_leads(calendar_id), now)


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
    to = recipient(calendar_id, recipient_id)
    chosen = _of(calendar_id, recipient_id, "birthday") & ~ReminderRule.own_only
    ReminderRule.delete().where(chosen, ReminderRule.days_before.not_in(list(days))).execute()
    for days_before in days:
        _add(to, "birthday", days_before, _first(to, now))
    _follow_people(to, own_leads(calendar_id), now)


def leads(calendar_id: int, recipient_id: int) -> list[int]:
    """How many days before each birthday that recipient chose to be reminded."""
    query = ReminderRule.select(ReminderRule.days_before).where(
        _of(calendar_id, recipient_id, "birthday"), ~ReminderRule.own_only
    )
    return sorted(days for (days,) in query.tuples())


def choose_digests(calendar_id: int, recipient_id: int, now: int) -> None:
    """Follow what the member has set: a digest on a day of the week, one on the 1st, or none."""
    _follow_digests(recipient(calendar_id, recipient_id), now)


def _follow_digests(to: Recipient, now: int) -> None:
    weekday, monthly = models.rows(DIGESTS_OF, to.calendar_id, to.chat_id).fetchone() or (None, 0)
    first = _first(to, now)
    wanted = {}
    if weekday is not None:
        wanted["weekly"] = first + dt.timedelta(days=(weekday - first.weekday()) % 7)
    if monthly:
        wanted["monthly"] = on_or_after("monthly", first, first)
    known = ReminderRule.select(ReminderRule.kind, ReminderRule.next_date).where(
        _of(to.calendar_id, to.chat_id, *DIGESTS)
    )
    for kind, next_date in list(known.tuples()):
        moved = kind == "weekly" and dt.date.fromisoformat(next_date).weekday() != weekday
        if kind not in wanted or moved:
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
        _follow_people(recipient(calendar_id, chat_id), wanted, now)


def _follow_people(to: Recipient, wanted: set[int], now: int) -> None:
    for days_before in wanted:
        _add(to, "birthday", days_before, _first(to, now), own_only=True)


def reschedule(calendar_id: int, now: int, recipient_id: int | None = None) -> None:
    """Follow a change of time, zone or quiet hours: nothing that was still to come is left out.

    `recipient_id`: whose change it was; None: the calendar's.
    """
    where = f"{RULES} WHERE r.calendar_id = ? AND ? IN (0, r.recipient_id)"
    for row in models.rows(where, calendar_id, recipient_id or 0).fetchall():
        found = rule(row)
        known = dt.date.fromisoformat(found.next_date)
        # A day that was worked off already may come again: the ledger forbids doubles.
        day = min(known, on_or_after(found.kind, known, _first(found.to, now)))
        ReminderRule.update(next_date=day.isoformat(), next_due_at=found.to.due_at(day)).where(
            ReminderRule.id == found.id
        ).execute()
