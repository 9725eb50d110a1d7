"""The way to Telegram and back: one kept connection a thread; only answers of the Bot API count.

telebot calls `Wire.ask` for every request. Whatever comes back that no Bot API server says (HTML
of a proxy, JSON of another form) is raised as NotTelegram, so that nobody else has to expect it.
"""

import threading
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from .clock import Clock


class NotTelegram(requests.RequestException):
    """What answered is no Bot API server; the text says what it was."""


class Wire:
    """Connections to the Bot API; tells `clock` the time that each of its answers says."""

    def __init__(self, clock: Clock) -> None:
        self._kept = threading.local()
        self.clock = clock

    def ask(self, method: str, url: str, **how: Any) -> requests.Response:
        """One request; raises RequestException. `how` as telebot gives it to requests."""
        if not hasattr(self._kept, "session"):
            self._kept.session = requests.Session()
        if not how.get("files"):
            # Not in the address, which has its limits and gets into messages of errors.
            method, how = "post", {**how, "data": how.pop("params", None)}
        answer = self._kept.session.request(method, url, **how)
        answer.encoding = "utf-8"
        _require_bot_api(answer)
        with suppress(TypeError, ValueError):
            self.clock.heard(parsedate_to_datetime(answer.headers.get("Date")).timestamp())
        return answer


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
