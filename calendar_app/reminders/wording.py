"""What reminders say, in Telegram's HTML: one function for each kind of message."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import texts
from ..recipients import Recipient
from ..rules import DIGESTS
from ..texts import N_
from .almanac import Person, period

# Telegram's limit is 4096 UTF-16 code units of visible text; tags count here too.
LONGEST = 4096
ROOM_FOR_MORE = 96


@dataclass(frozen=True)
class Bundle:
    """What goes out as one message: same recipient, kind and day.

    `subjects`: Persons; (id, name, description) of holidays; (id, name, company, position) of
    the one in charge; or (day, Persons) of a digest. `today`: where the recipient is.
    """

    kind: str
    to: Recipient
    occurs_on: dt.date
    today: dt.date
    subjects: list[Any]


def html(bundle: Bundle, language: str) -> str:
    """The whole text of the message."""
    if bundle.kind in DIGESTS:
        return _fitting(language, _digest_headline(bundle, language), _digest(bundle, language))
    say = {"birthday": _birthdays, "holiday": _holidays, "responsible": _responsible}
    headline, lines = say[bundle.kind](bundle, language)
    return _fitting(language, headline, [(line, 1) for line in lines])


def _fitting(language: str, headline: str, lines: Iterable[tuple[str, int]]) -> str:
    """As many of the lines as one message takes; each counts for so many people or things."""
    lines, text = list(lines), headline
    for at, (line, _) in enumerate(lines):
        rest = sum(number for _, number in lines[at:])
        longer = f"{text}\n{line}"
        room = LONGEST if at == len(lines) - 1 else LONGEST - ROOM_FOR_MORE
        if len(longer.encode("utf-16-le")) // 2 > room:
            return text + "\n" + texts.count(language, "…and {n} more", "…and {n} more", rest)
        text = longer
    return text


def _day(bundle: Bundle, language: str) -> str:
    return texts.day(language, bundle.occurs_on.month, bundle.occurs_on.day)


def _birthdays(bundle: Bundle, language: str) -> tuple[str, list[str]]:
    days, day = (bundle.occurs_on - bundle.today).days, _day(bundle, language)
    if days < 0:
        said = texts.html(language, N_("🎂 <b>Belated: birthdays on {day}</b>"), day=day)
    elif days == 0:
        said = texts.html(language, N_("🎂 <b>Birthdays today, {day}</b>"), day=day)
    else:
        said = texts.count(
            language,
            "⏰ <b>Birthdays in {n} day, {day}</b>",
            "⏰ <b>Birthdays in {n} days, {day}</b>",
            days,
            day=day,
        )
    return said, [_person(language, person, bundle.occurs_on) for person in bundle.subjects]


def _person(language: str, person: Person, on: dt.date) -> str:
    line = f"• {texts.person(person.full_name, person.linked_user_id)}"
    if person.year is not None and not person.hide_age:
        age = on.year - person.year
        line += " — " + texts.count(language, "{n} year old", "{n} years old", age)
        if is_round(age):
            line += " " + texts.say(language, N_("🎉 round"))
    return line + _work(person.position, person.company)


def is_round(age: int) -> bool:
    """Whether a birthday is one of those that are celebrated more."""
    return age > 0 and age % 10 == 0


def _work(position: str, company: str) -> str:
    work = ", ".join(filter(None, (position, company)))
    return f"\n  <i>{texts.escape(work)}</i>" if work else ""


def _holidays(bundle: Bundle, language: str) -> tuple[str, list[str]]:
    today = bundle.occurs_on == bundle.today
    said = N_("🎊 <b>Today, {day}</b>") if today else N_("🎊 <b>Holidays on {day}</b>")
    lines = [
        f"• {texts.escape(name)}" + (f"\n  <i>{texts.escape(more)}</i>" if more else "")
        for _, name, more in bundle.subjects
    ]
    return texts.html(language, said, day=_day(bundle, language)), lines


def _responsible(bundle: Bundle, language: str) -> tuple[str, list[str]]:
    today = bundle.occurs_on == bundle.today
    said = (
        N_("📌 <b>Responsible today, {day}</b>") if today else N_("📌 <b>Responsible on {day}</b>")
    )
    lines = [
        f"• {texts.escape(name)}{_work(position, company)}"
        for _, name, company, position in bundle.subjects
    ]
    return texts.html(language, said, day=_day(bundle, language)), lines


def _digest_headline(bundle: Bundle, language: str) -> str:
    first, last = period(bundle.kind, bundle.occurs_on)
    days = {
        "first": texts.day(language, first.month, first.day),
        "last": texts.day(language, last.month, last.day),
    }
    return texts.html(language, N_("🗓 <b>Birthdays from {first} to {last}</b>"), **days)


def _digest(bundle: Bundle, language: str) -> Iterable[tuple[str, int]]:
    for on, people in bundle.subjects:
        day = f"<b>{texts.weekday(language, on)}, {texts.day(language, on.month, on.day)}</b>"
        for at, person in enumerate(people):
            line = _person(language, person, on)
            yield (line if at else f"{day}\n{line}"), 1
