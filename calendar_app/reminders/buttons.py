"""What the buttons of a reminder do: whom to write to, done for this year, or once more later.

A promise is named by its id in the ledger and by the person who pressed; nobody else's is found.
"""

import datetime as dt

from .. import calendars, dates, models, recipients
from ..errors import Conflict, NotFound
from ..models import Birthday, Chat, Dismissal, Promise
from ..recipients import Recipient
from ..texts import N_
from .almanac import DONE, Almanac
from .delivery import birthday
from .planning import is_too_late

NO_REMINDER = N_("There is no such reminder in this chat.")
EVENING = 20 * 60
PAST_EVENING = N_("It is past 20:00 already: press Tomorrow instead.")
TOO_LATE = N_("It is too late: that day will be too long ago by then.")
ALREADY_DONE = N_("This is marked as done for this year: nothing more comes.")
NOBODY = N_("You are not reminded of anybody in this message any more.")


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


def snooze(chat_id: int, promise_id: int, when: str, now: int) -> dt.datetime:
    """Send that message once more: `tonight` at 20:00, or `tomorrow` at the usual time.

    Returns when it comes, as the recipient's clock shows it: after their quiet hours. Raises
    NotFound, and Conflict where nothing would come.
    """
    with models.writing():
        first, same = _load(chat_id, promise_id)
        to = recipients.get(first.calendar_id, first.recipient_id)
        on = dt.date.fromisoformat(first.occurs_on)
        people = _still_told(to, on, [row.subject_id for row in same])
        due_at = _later(to, on, when, now)
        again = (Promise.recipient == to.chat_id) & (Promise.due_at == due_at)
        again &= (Promise.kind == "birthday") & (Promise.occurs_on == first.occurs_on)
        waiting = again & (Promise.snooze > 0) & (Promise.state == "planned")
        people -= {row.subject_id for row in Promise.select().where(waiting)}
        if people:
            _promise_again(first, [row for row in same if row.subject_id in people], due_at)
    return dt.datetime.fromtimestamp(due_at, dates.zone(to.zone))


def _still_told(to: Recipient, on: dt.date, people: list[int]) -> set[int]:
    """Those of whom that recipient is still reminded; raises Conflict where there is none."""
    almanac = Almanac()
    wrong = {person: birthday(person, to, on, almanac)[1] for person in people}
    if all(wrong.values()):
        raise Conflict(ALREADY_DONE if DONE in wrong.values() else NOBODY)
    return {person for person, reason in wrong.items() if not reason}


def _later(to: Recipient, on: dt.date, when: str, now: int) -> int:
    today = dates.local_date(now, to.zone)
    evening = dates.instant(today, EVENING, to.zone)
    tonight, is_past = when == "tonight", evening <= now
    if tonight and not is_past:
        due_at = to.awake(evening)
    else:
        due_at = to.due_at(today + dt.timedelta(days=1))
    # Nor is somebody sent to the other button who would be told there that it is too late.
    if is_too_late("birthday", on, 0, dates.local_date(due_at, to.zone)):
        raise Conflict(TOO_LATE)
    if tonight and is_past:
        raise Conflict(PAST_EVENING)
    return due_at


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
