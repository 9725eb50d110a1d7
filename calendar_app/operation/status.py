"""One screen on how the service is: what systemd, the state and the certificate say.

What lies in the state folder is read by whoever the state belongs to (`state`), the rest by the
caller (`system`); `lines` shows both on 80 columns.
"""

import http.client
import socket
import ssl
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .. import config, health, models, room
from ..config import Config
from ..models import Birthday, BotState
from . import backups, privileges, snapshots, tokens, trouble, units

DAY = 24 * 3600
WIDTH, INDENT = 80, 17
SOCKET = Path("/run/birthday-calendar-web.sock")
ETC = Path("/etc/birthday-calendar")
ASK_SECONDS = 3
REMINDERS = """
    SELECT (SELECT count(*) FROM ledger WHERE sent_at > ?),
        (SELECT min(try_at) FROM ledger WHERE state = 'planned'),
        (SELECT min(next_due_at) FROM reminder_rules)
"""

Facts = dict[str, Any]


def gather(settings: Config, now: int) -> Facts:
    """Everything; `state` in a process that has no more rights than the state's owner."""
    found = privileges.ask(settings.state_dir, lambda: state(settings, now), 60)
    return {"version": config.release()} | found | system(settings, now)


# --- what the state says -----------------------------------------------------------------


def state(settings: Config, now: int) -> Facts:
    """The database, the disk, the backups, the bot, the reminders and the web's socket."""
    models.connect(settings.database_url)
    parts: dict[str, Callable[[], Facts]] = {
        "socket": lambda: _socket(settings),
        "database": lambda: _database(settings),
        "disk": lambda: _disk(settings.state_dir),
        "backup": lambda: _backup(settings),
        "bot": lambda: _bot(settings, now),
        "reminders": lambda: _reminders(settings, now),
    }
    return {name: _guarded(part) for name, part in parts.items()}


def _guarded(part: Callable[[], Facts]) -> Facts:
    try:
        return part()
    except Exception as error:
        said = trouble.sentence(error)
        if said is None:
            raise
        return {"problem": said}


def _socket(settings: Config) -> Facts:
    path = SOCKET if config.installed() else settings.state_dir / "run" / "web.sock"
    connection = http.client.HTTPConnection("localhost", timeout=ASK_SECONDS)
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(ASK_SECONDS)
        connection.sock.connect(str(path))
        connection.request("GET", "/health")
        answers = connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException) as error:
        return {"path": str(path), "answers": False, "problem": f"{path}: {error}"}
    finally:
        connection.close()
    return {"path": str(path), "answers": answers}


def _require_database(settings: Config) -> Path | None:
    """The SQLite file; nothing is made where there is none yet. Raises Failed."""
    path = models.sqlite_path(settings.database_url)
    if path is not None:
        snapshots.opened(path).close()
    return path


def _database(settings: Config) -> Facts:
    path = _require_database(settings)
    applied = models.rows("SELECT max(name) FROM schema_migration").fetchone()[0]
    found = {"birthdays": Birthday.select().count(), "schema": applied}
    if path is not None:
        return {"kind": "SQLite", "path": str(path), "bytes": snapshots.size(path)} | found
    size = models.rows("SELECT pg_database_size(current_database())").fetchone()[0]
    return {"kind": "PostgreSQL", "bytes": size} | found


def _disk(folder: Path) -> Facts:
    free = room.look(folder)
    ballast, short = room.ballast_bytes(folder), room.shortage(folder)
    return {"free": free.bytes, "inodes": free.inodes, "ballast": ballast, "short": short}


def _backup(settings: Config) -> Facts:
    where = backups.folder(settings)
    return {"last": backups.last(where), "kept": len(backups.listed(where))}


def _bot(settings: Config, now: int) -> Facts:
    _require_database(settings)
    row = BotState.get_or_none(BotState.id == 1)
    found = {"state": health.bot_state(now), "since": None, "detail": "", "username": ""}
    if row is not None:
        found |= {"since": row.since, "detail": row.detail, "username": row.username}
    return found


def _reminders(settings: Config, now: int) -> Facts:
    _require_database(settings)
    sent, planned, look = models.rows(REMINDERS, now - DAY).fetchone()
    return {"sent": sent, "next": planned, "next_look": look}


# --- what the system says ----------------------------------------------------------------


def system(settings: Config, now: int) -> Facts:
    """The units, the certificate and what is missing; only where this is installed."""
    if not config.installed():
        return {"missing": []}
    token = tokens.is_set(config.secrets_dir() or ETC)
    missing = ["a bot token: sudo birthday-calendar set-token"] if token is False else []
    if not settings.telegram_webapp_url:
        missing.append(f"TELEGRAM_WEBAPP_URL in {ETC / 'env'}: no button opens the Mini App")
    return {"units": _units(), "certificate": _certificate(now), "missing": missing}


