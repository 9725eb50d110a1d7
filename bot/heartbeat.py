"""A dead man's switch: HEARTBEAT_URL is called each minute while reminders are sent in time.

Whoever watches that address notices when the calls end, whatever ended them. The address is a
secret and never shown.
"""

import logging
import threading
import time

import requests

from calendar_app import models, reminders

from .status import Episode, Status

EVERY_SECONDS = 60
LOOK_SECONDS = 1
ASK_SECONDS = 10


class Heartbeat:
    """Calls the address, in a thread of its own, until stopped."""

    def __init__(self, url: str, status: Status, stop: threading.Event) -> None:
        self.url = url
        self.status = status
        self.stop = stop
        self._failure = Episode("the heartbeat's address answers again", logging.WARNING)

    def run(self) -> None:
        """Call it as long as all is well, each minute; the first time as soon as it is."""
        pause = LOOK_SECONDS
        while not self.stop.wait(pause):
            pause = LOOK_SECONDS
            if self._all_is_in_time():
                self._call()
                pause = EVERY_SECONDS

    def _all_is_in_time(self) -> bool:
        if not self.status.moves("reminders"):
            return False
        try:
            return not reminders.overdue(int(time.time()))
        except models.Trouble:
            return False

    def _call(self) -> None:
        try:
            answer = requests.get(self.url, timeout=ASK_SECONDS, stream=True)
            answer.close()
            answer.raise_for_status()
        except requests.RequestException as error:
            code = getattr(error.response, "status_code", "")
            self._failure.begins("the heartbeat fails: %s %s", type(error).__name__, code)
        else:
            self._failure.ends()
