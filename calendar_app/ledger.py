"""The ledger as its user reads it: what was promised to them, what became of it, and why.

Only rows to the user's own chat are found, of calendars that they may still see, and none about
their own birthday.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import birthdays, calendars, dates, models, recipients, texts
from .calendars import VIEWER, Access, Account, Ref
from .dates import BirthDate
from .errors import FieldError, Invalid, NotFound
from .fields import REFUSED
from .models import Birthday, Calendar, Chat, Member, Promise, ReminderRule, User
from .recipients import Recipient
from .reminders.almanac import DONE, MOVED, Almanac, Person, objection, wants
from .reminders.delivery import GIVEN_UP, NOT_YET
from .texts import N_

MOST = 1000
# So long after a birthday people ask what became of that one, too.
RECENT = dt.timedelta(days=60)
NO_PAGE = N_("There is no such page.")
TAKEN = N_("must be taken from the Link header of the page before")
OWN_BIRTHDAY = N_("It is your own birthday: nobody is reminded of their own.")
NO_MEMBER = N_("You are not a member of this calendar, so it does not remind you.")
EMPTY = N_("There is no rule: lead_days is empty.")
SAID = {
    "planned": N_("Planned for {when}."),
    "sent": N_("Sent at {when}."),
    "late": N_("Sent late, at {when}."),
    "skipped": N_("Not sent, due {when}: {reason}."),
    "failed": N_("Could not be sent, due {when}: {reason}."),
}
TO_COME = N_("It will come at {when}.")
WAITS = N_("It was due at {when}, and the bot has not come to it yet.")
TOO_SOON = N_("Nothing was due at {when}: it was entered or chosen later.")
WRONG = N_("No reminder: {reason}.")
NO_YEAR = N_("must lie in the years 2 to 9998")
NOT_KEPT = N_("the birthday is not kept on this day")
Row = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which rows of the ledger are wanted; None: all. `after` is a page's `next`."""

    state: str | None = None
    birthday_id: int | None = None
    calendar_id: int | None = None
    limit: int | None = None
    after: str | None = None


def listed(account: Account, wanted: Wanted, language: str) -> birthdays.Page:
    """The user's reminders, the newest first. Raises Invalid for a page that there is not."""
    limit = min(wanted.limit or MOST, MOST)
    query = _mine(account.telegram_id, wanted).limit(limit + 1)
    found = list(query.namedtuples())
    rows = [_shown(row, language) for row in found[:limit]]
    more = len(found) > limit
    return birthdays.Page(rows, f"{found[limit - 1].due_at}.{rows[-1]['id']}" if more else None)


def _mine(telegram_id: int, wanted: Wanted) -> Any:
    seen = [access.calendar_id for access in calendars.accessible(telegram_id)]
    person = (Promise.kind == "birthday") & (Promise.subject_id == Birthday.id)
    about_me = Birthday.linked_user_id == telegram_id
    query = (
        Promise.select(Promise, Birthday.full_name.alias("full_name"))
        .join(Chat, on=(Promise.recipient == Chat.id))
        .join(User, on=(User.chat == Chat.id))
        .join(Birthday, models.peewee.JOIN.LEFT_OUTER, on=person)
        .where(User.telegram_id == telegram_id, Promise.calendar.in_(seen))
        .where(Birthday.linked_user_id.is_null() | ~about_me)
        .order_by(Promise.due_at.desc(), Promise.id.desc())
    )
    if wanted.state:
        query = query.where(Promise.state == wanted.state)
    if wanted.birthday_id is not None:
        query = query.where(
            Promise.kind == "birthday",
            Promise.subject_id == min(wanted.birthday_id, models.LARGEST_ID),
        )
    if wanted.calendar_id is not None:
        query = query.where(
            Promise.calendar == calendars.enter(telegram_id, wanted.calendar_id).calendar_id
        )
    return query.where(_before(wanted.after)) if wanted.after else query


def _before(after: str) -> Any:
    try:
        due_at, row_id = (int(part) for part in after.split("."))
        if not (abs(due_at) <= models.LARGEST_ID and models.known_id(row_id)):
            raise ValueError(after)
    except ValueError:
        raise Invalid(NO_PAGE, FieldError("after", TAKEN)) from None
    return (Promise.due_at < due_at) | ((Promise.due_at == due_at) & (Promise.id < row_id))


def _shown(row: Any, language: str) -> Row:
    person = row.kind == "birthday"
    return {
        "id": row.id,
        "kind": kind(row.kind, row.days_before),
        "birthday_id": row.subject_id if person else None,
        "full_name": row.full_name if person else None,
        "occurs_on": row.occurs_on,
        "days_before": row.days_before,
        "due_at": row.due_at,
        "state": row.state,
        "reason": reason(row.reason, language),
        "sent_at": row.sent_at,
    }


def kind(stored: str, days_before: int) -> str:
    """The kind of a reminder as people are told it: `day`, `lead`, or as it is stored."""
    return stored if stored != "birthday" else "lead" if days_before else "day"


def reason(stored: str, language: str) -> str:
    """A reason of the ledger in that language."""
    if stored.startswith(f"{GIVEN_UP}: "):
        inner = texts.say(language, stored.removeprefix(f"{GIVEN_UP}: "))
        return f"{texts.say(language, GIVEN_UP)}: {inner}"
    return texts.say(language, stored) if stored else ""


# --- why? --------------------------------------------------------------------------------


