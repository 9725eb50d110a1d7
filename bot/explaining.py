"""`/why Ada`: why a reminder came, will come, or did not; in a group, why it did there."""

from calendar_app import birthdays, dates, ledger, texts
from calendar_app.calendars import Ref

from .commands import choices
from .replies import Reply
from .talk import Talk

# Of one day; whoever chose more lead times finds the others in the Mini App.
MOST = 15


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
    found = ledger.why_lately(ref, talk.language, talk.now, in_group=talk.in_group)
    return talk.reply("\n\n".join(_said(name, why, talk.language) for why in found))


def _said(name: str, why: ledger.Row, language: str) -> str:
    on = dates.birth_date(why["date"])
    day = texts.day(language, on.month, on.day, on.year)
    reasons = why["reasons"]
    lines = [f"• {texts.escape(reason)}" for reason in reasons[:MOST]]
    if more := len(reasons) - len(lines):
        lines.append(texts.count(language, "…and {n} more", "…and {n} more", more))
    return "\n".join([f"<b>{name}</b>, {day}", *lines])
