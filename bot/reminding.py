"""The buttons under a reminder: write to the person, done for this year, once more later.

The reminder itself stays as it was sent: each answers with a note over the chat, or a new message.
"""

from calendar_app import birthdays, greetings, mentions, reminders, texts
from calendar_app.calendars import Ref
from calendar_app.errors import AppError, NotFound
from calendar_app.texts import N_

from .replies import Answer, Button, Reply, Say
from .talk import Talk

# So many people have a place in one message, and so many characters in a button that copies.
MOST, COPIED = 5, 256


def write(talk: Talk) -> list[Reply]:
    """A greeting for each person of the reminder, to be copied, and the way to their chat."""
    on, ids = reminders.told(talk.chat_id, _promise(talk))
    people = [row for each in ids[:MOST] if (row := _person(talk, each))]
    if not people:
        return talk.note("There is nobody left to write to.")
    said, keyboard = [], []
    for row in people:
        greeting = greetings.compose(
            talk.language, greetings.wish(row, on, "friendly", "short"), talk.now
        )
        name = texts.person(row["full_name"], row["linked_user_id"])
        said.append(f"<b>{name}</b>\n<code>{texts.escape(greeting)}</code>")
        keyboard.append(_ways(talk, row, greeting))
    return [Say(talk.chat_id, "\n\n".join(said), tuple(filter(None, keyboard)))]


def _person(talk: Talk, birthday_id: int) -> birthdays.Row | None:
    """Somebody of whom the user may still know."""
    try:
        return birthdays.get(Ref(talk.account.telegram_id, birthday_id))
    except NotFound:
        return None


def _ways(talk: Talk, row: birthdays.Row, greeting: str) -> tuple[Button, ...]:
    name = row["full_name"][:30]
    username = row["linked_user_id"] and mentions.username(row["linked_user_id"])
    chat = Button(talk.label("💬 {name}", name=name), url=f"https://t.me/{username}")
    copy = Button(talk.label("📋 Copy for {name}", name=name), copy=greeting)
    return (*((chat,) if username else ()), *((copy,) if len(greeting) <= COPIED else ()))


def done(talk: Talk) -> list[Reply]:
    """The person was congratulated: no further reminder of that birthday this year."""
    try:
        reminders.done(talk.chat_id, _promise(talk))
    except AppError as error:
        return _refused(talk, error)
    return talk.note("Done. No more reminders of this birthday this year.")


def tonight(talk: Talk) -> list[Reply]:
    """Once more at 20:00."""
    return _again(talk, "tonight", N_("I will remind you again tonight at 20:00."))


def tomorrow(talk: Talk) -> list[Reply]:
    """Once more tomorrow, at the usual time."""
    return _again(talk, "tomorrow", N_("I will remind you again tomorrow."))


def _again(talk: Talk, when: str, said: str) -> list[Reply]:
    try:
        reminders.snooze(talk.chat_id, _promise(talk), when, talk.now)
    except AppError as error:
        return _refused(talk, error)
    return talk.note(said)


def _promise(talk: Talk) -> int:
    return int(talk.text) if talk.text.isascii() and talk.text.isdigit() else 0


def _refused(talk: Talk, error: AppError) -> list[Reply]:
    return [Answer("", talk.label(error.message, **error.params))]
