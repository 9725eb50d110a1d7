"""The way to Telegram and back: one kept connection a thread; only answers of the Bot API count.

telebot calls `Wire.ask` for every request. Whatever comes back that no Bot API server says (HTML
of a proxy, JSON of another form) is raised as NotTelegram, so that nobody else has to expect it.
"""

import threading
import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

import requests

# Telegram's clock is right. More than this is told to the operators: sign-in would fail.
CLOCK_SECONDS = 60


class NotTelegram(requests.RequestException):
    """What answered is no Bot API server; the text says what it was."""


class Wire:
    """Connections to the Bot API, and how far our clock is from that of the other end."""

    def __init__(self) -> None:
        self._kept = threading.local()
        # Seconds that our clock is ahead, by the Date header of the latest answer.
        self.clock_ahead = 0

    def ask(self, method: str, url: str, **how: Any) -> requests.Response:
        """One request; raises RequestException. `how` as telebot gives it to requests."""
        if not hasattr(self._kept, "session"):
            self._kept.session = requests.Session()
        if not how.get("files"):
            # Not in the address, which has its limits and gets into messages of errors.
            method, how = "post", {**how, "data": how.pop("params", None)}
        answer = self._kept.session.request(method, url, **how)
        answer.encoding = "utf-8"
        self._compare(answer.headers.get("Date"))
        _require_bot_api(answer)
        return answer

    def _compare(self, date: str | None) -> None:
        with suppress(TypeError, ValueError):
            self.clock_ahead = round(time.time() - parsedate_to_datetime(date).timestamp())


def _require_bot_api(answer: requests.Response) -> None:
    """Raises NotTelegram (core.telegram.org/bots/api#making-requests)."""
    status = f"HTTP status {answer.status_code}"
    try:
        said = answer.json()
    except (ValueError, RecursionError):
        kind = answer.headers.get("Content-Type", "no content type")[:50]
        raise NotTelegram(f"{status}, and no JSON but {kind}") from None
    good = isinstance(said, dict) and said.get("ok") is True and "result" in said
    bad = isinstance(said, dict) and said.get("ok") is False
    explained = bad and type(said.get("error_code")) is int
    if not good and not (explained and isinstance(said.get("description"), str)):
        raise NotTelegram(f"{status}, and JSON that is not of the Bot API")
