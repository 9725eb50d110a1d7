"""What Telegram's errors mean; the one place that knows (core.telegram.org/bots/api).

`failure` judges a message that could not be sent, `diagnose` why updates do not come. Neither
shows an address, as the token is part of it.
"""

import random
import re
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from telebot import apihelper

from calendar_app.logs import mask
from calendar_app.reminders import Outcome
from calendar_app.texts import N_

from .wire import NotTelegram

UNREACHABLE = N_("Telegram could not be reached")
# While Telegram is away the sender asks it ever more seldom, so a message need not wait longer.
UNREACHABLE_SECONDS = 5
# Longer than Telegram ever asks to wait; after that asking again is no impatience.
LONGEST_WAIT = 24 * 3600
# Parts of Telegram's sentences (400) after which a chat stays closed until its people come back,
# as after every 403.
CLOSED = (
    "chat not found",
    "group chat was deleted",
    "group chat was deactivated",
    "PEER_ID_INVALID",
)
CLOCK = "{said}; is this machine's clock right?"
# What `requests` says, in words that name the remedy.
REASONS = (
    (
        r"(?i)NameResolution|name resolution|Name or service|getaddrinfo",
        "its name is unknown (DNS)",
    ),
    (r"(?i)certificate has expired", CLOCK.format(said="its certificate has expired")),
    (r"(?i)certificate is not yet valid", CLOCK.format(said="its certificate is not yet valid")),
    (r"(?i)CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted here"),
    (r"SSL|TLS", "TLS does not work"),
    (r"ProxyError", "the proxy does not let us through"),
    (r"(?i)connection refused", "the connection was refused"),
    (r"(?i)unreachable|no route", "there is no way to it in the network"),
    (r"(?i)timed? ?out", "no answer in time"),
)


@dataclass(frozen=True)
class Diagnosis:
    """Why updates do not come: `what` (a key of status.SAYINGS), in detail, how long to wait."""

    what: str
    detail: str
    seconds: int | None = None


def diagnose(error: Exception) -> Diagnosis:
    """What a failed call to get updates means; raised by Telegram or on the way to it."""
    code = getattr(error, "error_code", None)
    if not isinstance(error, apihelper.ApiTelegramException):
        return Diagnosis("telegram-unreachable", _reason(error))
    if code in (401, 404):
        # Telegram answers 404 to a token that has not even the right form.
        return Diagnosis("bot-unauthorized", mask(error.description))
    wait = _retry_after(error) if code == 429 else None
    return Diagnosis("telegram-unreachable", mask(f"{code} {error.description}")[:200], wait)


def failure(error: Exception) -> Outcome:
    """What a failed call means: try later, never again, or the chat is closed to us."""
    away = Outcome("later", UNREACHABLE, UNREACHABLE_SECONDS)
    if not isinstance(error, apihelper.ApiTelegramException):
        return away
    moved = _parameters(error).get("migrate_to_chat_id")
    if type(moved) is int:
        return Outcome("later", N_("the group moved"), 0, moved_to=moved)
    if error.error_code == 429:
        return Outcome("later", N_("Telegram asked to wait"), _retry_after(error))
    if error.error_code not in (400, 403):
        return away
    said = mask(error.description)
    closed = error.error_code == 403 or any(part in said for part in CLOSED)
    return Outcome("refused" if closed else "failed", said)


def is_trouble(error: Exception) -> bool:
    """Whether an exception comes from the way to Telegram and back, not from our code."""
    return isinstance(error, apihelper.ApiTelegramException | requests.RequestException)


def may_have_arrived(error: Exception) -> bool:
    """Whether Telegram may have done what it was asked for: the way back broke, not the way out."""
    if isinstance(error, NotTelegram):
        return "status 200" in str(error)
    if isinstance(error, requests.ReadTimeout | requests.exceptions.ChunkedEncodingError):
        return True
    torn = type(error) is requests.ConnectionError and error.args
    return bool(torn and isinstance(error.args[0], urllib3.exceptions.ProtocolError))


def backoff(shortest: float, longest: float, failures: int) -> float:
    """Seconds to wait: doubled by each failure; with jitter, so that two programs part."""
    full = min(longest, shortest * 2 ** min(failures - 1, 10))
    return full * random.uniform(0.5, 1)  # noqa: S311 - no secret


def _parameters(error: apihelper.ApiTelegramException) -> dict[str, Any]:
    found = error.result_json.get("parameters")
    return found if isinstance(found, dict) else {}


def _retry_after(error: apihelper.ApiTelegramException) -> int:
    wait = _parameters(error).get("retry_after")
    return min(max(1, wait), LONGEST_WAIT) if type(wait) is int else 30


def _reason(error: Exception) -> str:
    if isinstance(error, NotTelegram):
        return str(error)
    said = mask(f"{type(error).__name__} {error}")
    known = (words for pattern, words in REASONS if re.search(pattern, said))
    return next(known, "the connection was torn")
