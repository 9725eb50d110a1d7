"""The buttons under a reminder: done for this year, once more tonight or tomorrow.

Each answers with a note over the chat; the reminder itself stays as it was sent.
"""

from calendar_app import reminders
from calendar_app.errors import AppError
from calendar_app.texts import N_

from .replies import Answer, Reply
from .talk import Talk


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
