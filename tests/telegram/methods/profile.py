"""What a bot says about itself: commands, menu button, name and descriptions."""

import json
import re

from ..errors import bad_request
from ..markup import check_web_app
from .registry import method

_SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}
_MOST_COMMANDS = 100


@method("setMyCommands")
def set_my_commands(call):
    commands = call.args.json("commands")
    if not isinstance(commands, list):
        raise bad_request("commands must be an Array of BotCommand")
    if len(commands) > _MOST_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        _check_command(command)
    kept = [{key: c[key].strip() for key in ("command", "description")} for c in commands]
    call.bot.commands[_place(call)] = [
        {**c, "command": c["command"].removeprefix("/")} for c in kept
    ]
    call.world.bump()
    return True


@method("getMyCommands")
def get_my_commands(call):
    return call.bot.commands.get(_place(call), [])


@method("deleteMyCommands")
def delete_my_commands(call):
    call.bot.commands.pop(_place(call), None)
    call.world.bump()
    return True


def _check_command(command):
    name = str(command.get("command", "")).removeprefix("/")
    if not re.fullmatch(r"[a-z0-9_]{1,32}", name):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(str(command.get("description", "")).strip()) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")


def _place(call):
    scope = call.args.json("scope") or {"type": "default"}
    if scope.get("type") not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    kept = {"type": scope["type"]}
    for key in _SCOPES[scope["type"]]:
        kept[key] = int(scope.get(key, 0))
    if "chat_id" in kept:
        call.world.chat(call.bot, kept["chat_id"])
    language = _language(call)
    return json.dumps(kept, sort_keys=True), language


def _language(call):
    language = call.args.text("language_code")
    if not re.fullmatch(r"([a-z]{2})?", language):
        raise bad_request("invalid language code specified")
    return language


@method("setChatMenuButton")
def set_chat_menu_button(call):
    button = call.args.json("menu_button") or {"type": "default"}
    if button.get("type") not in ("default", "commands", "web_app"):
        raise bad_request("MenuButton has unsupported type")
    if button["type"] == "web_app":
        if not str(button.get("text", "")).strip():
            raise bad_request('can\'t parse menu button: Field "text" must be non-empty')
        check_web_app(button.get("web_app"), call.local)
    key = _menu_chat(call)
    if button["type"] == "default":
        call.bot.menu_buttons.pop(key, None)
    else:
        call.bot.menu_buttons[key] = button
    call.world.bump()
    return True


@method("getChatMenuButton")
def get_chat_menu_button(call):
    buttons = call.bot.menu_buttons
    return buttons.get(_menu_chat(call)) or buttons.get(None) or {"type": "commands"}


def _menu_chat(call):
    if not call.args.has("chat_id"):
        return None
    chat = call.chat_to_read()
    if chat.type != "private":
        raise bad_request("chat_id must be of a private chat")
    return chat.id


_TEXTS = {  # method's word → (field, the longest Telegram takes)
    "Name": ("name", 64),
    "Description": ("description", 512),
    "ShortDescription": ("short_description", 120),
}


@method("setMyName")
def set_my_name(call):
    return _set_text(call, "Name")


@method("setMyDescription")
def set_my_description(call):
    return _set_text(call, "Description")


@method("setMyShortDescription")
def set_my_short_description(call):
    return _set_text(call, "ShortDescription")


@method("getMyName")
def get_my_name(call):
    return {"name": call.bot.texts.get(("name", _language(call)), call.bot.name)}


@method("getMyDescription")
def get_my_description(call):
    return {"description": call.bot.texts.get(("description", _language(call)), "")}


@method("getMyShortDescription")
def get_my_short_description(call):
    key = ("short_description", _language(call))
    return {"short_description": call.bot.texts.get(key, "")}


def _set_text(call, word):
    field, most = _TEXTS[word]
    text = call.args.text(field)
    if len(text) > most:
        raise bad_request(f"{field} is too long")
    call.bot.texts[field, _language(call)] = text
    call.world.bump()
    return True
