"""Logging to standard error, with every secret masked, for all processes alike.

Call `setup` once at the start of a process. The mask works on the finished line, traceback
included, so that no library can slip a token or initData past it.
"""

import logging
import os
import re
from typing import Any

SECRETS = (
    # A bot token, alone or in an address such as /bot<token>/getMe.
    (re.compile(r"(?<![0-9A-Za-z])(bot)?[0-9]{5,20}(:|%3A)[A-Za-z0-9_-]{20,}"), r"\1<token>"),
    # initData, whole or in part, also where it is quoted again.
    (
        re.compile(
            r"(?i)\b(hash|signature|query_id|user|chat_instance|tgwebappdata|init_data)"
            r"((?:=|%3D|%253D)|['\"]\s*:\s*['\"])[^\s&'\"]+"
        ),
        r"\1\2<masked>",
    ),
    (re.compile(r"(?i)\b(tma|bearer)\s+[^\s'\"]{16,}"), r"\1 <masked>"),
    (re.compile(r"(/feed/)[^\s/?'\"]{8,}"), r"\1<masked>"),
)


def mask(text: str) -> str:
    """The text with tokens, initData, sessions and feed secrets made unreadable."""
    for pattern, shown in SECRETS:
        text = pattern.sub(shown, text)
    return text


class MaskingFormatter(logging.Formatter):
    """Formats a record, traceback included, then masks what it must not tell."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def settings(level: str) -> dict[str, Any]:
    """The configuration for logging.config.dictConfig, gunicorn's loggers included."""
    # journald stamps each line itself.
    stamp = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    quiet = {"level": "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {
                "class": "calendar_app.logs.MaskingFormatter",
                "format": stamp + "%(levelname)s %(name)s: %(message)s",
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "urllib3": quiet,
            "gunicorn.error": {"level": level, "propagate": True, "handlers": []},
            "gunicorn.access": {"level": level, "propagate": True, "handlers": []},
        },
    }
