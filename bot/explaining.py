"""`/why Ada`: why a reminder came, will come, or did not; in a group, why it did there."""

from calendar_app import birthdays, dates, ledger, texts
from calendar_app.calendars import Ref

from .commands import choices
from .replies import Reply
from .talk import Talk


def choose(talk: Talk) -> list[Reply]:
    """`/why`, with a part of a name behind it or not: explain, or offer who may be meant."""
    wanted = talk.text.strip()
    rows = birthdays.find(talk.access, wanted, 2) if wanted else []
    if len(rows) == 1:
        return _explained(talk, rows[0]["id"])
    return choices(talk, talk.say("Whose birthday is it about?"), "why")


def explain(talk: Talk) -> list[Reply]:
    """A person was chosen."""
    return _explained(talk, int(talk.text) if talk.text.isascii() and talk.text.isdigit() else 0)


def _explained(talk: Talk, birthday_id: int) -> list[Reply]:
    ref = Ref(talk.account.telegram_id, birthday_id)
    name = texts.escape(birthdays.get(ref)["full_name"])
    found = ledger.why(ref, None, talk.language, talk.now, in_group=talk.in_group)
    on = dates.birth_date(found["date"])
    day = texts.day(talk.language, on.month, on.day, on.year)
    reasons = (f"• {texts.escape(reason)}" for reason in found["reasons"])
    return talk.reply("\n".join([f"<b>{name}</b>, {day}", *reasons]))
