"""The buttons under a reminder: write to the person, done for this year, once more later.

The reminder itself stays as it was sent: each answers with a note over the chat, or a new message.
"""

from calendar_app import birthdays, dates, greetings, mentions, reminders, texts
from calendar_app.calendars import Ref
from calendar_app.errors import AppError, NotFound
from calendar_app.texts import N_

from .replies import Answer, Button, Reply, Say
from .talk import Talk

# So many people have a place in one message, and so many characters in a button that copies.
MOST, COPIED = 5, 256
# By how many days later it comes.
AGAIN = {
    0: N_("I will remind you again today at {time}."),
    1: N_("I will remind you again tomorrow at {time}."),
}
LATER = N_("I will remind you again on {day} at {time}.")


def write(talk: Talk) -> list[Reply]:
    """A greeting for each person of the reminder, to be copied, and the way to their chat.

    Of some people at a time: the button behind them, which names the next one, goes on.
    """
    promise_id, begin = _promise(talk), _number(talk.text.partition(".")[2])
    try:
        on, ids = reminders.told(talk.chat_id, promise_id)
    except AppError as error:
        return _refused(talk, error)
    # Somebody of whom two rules told at once is in it twice.
    coming = sorted(each for each in set(ids) if each >= begin)
    people = [row for each in coming if (row := _person(talk, each))]
    if not people:
        return talk.note("There is nobody left to write to.")
    said, keyboard = [], []
    for row in people[:MOST]:
        greeting = greetings.compose(
            talk.language, greetings.wish(row, on, "friendly", "short"), talk.now
        )
        name = texts.person(row["full_name"], row["linked_user_id"])
        said.append(f"<b>{name}</b>\n<code>{texts.escape(greeting)}</code>")
        keyboard.append(_ways(talk, row, greeting))
    if rest := people[MOST:]:
        said.append(texts.count(talk.language, "…and {n} more", "…and {n} more", len(rest)))
        keyboard.append((Button(talk.label("Next ▶"), f"write:{promise_id}.{rest[0]['id']}"),))
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
    return _again(talk, "tonight")


def tomorrow(talk: Talk) -> list[Reply]:
    """Once more tomorrow, at the usual time."""
    return _again(talk, "tomorrow")


def _again(talk: Talk, when: str) -> list[Reply]:
    try:
        due = reminders.snooze(talk.chat_id, _promise(talk), when, talk.now)
    except AppError as error:
        return _refused(talk, error)
    # Quiet hours may make it another day than the button says.
    today = dates.local_date(talk.now, str(due.tzinfo))
    said = AGAIN.get((due.date() - today).days, LATER)
    day = texts.day(talk.language, due.month, due.day)
    return [Answer("", talk.label(said, day=day, time=f"{due:%H:%M}"))]


def _promise(talk: Talk) -> int:
    return _number(talk.text.partition(".")[0])


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _refused(talk: Talk, error: AppError) -> list[Reply]:
    return [Answer("", talk.label(error.message, **error.params))]
