"""One message or pressed button as a handler sees it: who, where, what, in which language."""

from dataclasses import dataclass
from typing import Any

from calendar_app import texts
from calendar_app.calendars import Access, Account
from calendar_app.config import Config

from .replies import Answer, Button, Edit, Keyboard, Reply, Say


@dataclass(frozen=True)
class Talk:
    """`text` is the message without the command, or the button's data without its name.

    `message_id` is the message that was written, or the one that has the button.
    """

    account: Account
    access: Access
    language: str
    chat_id: int
    message_id: int
    in_group: bool
    text: str
    pressed: bool
    config: Config
    now: int

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
        """The button that opens the Mini App; Telegram takes it in private chats only."""
        if self.in_group or not self.config.telegram_webapp_url:
            return ()
        return (
            Button(self.label("📅 Open the calendar"), web_app=self.config.telegram_webapp_url),
        )

    def label(self, message: str, /, **values: Any) -> str:
        """The sentence as plain text, for a button."""
        return texts.say(self.language, message, **values)
