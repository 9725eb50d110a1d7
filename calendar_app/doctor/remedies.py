"""What mends: the text for people, and behind it the commands that `doctor --fix` may run.

A safe remedy stands here once, as its commands; its text is made of them. `--fix` finds the
commands by the text, so that what a check says can choose one of these and nothing else. None
deletes data; what a machine must not decide (disk, token, another program) is not here.
"""

CURRENT = "/opt/birthday-calendar/current"
WEB, BOT = "birthday-calendar-web.service", "birthday-calendar-bot.service"
SOCKET = "birthday-calendar-web.socket"
PARTS = ("backup", "logrotate", "doctor")
OWN_SERVICES = (WEB, BOT, *(f"birthday-calendar-{part}.service" for part in PARTS))
OWN_TIMERS = tuple(f"birthday-calendar-{part}.timer" for part in PARTS)
OWN = (SOCKET, *OWN_SERVICES, *OWN_TIMERS)
# What a person may want to know of a remedy stands behind it.
NOTE = "  # "

Commands = tuple[tuple[str, ...], ...]
_SAFE: dict[str, Commands] = {}


def _safe(*lines: str) -> str:
    """The text of commands that are safe to run."""
    text = "; ".join(f"sudo {line}" for line in lines)
    _SAFE[text] = tuple(tuple(line.split()) for line in lines)
    return text


def _again(*units: str) -> str:
    named = " ".join(units)
    return _safe(f"systemctl reset-failed {named}", f"systemctl restart {named}")


RESTART = {unit: _safe(f"systemctl restart {unit}") for unit in (*OWN, "nginx.service")}
# For what systemd has given up.
RESET = {unit: _again(unit) for unit in (*OWN, "nginx.service")}
# Both, as the service is stopped with its socket.
RESTART_WEB = _safe(f"systemctl restart {SOCKET} {WEB}")
RESET_WEB = _again(SOCKET, WEB)
RELOAD_NGINX = _safe("systemctl reload nginx.service")
BACK_UP = _safe("systemctl start birthday-calendar-backup.service")
ROTATE = _safe(
    f"install -m 644 {CURRENT}/logrotate/birthday-calendar /etc/logrotate.d/birthday-calendar"
)
CAP_JOURNAL = _safe(
    f"install -D -m 644 {CURRENT}/systemd/50-birthday-calendar.conf"
    " /etc/systemd/journald.conf.d/50-birthday-calendar.conf",
    "systemctl restart systemd-journald.service",
)
MAKE_FOLDERS = _safe(
    "systemd-sysusers /etc/sysusers.d/birthday-calendar.conf",
    "systemd-tmpfiles --create /etc/tmpfiles.d/birthday-calendar.conf",
)
RELEASE_BALLAST = _safe("birthday-calendar release-ballast")


def commands(fix: str) -> Commands:
    """The safe commands that a remedy begins with; none where a person has to do it."""
    return _SAFE.get(fix.partition(NOTE)[0], ())


def safe() -> dict[str, Commands]:
    """All of them, by their texts."""
    return dict(_SAFE)
