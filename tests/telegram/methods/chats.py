"""What a bot may ask about chats and their members, and leaving one."""

from .. import groups
from ..errors import bad_request
from ..people import chat_member
from ..world import IN_GROUP
from .registry import method


@method("getChat")
def get_chat(call):
    chat = call.chat_to_read()
    if chat.type == "private" and not chat.started:
        raise bad_request("chat not found")  # Telegram knows nobody who never met the bot
    full = {
        **chat.public(),
        "accent_color_id": abs(chat.id) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(_GIFTS, True),
    }
    if chat.type == "private":
        if chat.user.username:
            full["active_usernames"] = [chat.user.username]
        if chat.user.birthdate:
            full["birthdate"] = chat.user.birthdate
    else:
        full["permissions"] = dict.fromkeys(_PERMISSIONS, True)
    return full


_GIFTS = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)
_PERMISSIONS = (
    "can_send_messages",
    "can_send_photos",
    "can_send_documents",
    "can_send_polls",
    "can_add_web_page_previews",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
)


@method("getChatMember")
def get_chat_member(call):
    chat = call.chat_to_read()
    person = call.world.person(call.args.integer("user_id"))
    if person is None:
        raise bad_request("invalid user_id specified")
    status = chat.members.get(person.id, "left")
    if chat.type == "private" and person.id in (chat.id, call.bot.id):
        status = "member"
    return chat_member(person, status)


@method("getChatAdministrators")
def get_chat_administrators(call):
    chat = _group(call)
    return [
        chat_member(call.world.person(member), status)
        for member, status in chat.members.items()
        if status in ("creator", "administrator")
    ]


@method("getChatMemberCount", "getChatMembersCount")
def get_chat_member_count(call):
    chat = call.chat_to_read()
    if chat.type == "private":
        return 2
    return sum(status in IN_GROUP for status in chat.members.values())


@method("leaveChat")
def leave_chat(call):
    groups.set_status(call.world, _group(call), call.bot, "left", actor=call.bot)
    return True


def _group(call):
    chat = call.chat_to_read()
    if chat.type == "private":
        raise bad_request("chat type is private")
    return chat
