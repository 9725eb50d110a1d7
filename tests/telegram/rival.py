"""A second instance of a bot, which polls with the same token and so provokes 409s.

Switched through the control API.
"""

import threading
import time

from .errors import ApiError, TornConnectionError
from .updates import Poll

_PAUSE = 1.0
_TIMEOUT = 30


class Rival:
    def __init__(self, bot, steals=False):
        self.bot = bot
        self.steals = steals  # confirms what it gets, as a true second instance does
        self.stopped = threading.Event()
        threading.Thread(target=self._poll_on, daemon=True).start()

    def stop(self):
        self.stopped.set()

    def _poll_on(self):
        offset = 0
        while not self.stopped.is_set():
            try:
                got = self.bot.queue.poll(Poll(offset, 100, _TIMEOUT), self._alive)
            except ApiError as refusal:
                time.sleep(refusal.after)
                got = []
            except TornConnectionError:
                return
            if got and self.steals:
                offset = got[-1]["update_id"] + 1
            self.stopped.wait(_PAUSE)

    def _alive(self):
        return not self.stopped.is_set()
