"""Whose birthday it is: a link makes an entry one's own, and Telegram's date for it is offered.

What somebody tells Telegram of their birthday is asked for at that moment and never kept; it
stands in a calendar only if they press the button.
"""

from calendar_app import dates, mentions
from calendar_app.dates import BirthDate

from .adding import day
from .replies import Button, Reply, column
from .talk import Talk

# What a link by which somebody says that a birthday is theirs puts behind /start.
LINKED = "me_"
# The name of the button that takes Telegram's date.
BIRTHDATE = "birthdate"


def link(talk: Talk, code: str) -> list[Reply]:
    """`/start me_…`: the birthday behind the link is the user's own."""
    birthday_id = mentions.follow(talk.account.telegram_id, code, talk.now)
    said = talk.say("This birthday is yours now: nobody will remind you of it.")
    entry = _entry(talk, birthday_id)
    born = entry and _better(talk, entry)
    if not born:
        return talk.reply(said)
    question = talk.say(
        "The calendar has {date}, your Telegram has {other}. Correct the calendar?",
        date=day(talk, dates.birth_date(entry["birth_date"])),
        other=day(talk, born),
    )
    take_it = Button(talk.label("Yes, {date}", date=day(talk, born)), f"{BIRTHDATE}:{birthday_id}")
    keep_it = Button(talk.label("Leave it as it is"), f"{BIRTHDATE}:")
    return talk.reply(f"{said}\n\n{question}", column(take_it, keep_it))


def take(talk: Talk) -> list[Reply]:
    """The answer to whether Telegram's date is the right one."""
    number = int(talk.text) if talk.text.isascii() and talk.text.isdigit() else 0
    if not number:
        return talk.reply(talk.say("The date was left as it is."))
    entry = _entry(talk, number)
    born = entry and _better(talk, entry)
    if not born:
        return talk.reply(talk.say("Your Telegram shows no other date for this birthday any more."))
    mentions.correct(talk.account.telegram_id, number, {"birth_date": str(born)}, talk.now)
    return talk.reply(talk.say("Corrected: {date}", date=day(talk, born)))


def _entry(talk: Talk, birthday_id: int) -> mentions.Row | None:
    """What others entered about the user; nothing in another person's own calendar."""
    listed = mentions.listed(talk.account.telegram_id)
    return next((row for row in listed if row["id"] == birthday_id), None)


def _better(talk: Talk, entry: mentions.Row) -> BirthDate | None:
    """Telegram's date where it says more than the entry, or something else."""
    born, known = talk.world.birthdate, dates.birth_date(entry["birth_date"])
    if born and born.year is None and dates.exists(known.year, born.month, born.day):
        born = born._replace(year=known.year)
    return None if born == known else born
