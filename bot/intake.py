"""Working updates off: one after the other, each exactly once, wherever it came from."""

import logging
import time
import traceback
from typing import Any

from telebot import TeleBot, apihelper, types

from calendar_app import alerts, conversation, dates, incoming, membership, models
from calendar_app.dates import BirthDate
from calendar_app.logs import mask
from calendar_app.served import Served
from calendar_app.texts import N_

from .clock import Clock
from .commands import COMMANDS
from .handlers import handle, needs_birthdate, needs_status
from .members import standing
from .sender import Sender
from .status import Status
from .talk import World
from .trouble import failure, is_trouble

log = logging.getLogger(__name__)

SET_ASIDE = N_(
    "A message to the bot broke the program and was set aside; all others are served. "
    "It is a fault in the program: {where}. The journal of birthday-calendar-bot has more."
)


class Intake:
    """Hands updates to the handlers and sends what they answer."""

    def __init__(self, bot: TeleBot, sender: Sender, status: Status, clock: Clock) -> None:
        self.bot = bot
        self.clock = clock
        self.bot_id = int(bot.token.partition(":")[0])
        self.sender = sender
        self.status = status
        self.stop = sender.stop
        # Set once Telegram has told who we are.
        self.world: World | None = None
        self.served = Served()

    def work_off(self, raw: dict[str, Any]) -> None:
        """Handle one update. What Telegram or the database spoils is raised: it comes again."""
        self.status.moved("updates")
        began = time.monotonic()
        try:
            replies = self._replies(raw)
        except Exception as error:
            if is_trouble(error) or models.is_trouble(error):
                raise
            replies = []
            self._set_aside(raw, error)
        for reply in replies:
            self.sender.perform(reply)
            self.status.moved("updates")
        end = time.monotonic()
        self.served.note(
            f"{_kind(raw)}: {len(replies)} replies, {(end - began) * 1000:.0f} ms", end
        )

    def work_off_waiting(self) -> None:
        """Work off all that came by webhook, until stopped."""
        while waiting := incoming.waiting(self.bot_id):
            for raw in waiting:
                if self.stop.is_set():
                    return
                self.work_off(raw)

    def _replies(self, raw: dict[str, Any]) -> list[Any]:
        update, now = types.Update.de_json(raw), self.clock.now()
        member = needs_status(update, self.world.bot_name, now)
        status, moved_to = self._status(*member) if member else ("", None)
        if moved_to is not None:
            membership.follow(member[0], moved_to)
            return self._replies(_in_chat(raw, moved_to))
        person = needs_birthdate(update, self.world.bot_name)
        birthdate = self._birthdate(person) if person else None
        with models.writing(essential=True):
            incoming.done(self.bot_id, raw["update_id"])
            if not conversation.first_time(self.bot_id, raw["update_id"], now):
                return []
            return handle(update, self.world.seen(status, birthdate, now))

    def _status(self, chat_id: int, user_id: int) -> tuple[str, int | None]:
        """A user's status in a group; one that Telegram will not tell counts as left.

        Of a group that became a supergroup its new id instead.
        """
        try:
            return standing(self.bot, chat_id, user_id), None
        except apihelper.ApiTelegramException as error:
            outcome = failure(error)
            if outcome.state == "later" and outcome.moved_to is None:
                raise
            return "left", outcome.moved_to

    def _birthdate(self, user_id: int) -> BirthDate | None:
        """What a user tells Telegram of their birthday and lets the bot see; never kept."""
        try:
            found = self.bot.get_chat(user_id).birthdate
        except Exception as error:
            if not is_trouble(error):
                raise
            return None
        if found is None or not dates.exists(found.year, found.month, found.day):
            return None
        return BirthDate(found.year, found.month, found.day)

    def _set_aside(self, raw: dict[str, Any], error: Exception) -> None:
        """Keep it for whoever mends the fault, tell of it once, and never try it again."""
        update_id, now = raw["update_id"], self.clock.now()
        log.error("update %s broke its handler and is set aside", update_id, exc_info=error)
        reason = mask(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
        with models.writing(essential=True):
            conversation.first_time(self.bot_id, update_id, now)
            incoming.set_aside(self.bot_id, raw, reason, now)
            where = _where(error)
            alerts.tell(f"update-set-aside {where}", SET_ASIDE, now, where=where)


def _in_chat(raw: dict[str, Any], chat_id: int) -> dict[str, Any]:
    """The same update, from the chat that its chat has become."""
    kind = next(each for each in ("message", "callback_query", "my_chat_member") if each in raw)
    what = raw[kind]
    if kind == "callback_query":
        inner = what["message"]
        return raw | {kind: what | {"message": inner | {"chat": inner["chat"] | {"id": chat_id}}}}
    return raw | {kind: what | {"chat": what["chat"] | {"id": chat_id}}}


def _where(error: Exception) -> str:
    """The kind of error and the line of code, without a word of what the user wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    place = ours[-1].filename.rpartition("/")[2] + f":{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__}, {place}"


def _kind(raw: dict[str, Any]) -> str:
    """What an update is, for the journal: a command of ours by its name, else no word of it."""
    message = raw.get("message")
    text = message.get("text") if isinstance(message, dict) else None
    is_command = isinstance(text, str) and text.startswith("/")
    command = text.split(maxsplit=1)[0].partition("@")[0] if is_command else ""
    if command.removeprefix("/") in {"start", *COMMANDS}:
        return command
    return next((kind for kind in incoming.KINDS if kind in raw), "update")
