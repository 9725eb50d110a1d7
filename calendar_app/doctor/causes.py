"""The causes of an outage: what each stops, which others it explains, how it is mended.

The doctor alone uses it, for what it sees on this machine and for what it reads in logs alike.
The names are what monitoring and people's notes rely on: they never change.
"""

from collections.abc import Iterable
from dataclasses import dataclass

# What a cause stops; the lower, the worse.
WEB, BOT, UPKEEP = range(3)


@dataclass(frozen=True)
class Cause:
    """One cause: `says` is what it means, `fix` a command that mends it and deletes nothing."""

    stops: int
    says: str
    fix: str
    explains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """What the doctor found: `status` is ok, warning, error or skipped.

    `fix` is a command for what is not ok; `since` orders equals: when it was first seen.
    """

    id: str
    status: str
    summary: str
    details: str = ""
    fix: str = ""
    since: float = float("inf")


START = ("web-not-running", "web-start-failed", "upstream-timeout", "bot-stopped")
NO_ROOM = (
    *START,
    "socket-missing",
    "nginx-down",
    "nginx-config-invalid",
    "database-locked",
    "database-corrupt",
    "database-unreachable",
    "log-rotation-broken",
)
CAUSES = {
    "inodes-full": Cause(
        WEB,
        "A file system has no inodes left: no file can be made on it",
        "sudo du --inodes -xd3 / | sort -n | tail -20  # names what has too many files",
        ("disk-full", *NO_ROOM),
    ),
    "disk-full": Cause(
        WEB,
        "A disk is full",
        "sudo du -xhd3 / | sort -h | tail -20  # names what fills it: move it, or enlarge the disk",
        NO_ROOM,
    ),
    "out-of-memory": Cause(
        WEB,
        "The kernel killed a process because memory ran out",
        "ps aux --sort=-rss | head  # names what takes it: stop that, or add memory",
        (*START, "nginx-down", "database-locked", "database-unreachable"),
    ),
    "database-corrupt": Cause(
        WEB,
        "The database file is damaged",
        "sudo birthday-calendar restore  # offers the newest proven backup, keeps the damaged file",
        (*START, "database-locked"),
    ),
    "database-locked": Cause(
        WEB,
        "Another program holds the database's lock, so that nothing can be written",
        "sudo fuser -v /var/lib/birthday-calendar/calendar.db  # names it: end it",
        ("upstream-timeout", "web-start-failed", "web-not-running", "bot-stopped"),
    ),
    "database-unreachable": Cause(
        WEB,
        "The database server does not answer",
        "sudo systemctl restart postgresql  # or mend DATABASE_URL in /etc/birthday-calendar/env",
        START,
    ),
    "web-start-failed": Cause(
        WEB,
        "The web API cannot start",
        "sudo journalctl -u birthday-calendar-web -n 50  # or: sudo birthday-calendar rollback",
        ("web-not-running", "socket-missing", "upstream-timeout"),
    ),
    "socket-missing": Cause(
        WEB,
        "The web API's socket is not there, so that nginx cannot reach it",
        "sudo systemctl restart birthday-calendar-web.socket birthday-calendar-web.service",
        ("web-not-running",),
    ),
    "socket-permission": Cause(
        WEB,
        "nginx may not use the web API's socket",
        "sudo systemctl restart birthday-calendar-web.socket birthday-calendar-web.service",
        ("web-not-running",),
    ),
    "upstream-timeout": Cause(
        WEB,
        "The web API takes requests but does not answer them",
        "sudo systemctl restart birthday-calendar-web.service",
        ("web-not-running",),
    ),
    "nginx-config-invalid": Cause(
        WEB,
        "nginx refuses its configuration",
        "sudo nginx -t  # names the line; once corrected: sudo systemctl restart nginx",
        ("nginx-down",),
    ),
    "nginx-down": Cause(
        WEB, "nginx is not running", "sudo systemctl restart nginx; systemctl status nginx"
    ),
    "web-not-running": Cause(
        WEB,
        "Nothing answers behind nginx: the web API is not running",
        "sudo systemctl restart birthday-calendar-web.socket birthday-calendar-web.service",
    ),
    "certificate-expired": Cause(
        WEB,
        "The TLS certificate has expired",
        "sudo certbot renew && sudo systemctl reload nginx  # or put a new one at its place",
    ),
    "webhook-set": Cause(
        BOT,
        "A webhook is set for this bot, so that polling is refused",
        "sudo birthday-calendar doctor  # names who set it; /revoke in BotFather shuts them out",
        ("bot-conflict",),
    ),
    "bot-conflict": Cause(
        BOT,
        "Another program polls Telegram with the same bot token",
        "ps aux | grep -i bot; sudo docker ps  # stop the other one; "
        "not found: /revoke in BotFather, then sudo birthday-calendar set-token",
    ),
    "bot-unauthorized": Cause(
        BOT,
        "Telegram does not accept the bot token",
        "sudo birthday-calendar set-token  # with the token that BotFather shows",
        ("bot-stopped",),
    ),
    "telegram-unreachable": Cause(
        BOT,
        "Telegram cannot be reached",
        "curl -sS -o /dev/null -m 10 https://api.telegram.org && echo reachable"
        "  # if not: network, DNS or firewall",
    ),
    "bot-stopped": Cause(
        BOT,
        "The bot process is not running",
        "sudo systemctl restart birthday-calendar-bot; journalctl -u birthday-calendar-bot -n 50",
    ),
    "log-rotation-broken": Cause(
        UPKEEP,
        "Logs are not rotated, so that they will fill the disk",
        "sudo logrotate -d /etc/logrotate.conf 2>&1 | grep -i error  # names the entry to correct",
    ),
}


SUDO = "sudo birthday-calendar doctor"
NOTHING = "nothing needs to be mended"


def ok(cause: str, summary: str, details: str = "") -> Check:
    """A check that found nothing wrong."""
    return Check(cause, "ok", summary, details)


def error(cause: str, summary: str, details: str = "", fix: str = "") -> Check:
    """A cause that was found; it is mended as usual where no `fix` is given."""
    return Check(cause, "error", summary, details, fix or CAUSES[cause].fix)


def warning(check: str, summary: str, fix: str, details: str = "") -> Check:
    """Something that will do harm one day."""
    return Check(check, "warning", summary, details, fix)


def skipped(check: str, why: str, fix: str = NOTHING) -> Check:
    """A check that could not be made here, and why."""
    return Check(check, "skipped", why, "", fix)


def explained(cause: str) -> frozenset[str]:
    """All that a cause explains, directly or through another one."""
    found, waiting = set(), [cause]
    while waiting:
        new = set(CAUSES[waiting.pop()].explains) - found
        found |= new
        waiting += new
    return frozenset(found)


def root(checks: Iterable[Check]) -> Check | None:
    """The deepest of the errors; None if there is none.

    One that explains more of the others comes first; then what stops the web before what stops
    only the bot; only between equals does time decide.
    """
    errors = [check for check in checks if check.status == "error"]
    found = {check.id for check in errors}

    def depth(check: Check) -> tuple[int, int, float]:
        return -len(explained(check.id) & found), CAUSES[check.id].stops, check.since

    return min(errors, key=depth, default=None)
