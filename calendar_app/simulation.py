"""What reminders would go out in days to come, made by the code that sends them, unsent.

Nothing is written. For the operator's verb `simulate`, and for comparing two releases.
"""

import argparse
import datetime as dt
import heapq
import html
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from . import dates, models, rules
from .config import Config
from .errors import FieldError, Invalid, NotFound
from .reminders import message
from .reminders.almanac import Almanac, Yearbook, period
from .reminders.planning import Due, promised
from .reminders.wording import Bundle
from .rules import DIGESTS, RULES, Rule

# Between these all arithmetic with days and zones holds.
FIRST, LAST = dt.date(2, 1, 1), dt.date(9998, 12, 31)
MOST_DAYS = 36_525
RULES_OF = f"{RULES} WHERE ? IN (0, c.id)"
Line = dict[str, Any]


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's command line."""
    parser.add_argument(
        "--from",
        dest="first",
        metavar="DATE",
        type=dt.date.fromisoformat,
        required=True,
        help="the first day (YYYY-MM-DD), as it is where each recipient is",
    )
    parser.add_argument("--days", metavar="N", type=int, required=True, help="how many days")
    parser.add_argument("--calendar", metavar="ID", type=int, help="left out: all calendars")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace, settings: Config) -> int:
    """Print each message that would go out, in order of time."""
    models.connect(settings.database_url)
    shown, line = _as_json if args.json else _as_text, None
    for line in messages(args.first, args.days, args.calendar, settings.default_language):
        print(shown(line))
    if line is None and not args.json:
        print("Nothing would be sent on these days.")
    return 0


def _as_json(line: Line) -> str:
    return json.dumps(line, ensure_ascii=False)


def _as_text(line: Line) -> str:
    first, *more = line["text"].splitlines()
    local = line["local"]
    heading = f"{local[:10]} {local[11:16]} {local[19:]}  {line['at']}  {line['chat_id']:>14}"
    return "\n".join([f"{heading}  {line['kind']:<11}  {first}", *(f"    {each}" for each in more)])


def messages(
    first: dt.date, days: int, calendar_id: int | None = None, default_language: str = "en"
) -> Iterator[Line]:
    """What would go out on so many days from `first` on, in order of time: the contract's objects.

    Days are those of each recipient. Raises Invalid, and NotFound for no such calendar.
    """
    if not (1 <= days <= MOST_DAYS and FIRST <= first <= LAST - dt.timedelta(days=days)):
        wrong = f"a day from {FIRST} on, and up to {MOST_DAYS} days, not beyond {LAST}"
        raise Invalid(f"This cannot be simulated: give {wrong}.", FieldError("from", wrong))
    with _read_only():
        known = "SELECT 1 FROM calendars WHERE id = ? AND archived_at IS NULL"
        if calendar_id is not None and not (
            models.known_id(calendar_id) and models.rows(known, calendar_id).fetchone()
        ):
            raise NotFound(f"There is no calendar {calendar_id}.")
        found = map(rules.rule, models.rows(RULES_OF, calendar_id or 0).fetchall())
        sendable = [rule for rule in found if rule.to.reachable]
        yield from _messages(sendable, first, days, default_language)


