"""The causes of an outage: what each stops, which others it explains, how it is mended.

The doctor alone uses it, for what it sees on this machine and for what it reads in logs alike.
The names are what monitoring and people's notes rely on: they never change.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..texts import N_
from . import remedies

# What a cause stops; the lower, the worse.
WEB, BOT, UPKEEP = range(3)


@dataclass(frozen=True)
class Cause:
    """One cause: `says` is what it means, `fix` a command that mends it and deletes nothing.

    `fleeting`: it often passes by itself in seconds.
    """

    stops: int
    says: str
    fix: str
    explains: tuple[str, ...] = ()
    fleeting: bool = False


@dataclass(frozen=True)
class Check:
    """What the doctor found: `status` is ok, warning, error or skipped.

    `fix` is a command for what is not ok; `since` orders equals: when it was first seen.
    `alarm`: the operators are told of it in Telegram, though it is only a warning.
    """

    id: str
    status: str
    summary: str
    details: str = ""
    fix: str = ""
    since: float = float("inf")
    alarm: bool = False


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
        N_("A file system has no inodes left: no file can be made on it"),
        "sudo du --inodes -xd3 / | sort -n | tail -20  # names what has too many files",
        ("disk-full", *NO_ROOM),
    ),
    "disk-full": Cause(
        WEB,
        N_("A disk is full"),
        "sudo du -xhd3 / | sort -h | tail -20  # names what fills it: move it, or enlarge the disk",
        NO_ROOM,
    ),
    "out-of-memory": Cause(
        WEB,
        N_("The kernel killed a process because memory ran out"),
        "ps aux --sort=-rss | head  # names what takes it: stop that, or add memory",
        (*START, "nginx-down", "database-locked", "database-unreachable"),
    ),
    "database-corrupt": Cause(
        WEB,
        N_("The database file is damaged"),
        "sudo birthday-calendar backup --list  # names the proven backups; "
        "then: sudo birthday-calendar restore NAME, which keeps the damaged file",
        (*START, "database-locked"),
    ),
    "database-locked": Cause(
        WEB,
        N_("Another program holds the database's lock, so that nothing can be written"),
        "sudo fuser -v /var/lib/birthday-calendar/calendar.db  # names it: end it",
        ("upstream-timeout", "web-start-failed", "web-not-running", "bot-stopped"),
    ),
    "database-unreachable": Cause(
        WEB,
        N_("The database server does not answer"),
        "sudo systemctl restart postgresql  # or mend DATABASE_URL in /etc/birthday-calendar/env",
        START,
    ),
    "web-start-failed": Cause(
        WEB,
        N_("The web API cannot start"),
        "sudo journalctl -u birthday-calendar-web -n 50  # or: sudo birthday-calendar rollback",
        ("web-not-running", "socket-missing", "upstream-timeout"),
    ),
    "socket-missing": Cause(
        WEB,
        N_("The web API's socket is not there, so that nginx cannot reach it"),
        remedies.RESTART_WEB,
        ("web-not-running",),
    ),
    "socket-permission": Cause(
        WEB,
        N_("nginx may not use the web API's socket"),
        remedies.RESTART_WEB,
        ("web-not-running",),
    ),
    "upstream-timeout": Cause(
        WEB,
        N_("The web API takes requests but does not answer them"),
        remedies.RESTART[remedies.WEB],
        ("web-not-running",),
        fleeting=True,
    ),
    "nginx-config-invalid": Cause(
        WEB,
        N_("nginx refuses its configuration"),
        "sudo nginx -t  # names the line; once corrected: sudo systemctl restart nginx",
        ("nginx-down",),
    ),
    "nginx-down": Cause(WEB, N_("nginx is not running"), remedies.RESET["nginx.service"]),
    "web-not-running": Cause(
        WEB,
        N_("Nothing answers behind nginx: the web API is not running"),
        remedies.RESTART_WEB,
        fleeting=True,
    ),
    "certificate-expired": Cause(
        WEB,
        N_("The TLS certificate has expired"),
        "sudo certbot renew && sudo systemctl reload nginx  # or put a new one at its place",
    ),
    "webhook-set": Cause(
        BOT,
        N_("A webhook is set for this bot, so that polling is refused"),
        "sudo birthday-calendar take-over  # and stop that program, or /revoke in BotFather",
        ("bot-conflict",),
    ),
    "bot-conflict": Cause(
        BOT,
        N_("Another program polls Telegram with the same bot token"),
        "ps aux | grep -i bot; sudo docker ps  # stop the other one; "
        "not found: /revoke in BotFather, then sudo birthday-calendar set-token",
    ),
    "bot-unauthorized": Cause(
        BOT,
        N_("Telegram does not accept the bot token"),
        "sudo birthday-calendar set-token  # with the token that BotFather shows",
        ("bot-stopped",),
    ),
    "telegram-unreachable": Cause(
        BOT,
        N_("Telegram cannot be reached"),
        "curl -sS -o /dev/null -m 10 https://api.telegram.org && echo reachable"
        "  # if not: network, DNS or firewall",
        fleeting=True,
    ),
    "bot-stopped": Cause(
        BOT,
        N_("The bot process is not running"),
        remedies.RESTART[remedies.BOT],
        fleeting=True,
    ),
    "log-rotation-broken": Cause(
        UPKEEP,
        N_("Logs are not rotated, so that they will fill the disk"),
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


def warning(check: str, summary: str, fix: str, details: str = "", *, alarm: bool = False) -> Check:
    """Something that will do harm one day; with `alarm` soon."""
    return Check(check, "warning", summary, details, fix, alarm=alarm)


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
    only the bot; only between equals does time decide (and where there is none, our order).
    """
    errors = [check for check in checks if check.status == "error"]
    found = {check.id for check in errors}

    def depth(check: Check) -> tuple[int, int, float, int]:
        explains = len(explained(check.id) & found)
        return -explains, CAUSES[check.id].stops, check.since, list(CAUSES).index(check.id)

    return min(errors, key=depth, default=None)
