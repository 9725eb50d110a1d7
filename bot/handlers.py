"""Dispatch: a command, button or message -> the conversation it belongs to -> replies.

Sends nothing itself. `handle` is called inside the transaction that marks the update as
worked off.
"""

from collections.abc import Callable
from typing import Any

from telebot import types

from calendar_app import calendars, conversation, me, membership, reminders, settings, texts
from calendar_app.calendars import VIEWER, Account
from calendar_app.errors import AppError, Invalid
from calendar_app.texts import N_

from . import adding, commands, explaining, mentioned, preferences, reminding
from .replies import Answer, Reply, Say, column
from .talk import GROUP, ROLES, Talk, World

GROUPS = ("group", "supergroup")
FIELD_NAMES = {"full_name": N_("name"), "birth_date": N_("date")}


def needs_status(update: types.Update, bot_name: str, now: int) -> tuple[int, int] | None:
    """The (chat, user) whose membership of a group must be known before `handle`, if any."""
    query, change = update.callback_query, update.my_chat_member
    if query and query.message:
        chat, user = query.message.chat, query.from_user
    elif change and change.new_chat_member.status in ROLES:
        chat, user = change.chat, change.from_user
    elif update.message and _heed(update.message, bot_name, now):
        chat, user = update.message.chat, update.message.from_user
        group = _behind_start(update.message, bot_name, GROUP)
        if group:
            group_id = membership.group_of(group)
            return (group_id, user.id) if group_id else None
    else:
        return None
    return (chat.id, user.id) if chat.type in GROUPS else None


def needs_birthdate(update: types.Update, bot_name: str) -> int | None:
    """The user whose birthdate in Telegram should be known before `handle`, if any."""
    query, message = update.callback_query, update.message
    if query and (query.data or "").startswith(f"{mentioned.BIRTHDATE}:"):
        return query.from_user.id
    asked = message and message.text and message.from_user
    if asked and _behind_start(message, bot_name, mentioned.LINKED):
        return message.from_user.id
    return None


def _behind_start(message: types.Message, bot_name: str, kind: str) -> str:
    """What a link of that kind puts behind /start in the private chat; "" for anything else."""
    command, text = _command(message.text, bot_name)
    is_link = message.chat.type == "private" and command == "start" and text.startswith(kind)
    return text.removeprefix(kind).strip() if is_link else ""


def handle(update: types.Update, world: World) -> list[Reply]:
    """What to answer to an update; nothing to one that does not concern us."""
    try:
        if update.my_chat_member:
            return _membership(update.my_chat_member, world)
        if update.callback_query:
            return _pressed(update.callback_query, world)
        return _message(update.message, world) if update.message else []
    except AppError as error:
        return _refused(update, error)


def _refused(update: types.Update, error: AppError) -> list[Reply]:
    """For somebody whom we do not know (on a full disk), or know no longer (being deleted)."""
    query, told = update.callback_query, update.my_chat_member or update.message
    language = texts.language_of((query or told).from_user.language_code or "")
    said = texts.say(language, error.message, **error.params)
    return [Answer(query.id, said) if query else Say(told.chat.id, said)]


def _message(message: types.Message, world: World) -> list[Reply]:
    if message.migrate_to_chat_id:
        membership.follow(message.chat.id, message.migrate_to_chat_id)
        return []
    if message.migrate_from_chat_id:
        membership.follow(message.migrate_from_chat_id, message.chat.id)
        return []
    heed = _heed(message, world.bot_name, world.now)
    if not heed or _outside(message.chat, world):
        return []
    command, text = heed
    if command == "restore" and calendars.is_leaving(message.from_user.id):
        me.restore(message.from_user.id)
    talk = _talk(message.from_user, message.chat, message.message_id, world, text=text)
    return _guarded(talk, lambda: _answer(talk, command))


def _outside(chat: types.Chat, world: World) -> bool:
    """Whether Telegram says that the user is not in the group (any more)."""
    return chat.type in GROUPS and world.status not in ROLES


def _heed(message: types.Message, bot_name: str, now: int) -> tuple[str, str] | None:
    """Command ("" if none) and text of a message that is meant for us; None for any other."""
    if not message.text or message.from_user is None or message.from_user.is_bot:
        return None
    command, text = _command(message.text, bot_name)
    if command is None or message.chat.type not in ("private", *GROUPS):
        return None
    talk_of_others = message.chat.type in GROUPS and not command
    if talk_of_others and not conversation.asked(message.chat.id, message.from_user.id, now):
        return None
    return command, text


def _command(text: str, bot_name: str) -> tuple[str | None, str]:
    """The command of a text ("" if none, None if it is another bot's) and what follows it."""
    if not text.startswith("/"):
        return "", text
    word, *rest = text[1:].split(maxsplit=1)
    name, _, addressed = word.partition("@")
    if addressed and addressed.casefold() != bot_name.casefold():
        return None, ""
    return name.casefold(), "".join(rest)