@contextmanager
def _read_only() -> Iterator[None]:
    """One state of the database, in which the database itself refuses to write."""
    if not models.is_sqlite():
        with models.database.atomic():
            models.rows("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
        return
    models.rows("PRAGMA query_only = ON")
    try:
        with models.database.atomic():
            yield
    finally:
        models.rows("PRAGMA query_only = OFF")


def _messages(
    found: list[Rule], first: dt.date, days: int, default_language: str
) -> Iterator[Line]:
    for at, same in groupby(_single(found, first, days), key=lambda single: single[0]):
        for rule, bundle in _joined([(rule, bundle) for _, rule, bundle in same]):
            yield _line(bundle, rule, at, default_language)


def _joined(found: list[tuple[Rule, Bundle]]) -> Iterator[tuple[Rule, Bundle]]:
    """What is about one day goes out as one message.

    A day that a zone left out, as Apia 2011-12-30, comes at the same instant as the next.
    """
    messages: dict[Any, list[tuple[Rule, Bundle]]] = {}
    for rule, bundle in found:
        messages.setdefault((bundle.to, bundle.kind, bundle.occurs_on), []).append((rule, bundle))
    for same in messages.values():
        rule, bundle = min(same, key=lambda each: each[0].days_before)
        others = (each for _, other in same if other is not bundle for each in other.subjects)
        bundle.subjects.extend(each for each in others if each not in bundle.subjects)
        yield rule, bundle


def _single(found: list[Rule], first: dt.date, days: int) -> Iterator[tuple[int, Rule, Bundle]]:
    """What each rule says by itself, in order of time."""
    end = first + dt.timedelta(days=days)
    almanac = Yearbook(first - dt.timedelta(days=1), end)
    # Quiet hours may carry what was for the day before into the first day.
    waiting = [_turn(rule, _begin(rule, first), number) for number, rule in enumerate(found)]
    heapq.heapify(waiting)
    while waiting:
        at, number, day = waiting[0]
        rule = found[number]
        today = dates.local_date(at, rule.to.zone)
        if first <= today < end:
            for bundle in _bundles(promised(rule, day, almanac), rule, today, almanac):
                yield at, rule, bundle
        if today >= end:
            heapq.heappop(waiting)
        else:
            heapq.heapreplace(waiting, _turn(rule, rules.following(rule.kind, day), number))


def _begin(rule: Rule, first: dt.date) -> dt.date:
    known = dt.date.fromisoformat(rule.next_date)
    return rules.on_or_after(rule.kind, known, first - dt.timedelta(days=1))


def _turn(rule: Rule, day: dt.date, number: int) -> tuple[int, int, dt.date]:
    return rule.to.due_at(day), number, day


def _bundles(
    found: Iterable[Due], rule: Rule, today: dt.date, almanac: Almanac
) -> Iterator[Bundle]:
    """What goes out as one message each."""
    for kind, same in groupby(found, key=lambda due: due.kind):
        dues = list(same)
        on, ids = dues[0].occurs_on, {due.subject_id for due in dues}
        if kind in DIGESTS:
            subjects: list[Any] = almanac.digest(rule.to, *period(kind, on))
        elif kind == "birthday":
            subjects = [each for each in almanac.people(rule.to, on) if each.id in ids]
        elif kind == "holiday":
            subjects = almanac.holidays(rule.to.calendar_id, on)
        else:
            subjects = almanac.in_charge(rule.to, on)
        if subjects:
            yield Bundle(kind, rule.to, on, today, subjects)


def _line(bundle: Bundle, rule: Rule, at: int, default_language: str) -> Line:
    to, digest = bundle.to, bundle.kind in DIGESTS
    kind = bundle.kind if bundle.kind != "birthday" else "lead" if rule.days_before else "day"
    people = bundle.subjects if bundle.kind == "birthday" else []
    if digest:
        people = [person for _, found in bundle.subjects for person in found]
    html_text = message(bundle, to.language(default_language), 0).html
    return {
        # Not by strftime, which does not fill up years below 1000.
        "at": f"{dt.datetime.fromtimestamp(at, dt.UTC).replace(tzinfo=None).isoformat()}Z",
        "local": dt.datetime.fromtimestamp(at, dates.zone(to.zone)).isoformat(timespec="seconds"),
        "chat_id": to.telegram_id,
        "kind": kind,
        "birthday_ids": [person.id for person in people],
        "occurs_on": None if digest else bundle.occurs_on.isoformat(),
        "days_before": None if digest else rule.days_before,
        "text": plain(html_text),
    }


def plain(text: str) -> str:
    """Telegram's HTML as its reader sees it."""
    return html.unescape(re.sub(r"<[^>]*>", "", text))