def why(ref: Ref, on: dt.date | None, language: str, now: int, *, in_group: bool = False) -> Row:
    """Why one is, was or was not reminded of a birthday of that day (None: the next).

    `in_group`: why the group's chat was, instead.

    `{"birthday_id", "date", "reasons": [sentences]}`. Raises NotFound, Invalid.
    """
    access, person = _seen(ref)
    on = on or _next(person, access, now)
    if in_group:
        chat_id = Calendar.select(Calendar.chat).where(Calendar.id == access.calendar_id).scalar()
    else:
        chat_id = User.select(User.chat).where(User.telegram_id == ref.telegram_id).scalar()
    if not 2 <= on.year <= 9998:
        raise Invalid(REFUSED, FieldError("date", NO_YEAR))
    found = {"birthday_id": person.id, "date": on.isoformat()}
    if chat_id is None:
        return found | {"reasons": [texts.say(language, NO_MEMBER)]}
    to = recipients.get(access.calendar_id, chat_id)
    if person.linked_user_id == ref.telegram_id:
        return found | {"reasons": [texts.say(language, OWN_BIRTHDAY)]}
    return found | {"reasons": list(reasons(person, to, on, language, now))}


def why_lately(ref: Ref, language: str, now: int, *, in_group: bool = False) -> list[Row]:
    """As `why`, of the last birthday if that was lately and has its own answer, and of the next."""
    coming = why(ref, None, language, now, in_group=in_group)
    access, person = _seen(ref)
    on = _last(person, access, now)
    if on is None:
        return [coming]
    past = why(ref, on, language, now, in_group=in_group)
    return [coming] if past["reasons"] == coming["reasons"] else [past, coming]


def _seen(ref: Ref) -> tuple[Access, Person]:
    access = calendars.enter_for(Birthday, ref, VIEWER, birthdays.NOT_FOUND)
    person = Almanac().person(ref.row_id)
    if person is None:
        raise NotFound(birthdays.NOT_FOUND)
    return access, person


def _next(person: Person, access: Access, now: int) -> dt.date:
    born = BirthDate(person.year, person.month, person.day)
    today = dates.local_date(now, access.timezone)
    return dates.next_occurrence(born, today, person.leap_day or access.leap_day)


def _last(person: Person, access: Access, now: int) -> dt.date | None:
    """The last birthday, if it was lately and after they were entered (and born)."""
    born = BirthDate(person.year, person.month, person.day)
    year, today = _next(person, access, now).year - 1, dates.local_date(now, access.timezone)
    on = dates.occurrence(born, year, person.leap_day or access.leap_day)
    entered_at = Birthday.select(Birthday.created_at).where(Birthday.id == person.id).scalar()
    entered = dates.local_date(entered_at, access.timezone)
    new = on < entered or (born.year or 0) >= year
    return None if new or on < today - RECENT else on


def reasons(person: Person, to: Recipient, on: dt.date, language: str, now: int) -> Iterator[str]:
    """Sentences: what was promised that recipient of that person's day, what became of it."""
    told = set()
    for row in _promises(person, to, on):
        told.add(row.days_before)
        at = row.sent_at or (row.try_at if row.state == "planned" else row.due_at)
        said = {"when": _when(at, to), "reason": reason(row.reason, language)}
        yield texts.say(language, SAID[row.state], **said)
    if not _is_member(to):
        yield texts.say(language, NO_MEMBER)
        return
    wrong = objection(person, to, on)
    if not wrong and Almanac().is_done(to, person.id, on.year):
        wrong = DONE
    if not wrong and not to.reachable:
        wrong = to.reason or NOT_YET
    if wrong:
        said = NOT_KEPT if wrong == MOVED else wrong
        yield texts.say(language, WRONG, reason=texts.say(language, said))
        return
    rules = _rules(person, to)
    if not rules:
        yield texts.say(language, EMPTY)
    for days_before in sorted(rules.keys() - told, reverse=True):
        day = on - dt.timedelta(days=days_before)
        at = to.due_at(day)
        past = WAITS if rules[days_before] <= day.isoformat() else TOO_SOON
        yield texts.say(language, TO_COME if at >= now else past, when=_when(at, to))


def _promises(person: Person, to: Recipient, on: dt.date) -> list[Promise]:
    query = Promise.select().where(
        Promise.kind == "birthday",
        Promise.subject_id == person.id,
        Promise.occurs_on == on.isoformat(),
        Promise.recipient == to.chat_id,
    )
    return list(query.order_by(Promise.due_at, Promise.id))


def _is_member(to: Recipient) -> bool:
    """Whether the chat is a member's, or the calendar's own group."""
    if to.kind == "group":
        own = (Calendar.id == to.calendar_id) & (Calendar.chat == to.chat_id)
        return Calendar.select().where(own).exists()
    mine = (Member.calendar == to.calendar_id) & (User.chat == to.chat_id)
    return Member.select().join(User).where(mine).exists()


def _rules(person: Person, to: Recipient) -> dict[int, str]:
    """The recipient's rules that are meant for the person: days before, the next day of each."""
    query = ReminderRule.select(
        ReminderRule.days_before, ReminderRule.own_only, ReminderRule.next_date
    ).where(
        ReminderRule.calendar == to.calendar_id,
        ReminderRule.recipient == to.chat_id,
        ReminderRule.kind == "birthday",
    )
    return {
        days_before: next_date
        for days_before, own_only, next_date in query.tuples()
        if wants(person, to, days_before, own_only)
    }


def _when(at: int, to: Recipient) -> str:
    local = dt.datetime.fromtimestamp(at, dates.zone(to.zone)).replace(tzinfo=None)
    # Not by strftime, which does not fill up years below 1000.
    return f"{local.isoformat(' ', 'minutes')} {to.zone}"
