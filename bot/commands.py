"""What each command shows: /start /help /list /next /today /delete /cancel, and their buttons."""

from dataclasses import replace
from datetime import date

from calendar_app import birthdays, conversation, dates, membership, sharing, texts
from calendar_app.calendars import EDITOR, Ref
from calendar_app.texts import N_

from . import adding, mentioned
from .replies import Button, Menu, Reply, column
from .talk import GROUP, ROLES, Talk

PAGE = 10
# What a link of an invitation puts behind /start.
INVITED = "join_"
CHOICES = 8
COMMANDS = {
    "add": N_("Add a birthday"),
    "list": N_("All birthdays, the next first"),
    "today": N_("Birthdays today"),
    "next": N_("The next birthdays"),
    "delete": N_("Delete a birthday"),
    "why": N_("Why a reminder came, or did not"),
    "settings": N_("Time, time zone, language"),
    "help": N_("What this bot can do"),
    "cancel": N_("Forget what was asked"),
}
HELP = N_(
    "I keep birthdays and remind you of them, on the day, at your time.\n\n"
    "Just write me a name and a date:\n"
    "<code>Ada Lovelace 10.12.1815</code>\n"
    "<code>Ada, Dec 10</code>\n"
)
NONE_YET = N_("There are no birthdays yet. Add the first one: /add")


def start(talk: Talk) -> list[Reply]:
    """`/start`: what this is, and the Mini App; with an invitation behind it, follows that."""
    if talk.text.startswith(INVITED):
        return _join(talk, talk.text.removeprefix(INVITED).strip())
    if talk.text.startswith(mentioned.LINKED) and not talk.in_group:
        return mentioned.link(talk, talk.text.removeprefix(mentioned.LINKED).strip())
    if talk.text.startswith(GROUP) and not talk.in_group:
        return _enter_group(talk, talk.text.removeprefix(GROUP).strip())
    hello = talk.say("Hello, {name}!", name=talk.account.first_name or "👋")
    zone = talk.say("Your time zone is {zone}; change it in /settings.", zone=talk.access.timezone)
    greeting = talk.reply(f"{hello}\n\n{talk.say(HELP)}\n{zone}", column(*talk.app_button()))
    return greeting if talk.in_group else [*greeting, Menu(talk.chat_id, talk.language)]


def welcome_back(talk: Talk) -> list[Reply]:
    """`/restore`: the deletion that was asked for has been taken back."""
    return talk.reply(talk.say("Nothing is deleted; everything is there. All birthdays: /list"))


def _enter_group(talk: Talk, key: str) -> list[Reply]:
    role = ROLES.get(talk.world.status)
    access = membership.enter(talk.account.telegram_id, key, role, talk.now)
    said = talk.say("This is the calendar of <b>{title}</b>.", title=access.title)
    return talk.reply(said, column(*replace(talk, access=access).app_button()))


def _join(talk: Talk, code: str) -> list[Reply]:
    joined = sharing.accept(talk.account.telegram_id, code, talk.now)
    sentence = talk.say("You have joined the calendar <b>{title}</b>.", title=joined["title"])
    return talk.reply(sentence, column(*talk.app_button()))


def explain(talk: Talk) -> list[Reply]:
    """`/help`: all commands."""
    commands = "\n".join(f"/{name} — {talk.say(what)}" for name, what in COMMANDS.items())
    return talk.reply(f"{talk.say(HELP)}\n{commands}", column(*talk.app_button()))


def list_all(talk: Talk) -> list[Reply]:
    """`/list`, and its buttons, whose data says where the page begins."""
    begin = talk.text if talk.pressed else ""
    page = birthdays.upcoming(talk.access, _today(talk), PAGE, begin or None)
    if not page.rows:
        return talk.reply(talk.say(NONE_YET))
    turns = []
    if begin:
        turns.append(Button(talk.label("⏮ To the beginning"), "list:"))
    if page.next:
        turns.append(Button(talk.label("Next ▶"), f"list:{page.next}"))
    keyboard = ((tuple(turns),) if turns else ()) + column(*talk.app_button())
    return talk.reply(_lines(talk, talk.say("📋 <b>Birthdays, the next first</b>"), page), keyboard)


def upcoming(talk: Talk) -> list[Reply]:
    """`/next`: the next five."""
    page = birthdays.upcoming(talk.access, _today(talk), 5)
    if not page.rows:
        return talk.reply(talk.say(NONE_YET))
    return talk.reply(_lines(talk, talk.say("🔜 <b>The next birthdays</b>"), page))


