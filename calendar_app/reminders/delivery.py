"""From promises to messages: claimed by a lease, sent by somebody else, written down."""

import datetime as dt
import logging
import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from peewee import fn

from .. import dates, membership, models, recipients, texts
from ..models import Chat, Counter, Promise
from ..recipients import Recipient
from ..rules import DIGESTS
from ..texts import N_
from . import wording
from .almanac import DELETED, DONE, REASSIGNED, Almanac, objection, period
from .planning import MISSED, is_too_late, tell_missed
from .wording import Bundle

log = logging.getLogger(__name__)

# One message is sent or given up long before this, so that a claim ends only when its owner died.
LEASE_SECONDS = 120
# Sent later than this after it was due, a reminder counts as late.
ON_TIME_SECONDS = 15 * 60
RETRY_SECONDS = (5, 15, 60, 300, 900)
# Even late in the evening, what fails is tried again for so long.
SHORTEST_TRIAL = 3600
BROKEN_PAUSE = 3600
# So many calendars are looked at to choose those whose turn it is, however many have something.
CALENDARS_AT_ONCE = 200
GIVEN_UP = N_("given up at the end of the day")
NOBODY_ANY_MORE = N_("there is nobody left to tell of")
NOT_YET = N_("the bot may not write to this chat yet")
TOO_LATE = N_("it was to come again when that day was too long ago")

