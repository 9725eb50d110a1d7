"""The table of Bot API methods, and the Call that each gets.

Every module of this folder adds to the table; `botapi` reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..args import Args
from ..errors import bad_request, forbidden
from ..world import IN_GROUP, Bot, World

METHODS = {}  # name in lower case → (name, function)


def method(*names):
    """Registers a function `(call) -> result` under the names of Bot API methods."""

    def register(function):
        for name in names:
            METHODS[name.lower()] = (name, function)
        return function

    return register


@dataclass
class Call:
    world: World
    bot: Bot
    args: Args
    alive: Callable  # () -> bool: whether the client still listens

    @property
    def local(self):
        return self.world.settings.local

    def chat(self):
        """The chat of chat_id; 400 when the bot knows none, or when it became a supergroup."""
        reference = self.args.values.get("chat_id")
        if any(str(bot.id) == str(reference) for bot in self.world.bots.values()):
            raise forbidden("bot can't send messages to bots")
        chat = self.world.chat(self.bot, reference)
        if chat.migrated_to:
            raise bad_request(
                "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
            )
        return chat

    def chat_to_read(self):
        """The same; 403 in a group that the bot is not in any more."""
        chat = self.chat()
        if chat.type != "private":
            _require_membership(self.bot, chat)
        return chat

    def chat_to_write(self):
        """The same; 403 where Telegram does not let the bot write."""
        chat = self.chat_to_read()
        if chat.type == "private":
            _require_willing(chat)
        return chat


def _require_willing(chat):
    if chat.user.deactivated:
        raise forbidden("user is deactivated")
    if chat.blocked:
        raise forbidden("bot was blocked by the user")
    if not chat.started:
        raise forbidden("bot can't initiate conversation with a user")


def _require_membership(bot, chat):
    status = chat.members.get(bot.id)
    if status == "kicked":
        raise forbidden(f"bot was kicked from the {chat.type} chat")
    if status not in IN_GROUP:
        raise forbidden(f"bot is not a member of the {chat.type} chat")