def _lines(talk: Talk, headline: str, page: birthdays.Page) -> str:
    return "\n".join([headline, *(_line(talk, row) for row in page.rows)])


def _line(talk: Talk, row: birthdays.Row) -> str:
    """`10 December — Ada Lovelace, 211 years old (in 17 days)`."""
    today = _today(talk)
    born = dates.birth_date(row["birth_date"])
    on = dates.next_occurrence(born, today, row["leap_day"] or talk.access.leap_day)
    day = texts.day(talk.language, on.month, on.day)
    name = texts.escape(row["full_name"])
    return f"{day} — <b>{name}</b>{adding.turning(talk, born, on)} ({adding.when(talk, on, today)})"


def _today(talk: Talk) -> date:
    return dates.local_date(talk.now, talk.access.timezone)


def today(talk: Talk) -> list[Reply]:
    """`/today`: who has their birthday today, in the user's time zone."""
    on = _today(talk)
    found = birthdays.day(talk.access, on)["birthdays"]
    day = texts.day(talk.language, on.month, on.day)
    if not found:
        nobody = talk.say("Nobody has a birthday today, {day}. The next ones: /next", day=day)
        return talk.reply(nobody)
    lines = [talk.say("🎂 <b>Birthdays today, {day}</b>", day=day)]
    for row in found:
        line = f"• {texts.escape(row['full_name'])}"
        if row["age"]:
            line += " — " + adding.years(talk, row["age"])
        lines.append(line)
    return talk.reply("\n".join(lines))


def choose(talk: Talk) -> list[Reply]:
    """`/delete Ada`: offer those whose name has that in it; alone: the next ones."""
    talk.access.require(EDITOR)
    return choices(
        talk,
        talk.say("Whose birthday should be deleted?"),
        "delete",
        Button(talk.label("Keep all"), "keep"),
    )


def choices(talk: Talk, question: str, button: str, *more: Button) -> list[Reply]:
    """Offer people by what was written of the name, as buttons of that kind; the next ones else."""
    wanted = talk.text.strip()
    if wanted:
        rows = birthdays.find(talk.access, wanted, CHOICES + 1)
    else:
        rows = birthdays.upcoming(talk.access, _today(talk), CHOICES).rows
    if not rows:
        return talk.reply(talk.say("Nobody was found. All birthdays: /list"))
    if len(rows) > CHOICES or not wanted:
        hint = N_("If it is not here, write a part of the name: /{command} Ada")
        question += "\n" + talk.say(hint, command=button)
    buttons = [Button(_person(talk, row), f"{button}:{row['id']}") for row in rows[:CHOICES]]
    return talk.reply(question, column(*buttons, *more))


def _person(talk: Talk, row: birthdays.Row) -> str:
    born = dates.birth_date(row["birth_date"])
    return f"{row['full_name'][:40]}, {adding.day(talk, born)}"


def confirm(talk: Talk) -> list[Reply]:
    """A person was chosen to be deleted: ask once more."""
    row = birthdays.get(_ref(talk))
    buttons = (
        Button(talk.label("🗑 Yes, delete"), f"deleted:{row['id']}"),
        Button(talk.label("Keep"), "keep"),
    )
    return talk.reply(talk.say("Delete {person}?", person=_person(talk, row)), column(*buttons))


def delete(talk: Talk) -> list[Reply]:
    """The deletion was confirmed."""
    row = birthdays.get(_ref(talk))
    birthdays.delete(_ref(talk))
    return talk.reply(talk.say("Deleted: {person}", person=_person(talk, row)))


def _ref(talk: Talk) -> Ref:
    number = int(talk.text) if talk.text.isascii() and talk.text.isdigit() else 0
    return Ref(talk.account.telegram_id, number)


def keep(talk: Talk) -> list[Reply]:
    """Nothing is to be deleted after all."""
    return talk.reply(talk.say("Nothing was deleted."))


def cancel(talk: Talk) -> list[Reply]:
    """`/cancel`: what was asked is no longer waited for."""
    if conversation.forget(talk.chat_id, talk.account.telegram_id):
        return talk.reply(talk.say("Forgotten. What next? /help"))
    return talk.reply(talk.say("There was nothing to cancel."))
