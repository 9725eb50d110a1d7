"""The only reader of the environment: one frozen `Config`, all problems in one message.

Values come from real environment variables, else from one dotenv file (`ENV_FILE`, by default
`.env` beside the code), else from the defaults of `.env.example`. Secrets come from files in
`CREDENTIALS_DIRECTORY` where it is set (systemd's LoadCredential, or run.sh).
"""

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from . import dates

ROOT = Path(__file__).resolve().parent.parent
TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{3,100}")
WEBAPP_KEY = re.compile(r"[0-9a-f]{64}")
# The bot token and the initData key.
Secrets = tuple[str | None, bytes | None]
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
WEBHOOK_PORTS = {443, 80, 88, 8443}
EX_CONFIG = 78


class ConfigError(Exception):
    """Bad configuration; its text names every bad key, what was found and what is expected."""


@dataclass(frozen=True)
class Config:
    """The configuration, checked. Secrets do not show in its repr."""

    state_dir: Path
    bot_token: str | None = field(repr=False)
    webapp_key: bytes | None = field(repr=False)
    enable_telegram_bot: bool
    bot_mode: str
    telegram_api_url: str
    telegram_webapp_url: str
    database_url: str = field(repr=False)
    timezone: str
    notification_minute: int
    default_language: str
    admin_telegram_ids: frozenset[int]
    shared_calendar: str
    shared_calendar_access: str
    greeting_api_url: str
    greeting_api_key: str = field(repr=False)
    greeting_model: str
    ballast_mib: int
    backup_hook: str = field(repr=False)
    heartbeat_url: str = field(repr=False)
    web_workers: int
    web_threads: int
    log_level: str
    http_port: int


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return text

    return parse


def _number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _flag(text: str) -> bool:
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise ValueError("true or false")
    return values[text.lower()]


def _zone(text: str) -> str:
    if text not in dates.zone_names():
        raise ValueError("an IANA time zone such as Europe/Berlin")
    return text


def _telegram_ids(text: str) -> frozenset[int]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(re.fullmatch(r"[0-9]{1,18}", part) and int(part) > 0 for part in parts):
        raise ValueError("Telegram user ids, separated by commas, such as 279058397,1234567")
    return frozenset(map(int, parts))


