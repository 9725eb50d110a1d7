"""What one line of a log is made of: when, who, how grave, and what it says.

Knows journald, syslog, nginx, docker and compose, Python, gunicorn, uvicorn, PostgreSQL, JSON.
"""

import contextlib
import datetime as dt
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .logfiles import short

# Programs whose lines have a form of their own; `who` of a Line.
NGINX, SYSTEMD, KERNEL, ACCESS = "nginx", "systemd", "kernel", "access"


@dataclass(frozen=True)
class Line:
    """One line without what stands before its message.

    `who` is the program where the line tells (`nginx`, `systemd`, `kernel`, …), else "". `at` is
    in seconds since 1970; without `zoned` it is the clock of an unknown place, taken as UTC.
    `level` is as written, in capitals, "" where the line has none; nginx's stays in the text.
    """

    text: str
    who: str = ""
    at: float | None = None
    zoned: bool = False
    level: str = ""


ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\r\0]")
COMPOSE = re.compile(r"[\w.-]{1,80} +\| ?")
# The name of a zone, which is not the level of what follows.
ZONE = r"(?!TRACE|DEBUG|INFO|WARN|ERROR|FATAL|PANIC|LOG|HINT|QUERY)[A-Z]{3,5}\b"
ISO = re.compile(
    r"\[?(?:[A-Z][a-z]{2} )?(?P<date>\d{4}[-/]\d\d[-/]\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:[.,]\d+)?"
    rf"(?: ?(?P<zone>Z|[+-]\d\d:?\d\d|UTC|GMT)\b)?(?: {ZONE})?\]?:? *(?:- )?"
)
SHORT = re.compile(
    r"(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d)(?:\.\d+)? "
)
UNIX = re.compile(r"(?P<unix>\d{9,11}\.\d{6}) ")
DMESG = re.compile(r"\[[ \d]+\.\d+\] |\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d:]+\] ")
# host program[pid]: after a time; without a pid only where the time is syslog's own.
SENDER = re.compile(r"[\w.:-]+ (?P<who>[\w.@/-]+)\[\d+\]: |[\w.-]+ (?P<bare>kernel): ")
SYSLOG_SENDER = re.compile(r"[\w.:-]+ (?P<who>[\w.@/()-]+?)(?:\[\d+\])?: ")
NGINX_ERROR = re.compile(
    r"\[(?P<level>[a-z]+)\] \d+#\d+: (?:\*\d+ )?|nginx: (?=\[(?P<start>[a-z]+)\] )"
)
# nginx's and Apache's usual format, and our own.
ACCESS_ENTRY = re.compile(
    r"[0-9a-fA-F.:]+(?: \S+ \S+)? \[(?P<at>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}"
    r'|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d)\] (?=")'
)
LEVELS = (
    "TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL|PANIC|LOG|STATEMENT"
    "|DETAIL|HINT|CONTEXT|QUERY"
)
LEVEL = re.compile(
    rf"^(?:\[\d+\] )?(?:[\w.@\[\]]+ ?(?:- |: ?)?)?\W{{0,2}}(?:(?P<level>{LEVELS})\b"
    rf"|(?:level=|\[)(?P<small>(?i:{LEVELS}))\b)"
)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def parse(raw: bytes) -> Line:
    """Take a line apart: of journald, syslog, nginx, docker, compose, Python, PostgreSQL."""
    text = ANSI.sub("", raw.decode("utf-8", "replace")).rstrip("\n")
    text = _from_json(text.lstrip("\x1e ")) or text
    who, at, zoned = "", None, False
    for _ in range(4):
        found = COMPOSE.match(text) or _time(text) or DMESG.match(text)
        if not found:
            break
        text = text[found.end() :]
        who = KERNEL if found.re is DMESG else who
        if found.re in (ISO, SHORT, UNIX):
            seconds, has_zone = _seconds(found)
            if at is None or (has_zone and not zoned):
                at, zoned = seconds, has_zone
            sender = (SENDER if found.re is ISO else SYSLOG_SENDER).match(text)
            if sender:
                who = next(filter(None, sender.groups()))
                text = text[sender.end() :]
    return _with_level(text, who, at, zoned)


def _time(text: str) -> re.Match[str] | None:
    return ISO.match(text) or SHORT.match(text) or UNIX.match(text)


