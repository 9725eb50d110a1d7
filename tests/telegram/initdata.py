"""The signed initData that Telegram hands to a Mini App. Used by the control API and `webapps`."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import quote, urlencode


def signed(token, user, auth_date=None, **more):
    """initData for `user` (a dict), signed with the bot's token.

    `more` are further fields (start_param, chat_type …); None leaves one out. The `signature` that
    Telegram adds for third parties is random bytes here, and takes part in the hash as there.
    """
    fields = {
        "query_id": "AA" + secrets.token_urlsafe(15),
        "user": json.dumps(user, ensure_ascii=False, separators=(",", ":")),
        "auth_date": int(time.time() if auth_date is None else auth_date),
        "signature": base64.urlsafe_b64encode(secrets.token_bytes(64)).decode().rstrip("="),
        **more,
    }
    fields = {key: str(value) for key, value in fields.items() if value is not None}
    return urlencode({**fields, "hash": digest(token, fields)}, quote_via=quote)


def digest(token, fields):
    """https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app"""
    secret = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    lines = "\n".join(f"{key}={value}" for key, value in sorted(fields.items()))
    return hmac.new(secret, lines.encode(), hashlib.sha256).hexdigest()
