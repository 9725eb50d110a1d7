"""Asks Telegram who is in which group: who waits for it at once, everybody else once a day.

What the web believes of groups rests on this (`calendar_app.membership`); no client is asked.
"""

import logging
import threading
import time

from telebot import TeleBot

from calendar_app import membership, models
from calendar_app.membership import Check

from .handlers import ROLES
from .trouble import failure, is_trouble

log = logging.getLogger(__name__)

LOOK_SECONDS = 2
# Five a second at most: messages to people have the way to themselves.
AT_ONCE = 10
TROUBLE_SECONDS = 30


class Members:
    """Works off what is to be asked, in a thread of its own, until `stop` is set."""

    def __init__(self, bot: TeleBot, stop: threading.Event) -> None:
        self.bot = bot
        self.stop = stop

    def run(self) -> None:
        """Look every two seconds, and leave Telegram in peace while it is in trouble."""
        pause = LOOK_SECONDS
        while not self.stop.wait(pause):
            try:
                well = all(map(self._ask, membership.due(int(time.time()), AT_ONCE)))
                pause = LOOK_SECONDS if well else TROUBLE_SECONDS
            except models.Trouble as error:
                log.warning("members of groups are not checked: %s", error)
                pause = TROUBLE_SECONDS
            except Exception:
                log.exception("checking a member of a group failed in an unforeseen way")
                pause = TROUBLE_SECONDS

    def _ask(self, check: Check) -> bool:
        """Ask about one; False if Telegram could not say."""
        try:
            status = self.bot.get_chat_member(check.chat_id, check.user_id).status
        except Exception as error:
            if not is_trouble(error):
                raise
            if failure(error).state == "later":
                return False
            # Telegram knows no such member, or we are not there any more.
            status = "left"
        membership.checked(check, ROLES.get(status), int(time.time()))
        return True