def _with_level(text: str, who: str, at: float | None, zoned: bool) -> Line:
    nginx, access = NGINX_ERROR.match(text), ACCESS_ENTRY.match(text)
    if nginx:
        level = f"[{nginx['level']}] " if nginx["level"] else ""
        return Line(level + text[nginx.end() :], NGINX, at, zoned)
    if access:
        with contextlib.suppress(ValueError):
            at, zoned = dt.datetime.fromisoformat(_iso(access["at"])).timestamp(), True
        return Line(text[access.end() :], ACCESS, at, zoned, "INFO")
    found = LEVEL.match(text)
    level = (found["level"] or found["small"].upper()) if found else ""
    return Line(text, Path(who).name.strip("()"), at, zoned, level)


def _iso(stamp: str) -> str:
    """23/Nov/2026:12:00:00 +0000 as 2026-11-23T12:00:00+00:00; raises ValueError for no month."""
    if "/" not in stamp:
        return stamp
    day, month, year, time, zone = stamp[:2], stamp[3:6], stamp[7:11], stamp[12:20], stamp[21:]
    return f"{year}-{MONTHS.index(month) + 1:02}-{day}T{time}{zone[:3]}:{zone[3:]}"


def _seconds(found: re.Match[str]) -> tuple[float | None, bool]:
    """The time of a matched stamp and whether it names its zone; (None, False) if impossible."""
    parts = found.groupdict()
    if "unix" in parts:
        return float(parts["unix"]), True
    zone = {None: "+00:00", "Z": "+00:00", "UTC": "+00:00", "GMT": "+00:00"}
    named = parts.get("zone")
    date = parts.get("date") or _date_without_year(parts["month"], parts["day"])
    text = f"{date.replace('/', '-')}T{parts['time']}{zone.get(named, named)}"
    try:
        return dt.datetime.fromisoformat(text).timestamp(), named is not None
    except ValueError:
        return None, False


def _date_without_year(month: str, day: str) -> str:
    """Syslog leaves the year out: the latest that is not in the future."""
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    number = MONTHS.index(month) + 1 if month in MONTHS else 0
    year = tomorrow.year - ((number, int(day)) > (tomorrow.month, tomorrow.day))
    return f"{year}-{number:02}-{int(day):02}"


def _from_json(text: str) -> str:
    """A line of JSON as the plain line it stands for; "" if it is none.

    Journal entries (`journalctl -o json`), Docker's own files, programs that log in JSON.
    """
    if not text.startswith("{"):
        return ""
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if "log" in entry:
        return f"{entry.get('time', '')} {entry['log']}".strip()
    if "__REALTIME_TIMESTAMP" in entry or "MESSAGE" in entry:
        fields = {name.encode(): _bytes(value) for name, value in entry.items()}
        fields[b"MESSAGE"] = fields.get(b"MESSAGE", b"").replace(b"\n", b" ")
        return short(fields).decode("utf-8", "replace").rstrip("\n")
    level = str(entry.get("level", entry.get("levelname", ""))).upper()
    said = entry.get("message", entry.get("msg", entry.get("event", "")))
    return f"{entry.get('timestamp', entry.get('time', ''))} {level} {said}".strip()


def _bytes(value: Any) -> bytes:
    """A field of the journal: text, or its bytes as numbers where it is no clean text."""
    if isinstance(value, list):
        with contextlib.suppress(ValueError, TypeError):
            return bytes(value)
    return str(value).encode("utf-8", "replace")


# --- what users can put into a line -------------------------------------------------------

# What stands in an nginx error line after its message; the last such place, as the message can
# contain what a client asked for.
CLIENT = re.compile(
    r"^(?P<said>.*), client: [0-9a-fA-F.:]+(?:unix:)?, server: .*?(?P<rest>$|, .*$)"
)
OTHER_PROTOCOL = re.compile(r'upstream: "(?!http)\w+://')
QUOTED = re.compile(r"(?<!msg=)(?<!error=)(?<!err=)(?<!TeleBot: )(?:\"[^\"]*\"|“[^”]*”|«[^»]*»)")
FIELD = re.compile(r"(?i)\b(?:text|name|title|comment|caption|query|data|q)['\"]?\s*[:=]\s*'[^']*'")


def said(line: Line) -> str:
    """The message without what users can put into it."""
    if line.who == ACCESS:
        return line.text
    if line.who != NGINX:
        return FIELD.sub("", QUOTED.sub('""', line.text))
    client = CLIENT.match(line.text)
    if client and OTHER_PROTOCOL.search(client["rest"]):
        return ""  # Another site's way to its PHP, say.
    return QUOTED.sub('""', client["said"] if client else line.text)
