"""Sending, editing and deleting messages."""

import time

from .. import entities, markup
from ..errors import bad_request
from ..people import reply_content
from ..world import User
from .registry import method

_LONGEST_TEXT = 4096
_LONGEST_CAPTION = 1024
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)


@method("sendMessage")
def send_message(call):
    return put(call, formatted(call))


@method("editMessageText")
def edit_message_text(call):
    content = formatted(call)
    message = _own(call)
    if "text" not in message.public:
        raise bad_request("there is no text in the message to edit")
    return _change(call, message, content)


@method("editMessageCaption")
def edit_message_caption(call):
    content = formatted(call, "caption")
    message = _own(call)
    if not any(kind in message.public for kind in ("photo", "document")):
        raise bad_request("there is no caption in the message to edit")
    return _change(call, message, content)


@method("editMessageReplyMarkup")
def edit_message_reply_markup(call):
    return _change(call, _own(call), {})


@method("deleteMessage")
def delete_message(call):
    message = _found(call, "delete")
    chat = call.chat_to_read()
    own = message.public["from"]["id"] == call.bot.id
    if not own and chat.type != "private" and not _is_admin(call, chat):
        raise bad_request("message can't be deleted")
    _delete(call.world, chat, message)
    return True


@method("deleteMessages")
def delete_messages(call):
    chat = call.chat_to_read()
    for message_id in call.args.json("message_ids") or []:
        if message_id in chat.messages:
            _delete(call.world, chat, chat.messages[message_id])
    return True


@method("sendChatAction")
def send_chat_action(call):
    call.chat_to_write()
    return True


def put(call, content):
    """Sends `content` to the call's chat with its reply and its markup; the Message as JSON."""
    chat = call.chat_to_write()
    shown = markup.check(call.args.json("reply_markup"), chat, call.local)
    content = {**_reply(call, chat), **content}
    return call.world.post(chat, call.bot, content, shown).public


def formatted(call, field="text"):
    """{"text", "entities"} of the call (or caption, caption_entities), checked."""
    marks = "entities" if field == "text" else "caption_entities"
    text, found = entities.parse(
        call.args.text(field), call.args.text("parse_mode"), call.args.json(marks)
    )
    most = _LONGEST_TEXT if field == "text" else _LONGEST_CAPTION
    if field == "text" and not text:
        raise bad_request("message text is empty")
    if entities.utf16_length(text) > most:
        raise bad_request(f"message {'' if field == 'text' else 'caption '}is too long")
    if not text:
        return {}
    found = [e for e in (_mention(call, entity) for entity in found) if e]
    return {field: text, **({marks: found} if found else {})}


def _mention(call, entity):
    """A link to tg://user?id=N is a mention of a known user, and nothing for an unknown one."""
    target = entity.get("url", "")
    if not target.startswith("tg://user?id="):
        return entity
    person = call.world.person(int(target.removeprefix("tg://user?id=") or 0))
    if not isinstance(person, User):
        return None
    place = {key: entity[key] for key in ("offset", "length")}
    return {**place, "type": "text_mention", "user": person.public()}


def _reply(call, chat):
    wanted = call.args.json("reply_parameters") or {}
    message_id = wanted.get("message_id") or call.args.integer("reply_to_message_id")
    if not message_id:
        return {}
    try:
        return reply_content(chat, int(message_id))
    except LookupError:
        lenient = call.args.flag("allow_sending_without_reply")
        if lenient or wanted.get("allow_sending_without_reply"):
            return {}
        raise bad_request("message to be replied not found") from None


def _found(call, purpose):
    chat = call.chat_to_read()
    message = chat.messages.get(call.args.integer("message_id"))
    if message is None or message.deleted:
        raise bad_request(f"message to {purpose} not found")
    return message


def _own(call):
    message = _found(call, "edit")
    if message.public["from"]["id"] != call.bot.id:
        raise bad_request("message can't be edited")
    return message


def _change(call, message, content):
    chat = call.chat_to_write()
    shown = markup.check(call.args.json("reply_markup"), chat, call.local)
    if shown and "inline_keyboard" not in shown:
        raise bad_request("inline keyboard expected")
    with call.world.changed:
        old = message.public
        kept = _without(old, content)
        new = {**kept, **content, **({"reply_markup": shown} if shown else {})}
        if new == {key: value for key, value in old.items() if key != "edit_date"}:
            raise bad_request(_NOT_MODIFIED)
        message.public = {**new, "edit_date": int(time.time())}
        message.markup = shown
        call.world.touch(chat, message)
        return message.public


def _without(old, content):
    dropped = {"edit_date", "reply_markup"}
    if "text" in content:
        dropped |= {"text", "entities"}
    if "caption" in content:
        dropped |= {"caption", "caption_entities"}
    return {key: value for key, value in old.items() if key not in dropped}


def _delete(world, chat, message):
    with world.changed:
        message.deleted = True
        world.touch(chat, message)


def _is_admin(call, chat):
    return chat.members.get(call.bot.id) in ("administrator", "creator")
