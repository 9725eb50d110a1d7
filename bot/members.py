"""Asks Telegram who is in which group: who waits for it at once, everybody else once a day.

Also whoever is about to be told something of a group in private. What the web believes of groups
rests on this (`calendar_app.membership`); no client is asked.
"""

import logging
import threading

from telebot import TeleBot

from calendar_app import membership, models
from calendar_app.membership import Check

from .clock import Clock
from .talk import ROLES
from .trouble import failure, is_trouble

log = logging.getLogger(__name__)

LOOK_SECONDS = 2
# Five a second at most: messages to people have the way to themselves.
AT_ONCE = 10
TROUBLE_SECONDS = 30


class Members:
    """Works off what is to be asked, in a thread of its own, until `stop` is set."""

    def __init__(self, bot: TeleBot, stop: threading.Event, clock: Clock) -> None:
        self.bot = bot
        self.clock = clock
        self.stop = stop

    def run(self) -> None:
        """Look every two seconds, and leave Telegram in peace while it is in trouble."""
        pause = LOOK_SECONDS
        while not self.stop.wait(pause):
            try:
                due = membership.due(self.clock.now(), AT_ONCE)
                away = any(self.ask(check) is None for check in due)
                pause = TROUBLE_SECONDS if away else LOOK_SECONDS
            except models.Trouble as error:
                log.warning("members of groups are not checked: %s", error)
                pause = TROUBLE_SECONDS
            except Exception:
                log.exception("checking a member of a group failed in an unforeseen way")
                pause = TROUBLE_SECONDS

    def ask(self, check: Check) -> bool | None:
        """Ask whether somebody is in a group, and note it; None if Telegram could not say."""
        try:
            status = standing(self.bot, check.chat_id, check.user_id)
        except Exception as error:
            if not is_trouble(error):
                raise
            outcome = failure(error)
            if outcome.moved_to is not None:
                membership.follow(check.chat_id, outcome.moved_to)
                return self.ask(Check(outcome.moved_to, check.user_id))
            if outcome.state == "later":
                return None
            # Telegram knows no such member, or we are not there any more.
            status = "left"
        role = ROLES.get(status)
        membership.checked(check, role, self.clock.now())
        return role is not None


def standing(bot: TeleBot, chat_id: int, user_id: int) -> str:
    """Telegram's word for what somebody is in a group; who is restricted may have left it."""
    member = bot.get_chat_member(chat_id, user_id)
    return member.status if getattr(member, "is_member", True) else "left"
