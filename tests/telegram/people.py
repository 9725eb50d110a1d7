"""What human beings do: write, press buttons, block the bot, open a link.

Each function changes the world and lets the bots know, as Telegram would. Called by `control` only.
"""

import re
import secrets
import time
from urllib.parse import parse_qs, urlsplit

from .entities import found_in
from .world import Callback


def send(world, user, chat, content):
    """Writes a message; `content` is its fields in the Bot API's names. Returns the Message."""
    with world.changed:
        if chat.type == "private":
            allow(world, chat)
        elif user.id not in chat.members:
            raise LookupError(f"{user.first_name} is not in the group {chat.title}")
        if "text" in content:
            text = content["text"].strip()
            entities = found_in(text)
            content = {**content, "text": text, **({"entities": entities} if entities else {})}
        message = world.post(chat, user, content)
        world.broadcast(chat, message)
        return message


def edit(world, chat, message_id, text):
    """The user changes an own message: bots get an edited_message."""
    with world.changed:
        message = chat.messages[message_id]
        message.public = {**message.public, "text": text, "edit_date": int(time.time())}
        message.public.pop("entities", None)
        if entities := found_in(text):
            message.public["entities"] = entities
        world.touch(chat, message)
        world.broadcast(chat, message, "edited_message")
        return message


def reply_content(chat, message_id):
    """The field reply_to_message for a reply to a message of this chat."""
    original = chat.messages.get(message_id)
    if original is None or original.deleted:
        raise LookupError(f"no message {message_id} to reply to")
    quoted = {k: v for k, v in original.public.items() if k != "reply_to_message"}
    return {"reply_to_message": quoted}


def allow(world, chat):
    """The user starts the bot or lets it write; after a block that is a my_chat_member update."""
    with world.changed:
        if chat.blocked:
            _membership(chat, "kicked", "member")
        chat.blocked = False
        chat.started = True
        world.bump()


def block(world, chat):
    with world.changed:
        if not chat.blocked:
            chat.blocked = True
            _membership(chat, "member", "kicked")
            world.bump()


def _membership(chat, old, new):
    chat.bot.queue.push("my_chat_member", member_update(chat, chat.user, chat.bot, (old, new)))


def member_update(chat, actor, member, statuses):
    """A ChatMemberUpdated; `statuses` is (old, new)."""
    old, new = statuses
    return {
        "chat": chat.public(),
        "from": actor.public(),
        "date": int(time.time()),
        "old_chat_member": chat_member(member, old),
        "new_chat_member": chat_member(member, new),
    }


def chat_member(person, status):
    """A ChatMember in the shape of its status."""
    member = {"user": person.public(), "status": status}
    if status == "kicked":
        member["until_date"] = 0
    if status in ("creator", "administrator"):
        member["is_anonymous"] = False
    if status == "administrator":
        member["can_be_edited"] = False
        for right in _RIGHTS:
            member[right] = True
    return member


_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
    "can_send_welcome_messages",
)


def press_callback(world, user, chat, message, data):
    """Presses an inline button with callback_data; returns the id of the callback query."""
    with world.changed:
        sender = world.bot(message.public["from"]["id"])
        query_id = str(secrets.randbelow(2**62))
        world.callbacks[query_id] = Callback(sender, time.monotonic())
        sender.queue.push(
            "callback_query",
            {
                "id": query_id,
                "from": user.public(),
                "message": message.public,
                "chat_instance": str(chat.id * 7919),
                "data": data,
            },
        )
        return query_id


def find_button(chat, wanted, message_id=None):
    """(message, button) for a button's text or data, the newest message first."""
    seen = []
    for message in reversed(list(chat.messages.values())):
        if message.deleted or message_id not in (None, message.id):
            continue
        for button in _inline_buttons(message):
            if wanted in (button["text"], button.get("callback_data")):
                return message, button
            seen.append(button["text"])
    keyboard = reply_keyboard(chat)
    for button in keyboard_buttons(keyboard):
        if button["text"] == wanted:
            return None, button
        seen.append(button["text"])
    raise LookupError(f"no button {wanted!r}; there are {seen}")


def _inline_buttons(message):
    rows = message.public.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


def reply_keyboard(chat):
    """The reply keyboard or forced reply that the chat shows now, None for none."""
    for message in reversed(list(chat.messages.values())):
        markup = message.markup or {}
        if message.deleted or "inline_keyboard" in markup or not markup:
            continue
        return None if "remove_keyboard" in markup else markup
    return None


def keyboard_buttons(markup):
    """The buttons of a reply keyboard in one list, each as an object."""
    rows = (markup or {}).get("keyboard", [])
    flat = [button for row in rows for button in row]
    return [{"text": button} if isinstance(button, str) else button for button in flat]


def read_link(world, url):
    """What a t.me link means: (bot, "start" | "startgroup" | "startapp", payload), or None."""
    parts = urlsplit(url)
    if parts.hostname not in ("t.me", "telegram.me"):
        return None
    path = parts.path.strip("/").split("/")
    bot = next((b for b in world.bots.values() if b.username == path[0]), None)
    if bot is None or not re.fullmatch(r"\w+", path[0]):
        return None
    query = parse_qs(parts.query, keep_blank_values=True)
    for kind in ("startapp", "startgroup", "start"):
        if kind in query:
            return bot, kind, query[kind][0]
    return bot, "startapp" if len(path) > 1 else "open", ""
