"""The doctor's own way to Telegram, past the bot: is the token good, is a webhook set, what time.

It also carries what the timer tells the operators, as the bot may be what is down. The token goes
into the address of the request and nowhere else; what goes wrong is told without that address.
"""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from .. import config, incoming
from ..config import Config
from ..logs import mask
from .causes import CAUSES, SUDO, Check, error, ok, skipped, warning
from .machine import ASK_SECONDS, Place

IDS = ("bot-unauthorized", "webhook-set")
CLOCK_SECONDS = 60
# An error that Telegram met at our webhook counts for so long.
RECENT_SECONDS = 15 * 60
SET_CLOCK = "sudo timedatectl set-ntp true  # keeps the clock right from then on"
LONGEST_ANSWER = 2**16
# Telegram knows no such token, or what is set is no token at all.
REFUSED = (401, 404)


class Unreachable(Exception):
    """Telegram gave no answer; the text says why. `sent`: it may have had the whole request."""

    def __init__(self, why: str, sent: bool, timed_out: bool = False) -> None:
        super().__init__(why)
        self.sent = sent
        self.timed_out = timed_out


@dataclass(frozen=True)
class Answer:
    """What Telegram answered: its status, `result` or `description`, by its own clock."""

    status: int
    result: dict[str, Any]
    description: str = ""
    at: float | None = None


class Line:
    """A connection to the Bot API, with the bot's token."""

    def __init__(self, asking: http.client.HTTPConnection, prefix: str) -> None:
        self._asking = asking
        self._prefix = prefix

    def call(self, method: str, **parameters: Any) -> Answer:
        """Call a method of the Bot API; raises Unreachable."""
        sent = False
        try:
            if self._asking.sock is None:
                self._asking.connect()
            body, kind = json.dumps(parameters), {"Content-Type": "application/json"}
            sent = True
            self._asking.request("POST", f"{self._prefix}/{method}", body, kind)
            answer = self._asking.getresponse()
            raw = answer.read(LONGEST_ANSWER)
        except (OSError, http.client.HTTPException) as problem:
            timed_out = isinstance(problem, TimeoutError)
            raise Unreachable(_why(problem), sent, timed_out) from None
        return _understood(answer, raw)


@contextmanager
def line(api: str, token: str, seconds: float = ASK_SECONDS) -> Iterator[Line]:
    """A connection that is made at the first call and closed at the end."""
    parts = urlsplit(api)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    with closing(kind(parts.hostname or "", parts.port, timeout=seconds)) as asking:
        yield Line(asking, f"{parts.path}/bot{token}")


def token(settings: Config) -> str:
    """The bot's token where this process may have it, else ""."""
    return settings.bot_token or stored_token()


def stored_token() -> str:
    """The token of an installation, which only root can read; "" where there is none."""
    folder = config.secrets_dir()
    with suppress(OSError, UnicodeDecodeError):
        return (folder / "bot-token").read_text(encoding="ascii").strip() if folder else ""
    return ""


def _understood(answer: http.client.HTTPResponse, raw: bytes) -> Answer:
    at = None
    with suppress(TypeError, ValueError):
        at = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    try:
        said = json.loads(raw)
        result = said.get("result")
        description = mask(str(said.get("description", "")))
    except (ValueError, AttributeError, RecursionError):
        # What a proxy answers for a server that is away never reached it.
        sent = answer.status < 500
        raise Unreachable(f"status {answer.status} and no JSON", sent) from None
    return Answer(answer.status, result if isinstance(result, dict) else {}, description, at)


def _why(problem: Exception) -> str:
    """The reason in words; never the exception's own, which may have the address in it."""
    if isinstance(problem, socket.gaierror):
        return "its name cannot be resolved (DNS)"
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({problem.verify_message}): is the clock right?"
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return type(problem).__name__


# --- the look ----------------------------------------------------------------------------


def look(place: Place) -> list[Check]:
    """The token by getMe, the webhook by getWebhookInfo, our clock by Telegram's."""
    settings = place.config
    if settings is None:
        return _skipped("The configuration cannot be read here.", SUDO)
    if not settings.enable_telegram_bot:
        return _skipped("The bot is switched off.")
    secret = token(settings)
    if not secret:
        return _skipped("There is no token that could be read here.", SUDO)
    try:
        with line(settings.telegram_api_url, secret) as asking:
            me = asking.call("getMe")
            if me.status in REFUSED:
                return [_unauthorized(me), *_skipped("Telegram refuses the token.")[1:]]
            hook = asking.call("getWebhookInfo")
    except Unreachable as problem:
        return _unreachable(problem)
    if me.status != 200 or hook.status != 200:
        return _skipped(f"Telegram answered with {me.status}: {me.description or 'no reason'}")
    known = ok("bot-unauthorized", f"Telegram knows the bot as @{me.result.get('username')}.")
    return [known, *_webhook(settings, hook.result), *_clock(me)]


def _skipped(why: str, fix: str = CAUSES["telegram-unreachable"].fix) -> list[Check]:
    return [skipped(each, why, fix) for each in IDS]


def _unauthorized(me: Answer) -> Check:
    said = f"Telegram refuses the bot token: {me.status} {me.description}".rstrip()
    return error("bot-unauthorized", said)


def _unreachable(problem: Unreachable) -> list[Check]:
    checks = _skipped(f"Telegram cannot be asked: {problem}.")
    if problem.timed_out:
        return checks  # It may be slow only; whether it is away, the bot knows.
    return [*checks, error("telegram-unreachable", f"Telegram cannot be reached: {problem}")]


def _clock(me: Answer) -> list[Check]:
    """Nothing where our clock is right, or Telegram does not tell."""
    off = time.time() - me.at if me.at is not None else 0
    if abs(off) <= CLOCK_SECONDS:
        return []
    side = "ahead of" if off > 0 else "behind"
    said = f"This machine's clock is {abs(off):.0f} s {side} Telegram's: sign-in will fail"
    return [warning("clock", said, SET_CLOCK)]


# --- webhooks ----------------------------------------------------------------------------


def _webhook(settings: Config, info: dict[str, Any]) -> list[Check]:
    """Whether the webhook is what BOT_MODE says; a foreign one is an error."""
    cause, address = "webhook-set", str(info.get("url") or "")
    if address and address != incoming.address(settings):
        who = urlsplit(address).hostname
        return [error(cause, f"A program at {who} has set a webhook for this bot")]
    if settings.bot_mode == "webhook":
        return [ok(cause, "The webhook is our own."), *_delivery(address, info)]
    if address:
        return [ok(cause, "Our own webhook of before is set; the bot takes it away.")]
    return [ok(cause, "No webhook is set.")]


def _delivery(address: str, info: dict[str, Any]) -> list[Check]:
    """What Telegram says of its calls to our webhook."""
    if not address:
        fix = "sudo journalctl -u birthday-calendar-bot -n 50  # says why it is not set"
        return [warning("webhook", "Our webhook is not set at Telegram", fix)]
    at = info.get("last_error_date")
    if not isinstance(at, int) or at < time.time() - RECENT_SECONDS:
        return [ok("webhook", "Telegram reports no trouble with our webhook.")]
    said = f"Telegram cannot deliver to our webhook: {info.get('last_error_message')}"
    return [
        warning("webhook", said, f"curl -sSi -m 10 {address}  # from outside, as Telegram does")
    ]
