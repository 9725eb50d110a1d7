"""Tells the operators what changed since the last look: in the journal, and in Telegram.

For the timer (`doctor --tell FILE`). It needs neither the bot nor the database: it sends by itself,
and FILE remembers who was told what. What the service itself has told (`alerts`) is left out.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import texts
from ..texts import N_
from . import causes, telegram, wording
from .causes import CAUSES, Check
from .looking import Seen
from .telegram import Unreachable

# The file is written in place and always has this size, so that a full disk cannot keep it.
FILE_BYTES = 2**15
SEND_SECONDS, ALL_SECONDS = 8, 30
# sd-daemon(3); the unit drops what is less than a notice.
PRIORITY = {"error": "<3>", "warning": "<4>", "ok": "<5>"}
# The service tells of its own disk under one name.
COVERS = {"read-only": {"disk-full", "inodes-full"}}
ALARMS = {
    "backup": N_("There is no good backup of late"),
    "certificate-expired": N_("The TLS certificate expires soon"),
    "disk-full": N_("A disk is nearly full"),
}
BEGIN = N_("🔴 {what} ({id})")
WARN = N_("🟡 {what} ({id})")
MEND = N_("To mend it:")
OVER = N_("✅ This is over: {what} ({id})")


@dataclass
class Memory:
    """What was seen last and who was told what; unreadable means that nothing is known.

    `told`: for each operator the id of the error and the ids of the warnings that they know of.
    """

    root: str = ""
    warnings: list[str] = field(default_factory=list)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    api: str = ""
    language: str = "en"

    @classmethod
    def read(cls, path: Path) -> "Memory":
        """What the file says, or a new memory."""
        with suppress(OSError, ValueError, TypeError):
            return cls(**json.loads(path.read_bytes()))
        return cls()

    def keep(self, path: Path) -> None:
        """Write it over what the file said before; raises OSError."""
        raw = json.dumps(vars(self)).encode().ljust(FILE_BYTES)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, raw, 0)
            os.ftruncate(descriptor, len(raw))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def tell(seen: Seen, path: Path) -> list[str]:
    """Tell what changed; returns the lines for the journal, each with its priority."""
    memory = Memory.read(path)
    lines = list(_journal(seen, memory))
    news = _news(seen, memory)
    _remember(seen, memory)
    try:
        memory.keep(path)
    except OSError as problem:
        # Who cannot remember would tell the same thing every five minutes.
        return [*lines, f"<4>{path} cannot be written, so nobody is told: {problem.strerror}"]
    said = _send(seen, memory, news)
    memory.keep(path)
    return [*lines, *said]


# --- what is news ------------------------------------------------------------------------


def _journal(seen: Seen, memory: Memory) -> Iterator[str]:
    """A line for each thing that is there now and was not, or was and is not."""
    root = causes.root(seen.checks)
    if root and root.id != memory.root:
        yield PRIORITY["error"] + wording.finding(root)
    if memory.root and not root:
        yield f"{PRIORITY['ok']}{memory.root}: this is over"
    warnings = {check.id: check for check in seen.checks if check.status == "warning"}
    for check in (check for name, check in warnings.items() if name not in memory.warnings):
        yield PRIORITY["warning"] + wording.finding(check)
    if not root:  # An error may only hide a warning.
        for name in sorted(set(memory.warnings) - set(warnings)):
            yield f"{PRIORITY['ok']}{name}: this is over"


def _remember(seen: Seen, memory: Memory) -> None:
    root = causes.root(seen.checks)
    memory.root = root.id if root else ""
    warnings = {check.id for check in seen.checks if check.status == "warning"}
    memory.warnings = sorted(warnings | (set(memory.warnings) if root else set()))
    settings = seen.settings
    if settings:
        memory.api, memory.language = settings.telegram_api_url, settings.default_language
        admins = settings.admin_telegram_ids if settings.enable_telegram_bot else ()
        nothing: dict[str, Any] = {"root": "", "warnings": []}
        memory.told = {str(who): memory.told.get(str(who), nothing | {}) for who in sorted(admins)}


@dataclass(frozen=True)
class _News:
    """What the operators should know: the root cause, and which warnings.

    `settled`: the root cause is neither a fleeting one seen for the first time, nor one that the
    service itself tells of.
    """

    root: Check | None
    settled: bool
    alarms: dict[str, Check]


def _news(seen: Seen, memory: Memory) -> _News:
    root = causes.root(seen.checks)
    told = set(seen.alerts).union(*(COVERS.get(key, ()) for key in seen.alerts))
    new = root and CAUSES[root.id].fleeting and memory.root != root.id
    settled = not root or (root.id not in told and not new)
    alarms = {c.id: c for c in seen.checks if c.status == "warning" and c.alarm}
    return _News(root, settled, {name: c for name, c in alarms.items() if name not in told})


def _due(news: _News, knows: dict[str, Any]) -> Iterator[tuple[str, str, Check | None]]:
    """(kind, id, check) of all that this operator has not been told yet; no check: it is over."""
    if news.settled and news.root and news.root.id != knows["root"]:
        yield "root", news.root.id, news.root
    if news.settled and not news.root and knows["root"]:
        yield "root", knows["root"], None
    for name, check in news.alarms.items():
        if name not in knows["warnings"]:
            yield "warnings", name, check
    for name in knows["warnings"]:
        if not news.root and name not in news.alarms:
            yield "warnings", name, None


# --- telling it in Telegram ---------------------------------------------------------------


def _send(seen: Seen, memory: Memory, news: _News) -> list[str]:
    """Send it to each operator; what could not be sent is due again at the next look."""
    secret = telegram.token(seen.settings) if seen.settings else telegram.stored_token()
    until = time.monotonic() + ALL_SECONDS
    try:
        for who, knows in memory.told.items() if secret else ():
            language = seen.languages.get(int(who), memory.language)
            for kind, name, check in list(_due(news, knows)):
                if time.monotonic() > until:
                    return []
                message = {"chat_id": int(who), "text": _text(language, kind, name, check)}
                if _arrives(memory.api, secret, message):
                    _learn(knows, kind, name, check)
    except Unreachable as problem:
        return [f"<4>the operators could not be told in Telegram, trying again: {problem}"]
    return []


def _arrives(api: str, secret: str, message: dict[str, Any]) -> bool:
    """Whether this is done with: it arrived, it may have, or this chat is closed to us."""
    try:
        with telegram.line(api, secret, SEND_SECONDS) as asking:
            answer = asking.call("sendMessage", **message, parse_mode="HTML")
    except Unreachable as problem:
        if problem.sent:
            return True  # Never twice.
        raise
    return answer.status in (200, 400, 403)


def _learn(knows: dict[str, Any], kind: str, name: str, check: Check | None) -> None:
    if kind == "root":
        knows["root"] = name if check else ""
    elif check:
        knows["warnings"].append(name)
    else:
        knows["warnings"].remove(name)


def _text(language: str, kind: str, name: str, check: Check | None) -> str:
    """The message: what it is in the operator's language, then the doctor's own words."""
    says = CAUSES[name].says if kind == "root" else ALARMS[name]
    what = texts.say(language, says)
    if check is None:
        return texts.html(language, OVER, what=what, id=name)
    head = texts.html(language, BEGIN if kind == "root" else WARN, what=what, id=name)
    mend = texts.html(language, MEND)
    summary, fix = texts.escape(check.summary), texts.escape(check.fix)
    return f"{head}\n{summary}\n{mend}\n<code>{fix}</code>"
