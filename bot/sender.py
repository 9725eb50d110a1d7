"""One message out: reminders by `send`, replies by `perform`. Nobody else calls Telegram to write.

`send` never waits and tells what became of it; `perform` waits a little and then gives up.
"""

import logging
import threading
import time
from typing import Any

import requests
from telebot import TeleBot, apihelper, types

from calendar_app.reminders import Message, Outcome

from .menus import Menus
from .replies import Answer, Button, Edit, Keyboard, Menu, Reply, Say, grid
from .trouble import (
    UNREACHABLE,
    backoff,
    failure,
    is_trouble,
    may_have_arrived,
)

log = logging.getLogger(__name__)

# A reply that Telegram postpones for longer than this is given up: the user has asked again.
PATIENCE_SECONDS = 10
REPEAT_SECONDS = 1
# After so many failures in a row that are no chat's own fault, nothing is sent for a while.
FLOODED = 3
TOO_MANY = 429
HOLD = (1, 30)
HARMLESS = ("message is not modified", "query is too old", "message to edit not found")


class Sender:
    """Sends through one bot; gives up waiting when `stop` is set."""

    def __init__(self, bot: TeleBot, menus: Menus, stop: threading.Event) -> None:
        self.bot = bot
        self.menus = menus
        self.stop = stop
        self._lock, self._probe = threading.Lock(), threading.Lock()
        self._failures = 0
        self._away = False
        self._hold_until = 0.0
        self._torn = 0

    def free(self) -> bool:
        """Whether Telegram may be asked to send: not while it is away or told us all to wait.

        What is due stays due meanwhile, and is sent at once when it is over.
        """
        return time.monotonic() >= self._hold_until

    def send(self, message: Message) -> Outcome:
        """Send a reminder; tells what became of it and raises nothing of Telegram's."""
        if not self._away:
            return self._try(message)
        # While Telegram is away one message at a time finds out whether it is back.
        if not self.free() or not self._probe.acquire(blocking=False):
            return Outcome("later", UNREACHABLE, REPEAT_SECONDS)
        try:
            return self._try(message)
        finally:
            self._probe.release()

    def _try(self, message: Message) -> Outcome:
        try:
            # The plain call: an answer that telebot cannot read must not send it twice.
            apihelper.send_message(
                self.bot.token,
                message.chat_id,
                message.html,
                parse_mode="HTML",
                reply_markup=_buttons(message),
            )
        except Exception as error:
            if not is_trouble(error):
                raise
            return self._failed(message, error)
        self._is_back()
        return Outcome("sent")

    def _is_back(self) -> None:
        self._failures, self._away = 0, False

    def _failed(self, message: Message, error: Exception) -> Outcome:
        outcome = failure(error)
        if may_have_arrived(error):
            self._torn += 1
            log.warning(
                "chat %s: the connection broke before Telegram's answer, so a message may come "
                "twice (%d so far)", message.chat_id, self._torn,
            )  # fmt: skip
        if outcome.state != "later" or outcome.moved_to is not None:
            self._is_back()
            return outcome
        with self._lock:
            # What was in flight beside it tells nothing new.
            if self.free():
                self._failures += 1
                self._hold(error, outcome.seconds or 1)
        return outcome

    def _hold(self, error: Exception, seconds: int) -> None:
        asked = getattr(error, "error_code", None) == TOO_MANY
        if asked and self._failures < FLOODED:
            return  # It may be that one chat's fault.
        pause = seconds if asked else backoff(*HOLD, self._failures)
        self._hold_until, self._away = time.monotonic() + pause, True

    def perform(self, reply: Reply) -> None:
        """Carry out a reply; what cannot be done is logged, and the next reply goes on."""
        for _ in range(3):
            try:
                return self._call(reply)
            except Exception as error:
                if not is_trouble(error):
                    raise
                outcome = failure(error)
                wait = REPEAT_SECONDS if outcome.reason == UNREACHABLE else outcome.seconds or 1
                # What took so long already is not worth a second wait.
                if isinstance(error, requests.Timeout):
                    break
            if outcome.state != "later" or wait > PATIENCE_SECONDS or self.stop.wait(wait):
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


def _buttons(message: Message) -> Any:
    if not message.buttons:
        return None
    return _markup(grid([Button(text, data) for text, data in message.buttons], 2), False)


def _quotation(message_id: int | None) -> Any:
    if message_id is None:
        return None
    return types.ReplyParameters(message_id, allow_sending_without_reply=True)


def _markup(keyboard: Keyboard, ask: bool) -> Any:
    if not keyboard:
        return types.ForceReply(selective=True) if ask else None
    return types.InlineKeyboardMarkup([[_inline(button) for button in row] for row in keyboard])


def _inline(button: Button) -> types.InlineKeyboardButton:
    does = {"callback_data": button.data}
    if button.web_app:
        does = {"web_app": types.WebAppInfo(button.web_app)}
    elif button.url:
        does = {"url": button.url}
    elif button.copy:
        does = {"copy_text": types.CopyTextButton(button.copy)}
    return types.InlineKeyboardButton(button.text, **does)
