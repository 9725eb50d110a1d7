"""The conversation of /add: takes what is given in one line, asks for what is missing."""

from datetime import date

from calendar_app import birthdays, conversation, dates, entry, texts
from calendar_app.dates import BirthDate
from calendar_app.entry import Entry

from .replies import Button, Reply, column
from .talk import Talk

NAME, DATE, ENTRY, WHICH = "name", "date", "entry", "which"


def start(talk: Talk) -> list[Reply]:
    """`/add`, alone or with a name and a date behind it."""
    if not talk.text.strip():
        _ask(talk, ENTRY, {})
        example = "<code>Ada Lovelace 10.12.1815</code>"
        question = talk.say("Whose birthday, and when? For example:") + f"\n{example}"
        return talk.reply(question, ask=True)
    return _understood(talk, _parse(talk))


def heard(talk: Talk, step: str, draft: dict) -> list[Reply]:
    """The answer to a question that was asked in this conversation."""
    found = _parse(talk)
    if step == NAME:
        # A name may look like a date ("May 3rd"): here it can only be the name.
        return _understood(talk, Entry(" ".join(talk.text.split()), (_date(draft["dates"][0]),)))
    if step == DATE:
        return _understood(talk, _named(found, draft))
    if step == WHICH and not found.dates:
        return _which(talk, Entry(draft["name"], tuple(map(_date, draft["dates"]))))
    return _understood(talk, found if found.name else _named(found, draft))


def understands(talk: Talk) -> bool:
    """Whether a text that nobody asked for looks like a birthday to add."""
    found = _parse(talk)
    return bool(found.name and (found.dates or found.impossible))


def chosen(talk: Talk) -> list[Reply]:
    """A button of "which is the day?" was pressed."""
    question = conversation.asked(talk.chat_id, talk.account.telegram_id, talk.now)
    if question is None or question[0] != f"add/{WHICH}" or talk.text not in ("0", "1"):
        return talk.note("This question is answered already. Add somebody: /add")
    draft = question[1]
    return _understood(talk, Entry(draft["name"], (_date(draft["dates"][int(talk.text)]),)))


def _parse(talk: Talk) -> Entry:
    return entry.parse(talk.text, dates.local_date(talk.now, talk.access.timezone).year)


def _named(found: Entry, draft: dict) -> Entry:
    """What was found, under the name that is known already."""
    return Entry(draft.get("name") or found.name, found.dates, found.impossible)


def _understood(talk: Talk, found: Entry) -> list[Reply]:
    """Store what is whole, ask for what is not."""
    if found.impossible:
        _ask(talk, DATE, {"name": found.name})
        sentence = talk.say(
            "There is no such day: {date}. Which date is it?", date=found.impossible
        )
        return talk.reply(sentence, ask=True)
    if not found.dates:
        _ask(talk, DATE, {"name": found.name})
        question = talk.say("When is the birthday of {name}?", name=found.name)
        hint = talk.say("For example 10.12.1815, or 10 December if you do not know the year.")
        return talk.reply(f"{question}\n{hint}", ask=True)
    if len(found.dates) > 1:
        return _which(talk, found)
    if not found.name:
        _ask(talk, NAME, {"dates": [str(found.dates[0])]})
        question = talk.say("Whose birthday is on {day}?", day=day(talk, found.dates[0]))
        return talk.reply(question, ask=True)
    return _store(talk, found)


def _which(talk: Talk, found: Entry) -> list[Reply]:
    _ask(talk, WHICH, {"name": found.name, "dates": [str(date) for date in found.dates]})
    buttons = (Button(day(talk, date), f"which:{at}") for at, date in enumerate(found.dates))
    return talk.reply(talk.say("Which day is meant?"), column(*buttons))


def _store(talk: Talk, found: Entry) -> list[Reply]:
    born = found.dates[0]
    data = {"full_name": found.name, "birth_date": str(born)}
    row = birthdays.create(talk.account.telegram_id, talk.access.calendar_id, data, talk.now)
    conversation.forget(talk.chat_id, talk.account.telegram_id)
    sentence = talk.say("✅ Saved: <b>{name}</b>, {day}", name=found.name, day=day(talk, born))
    undo = Button(talk.label("🗑 Delete"), f"delete:{row['id']}")
    return talk.reply(f"{sentence}\n{_next(talk, born)}", column(undo, *talk.app_button()))


def _next(talk: Talk, born: BirthDate) -> str:
    """`Next on 10 December 2026, in 17 days, at 211 years.`"""
    today = dates.local_date(talk.now, talk.access.timezone)
    on = dates.next_occurrence(born, today, talk.access.leap_day)
    sentence = talk.say("Next: {day}", day=texts.day(talk.language, on.month, on.day, on.year))
    return f"{sentence} ({when(talk, on, today)}{turning(talk, born, on)})"


def when(talk: Talk, on: date, today: date) -> str:
    """`today`, `tomorrow`, `in 17 days`."""
    days = (on - today).days
    if days < 2:
        return talk.say("tomorrow") if days else talk.say("today")
    return texts.count(talk.language, "in {n} day", "in {n} days", days)


def turning(talk: Talk, born: BirthDate, on: date) -> str:
    """`, turns 211`: nothing where the year is unknown."""
    if born.year is None or on.year <= born.year:
        return ""
    age = on.year - born.year
    return ", " + texts.count(talk.language, "turns {n}", "turns {n}", age)


def years(talk: Talk, age: int) -> str:
    """`211 years old`."""
    return texts.count(talk.language, "{n} year old", "{n} years old", age)


def _ask(talk: Talk, step: str, draft: dict) -> None:
    conversation.ask(talk.chat_id, talk.account.telegram_id, f"add/{step}", draft, talk.now)


def _date(text: str) -> BirthDate:
    return dates.birth_date(text)


def day(talk: Talk, born: BirthDate) -> str:
    """`10 December 1815`, or without the year."""
    return texts.day(talk.language, born.month, born.day, born.year)
