"""What the buttons of a reminder do: whom to write to, done for this year, or once more later.

A promise is named by its id in the ledger and by the person who pressed; nobody else's is found.
"""

import datetime as dt

from .. import calendars, dates, models, recipients
from ..errors import Conflict, NotFound
from ..models import Birthday, Chat, Dismissal, Promise
from ..recipients import Recipient
from ..texts import N_
from .almanac import DONE

NO_REMINDER = N_("There is no such reminder in this chat.")
EVENING = 20 * 60
PAST_EVENING = N_("It is past 20:00 already: press Tomorrow instead.")


def done(chat_id: int, promise_id: int) -> list[int]:
    """No more reminders this year of the people of that message; returns their birthdays' ids.

    `chat_id` is Telegram's. Raises NotFound.
    """
    with models.writing():
        first, same = _load(chat_id, promise_id)
        year = first.occurs_on[:4]
        people = [row.subject_id for row in same]
        known = Birthday.select(Birthday.id).where(Birthday.id.in_(people))
        rows = [
            {"recipient": first.recipient_id, "birthday": person, "year": int(year)}
            for (person,) in known.tuples()
        ]
        Dismissal.insert_many(rows).on_conflict_ignore().execute()
        Promise.update(state="skipped", reason=DONE).where(
            Promise.kind == "birthday",
            Promise.subject_id.in_(people),
            Promise.recipient == first.recipient_id,
            Promise.occurs_on.startswith(f"{year}-"),
            Promise.state == "planned",
        ).execute()
    return people


def told(chat_id: int, promise_id: int) -> tuple[dt.date, list[int]]:
    """The day that a message told of, and the ids of the birthdays in it; raises NotFound."""
    first, same = _load(chat_id, promise_id)
    return dt.date.fromisoformat(first.occurs_on), [row.subject_id for row in same]


def snooze(chat_id: int, promise_id: int, when: str, now: int) -> int:
    """Send that message once more: `tonight` at 20:00, or `tomorrow` at the usual time.

    Returns when (seconds since 1970). Raises NotFound, Conflict when it is past 20:00.
    """
    with models.writing():
        first, same = _load(chat_id, promise_id)
        to = recipients.get(first.calendar_id, first.recipient_id)
        due_at = _later(to, when, now)
        again = (Promise.recipient == to.chat_id) & (Promise.due_at == due_at)
        again &= (Promise.kind == "birthday") & (Promise.occurs_on == first.occurs_on)
        waiting = again & (Promise.subject_id == first.subject_id) & (Promise.snooze > 0)
        if not Promise.select().where(waiting).exists():
            _promise_again(first, same, due_at)
    return due_at


def _later(to: Recipient, when: str, now: int) -> int:
    today = dates.local_date(now, to.zone)
    if when == "tomorrow":
        return to.due_at(today + dt.timedelta(days=1))
    evening = dates.instant(today, EVENING, to.zone)
    if evening <= now:
        raise Conflict(PAST_EVENING)
    return evening


def _promise_again(first: Promise, same: list[Promise], due_at: int) -> None:
    """New rows: the number of the snooze makes them others than those that were sent."""
    mine = (Promise.recipient == first.recipient_id) & (Promise.kind == "birthday")
    mine &= Promise.occurs_on == first.occurs_on
    newest = Promise.select(Promise.snooze).where(mine).order_by(Promise.snooze.desc()).scalar()
    rows = [
        {
            "kind": "birthday",
            "subject_id": row.subject_id,
            "occurs_on": row.occurs_on,
            "days_before": row.days_before,
            "recipient": row.recipient_id,
            "calendar": row.calendar_id,
            "snooze": newest + 1,
            "due_at": due_at,
            "try_at": due_at,
            "state": "planned",
        }
        for row in {row.subject_id: row for row in same}.values()
    ]
    Promise.insert_many(rows).execute()


def _load(chat_id: int, promise_id: int) -> tuple[Promise, list[Promise]]:
    """The one way to a promise by its button: it, and those that went out with it."""
    first = None
    if models.known_id(promise_id):
        query = Promise.select().join(Chat, on=(Promise.recipient == Chat.id))
        first = query.where(
            Promise.id == promise_id, Promise.kind == "birthday", Chat.telegram_id == chat_id
        ).first()
    if first is None:
        raise NotFound(NO_REMINDER)
    # Who has left the calendar since is told nothing of it any more.
    calendars.enter(chat_id, first.calendar_id)
    names = ["recipient", "calendar", "kind", "occurs_on", "lease_owner"]
    if not first.lease_owner:
        names.append("due_at")  # It was sent before messages were known by their owner.
    same = [getattr(Promise, name) == getattr(first, name) for name in names]
    return first, list(Promise.select().where(*same))
