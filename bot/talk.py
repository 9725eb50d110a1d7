"""One message or pressed button as a handler sees it: who, where, what, in which language."""

from dataclasses import dataclass, replace
from typing import Any

from calendar_app import membership, texts
from calendar_app.calendars import EDITOR, OWNER, VIEWER, Access, Account
from calendar_app.config import Config
from calendar_app.dates import BirthDate

from .replies import Answer, Button, Edit, Keyboard, Reply, Say

# Telegram's status of a group's member (core.telegram.org/bots/api#chatmember) as our role.
ROLES = {"creator": OWNER, "administrator": EDITOR, "member": VIEWER, "restricted": VIEWER}
# What a link to a group's calendar puts behind /start, before the group's key.
GROUP = "group_"


@dataclass(frozen=True)
class World:
    """What handlers need to know besides the update.

    `status` is the user's in the group that it is about (Telegram's word), "" where there is none;
    `birthdate` what the user tells Telegram of theirs, and lets us see.
    """

    config: Config
    bot_name: str
    status: str = ""
    birthdate: BirthDate | None = None
    now: int = 0

    def seen(self, status: str, birthdate: BirthDate | None, now: int) -> "World":
        """The same for one update, worked off now."""
        return replace(self, status=status, birthdate=birthdate, now=now)


@dataclass(frozen=True)
class Talk:
    """`text` is the message without the command, or the button's data without its name.

    `message_id` is the message that was written, or the one that has the button. `world` has what
    Telegram was asked for before.
    """

    account: Account
    access: Access
    language: str
    chat_id: int
    message_id: int
    in_group: bool
    text: str
    pressed: bool
    world: World

    @property
    def config(self) -> Config:
        """The service's configuration."""
        return self.world.config

    @property
    def now(self) -> int:
        """When the update is worked off."""
        return self.world.now

    def say(self, message: str, /, **values: Any) -> str:
        """The sentence in this person's language, values escaped for HTML."""
        return texts.html(self.language, message, **values)

    def reply(self, html: str, keyboard: Keyboard = (), ask: bool = False) -> list[Reply]:
        """An answer in this chat; where a button was pressed, its message becomes the answer."""
        if self.pressed and not ask:
            return [Edit(self.chat_id, self.message_id, html, keyboard)]
        # In a group everybody writes: a quotation shows who is meant, and lets the bot hear
        # the answer, which Telegram shows it only as a reply.
        reply_to = self.message_id if self.in_group and not self.pressed else None
        return [Say(self.chat_id, html, keyboard, ask and self.in_group, reply_to)]

    def note(self, message: str, /) -> list[Reply]:
        """A short note over the chat, for a pressed button; its message stays as it is."""
        return [Answer("", self.label(message))]

    def app_button(self) -> tuple[Button, ...]:
        """The button that opens the calendar: in a group by way of the private chat.

        Telegram takes buttons of Mini Apps in private chats only.
        """
        label = self.label("📅 Open the calendar")
        if self.in_group and self.access.calendar_id:
            start = f"{GROUP}{membership.key(self.access)}"
            return (Button(label, url=f"https://t.me/{self.world.bot_name}?start={start}"),)
        address = self.config.telegram_webapp_url
        if self.in_group or not address:
            return ()
        if self.access.kind == "group":
            address = f"{address}{'&' if '?' in address else '?'}calendar={self.access.calendar_id}"
        return (Button(label, web_app=address),)

    def label(self, message: str, /, **values: Any) -> str:
        """The sentence as plain text, for a button."""
        return texts.say(self.language, message, **values)
