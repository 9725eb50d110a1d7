"""One message out, and what Telegram's answers mean. Nobody else calls Telegram to write.

The answers are those of core.telegram.org/bots/api#making-requests; see `failure`.
"""

import logging
import threading
from typing import Any

import requests
from telebot import TeleBot, apihelper, types

from calendar_app.reminders import Message, Outcome
from calendar_app.texts import N_

from .menus import Menus
from .replies import Answer, Edit, Keyboard, Menu, Reply, Say

log = logging.getLogger(__name__)

# A reply that Telegram postpones for longer than this is given up: the user has asked again.
PATIENCE_SECONDS = 10
UNREACHABLE = "unreachable"
# Parts of Telegram's sentences after which a chat stays closed until its people come back.
CLOSED = (
    "bot was blocked",
    "user is deactivated",
    "bot was kicked",
    "bot is not a member",
    "can't initiate conversation",
    "chat not found",
    "group chat was deleted",
)
HARMLESS = ("message is not modified", "query is too old", "message to edit not found")


def failure(error: Exception) -> Outcome:
    """What a failed call means: try later, never again, or the chat is closed to us."""
    if not isinstance(error, apihelper.ApiTelegramException):
        return Outcome("later", N_("Telegram could not be reached"))
    parameters = error.result_json.get("parameters") or {}
    if "migrate_to_chat_id" in parameters:
        moved = parameters["migrate_to_chat_id"]
        return Outcome("later", N_("the group moved"), 0, moved_to=moved)
    if error.error_code == 429:
        wait = parameters.get("retry_after", 30)
        return Outcome("later", N_("Telegram asked to wait"), max(1, int(wait)))
    if error.error_code >= 500 or error.error_code == 401:
        return Outcome("later", N_("Telegram could not be reached"))
    closed = any(part in error.description for part in CLOSED)
    return Outcome("refused" if closed else "failed", error.description)


def is_trouble(error: Exception) -> bool:
    """Whether an exception comes from the way to Telegram and back, not from our code."""
    kinds = (
        apihelper.ApiTelegramException,
        apihelper.ApiHTTPException,
        apihelper.ApiInvalidJSONException,
        requests.RequestException,
    )
    return isinstance(error, kinds)


class Sender:
    """Sends through one bot; gives up waiting when `stop` is set."""

    def __init__(self, bot: TeleBot, menus: Menus, stop: threading.Event) -> None:
        self.bot = bot
        self.menus = menus
        self.stop = stop

    def send(self, message: Message) -> Outcome:
        """Send a reminder; tells what became of it and raises nothing of Telegram's."""
        try:
            # The plain call: an answer that telebot cannot read must not send it twice.
            apihelper.send_message(self.bot.token, message.chat_id, message.html, parse_mode="HTML")
        except Exception as error:
            if not is_trouble(error):
                raise
            return failure(error)
        return Outcome("sent")

    def perform(self, reply: Reply) -> None:
        """Carry out a reply; what cannot be done is logged, and the next reply goes on."""
        for _ in range(3):
            try:
                return self._call(reply)
            except Exception as error:
                if not is_trouble(error):
                    raise
                outcome = failure(error)
            if outcome.state != "later" or (outcome.seconds or 1) > PATIENCE_SECONDS:
                break
            if self.stop.wait(outcome.seconds or 1):
                break
        if not any(part in outcome.reason for part in HARMLESS):
            log.warning("a reply could not be sent: %s", outcome.reason)
        return None

    def _call(self, reply: Reply) -> None:
        match reply:
            case Say():
                self.bot.send_message(
                    reply.chat_id,
                    reply.html,
                    parse_mode="HTML",
                    reply_markup=_markup(reply.keyboard, reply.ask),
                    reply_parameters=_quotation(reply.reply_to),
                )
            case Edit():
                self.bot.edit_message_text(
                    reply.html,
                    reply.chat_id,
                    reply.message_id,
                    parse_mode="HTML",
                    reply_markup=_markup(reply.keyboard, False),
                )
            case Menu():
                self.menus.show(reply.chat_id, reply.language)
            case Answer():
                self.bot.answer_callback_query(reply.callback_id, reply.text or None)


def _quotation(message_id: int | None) -> Any:
    if message_id is None:
        return None
    return types.ReplyParameters(message_id, allow_sending_without_reply=True)


def _markup(keyboard: Keyboard, ask: bool) -> Any:
    if not keyboard:
        return types.ForceReply(selective=True) if ask else None
    rows = [
        [
            types.InlineKeyboardButton(button.text, web_app=types.WebAppInfo(button.web_app))
            if button.web_app
            else types.InlineKeyboardButton(button.text, callback_data=button.data)
            for button in row
        ]
        for row in keyboard
    ]
    return types.InlineKeyboardMarkup(rows)