def _talk(user: types.User, chat: types.Chat, message_id: int, world: World, **more: Any) -> Talk:
    in_group = chat.type != "private"
    account = _account(user, may_write=not in_group)
    calendars.register(account, world.config, world.now)
    calendars.active(user.id)
    if in_group:
        role = ROLES.get(world.status, VIEWER)
        group = calendars.Group(chat.id, chat.title or "")
        access = calendars.enter_group(user.id, group, role, world.config, world.now)
    else:
        access = calendars.enter(user.id)
    known = {
        "language": settings.language(account, world.config.default_language),
        "chat_id": chat.id,
        "message_id": message_id,
        "in_group": in_group,
        "pressed": False,
        "text": "",
    }
    return Talk(account, access, world=world, **known | more)


def _account(user: types.User, may_write: bool) -> Account:
    return Account(
        user.id,
        user.first_name or "",
        user.last_name or "",
        user.username or "",
        user.language_code or "",
        may_write,
    )


def _guarded(talk: Talk, answer: Callable[[], list[Reply]]) -> list[Reply]:
    """The answer; expected failures become a sentence."""
    try:
        return answer()
    except AppError as error:
        lines = [talk.say(error.message, **error.params)]
        wrong_fields = error.errors if isinstance(error, Invalid) else ()
        for wrong in wrong_fields:
            name = talk.say(FIELD_NAMES.get(wrong.field, wrong.field))
            lines.append(f"• {name}: {talk.say(wrong.message, **wrong.params)}")
        return talk.reply("\n".join(lines))


def _answer(talk: Talk, command: str) -> list[Reply]:
    if command in ANSWERS:
        return ANSWERS[command](talk)
    if command:
        return talk.reply(talk.say("I do not know this command. What I can do: /help"))
    question = conversation.asked(talk.chat_id, talk.account.telegram_id, talk.now)
    if question:
        return _heard(talk, *question)
    if adding.understands(talk):
        return adding.start(talk)
    return talk.reply(talk.say("I did not understand that. What I can do: /help"))


def _heard(talk: Talk, step: str, draft: Any) -> list[Reply]:
    subject, _, detail = step.partition("/")
    if subject == "add":
        return adding.heard(talk, detail, draft)
    return preferences.heard(talk, detail)


def _fresh(answer: Callable[[Talk], list[Reply]]) -> Callable[[Talk], list[Reply]]:
    """A command starts anew: what was asked before is no longer waited for."""

    def begin(talk: Talk) -> list[Reply]:
        conversation.forget(talk.chat_id, talk.account.telegram_id)
        return answer(talk)

    return begin


ANSWERS = {
    "start": _fresh(commands.start),
    "help": _fresh(commands.explain),
    "add": _fresh(adding.start),
    "list": _fresh(commands.list_all),
    "today": _fresh(commands.today),
    "next": _fresh(commands.upcoming),
    "delete": _fresh(commands.choose),
    "why": _fresh(explaining.choose),
    "settings": _fresh(preferences.show),
    "cancel": commands.cancel,
    "restore": commands.welcome_back,
}
BUTTONS = {
    "list": commands.list_all,
    "which": adding.chosen,
    "delete": commands.confirm,
    "deleted": commands.delete,
    "keep": commands.keep,
    "times": preferences.times,
    "time": preferences.time,
    "zones": preferences.zones,
    "zone": preferences.zone,
    "language": preferences.language,
    "why": explaining.explain,
    mentioned.BIRTHDATE: mentioned.take,
    "write": reminding.write,
    "done": reminding.done,
    "tonight": reminding.tonight,
    "tomorrow": reminding.tomorrow,
}


def _pressed(query: types.CallbackQuery, world: World) -> list[Reply]:
    """A button: whatever becomes of it, it is answered, so that it never hangs."""
    name, _, text = (query.data or "").partition(":")
    press = BUTTONS.get(name)
    if press is None or query.message is None or _outside(query.message.chat, world):
        language = texts.language_of(query.from_user.language_code or "")
        return [Answer(query.id, texts.say(language, "This button is too old. Start anew: /help"))]
    place = (query.from_user, query.message.chat, query.message.message_id)
    talk = _talk(*place, world, text=text, pressed=True)
    replies = _guarded(talk, lambda: press(talk))
    notes = [reply.text for reply in replies if isinstance(reply, Answer)]
    rest = [reply for reply in replies if not isinstance(reply, Answer)]
    return [Answer(query.id, " ".join(notes)), *rest]


def _membership(change: types.ChatMemberUpdated, world: World) -> list[Reply]:
    """The bot was added to a group, removed from it, blocked, or allowed again."""
    if change.new_chat_member.status not in ROLES:
        reminders.close(change.chat.id, N_("the bot was blocked or removed from the chat"))
        return []
    if change.chat.type not in GROUPS or _outside(change.chat, world):
        return []
    talk = _talk(change.from_user, change.chat, 0, world)
    if change.old_chat_member.status in ROLES:
        return []
    hello = N_("Hello! I keep this group's birthdays. Add one: /add Ada 10.12.1815")
    return [Say(change.chat.id, talk.say(hello), column(*talk.app_button()))]
