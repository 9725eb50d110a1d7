"""Logging to standard error, with every secret masked, for all processes alike.

Give `settings` to logging.config.dictConfig at the start of a process. The mask works on the
finished line, traceback included, so that no library can slip a token or initData past it.
"""

import logging
import re
import sys
import threading
import traceback
from typing import Any

from . import config

# A sign as it is, or percent-encoded, perhaps more than once: initData is quoted in addresses.
COLON, SLASH, BRACE = (
    rf"(?:{sign}|%(?:25)*{code})" for sign, code in ((":", "3A"), ("/", "2F"), (r"\{", "7B"))
)
# What stands between the name of a field and its value: = in an address, ": " in JSON,
# ', ' in a list of pairs; JSON within JSON has backslashes too.
QUOTE = r"(?:\\*['\"]|%(?:25)*22)?"
BETWEEN = rf"{QUOTE}\s*(?:[=:,]|%(?:25)*3[AD]|%(?:25)*2C)\s*{QUOTE}"
# Where a name begins: a line break in a repr is a backslash and a letter.
BEGIN = r"(?:(?<![A-Za-z_])|(?<=\\[nrt]))"


def _field(name: str, value: str) -> tuple[re.Pattern[str], str]:
    return re.compile(rf"(?i)({BEGIN}(?:{name}){BETWEEN})(?:{value})"), r"\1<masked>"


SECRETS = (
    # A bot token, alone or in an address such as /bot<token>/getMe.
    (re.compile(rf"(?i)[0-9]{{5,20}}{COLON}[A-Z0-9_-]{{20,}}"), "<token>"),
    # In an address even what is too short for a token of Telegram's own server.
    (re.compile(rf"(?i)({SLASH}bot)[0-9]{{1,20}}{COLON}[A-Z0-9_-]+"), r"\1<token>"),
    # initData, whole or in part, also where it is quoted again. The values are told from
    # ordinary words by their form, so that `user=5` stays readable.
    _field("hash", "[0-9a-f]{8,}"),
    _field("signature", r"[\w-]{20,}"),
    _field("query_id", r"[\w-]{8,}"),
    _field("chat_instance", "-?[0-9]{5,}"),
    _field("start_param|tgWebAppStartParam", r"[\w-]+"),
    _field("tgWebAppData|init[_-]?data", r"[^\s&'\"]{16,}"),
    _field("user|receiver|chat", rf"(?=%){BRACE}[^\s&'\"]*"),
    _field("user|receiver|chat", r"\{.*\}|\{.*"),
    # Sessions: in the header, in our own answer, alone.
    (re.compile(r"(?i)\b(tma|bearer)(?:\s|%20|\+)+[^\s'\"]{16,}"), r"\1 <masked>"),
    (re.compile(r"\.?eJ[\w-]{20,}\.[\w-]{20,}|\beyJ[\w-]{20,}\.[\w-]{20,}"), "<masked>"),
    (re.compile(rf"(?i)({SLASH}feed{SLASH})[\w-]{{8,}}"), r"\1<masked>"),
    # The password in an address, of a database, say.
    (re.compile(r"(://[^\s/:@]*:)[^\s/@]+@"), r"\1<masked>@"),
)

PRIORITIES = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
    (0, 7),
)


def mask(text: str) -> str:
    """The text with tokens, initData, sessions and feed secrets made unreadable."""
    for pattern, shown in SECRETS:
        text = pattern.sub(shown, text)
    return text


class MaskingFormatter(logging.Formatter):
    """Formats a record, traceback included, then masks what it must not tell.

    For the journal each line begins with its priority (sd-daemon(3)).
    """

    def format(self, record: logging.LogRecord) -> str:
        text = mask(super().format(record))
        if not config.logs_to_journal():
            return text
        priority = next(p for level, p in PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in text.splitlines())


def mask_exceptions() -> None:
    """Print what nobody caught, in whatever thread, with its secrets masked too."""

    def show(kind: type[BaseException], error: BaseException | None, trace: Any) -> None:
        lines = traceback.format_exception(kind, error, trace)
        print(mask("".join(lines)), end="", file=sys.stderr, flush=True)

    def show_args(args: Any) -> None:
        if args.exc_type is not SystemExit:
            show(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = show
    threading.excepthook = sys.unraisablehook = show_args


def settings(level: str) -> dict[str, Any]:
    """The configuration for logging.config.dictConfig, gunicorn's loggers included."""
    # journald stamps each line itself.
    stamp = "" if config.logs_to_journal() else "%(asctime)s "
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
            # These would tell what people wrote, where all else is told too.
            "peewee": quiet,
            "TeleBot": quiet,
            "gunicorn.error": {"level": level, "propagate": True, "handlers": []},
            # gunicorn writes its access log whenever logging is configured; nginx's is enough.
            "gunicorn.access": {"level": "CRITICAL", "propagate": False, "handlers": []},
        },
    }
