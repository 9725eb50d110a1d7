"""Who is asking: Telegram's initData, and the sessions that are given in exchange for it.

Works with the key derived from the bot token only, never with the token. The rules of initData:
core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app.
"""

import hashlib
import hmac
import json
import re
import unicodedata
from dataclasses import asdict
from typing import Any
from urllib.parse import unquote_plus

from itsdangerous import BadData, URLSafeSerializer

from .calendars import Account
from .errors import Unauthorized
from .models import LARGEST_ID
from .texts import N_

MAX_AGE = 24 * 3600
MAX_FUTURE = 60
MAX_LENGTH = 16_384
MAX_FIELDS = 64
SESSION_SECONDS = 3600
REFUSED = N_("The sign-in data is not valid: open the calendar from Telegram again.")
EXPIRED = N_("The sign-in has expired: open the calendar from Telegram again.")


def verify(init_data: str, key: bytes, now: int, max_age: int = MAX_AGE) -> Account:
    """The user that Telegram vouches for in initData; raises Unauthorized.

    `key` is config.webapp_key(token). Accepts up to `max_age` seconds of age and a clock that is
    60 s ahead.
    """
    fields = _fields(init_data)
    given = fields.pop("hash", "")
    checked = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    expected = hmac.new(key, checked.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode()):
        raise Unauthorized(REFUSED)
    _check_age(fields.get("auth_date", ""), now, max_age)
    return _account(fields.get("user", ""))


def _fields(init_data: str) -> dict[str, str]:
    """The decoded fields. A field twice, or with control characters, could mean two things."""
    pairs = init_data.split("&")
    if len(init_data) > MAX_LENGTH or len(pairs) > MAX_FIELDS:
        raise Unauthorized(REFUSED)
    fields: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name, value = unquote_plus(name), unquote_plus(value)
        odd = any(unicodedata.category(char) == "Cc" for char in name + value)
        if not equals or odd or name in fields:
            raise Unauthorized(REFUSED)
        fields[name] = value
    return fields


def _check_age(auth_date: str, now: int, max_age: int) -> None:
    if not re.fullmatch(r"[1-9][0-9]{0,15}", auth_date, re.ASCII):
        raise Unauthorized(REFUSED)
    if not now - max_age <= int(auth_date) <= now + MAX_FUTURE:
        raise Unauthorized(EXPIRED)


def _account(user_json: str) -> Account:
    try:
        user = json.loads(user_json)
    except (ValueError, RecursionError):
        raise Unauthorized(REFUSED) from None
    telegram_id = user.get("id") if isinstance(user, dict) else None
    if type(telegram_id) is not int or not 0 < telegram_id <= LARGEST_ID:
        raise Unauthorized(REFUSED)
    names = {
        name: _text(user.get(name))
        for name in ("first_name", "last_name", "username", "language_code")
    }
    return Account(telegram_id, may_write=user.get("allows_write_to_pm") is True, **names)


def _text(value: Any) -> str:
    """A name as the database can keep it: text, of bearable length, without half characters."""
    text = value if isinstance(value, str) else ""
    return text[:255].encode("utf-8", "ignore").decode().replace("\0", "")


def _sessions(key: bytes) -> URLSafeSerializer:
    # A key of its own for each purpose; a new bot token ends all sessions.
    return URLSafeSerializer(key, salt="birthday-calendar session", signer_kwargs=SIGNER)


SIGNER = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}


def open_session(account: Account, key: bytes, now: int) -> tuple[str, int]:
    """A signed session for the user and when it ends (seconds since 1970)."""
    ends = now + SESSION_SECONDS
    return _sessions(key).dumps({"ends": ends, "user": asdict(account)}), ends


def resume_session(session: str, key: bytes, now: int) -> Account:
    """The user of a session; raises Unauthorized for a forged or ended one."""
    try:
        content = _sessions(key).loads(session)
    except (BadData, UnicodeError):
        raise Unauthorized(REFUSED) from None
    if now >= content["ends"]:
        raise Unauthorized(EXPIRED)
    return Account(**content["user"])
