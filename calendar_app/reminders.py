"""The ledger of promises: what is due, to whom, claimed, sent, and why not.

A rule comes due (`plan`): the people of that day become promises in the ledger, one each, which
the database keeps unique. `deliver` claims them by a lease, sends one message for all of the
same day, and records what became of it. A crash in between frees itself when the lease ends.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peewee import fn

from . import dates, models, rules, texts
from .dates import BirthDate
from .models import Birthday, Calendar, Chat, Member, Promise, ReminderRule, User
from .texts import N_

log = logging.getLogger(__name__)

# One message is sent or given up long before this, so that a claim ends only when its owner died.
LEASE_SECONDS = 120
# After its day a reminder is still worth sending, as a belated one, for so many days.
BELATED_DAYS = 7
# Sent later than this after it was due, a reminder counts as late.
ON_TIME_SECONDS = 15 * 60
RETRY_SECONDS = (5, 15, 60, 300, 900)
RULES_AT_ONCE = 200
RULE_DUE = "SELECT 1 FROM reminder_rules WHERE next_due_at <= ? LIMIT 1"
PROMISE_DUE = (
    "SELECT 1 FROM ledger WHERE state = 'planned' AND try_at <= ? AND lease_until <= ? LIMIT 1"
)


@dataclass(frozen=True)
class Outcome:
    """What became of one message.

    `sent`; `later`: try again, after `seconds` if given; `failed`: never will; `refused`: never
    will, and the chat is closed to us; `skipped`: not worth sending any more. `moved_to` is the
    new Telegram id of a group that became a supergroup.
    """

    state: str
    reason: str = ""
    seconds: int | None = None
    moved_to: int | None = None


@dataclass(frozen=True)
class Message:
    """One message to one chat (Telegram's id), in Telegram's HTML, with buttons as (text, data)."""

    chat_id: int
    html: str
    buttons: tuple[tuple[str, str], ...] = ()


Send = Callable[[Message], Outcome]


# --- from rules to promises --------------------------------------------------------------


def plan(now: int) -> int:
    """Turn the rules that have come due into promises; returns how many rules fired.

    Looking costs one index lookup when nothing is due. Catches up day by day after a downtime.
    """
    fired = 0
    while models.rows(RULE_DUE, now).fetchone():
        due = _due_rules(now)
        done = _fire_all(due)
        fired += done
        if not done:
            break  # What is left cannot be worked off, and was logged.
    return fired


def _fire_all(due: list[Any]) -> int:
    """Fire the rules in one transaction; where one is broken, each by itself."""
    try:
        with models.writing():
            for rule in due:
                _fire(rule)
        return len(due)
    except Exception as error:
        if models.is_trouble(error):
            raise
        if len(due) == 1:
            log.exception("reminder rule %s is broken and left alone", due[0].id)
            return 0
    return sum(_fire_all([rule]) for rule in due)


def _due_rules(now: int) -> list[Any]:
    query = (
        rules.with_member(
            ReminderRule.select(
                ReminderRule.id,
                ReminderRule.calendar_id.alias("calendar_id"),
                ReminderRule.recipient_id.alias("recipient_id"),
                ReminderRule.kind,
                ReminderRule.days_before,
                ReminderRule.next_date,
                ReminderRule.next_due_at,
                rules.CLOCK[0].alias("zone"),
                rules.CLOCK[1].alias("minute"),
                fn.COALESCE(Member.leap_day, dates.FEB28).alias("leap_day"),
            ).join(Calendar),
            ReminderRule.recipient,
        )
        .where(ReminderRule.next_due_at <= now)
        .order_by(ReminderRule.next_due_at)
        .limit(RULES_AT_ONCE)
    )
    return list(query.namedtuples())


def _fire(rule: Any) -> None:
    """Move the rule to the next day and promise what this day has, in one transaction."""
    today = dt.date.fromisoformat(rule.next_date)
    tomorrow = today + dt.timedelta(days=1)
    moved = ReminderRule.update(
        next_date=tomorrow.isoformat(), next_due_at=dates.instant(tomorrow, rule.minute, rule.zone)
    ).where(ReminderRule.id == rule.id, ReminderRule.next_due_at == rule.next_due_at)
    if not moved.execute():
        return  # Another process was faster.
    occurs_on = today + dt.timedelta(days=rule.days_before)
    rows = [
        {
            "kind": rule.kind,
            "subject_id": birthday_id,
            "occurs_on": occurs_on.isoformat(),
            "days_before": rule.days_before,
            "recipient": rule.recipient_id,
            "calendar": rule.calendar_id,
            "due_at": rule.next_due_at,
            "try_at": rule.next_due_at,
            "state": "planned",
        }
        for birthday_id in _people_of(rule.calendar_id, occurs_on, rule.leap_day)
    ]
    if rows:
        Promise.insert_many(rows).on_conflict_ignore().execute()


def _people_of(calendar_id: int, on: dt.date, leap_day: str) -> list[int]:
    """Ids of those whose birthday is kept on that day."""
    this_day = (Birthday.month == on.month) & (Birthday.day == on.day)
    if dates.may_keep_leap_day(on):
        this_day |= (Birthday.month == 2) & (Birthday.day == 29)
    query = Birthday.select(
        Birthday.id, Birthday.year, Birthday.month, Birthday.day, Birthday.leap_day
    ).where(Birthday.calendar == calendar_id, this_day)
    return [
        birthday_id
        for birthday_id, *born, rule in query.tuples()
        if dates.occurrence(BirthDate(*born), on.year, rule or leap_day) == on
        and (born[0] is None or born[0] < on.year)
    ]


def withdraw(kind: str, subject_id: int, reason: str) -> None:
    """Take back what is still to be sent about something that was changed or deleted."""
    Promise.update(state="skipped", reason=reason).where(
        Promise.kind == kind, Promise.subject_id == subject_id, Promise.state == "planned"
    ).execute()


# --- from promises to messages -----------------------------------------------------------


@dataclass(frozen=True)
class _Claim:
    """Promises that go out as one message: same recipient, calendar, kind, day and lead."""

    name: str
    first: Promise
    people: list[Any]
    chat: Chat
    language: str
    today: dt.date

    @property
    def occurs_on(self) -> dt.date:
        """The day that the reminder is for."""
        return dt.date.fromisoformat(self.first.occurs_on)


def deliver(send: Send, now: int, owner: str, default_language: str = "en") -> bool:
    """Send the message that has waited longest; False when nothing is due.

    `owner` names this process in the claim. `send` tells what became of the message.
    """
    claim = _claim(now, owner, default_language)
    if claim is None:
        return False
    _record(claim, _judge(claim) or send(_message(claim)), now)
    return True


def _claim(now: int, owner: str, default_language: str) -> _Claim | None:
    """Lease the promise that has waited longest and all that go out with it."""
    free = (Promise.state == "planned") & (Promise.try_at <= now) & (Promise.lease_until <= now)
    while models.rows(PROMISE_DUE, now, now).fetchone():
        first = Promise.select().where(free).order_by(Promise.try_at, Promise.id).first()
        if first is None:
            return None  # Another process was faster.
        name = f"{owner}/{uuid.uuid4()}"
        same = [getattr(Promise, key) == getattr(first, key) for key in ONE_MESSAGE]
        lease = {"lease_owner": name, "lease_until": now + LEASE_SECONDS}
        with models.writing():
            Promise.update(**lease, attempts=Promise.attempts + 1).where(free, *same).execute()
        people = _people_claimed(name)
        if people or Promise.select().where(Promise.lease_owner == name).exists():
            return _loaded(name, first, people, now, default_language)
    return None


ONE_MESSAGE = ("recipient", "calendar", "kind", "occurs_on", "days_before")


def _people_claimed(name: str) -> list[Any]:
    query = (
        Birthday.select(Birthday.full_name, Birthday.company, Birthday.position, Birthday.year)
        .join(Promise, on=(Promise.subject_id == Birthday.id))
        .where(Promise.lease_owner == name)
        .order_by(Birthday.id)
    )
    return list(query.namedtuples())


def _loaded(
    name: str, first: Promise, people: list[Any], now: int, default_language: str
) -> _Claim:
    zone, _ = rules.clock(first.calendar_id, first.recipient_id)
    user = User.get_or_none(User.chat == first.recipient_id)
    chosen = user.language if user else first.calendar.language
    spoken = texts.language_of(user.language_code if user else "", default_language)
    today = dates.local_date(now, zone)
    return _Claim(name, first, people, first.recipient, chosen or spoken, today)


def _judge(claim: _Claim) -> Outcome | None:
    """Why a message should not even be tried; None if it should."""
    if not claim.people:
        return Outcome("skipped", N_("the birthday was deleted"))
    if not claim.chat.reachable:
        return Outcome("failed", claim.chat.reason or N_("the bot may not write to this chat yet"))
    last = claim.occurs_on + dt.timedelta(days=0 if claim.first.days_before else BELATED_DAYS)
    if claim.today > last:
        return Outcome(
            "skipped", N_("missed: the service was down or Telegram could not be reached")
        )
    return None


def _message(claim: _Claim) -> Message:
    people = "\n".join(_line(claim, person) for person in claim.people)
    return Message(claim.chat.telegram_id, f"{_headline(claim)}\n{people}")


def _headline(claim: _Claim) -> str:
    on = claim.occurs_on
    day = texts.day(claim.language, on.month, on.day)
    days = (on - claim.today).days
    if days < 0:
        return texts.html(claim.language, N_("🎂 <b>Belated: birthdays on {day}</b>"), day=day)
    if days == 0:
        return texts.html(claim.language, N_("🎂 <b>Birthdays today, {day}</b>"), day=day)
    return texts.count(
        claim.language,
        "⏰ <b>Birthdays in {n} day, {day}</b>",
        "⏰ <b>Birthdays in {n} days, {day}</b>",
        days,
        day=day,
    )


def _line(claim: _Claim, person: Any) -> str:
    line = f"• {texts.escape(person.full_name)}"
    if person.year is not None:
        age = claim.occurs_on.year - person.year
        line += " — " + texts.count(claim.language, "{n} year old", "{n} years old", age)
    work = ", ".join(filter(None, (person.position, person.company)))
    return f"{line}\n  <i>{texts.escape(work)}</i>" if work else line


def _record(claim: _Claim, outcome: Outcome, now: int) -> None:
    """Write down what became of a message; nothing if the claim was lost meanwhile."""
    mine = (Promise.lease_owner == claim.name) & (Promise.state == "planned")
    values = {"reason": outcome.reason, "lease_owner": "", "lease_until": 0}
    if outcome.state == "sent":
        late = now - claim.first.due_at > ON_TIME_SECONDS
        values |= {"state": "late" if late else "sent", "sent_at": now}
    elif outcome.state == "later":
        values["try_at"] = now + _pause(claim.first.attempts, outcome.seconds)
    else:
        values["state"] = "skipped" if outcome.state == "skipped" else "failed"
    with models.writing():
        Promise.update(values).where(mine).execute()
        if outcome.moved_to is not None:
            follow(claim.chat.telegram_id, outcome.moved_to)
        elif outcome.state == "refused":
            close(claim.chat.telegram_id, outcome.reason)


def _pause(attempts: int, seconds: int | None) -> int:
    return RETRY_SECONDS[min(attempts, len(RETRY_SECONDS) - 1)] if seconds is None else seconds


def close(chat_id: int, reason: str) -> None:
    """Note that the bot may not write to that chat (Telegram's id) any more, and why."""
    with models.writing():
        Chat.update(reachable=False, reason=reason).where(Chat.telegram_id == chat_id).execute()


def follow(old_chat_id: int, new_chat_id: int) -> None:
    """Follow a group that Telegram made a supergroup: same chat of ours, new Telegram id."""
    with models.writing():
        if not Chat.select().where(Chat.telegram_id == new_chat_id).exists():
            Chat.update(telegram_id=new_chat_id).where(Chat.telegram_id == old_chat_id).execute()


def overdue(now: int) -> int:
    """How many promises should have been sent by now but are not."""
    late = (Promise.state == "planned") & (Promise.due_at < now - ON_TIME_SECONDS)
    return Promise.select().where(late).count()
