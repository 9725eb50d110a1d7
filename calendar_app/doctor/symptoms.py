"""What a line of a log says about a cause: it is there, or it is over.

Tables and their reading; `evidence` reads whole files by them. Lines are told apart by
who wrote them, and what users typed (quoted text, addresses, DEBUG and INFO lines) says nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from . import loglines
from .loglines import ACCESS, KERNEL, NGINX, SYSTEMD, Line

# Who may say it, beside nginx, systemd, the kernel and access logs: OURS is every other program
# that can be part of the service, ANY is everybody.
OURS, ANY = "ours", "any"
SERVICE = re.compile(
    r"(?i)birthday|calendar|gunicorn|uvicorn|python|docker|compose|postgres|logrotate"
    r"|\b(?:bot|web|app|api|backend|db)\b|^[0-9a-f]{12}$"
)
QUIET = {"TRACE", "DEBUG", "INFO", "STATEMENT", "DETAIL", "HINT", "CONTEXT", "QUERY"}
WEB_UNIT = r"birthday-calendar-web\.service"
WEB_NAME = rf"(?:{WEB_UNIT}|Birthday Calendar web API)"


@dataclass(frozen=True)
class Symptom:
    """`needle` stands in every such line as it is; `pattern` decides."""

    cause: str
    who: str
    needle: str
    pattern: re.Pattern[str]


def _rows(cause: str, who: str, *rows: tuple[str, str] | str) -> list[Symptom]:
    pairs = [(row, re.escape(row)) if isinstance(row, str) else row for row in rows]
    return [Symptom(cause, who, needle, re.compile(pattern)) for needle, pattern in pairs]


# What the service tells its operators, and the doctor them, stands in the journal by its cause.
NAMED = (
    *("inodes-full", "disk-full", "database-corrupt", "webhook-set", "bot-conflict"),
    *("bot-unauthorized", "telegram-unreachable"),
)
TOLD = r"(?:\bcalendar_app\.alerts: |^)"

# The first that matches decides, so what lies deeper stands higher.
SYMPTOMS = (
    *_rows("inodes-full", OURS, ("short of room", r"disk is short of room \(inodes-full\)")),
    *_rows("disk-full", OURS, ("short of room", r"disk is short of room \(full\)")),
    *_rows("disk-full", OURS, ("read-only: ", rf"{TOLD}read-only: The disk is full")),
    *(
        Symptom(name, OURS, f"{name}: ", re.compile(rf"{TOLD}{name}: (?!this is over)"))
        for name in NAMED
    ),
    *_rows(
        "inodes-full",
        ANY,
        ("inodes", r"(?i)Only \d+ inodes are free|\b(?:no|out of) (?:free )?inodes"),
    ),
    *_rows(
        "disk-full",
        NGINX,
        (
            "No space left",
            r"failed \(28: No space left on device\)(?: while [a-z ]+)?(?:, upstream: .*)?$",
        ),
    ),
    *_rows(
        "disk-full",
        ANY,
        ("o space left", r"(?:[:(\]'] ?'?|^)[Nn]o space left on device"),
        ("ENOSPC", r"\bENOSPC\b"),
        (
            "100% /",
            r"^(?!/dev/loop|/dev/sr)\S+ +(?:[\d.,]+[KMGTP]?i? +){3}100% /(?!snap|boot|media)",
        ),
        ("не осталось", r": На устройстве не осталось свободного места"),
        ("quota exceeded", r": Disk quota exceeded|'Disk quota exceeded"),
    ),
    *_rows(
        "disk-full",
        OURS,
        "database or disk is full",
        "SQLITE_FULL",
        ("MiB are free", r"\bOnly \d{1,2} MiB are free"),
    ),
    *_rows("disk-full", ACCESS, ('" 507 ', r'^"[^"]*" 507 ')),
    *_rows(
        "out-of-memory",
        ANY,
        ("ut of memory: Killed process", r"^(?:Memory cgroup o|O)ut of memory: Killed process"),
        ("oom-kill", r"^oom-kill:|: Failed with result 'oom-kill'"),
        ("OOM killer", r"of this unit has been killed by the OOM killer"),
        ("Cannot allocate memory", r"[\]:(] ?'?Cannot allocate memory|(?:12: Cannot allocate)"),
    ),
    *_rows(
        "out-of-memory",
        OURS,
        (
            "erhaps out of memory",
            r"^\W*.{0,60}Worker \(pid:\d+\) was sent SIGKILL! Perhaps out of memory",
        ),
        ("MemoryError", r"^MemoryError\b"),
        ("out of memory", r"\b(?:ERROR|FATAL):  out of memory"),
        ("OOMKilled", r"\bOOMKilled\W+true"),
        "exited with code 137",
        ("exit", r"\bexit(?: code| status)?[ :=(]+137\b"),
    ),
    *_rows(
        "database-corrupt",
        OURS,
        "database disk image is malformed",
        "file is not a database",
        "malformed database schema",
        ("invalid page in block", r"invalid page in block \d+"),
        ("could not read block", r"could not read block \d+ in file"),
        "could not locate a valid checkpoint record",
    ),
    *_rows(
        "database-locked",
        OURS,
        ("is locked", r"\bdatabase(?: table| schema)? is locked\b"),
        "deadlock detected",
        ("QueuePool limit", r"QueuePool limit of size \d+"),
        "due to lock timeout",
        "sorry, too many clients already",
        "remaining connection slots are reserved",
    ),
    # Bot and Telegram.
    *_rows(
        "webhook-set",
        OURS,
        ("while webhook is active", r"can't use getUpdates method while webhook is active"),
    ),
    *_rows(
        "bot-conflict",
        OURS,
        "terminated by other getUpdates request",
        "TelegramConflictError",
        "conflict: another program polls with this",
    ),
    *_rows(
        "bot-unauthorized",
        OURS,
        "TelegramUnauthorizedError",
        ("Telegram server says", r"Telegram server says - (?:Unauthorized|Not Found)$"),
        (
            "Error code: 40",
            r"Error code: (?:401\. Description: Unauthorized|404\. Description: Not Found)",
        ),
        ("oken is invalid", r"TokenValidationError: Token is invalid"),
        "Telegram does not know the bot token",
        "Telegram refuses the bot token",
    ),
    *_rows(
        "telegram-unreachable",
        OURS,
        "TelegramNetworkError",
        "TelegramServerError",
        "RestartingTelegram",
        "Telegram cannot be reached",
        ("Telegram could not be reached", r"^\W*\w*\W.*Telegram could not be reached"),
        (
            "api.telegram.org",
            r"(?i)(?:cannot connect to host|Max retries exceeded|timed? ?out|resol|unreachable"
            r"|HTTPSConnectionPool|Connection (?:refused|reset|aborted)).*|Bad Gateway",
        ),
        ("name resolution", r"^(?!.*translate host name).*Temporary failure in name resolution"),
        ("ServerDisconnected", r"ServerDisconnectedError"),
    ),
    # nginx, its way to the web API.
    *_rows(
        "nginx-down",
        NGINX,
        ("bind() to", r"bind\(\) to \S+ failed \(98: (?:Unknown error|Address already in use)\)"),
        "still could not bind()",
    ),
    *_rows("certificate-expired", ANY, ("ertificate", r"(?i)\bcertificate (?:has |is )?expired\b")),
    *_rows("certificate-expired", NGINX, ("SSL_do_handshake", r"alert certificate expired")),
    *_rows(
        "socket-missing",
        NGINX,
        ("connect() to unix:", r"connect\(\) to unix:\S+ failed \(2: [^)]*\)"),
    ),
    *_rows(
        "socket-permission",
        NGINX,
        ("connect() to unix:", r"connect\(\) to unix:\S+ failed \(13: [^)]*\)"),
    ),
    *_rows(
        "upstream-timeout",
        NGINX,
        ("upstream timed out", r"^(?:\[\w+\] )?upstream timed out \(110: "),
        ("pstream prematurely closed", r"^(?:\[\w+\] )?upstream prematurely closed connection"),
        (
            "connect() ",
            r"^(?:\[\w+\] )?connect\(\) .*failed \((?:110|11): [^)]*\) while connecting",
        ),
        (
            "reset by peer",
            r"^(?:\[\w+\] )?recv\(\) failed \(104: [^)]*\) while reading response header from",
        ),
    ),
    *_rows(
        "web-not-running",
        NGINX,
        (
            "connect() ",
            r"^(?:\[\w+\] )?connect\(\) .*failed \((?:111|113|101): [^)]*\) while connecting",
        ),
        ("no live upstreams", r"^(?:\[\w+\] )?no live upstreams while connecting to upstream"),
    ),
    *_rows("web-not-running", ACCESS, ('" 502 ', r'^"[^"]*" 502 ')),
    *_rows("upstream-timeout", ACCESS, ('" 504 ', r'^"[^"]*" 504 ')),
    # The web API itself.
    *_rows(
        "upstream-timeout",
        OURS,
        ("WORKER TIMEOUT", r"WORKER TIMEOUT \(pid:\d+\)"),
    ),
    *_rows("upstream-timeout", SYSTEMD, ("Watchdog timeout", rf"^{WEB_UNIT}: Watchdog timeout")),
    *_rows(
        "web-start-failed",
        OURS,
        "Worker failed to boot",
        "Application startup failed. Exiting",
        "Error loading ASGI app",
        ("while attempting to bind", r"\[Errno \d+\] error while attempting to bind on address"),
        ("Connection in use", r"^.{0,60}Connection in use: "),
        ("The configuration has", r"^The configuration has \d+ bad value"),
        ("The database needs a release", r"The database needs a release that knows migration"),
        (
            "exited with code",
            r"^(?!\S*(?:db|postgres|redis|nginx))[\w.-]+ exited with code (?:[1-9]|1\d|78)$",
        ),
    ),
    *_rows(
        "web-start-failed",
        OURS,
        *((name, rf"^{name}: ") for name in ("ImportError", "ModuleNotFoundError", "SyntaxError")),
    ),
    *_rows(
        "web-start-failed",
        SYSTEMD,
        (
            "Main process exited",
            rf"^{WEB_UNIT}: Main process exited, code=exited, status=(?!0/)\d+",
        ),
        (
            "Failed with result",
            rf"^{WEB_UNIT}: Failed with result '(?:exit-code|protocol|timeout)'",
        ),
        ("Failed to start", rf"^Failed to start {WEB_NAME}"),
        ("repeated too quickly", rf"^{WEB_UNIT}: Start request repeated too quickly"),
        (
            "start-limit-hit",
            r"^birthday-calendar-web\.\w+: Failed with result '\S*start-limit-hit'",
        ),
    ),
    *_rows(
        "socket-missing",
        SYSTEMD,
        (
            "birthday-calendar-web.socket: Failed",
            r"^birthday-calendar-web\.socket: Failed to (?:create|listen)",
        ),
        ("ailed to listen", r"^Failed to listen on birthday-calendar-web\.socket"),
    ),
    # nginx's own start.
    *_rows(
        "nginx-config-invalid",
        NGINX,
        ("[emerg]", r"^\[emerg\] (?!bind\(\)|still could not)"),
        ("test failed", r"^nginx: configuration file \S* test failed"),
    ),
    *_rows(
        "nginx-down",
        SYSTEMD,
        ("nginx.service", r"^nginx\.service: (?:Failed with result|Start request repeated)"),
        ("nginx.service", r"^(?:Failed to start|Stopped) nginx\.service"),
        ("high performance web", r"^(?:Failed to start|Stopped) A high performance web server"),
    ),
    *_rows(
        "log-rotation-broken",
        ANY,
        ("duplicate log entry", r"^error: .*duplicate log entry for"),
        ("error: skipping", r"^error: skipping \""),
        ("Failed with result", r"^(?:birthday-calendar-)?logrotate\.service: Failed with result"),
        ("Failed to start", r"^Failed to start (?:\S*logrotate\.service|Rotate log files)"),
    ),
    *_rows("log-rotation-broken", "logrotate", ("error: ", r"^error: ")),
)


@dataclass(frozen=True)
class End:
    """A line after which the causes are over."""

    causes: tuple[str, ...]
    needle: str
    pattern: re.Pattern[str]


def _end(*causes: str, needle: str, pattern: str = "") -> End:
    return End(causes, needle, re.compile(pattern or re.escape(needle)))


# After such a line these are over, until a symptom comes again.
POLLING = ("bot-conflict", "webhook-set", "bot-unauthorized", "telegram-unreachable")
NO_ROOM = ("disk-full", "inodes-full")
STARTED = ("web-start-failed", "web-not-running", "socket-missing", "upstream-timeout")
ENDS = (
    *(_end(name, needle=f"{name}: this is over") for name in NAMED),
    _end(*NO_ROOM, needle="read-only: this is over"),
    _end(*NO_ROOM, needle="there is room on the disk again"),
    _end("bot-conflict", needle="the conflict is over"),
    _end("webhook-set", needle="the webhook is gone"),
    _end(*POLLING, needle="receiving updates by webhook"),
    _end("telegram-unreachable", needle="Telegram is back"),
    _end(*POLLING, needle="polling for updates"),
    _end(*POLLING, needle="Connection established (tryings"),
    _end(
        *POLLING,
        needle="handled. Duration",
        pattern=r"Update id=\d+ is (?:not )?handled\. Duration",
    ),
    _end(*STARTED, needle="Started ", pattern=rf"^Started {WEB_NAME}"),
    _end(*STARTED, needle="Application startup complete"),
    _end("web-start-failed", "web-not-running", needle="Booting worker with pid"),
    _end("socket-missing", needle="Listening on birthday-calendar-web.socket"),
    _end(
        "nginx-down",
        "nginx-config-invalid",
        needle="Started ",
        pattern=r"^Started (?:nginx\.service|A high performance web server)",
    ),
    _end("nginx-down", "nginx-config-invalid", needle="start worker processes"),
    _end("nginx-config-invalid", needle="test is successful"),
    # A machine that goes down stops nginx too.
    _end("nginx-down", needle="Reached target", pattern=r"^Reached target .*(?i:shutdown|reboot)"),
    _end(
        "log-rotation-broken", needle="Finished ", pattern=r"^Finished (?:\S*logrotate|Rotate log)"
    ),
    _end("certificate-expired", needle="renewals succeeded"),
)

# --- reading a line ----------------------------------------------------------------------

WORKER = re.compile(r"WORKER TIMEOUT \(pid:(\d+)\)|Worker \(pid:(\d+)\) was sent SIGKILL")
OTHERS = {NGINX, SYSTEMD, KERNEL, ACCESS}


def needles() -> list[bytes]:
    """What stands in every line that can mean something."""
    return sorted({row.needle.encode() for row in (*SYMPTOMS, *ENDS)})


class Reader:
    """Reads lines in which none but certain needles stand; fewer make it faster."""

    def __init__(self, present: Iterable[bytes]) -> None:
        self.symptoms = [row for row in SYMPTOMS if row.needle.encode() in present]
        self.ends = [row for row in ENDS if row.needle.encode() in present]

    def cause(self, line: Line) -> str | None:
        """The cause that the line is a symptom of, if any."""
        if line.level in QUIET and line.who not in OTHERS:
            return None
        said, speakers = loglines.said(line), _speakers(line.who)
        for row in self.symptoms:
            if row.needle in said and row.who in speakers and row.pattern.search(said):
                return row.cause
        return None

    def ended(self, line: Line) -> tuple[str, ...]:
        """The causes that are over with this line."""
        if line.level == "DEBUG" or not self.ends:
            return ()
        said = loglines.said(line)
        found = [row for row in self.ends if row.needle in said and row.pattern.search(said)]
        return tuple(name for row in found for name in row.causes)


def _speakers(who: str) -> set[str]:
    if not who:
        return {NGINX, SYSTEMD, KERNEL, OURS, ANY}
    if who in OTHERS:
        # Only nginx's own words for nginx: a client may have asked for a file with such a name.
        return {who} if who in (NGINX, ACCESS) else {who, ANY}
    return {who, OURS, ANY} if SERVICE.search(who) else {ANY}