def _title(text: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise ValueError("a title of at most 200 printable characters")
    return text


def _url(*schemes: str, local: str = "") -> Callable[[str], str]:
    """An address with one of `schemes`, or on a loopback host with the scheme `local`."""

    def parse(text: str) -> str:
        expected = ValueError(
            f"an address that starts with {' or '.join(s + '://' for s in schemes)}"
        )
        try:
            parts = urlsplit(text)
            port_ok = parts.port is None or parts.port > 0
        except ValueError:
            raise expected from None
        allowed = parts.scheme in schemes or (parts.scheme == local and parts.hostname in LOOPBACK)
        if text and not (allowed and parts.hostname and port_ok and _is_one_word(text)):
            raise expected
        return text

    return parse


def _is_one_word(text: str) -> bool:
    return text.isprintable() and " " not in text


def _database_url(text: str) -> str:
    expected = ValueError("sqlite:///path/to/calendar.db or postgresql://user@host/database")
    try:
        urlsplit(text).port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        raise expected from None
    if not re.fullmatch(r"sqlite:///\S.*|postgres(ql)?://\S+", text):
        raise expected
    return text


def _token(text: str) -> str:
    if text and not TOKEN.fullmatch(text):
        raise ValueError("a bot token as BotFather gives it, such as 1234567890:AA…")
    return text


@dataclass(frozen=True)
class _Key:
    default: str
    parse: Callable[[str], Any] = str
    secret: bool = False


KEYS = {
    "TELEGRAM_BOT_TOKEN": _Key("", _token, secret=True),
    "ENABLE_TELEGRAM_BOT": _Key("true", _flag),
    "BOT_MODE": _Key("polling", _choice("polling", "webhook")),
    "TELEGRAM_API_URL": _Key("https://api.telegram.org", _url("https", "http")),
    "TELEGRAM_WEBAPP_URL": _Key("", _url("https", local="http")),
    "DATABASE_URL": _Key("", _database_url, secret=True),
    "TIMEZONE": _Key("UTC", _zone),
    "NOTIFICATION_TIME": _Key("09:00", dates.minute_of_day),
    "DEFAULT_LANGUAGE": _Key("en", _choice("en", "ru")),
    "ADMIN_TELEGRAM_IDS": _Key("", _telegram_ids),
    "SHARED_CALENDAR": _Key("", _title),
    "SHARED_CALENDAR_ACCESS": _Key("listed", _choice("listed", "everyone")),
    "GREETING_API_URL": _Key("", _url("https", "http")),
    "GREETING_API_KEY": _Key("", secret=True),
    "GREETING_MODEL": _Key(""),
    "BALLAST_MIB": _Key("64", _number(0, 65536)),
    "BACKUP_HOOK": _Key(""),
    "HEARTBEAT_URL": _Key("", _url("https", "http"), secret=True),
    "WEB_WORKERS": _Key("2", _number(1, 64)),
    "WEB_THREADS": _Key("4", _number(1, 64)),
    "LOG_LEVEL": _Key("INFO", _choice("DEBUG", "INFO", "WARNING", "ERROR")),
    "HTTP_PORT": _Key("8080", _number(1, 65535)),
}


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read, check and freeze the configuration; raises ConfigError naming every bad key."""
    env = os.environ if environ is None else environ
    raw = _raw_values(env)
    values, problems = _parse(raw)
    problems += _conflicts(raw, values)
    secrets = _secrets(env, values.get("TELEGRAM_BOT_TOKEN", ""), problems)
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        raise ConfigError(f"The configuration has {len(problems)} bad value(s):{lines}")
    return _build(env, values, secrets)


def _raw_values(env: Mapping[str, str]) -> dict[str, str]:
    """The text of each key: the environment wins over the file, the file over the default."""
    path = Path(env.get("ENV_FILE") or ROOT / ".env")
    try:
        found = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {path} cannot be read: {error}") from None
    raw = {}
    for name, key in KEYS.items():
        text = env.get(name, found.get(name))
        # A key left empty is a key left out: that is how people comment a line halfway.
        raw[name] = (text or "").strip() or key.default
    if not raw["DATABASE_URL"]:
        raw["DATABASE_URL"] = f"sqlite:///{_state_dir(env) / 'calendar.db'}"
    return raw


def _state_dir(env: Mapping[str, str]) -> Path:
    named = env.get("STATE_DIRECTORY") or env.get("VAR_DIR") or ROOT / "var"
    return Path(named).absolute()


def _parse(raw: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    values, problems = {}, []
    for name, key in KEYS.items():
        try:
            values[name] = key.parse(raw[name])
        except ValueError as expected:
            shown = f"{len(raw[name])} characters" if key.secret else repr(raw[name][:100])
            problems.append(f"{name}: found {shown}, expected {expected}")
    return values, problems


def _conflicts(raw: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    """Keys that are fine each by itself but not together."""
    api, app = values.get("TELEGRAM_API_URL"), values.get("TELEGRAM_WEBAPP_URL")
    if values.get("BOT_MODE") != "webhook" or api is None or app is None:
        return []
    public = urlsplit(app)
    reachable = public.hostname and (public.port or 443) in WEBHOOK_PORTS
    if reachable or urlsplit(api).hostname in LOOPBACK:
        return []
    found = raw["TELEGRAM_WEBAPP_URL"]
    return [
        f"BOT_MODE: found 'webhook' with TELEGRAM_WEBAPP_URL {found!r}, expected polling, "
        "or a public address on port 443, 80, 88 or 8443, the only ones that Telegram calls"
    ]


def _build(env: Mapping[str, str], values: Mapping[str, Any], secrets: Secrets) -> Config:
    renamed = {
        "notification_minute": values["NOTIFICATION_TIME"],
        "bot_token": secrets[0],
        "webapp_key": secrets[1],
        "state_dir": _state_dir(env),
    }
    plain = {
        name.lower(): value
        for name, value in values.items()
        if name not in {"NOTIFICATION_TIME", "TELEGRAM_BOT_TOKEN"}
    }
    plain["telegram_api_url"] = plain["telegram_api_url"].rstrip("/")
    return Config(**plain, **renamed)


def _secrets(env: Mapping[str, str], token: str, problems: list[str]) -> Secrets:
    """The bot token and the initData key, each only where this process was given it.

    What is wrong with a credential is added to `problems`.
    """
    folder = env.get("CREDENTIALS_DIRECTORY")
    if folder is None:
        return token or None, webapp_key(token) if token else None
    as_given = "a bot token as BotFather gives it; set-token writes it"
    digits = "64 hexadecimal digits; set-token writes them"
    token = _credential(Path(folder) / "bot-token", TOKEN, as_given, problems)
    key = _credential(Path(folder) / "webapp-key", WEBAPP_KEY, digits, problems)
    return token or None, bytes.fromhex(key) if key else None


def _credential(path: Path, form: re.Pattern[str], expected: str, problems: list[str]) -> str:
    """The credential's text; empty where there is none, or where it is bad."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path.name}: found a {type(error).__name__}, expected {expected}")
        return ""
    if text and not form.fullmatch(text):
        problems.append(f"{path.name}: found {len(text)} characters, expected {expected}")
        return ""
    return text


def webapp_key(token: str) -> bytes:
    """The key that Telegram signs initData with (core.telegram.org/bots/webapps)."""
    return hmac.new(b"WebAppData", token.encode("ascii"), hashlib.sha256).digest()


def derived(key: bytes, purpose: str) -> bytes:
    """A key of its own for each purpose, made from the initData key; none tells of another."""
    return hmac.new(key, f"birthday-calendar {purpose}".encode(), hashlib.sha256).digest()


def release() -> str:
    """The version that is installed here; `development` in a clone."""
    try:
        return (ROOT / "RELEASE").read_text(encoding="ascii").strip()
    except OSError:
        return "development"


def installed() -> bool:
    """Whether this code is a release that install.sh put here."""
    return (ROOT / "RELEASE").is_file()


def state_dir() -> Path:
    """The state folder, also where the rest of the configuration cannot be read."""
    return _state_dir(os.environ)


def secrets_dir() -> Path | None:
    """Where set-token writes: beside a configuration file that is named; None beside run.sh."""
    named = os.environ.get("ENV_FILE")
    return Path(named).absolute().parent if named else None


def logs_to_journal() -> bool:
    """Whether systemd connects standard error to its journal, which stamps each line itself."""
    return "JOURNAL_STREAM" in os.environ
