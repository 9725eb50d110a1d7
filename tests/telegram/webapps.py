"""How Telegram opens a Mini App: the address with its fragment, and the data in it.

Used by the control API, for tests and for the page under /simulator/.
"""

import json
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from . import initdata
from .people import keyboard_buttons, reply_keyboard

THEMES = json.loads((Path(__file__).parent / "page" / "themes.json").read_text())
VERSION = "8.0"


def init_data(bot, user, chat=None, **more):
    """Signed initData of `user` for `bot`; `more` as in `initdata.signed`."""
    known = {"id": user.id, "first_name": user.first_name, "last_name": user.last_name}
    known |= {key: value for key, value in user.public().items() if key != "is_bot"}
    if chat is not None and chat.started and not chat.blocked:
        known["allows_write_to_pm"] = True
    return initdata.signed(bot.token, known, **more)


def launch(url, data, theme="light", start_param=None):
    """The address that the web view loads, with Telegram's fragment."""
    fragment = {
        "tgWebAppData": data,
        "tgWebAppVersion": VERSION,
        "tgWebAppPlatform": "web",
        "tgWebAppThemeParams": json.dumps(THEMES[theme], separators=(",", ":")),
    }
    parts = urlsplit(url)
    query = parts.query
    if start_param is not None:
        query = "&".join(filter(None, [query, urlencode({"tgWebAppStartParam": start_param})]))
    return urlunsplit(parts._replace(query=query, fragment=urlencode(fragment, quote_via=quote)))


def menu_button(bot, user):
    """The menu button of the user's private chat with the bot."""
    return bot.menu_buttons.get(user.id) or bot.menu_buttons.get(None) or {"type": "commands"}


def commands(bot, user, chat):
    """The commands the user's "/" menu shows in this chat, after Telegram's order of scopes."""
    for scope in _scopes(user, chat):
        for language in (user.language_code[:2], ""):
            found = bot.commands.get((json.dumps(scope, sort_keys=True), language))
            if found:
                return found
    return []


def _scopes(user, chat):
    if chat.type == "private":
        yield {"type": "chat", "chat_id": chat.id}
        yield {"type": "all_private_chats"}
    else:
        yield {"type": "chat_member", "chat_id": chat.id, "user_id": user.id}
        if chat.members.get(user.id) in ("administrator", "creator"):
            yield {"type": "chat_administrators", "chat_id": chat.id}
            yield {"type": "all_chat_administrators"}
        yield {"type": "chat", "chat_id": chat.id}
        yield {"type": "all_group_chats"}
    yield {"type": "default"}


def shown(bot, user, chat):
    """What surrounds the messages of a chat: keyboard, commands, menu button."""
    return {
        "keyboard": reply_keyboard(chat),
        "keyboard_buttons": keyboard_buttons(reply_keyboard(chat)),
        "commands": commands(bot, user, chat),
        "menu_button": menu_button(bot, user) if chat.type == "private" else None,
        "blocked": chat.blocked,
        "description": _text(bot, "description", user),
    }


def _text(bot, field, user):
    own = bot.texts.get((field, user.language_code[:2]))
    return own or bot.texts.get((field, ""), "")