def _units() -> Facts:
    return {
        name.removeprefix(f"{units.PREFIX}-"): {
            "state": f"{unit['ActiveState']} ({unit['SubState']})",
            "says": privileges.printable(unit.get("StatusText", "")),
        }
        for name, unit in units.states().items()
    }


def _certificate(now: int) -> Facts:
    """How long nginx's certificate holds, as far as the caller may read it."""
    path = _certificate_path()
    command = ["/usr/bin/openssl", "x509", "-noout", "-enddate", "-in", path]
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, text=True
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"path": path, "problem": f"{path} cannot be read: {error}"}
    if done.returncode:
        return {"path": path, "problem": f"{path} cannot be read here: try with sudo"}
    until = int(ssl.cert_time_to_seconds(done.stdout.strip().partition("=")[2]))
    return {"path": path, "until": until, "days": (until - now) // DAY}


def _certificate_path() -> str:
    """The one that install.sh was given, else the one that it made."""
    try:
        text = (ETC / "install.conf").read_text()
    except OSError:
        text = ""
    options = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return options.get("CERTIFICATE", "").strip().strip("\"'") or str(ETC / "tls" / "cert.pem")


# --- one screen --------------------------------------------------------------------------


def lines(facts: Facts) -> list[str]:
    """The facts as lines of at most 80 columns."""
    shown = [f"Birthday Calendar {facts['version']}"]
    for label, text in _labelled(facts):
        shown += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=label.ljust(INDENT),
            subsequent_indent=" " * INDENT,
            break_on_hyphens=False,
        )
    return shown


def _labelled(facts: Facts) -> Iterator[tuple[str, str]]:
    for name, unit in facts.get("units", {}).items():
        label = name.removesuffix(".service").removeprefix(f"{units.PREFIX}.")
        yield label, unit["state"] + (f": {unit['says']}" if unit["says"] else "")
    told: set[str] = set()
    for label, say in SAYING.items():
        fact = facts.get(label)
        if fact and fact.get("problem") not in told:
            told |= {fact["problem"]} if "problem" in fact else set()
            yield label, fact["problem"] if "problem" in fact else say(fact)
    yield from (("missing", missing) for missing in facts["missing"])


def _say_socket(fact: Facts) -> str:
    return f"{fact['path']} " + ("answers" if fact["answers"] else "answers with an error")


def _say_database(fact: Facts) -> str:
    where = f" at {fact['path']}" if "path" in fact else ""
    rows = f"{fact['birthdays']} birthdays, schema {fact['schema']}"
    return f"{fact['kind']}, {_mib(fact['bytes'])}, {rows}{where}"


def _say_disk(fact: Facts) -> str:
    inodes = "" if fact["inodes"] is None else f" and {fact['inodes']} inodes"
    read_only = "READ-ONLY until there is room: " if fact["short"] else ""
    return f"{read_only}{_mib(fact['free'])}{inodes} free, {_mib(fact['ballast'])} ballast"


def _say_backup(fact: Facts) -> str:
    last, kept = fact["last"], fact["kept"]
    if not last:
        return "none yet: the first comes tonight, or now with `backup`"
    seconds = f"{last.get('seconds', '?')} s"
    if last.get("reason"):
        proven = last.get("proven") or {}
        before = f"the last good one is of {_time(proven['at'])}" if proven else "there is none"
        return f"{last['verdict'].upper()} at {_time(last['at'])}: {last['reason']}; {before}"
    proof = {"listed": "listed, not restored: let the role create databases"}
    how = proof.get(last["verdict"], last["verdict"])
    return f"{_time(last['at'])}, {how}, {_mib(last['bytes'])} in {seconds}; {kept} kept"


def _say_bot(fact: Facts) -> str:
    since = f" since {_time(fact['since'])}" if fact["since"] else ""
    detail = f" ({fact['detail']})" if fact["detail"] else ""
    return f"{fact['state']}{since}{detail}"


def _say_reminders(fact: Facts) -> str:
    when = "nobody wants any yet"
    if fact["next"]:
        when = f"next at {_time(fact['next'])}"
    elif fact["next_look"]:
        when = f"next look for birthdays at {_time(fact['next_look'])}"
    return f"{fact['sent']} sent in 24 hours; {when}"


def _say_certificate(fact: Facts) -> str:
    return f"{fact['days']} days left, {fact['path']}"


SAYING = {
    "socket": _say_socket,
    "database": _say_database,
    "disk": _say_disk,
    "backup": _say_backup,
    "bot": _say_bot,
    "reminders": _say_reminders,
    "certificate": _say_certificate,
}


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size < 2**30 else f"{size / 2**30:.1f} GiB"