FREE = "state = 'planned' AND try_at <= ? AND lease_until <= ?"
PROMISE_DUE = f"SELECT 1 FROM ledger WHERE {FREE} LIMIT 1"
# The calendars that have something due, in order from one on, without looking at all of it.
NEXT = f"SELECT calendar_id FROM ledger WHERE {FREE} AND calendar_id"
TURNS = f"""
    WITH RECURSIVE turn (calendar_id) AS (
        SELECT ({NEXT} >= ? ORDER BY calendar_id LIMIT 1)
        UNION ALL
        SELECT ({NEXT} > turn.calendar_id ORDER BY calendar_id LIMIT 1)
        FROM turn WHERE calendar_id IS NOT NULL)
    SELECT calendar_id FROM turn WHERE calendar_id IS NOT NULL LIMIT {CALENDARS_AT_ONCE}
"""
PROMISE = """
    id, try_at, kind, subject_id, occurs_on, days_before, recipient_id, snooze, calendar_id,
    due_at, attempts, first_try_at
"""
OLDEST = f"""
    SELECT {PROMISE} FROM ledger WHERE {FREE} AND calendar_id = ? ORDER BY try_at LIMIT 1
"""
# All that goes out as one message with a promise: what is about the same day, however many days
# before it was due and however often, says the same by now.
SAME = f"""
    SELECT {PROMISE} FROM ledger WHERE {FREE} AND recipient_id = ?
    AND calendar_id = ? AND kind = ? AND occurs_on = ? ORDER BY due_at, id
"""
BUTTONS = (
    ("write", N_("✍️ Write")),
    ("done", N_("✓ Done")),
    ("tonight", N_("Tonight")),
    ("tomorrow", N_("Tomorrow")),
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


class _Row(NamedTuple):
    """A promise as PROMISE reads it."""

    id: int
    try_at: int
    kind: str
    subject_id: int
    occurs_on: str
    days_before: int
    recipient_id: int
    snooze: int
    calendar_id: int
    due_at: int
    attempts: int
    first_try_at: int | None


@dataclass(frozen=True)
class Claim:
    """Promises that go out as one message, ours alone until the lease ends.

    `rows`: the longest due first; several may be about the same person. `missed`: the ids of those
    that it is too late for.
    """

    name: str
    rows: list[_Row]
    missed: list[int]
    bundle: Bundle
    language: str

    @property
    def calendar_id(self) -> int:
        """The calendar that the message is about."""
        return self.bundle.to.calendar_id

    @property
    def message(self) -> Message:
        """What is to be sent."""
        return message(self.bundle, self.language, self.rows[0].id)


def message(bundle: Bundle, language: str, promise_id: int) -> Message:
    """The message of a bundle; its buttons name the first of its promises."""
    buttons = tuple((texts.say(language, text), f"{name}:{promise_id}") for name, text in BUTTONS)
    pressable = bundle.kind == "birthday" and bundle.to.kind == "private"
    html = wording.html(bundle, language)
    return Message(bundle.to.telegram_id, html, buttons if pressable else ())


def deliver(send: Send, now: int, owner: str, default_language: str = "en") -> bool:
    """Send the message that has waited longest; False when nothing is due.

    `owner` names this process in the claim. `send` tells what became of the message.
    """
    for mine in claim(now, owner, 1, default_language):
        record(mine, send(mine.message), now)
        return True
    return False


def claim(now: int, owner: str, limit: int, default_language: str = "en") -> list[Claim]:
    """Up to `limit` messages that are due, for this process alone to send and to `record`.

    In turn one of each calendar, its oldest, so that a large one does not make the others wait.
    What is not to be sent (any more, or during quiet hours) is written down and not returned.
    None: nothing is due.
    """
    found: list[Claim] = []
    missed = 0
    while len(found) < limit and models.rows(PROMISE_DUE, now, now).fetchone():
        with models.writing(essential=True):
            for first in _firsts(now, limit - len(found)):
                mine = _sound(first, owner, now, default_language)
                if mine is None:
                    continue
                missed += _write(mine.missed, {"state": "skipped", "reason": MISSED})
                verdict = _judge(mine, now)
                if verdict is None:
                    _lease(mine, now)
                    found.append(mine)
                else:
                    _write(_ids(mine.rows), verdict)
    tell_missed(missed, now)
    return found


def _firsts(now: int, limit: int) -> list[_Row]:
    """The oldest due promise of each calendar, the oldest of these first."""
    newest = models.rows("SELECT max(id) FROM calendars").fetchone()[0] or 0
    start = random.randint(0, newest)  # noqa: S311 - nobody gains by guessing it
    turn: dict[int, None] = {}
    for begin in (start, 0):
        if len(turn) < CALENDARS_AT_ONCE:
            found = models.rows(TURNS, now, now, begin, now, now).fetchall()
            turn |= dict.fromkeys(calendar_id for (calendar_id,) in found)
    firsts = [_Row(*models.rows(OLDEST, now, now, each).fetchone()) for each in turn]
    return sorted(firsts, key=lambda row: (row.try_at, row.id))[:limit]


def _sound(first: _Row, owner: str, now: int, default_language: str) -> Claim | None:
    """What goes out with a promise; None for one that breaks our code, which is put off."""
    try:
        return _gathered(first, owner, now, default_language)
    except Exception as error:
        if models.is_trouble(error):
            raise
        log.exception("promise %s is broken and put off", first.id)
        _write([first.id], {"try_at": now + BROKEN_PAUSE})
        return None


def _gathered(first: _Row, owner: str, now: int, default_language: str) -> Claim:
    """A promise and all that go out with it; those that do not hold any more end here."""
    to = recipients.get(first.calendar_id, first.recipient_id)
    today = dates.local_date(now, to.zone)
    on, almanac = dt.date.fromisoformat(first.occurs_on), Almanac()
    same = (first.recipient_id, first.calendar_id, first.kind, first.occurs_on)
    rows, missed, subjects = [], [], {}
    for row in [_Row(*found) for found in models.rows(SAME, now, now, *same).fetchall()]:
        subject, wrong = SUBJECTS.get(row.kind, _nobody)(row.subject_id, to, on, almanac)
        # Whoever asked to be reminded again is, a while after the day too.
        days_before = 0 if row.snooze else row.days_before
        if row.snooze and _came_too_late(row, to, on):
            wrong = wrong or TOO_LATE
        if wrong:
            _write([row.id], {"state": "skipped", "reason": wrong})
        elif is_too_late(row.kind, on, days_before, today):
            missed.append(row.id)
        else:
            rows.append(row)
            subjects[row.subject_id] = subject
    said = list(subjects.values())
    if first.kind in DIGESTS:
        # The whole of it, however late: quiet hours may carry it into the next day.
        said = almanac.digest(to, *period(first.kind, on))
    bundle = Bundle(first.kind, to, on, today, said)
    name = f"{owner}/{uuid.uuid4()}"
    return Claim(name, rows, missed, bundle, to.language(default_language))


def _came_too_late(row: _Row, to: Recipient, on: dt.date) -> bool:
    """Whether a repetition could not have been told at its time: then it was not missed."""
    return is_too_late(row.kind, on, 0, dates.local_date(to.awake(row.due_at), to.zone))


def birthday(birthday_id: int, to: Recipient, on: dt.date, almanac: Almanac) -> tuple[Any, str]:
    """The person, and why there is nothing to tell of them any more ("": there is)."""
    person = almanac.person(birthday_id)
    if person is None:
        return None, DELETED
    done = almanac.is_done(to, birthday_id, on.year)
    return person, DONE if done else objection(person, to, on)


def _holiday(holiday_id: int, to: Recipient, on: dt.date, almanac: Almanac) -> tuple[Any, str]:
    found = [row for row in almanac.holidays(to.calendar_id, on) if row[0] == holiday_id]
    return (found[0], "") if found else (None, DELETED)


def _responsible(person_id: int, to: Recipient, on: dt.date, almanac: Almanac) -> tuple[Any, str]:
    found = [row for row in almanac.in_charge(to, on) if row[0] == person_id]
    return (found[0], "") if found else (None, REASSIGNED)


def _nobody(_id: int, _to: Recipient, _on: dt.date, _almanac: Almanac) -> tuple[Any, str]:
    return None, ""


SUBJECTS = {"birthday": birthday, "holiday": _holiday, "responsible": _responsible}


def _judge(mine: Claim, now: int) -> dict[str, Any] | None:
    """What is written down of a message that is not to be tried now; None if it is."""
    to = mine.bundle.to
    if not mine.rows:
        return {}
    if not to.reachable:
        return {"state": "failed", "reason": to.reason or NOT_YET}
    if not mine.bundle.subjects:
        return {"state": "skipped", "reason": NOBODY_ANY_MORE}
    awake = to.awake(now)
    return {"try_at": awake} if awake > now else None


def _lease(mine: Claim, now: int) -> None:
    _write(
        _ids(mine.rows),
        {
            "lease_owner": mine.name,
            "lease_until": now + LEASE_SECONDS,
            "attempts": Promise.attempts + 1,
            "first_try_at": fn.COALESCE(Promise.first_try_at, now),
        },
    )


def _ids(rows: Iterable[_Row]) -> list[int]:
    return [row.id for row in rows]


def _write(ids: list[int], values: dict[str, Any]) -> int:
    """Note that of these promises, as far as they are unsent."""
    if not ids or not values:
        return 0
    which = Promise.id.in_(ids) & (Promise.state == "planned")
    return Promise.update(values).where(which).execute()


# --- what became of it -------------------------------------------------------------------


def record(mine: Claim, outcome: Outcome, now: int) -> None:
    """Write down what became of a message; nothing if the claim was lost meanwhile."""
    with models.writing(essential=True):
        became = [(rows, values) for rows, values in _became(mine, outcome, now) if rows]
        if sum(_settle(mine.name, rows, values) for rows, values in became):
            _count(became[0][1].get("state", "later"))
        chat_id = mine.bundle.to.telegram_id
        if outcome.moved_to is not None:
            membership.follow(chat_id, outcome.moved_to)
        elif outcome.state == "refused":
            close(chat_id, outcome.reason)


def _settle(owner: str, rows: list[_Row], values: dict[str, Any]) -> int:
    which = Promise.id.in_(_ids(rows)) & (Promise.lease_owner == owner)
    # What was taken back while it was under way has come all the same.
    states = ["planned", "skipped"] if "sent_at" in values else ["planned"]
    # The owner stays: by it the buttons find what went out together.
    settled = Promise.update(values | {"lease_until": 0})
    return settled.where(which, Promise.state.in_(states)).execute()


def _became(mine: Claim, outcome: Outcome, now: int) -> Iterator[tuple[list[_Row], dict[str, Any]]]:
    """What is to be written down of which promises of a message."""
    if outcome.state == "sent":
        late, on_time = _parted(mine.rows, lambda row: now - row.due_at > ON_TIME_SECONDS)
        for state, rows in (("late", late), ("sent", on_time)):
            yield rows, {"state": state, "reason": "", "sent_at": now}
    elif outcome.state == "later":
        again = now + _pause(mine, outcome)
        over, others = _parted(mine.rows, lambda row: _is_over(row, mine.bundle.to, again, now))
        yield over, {"state": "failed", "reason": f"{GIVEN_UP}: {outcome.reason}"}
        yield others, {"try_at": again, "reason": outcome.reason}
    else:
        state = "skipped" if outcome.state == "skipped" else "failed"
        yield mine.rows, {"state": state, "reason": outcome.reason}


def _parted(rows: list[_Row], holds: Callable[[_Row], bool]) -> tuple[list[_Row], list[_Row]]:
    """Those for which it holds, and the others."""
    parts: tuple[list[_Row], list[_Row]] = ([], [])
    for row in rows:
        parts[not holds(row)].append(row)
    return parts


def _pause(mine: Claim, outcome: Outcome) -> int:
    """Seconds until it is tried again."""
    attempts = max(row.attempts for row in mine.rows)
    longest = len(RETRY_SECONDS) - 1
    return RETRY_SECONDS[min(attempts, longest)] if outcome.seconds is None else outcome.seconds


def _is_over(row: _Row, to: Recipient, again: int, now: int) -> bool:
    """Whether it is given up: at the end of the day on which the recipient should have had it."""
    begun = row.first_try_at or now
    another_day = dates.local_date(again, to.zone) > dates.local_date(begun, to.zone)
    return another_day and again - begun > SHORTEST_TRIAL


def _count(what: str) -> None:
    """Count a message by what became of it: sent, late, later, failed, skipped."""
    Counter.insert(name=f"sends_{what}", value=1).on_conflict(
        conflict_target=[Counter.name], update={Counter.value: Counter.value + 1}
    ).execute()


def close(chat_id: int, reason: str) -> None:
    """Note that the bot may not write to that chat (Telegram's id) any more, and why."""
    with models.writing(essential=True):
        Chat.update(reachable=False, reason=reason).where(Chat.telegram_id == chat_id).execute()


def overdue(now: int) -> int:
    """How many promises should have been sent by now but are not."""
    then = now - ON_TIME_SECONDS
    late = (Promise.state == "planned") & (Promise.due_at < then)
    # One that waits for the end of somebody's quiet hours was not tried yet; one that is tried
    # again and again in vain was.
    missing = (Promise.try_at <= now) | Promise.first_try_at.is_null(False)
    return Promise.select().where(late, missing).count()
