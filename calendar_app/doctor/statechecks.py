"""The doctor's look at the state: room and ballast, backups, bot, reminders, time zones.

Runs as whoever the state belongs to (`privileges.ask`), one check after the other, and changes
nothing: the database is only read, and its lock only looked at.
"""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import tzdata

from .. import config as configuration
from .. import dates, health, models, reminders, room, texts
from ..config import Config
from ..models import Alert, BotState, Calendar, Member, User
from ..operation import backups, trouble
from . import database, disks, remedies
from .causes import SUDO, Check, error, ok, skipped, warning

BACKUP_DAYS = 3
BOT = {
    "conflict": "bot-conflict",
    "unauthorized": "bot-unauthorized",
    "unreachable": "telegram-unreachable",
    "stopped": "bot-stopped",
}
ROWS_IDS = ("schema", *BOT.values(), "reminders", "time-zones")
IDS = ("disk-full", "inodes-full", "ballast", "backup", *database.IDS, *ROWS_IDS)
SENT = """
    SELECT (SELECT max(sent_at) FROM ledger), (SELECT min(try_at) FROM ledger
        WHERE state = 'planned'), (SELECT min(next_due_at) FROM reminder_rules)
"""
# Rules of time zones change a few times a year; a stable Debian may be a little behind.
OLD_YEARS = 2
# Where Debian's time-zone data says which edition it is: `# version 2025b`.
SYSTEM_ZONES = Path("/usr/share/zoneinfo/tzdata.zi")


def look(config: Config, now: int) -> dict[str, Any]:
    """`{"checks", "alerts", "languages"}`, as JSON can carry them.

    `alerts`: the keys of what the service itself told the operators and did not take back;
    `languages`: the operators' by their Telegram ids. Both empty where the database cannot say.
    """
    checks = _guarded(("disk-full", "inodes-full", "ballast"), lambda: _room(config))
    checks += _guarded(("backup",), lambda: [_backup(config, now)])
    checks += _database(config, now)
    found: dict[str, Any] = {"checks": [asdict(check) for check in checks]}
    if all(check.status != "error" or check.id not in database.IDS for check in checks):
        with suppress(models.Trouble):
            found |= _told(config)
    return found


def _told(config: Config) -> dict[str, Any]:
    if models.database.obj is None:
        return {}
    keys = [key for (key,) in Alert.select(Alert.key).where(Alert.cleared_at.is_null()).tuples()]
    known = User.select(User.telegram_id, User.language, User.language_code).where(
        User.telegram_id.in_(list(config.admin_telegram_ids))
    )
    default = config.default_language
    spoken = {who: own or texts.language_of(code, default) for who, own, code in known.tuples()}
    return {"alerts": keys, "languages": spoken}


def _guarded(ids: tuple[str, ...], look: Callable[[], list[Check]]) -> list[Check]:
    """What the checks say; skipped where foreseeable trouble keeps them from saying anything."""
    try:
        return look()
    except Exception as problem:
        said = trouble.sentence(problem)
        if said is None:
            raise
        return [skipped(each, said, SUDO) for each in ids]


# --- room --------------------------------------------------------------------------------


def _room(config: Config) -> list[Check]:
    """The state's disk, and the ballast that the service keeps on it."""
    folder = config.state_dir
    if not folder.is_dir():
        return []
    found = disks.room(folder, disks.Walk((folder,)))
    has, wanted = room.ballast_bytes(folder), config.ballast_mib * room.MIB
    return [_read_only(check, has) for check in found] + [_ballast(folder, has, wanted)]


def _read_only(check: Check, ballast: int) -> Check:
    """What a full disk means for people, and what gives them time."""
    if check.status == "warning":
        return replace(check, alarm=True)
    if check.status != "error":
        return check
    said = f"{check.summary}: the calendar can only be read until there is room again"
    fix = check.fix
    if check.id == "disk-full" and ballast and configuration.installed():
        fix = f"{remedies.RELEASE_BALLAST}  # for the moment, then {check.fix}"
    return replace(check, summary=said, fix=fix)


def _ballast(folder: Path, has: int, wanted: int) -> Check:
    mib = room.MIB
    if has >= wanted:
        return ok("ballast", f"{has // mib} MiB are kept for a full disk." if wanted else "None.")
    said, free = (
        f"{has // mib} of {wanted // mib} MiB of ballast are there",
        room.look(folder).bytes,
    )
    if free < room.PLENTY * wanted:
        need = f"it comes back by itself once {room.PLENTY * wanted // mib} MiB are free"
        fix = f"sudo du -xhd3 {folder} | sort -h | tail -20  # or a smaller BALLAST_MIB"
        return warning("ballast", f"{said}, {free // mib} MiB are free: {need}", fix)
    fix = f"{remedies.RESTART[remedies.WEB]}  # it makes the ballast within seconds"
    return warning("ballast", f"{said}, although there is room: nobody keeps it", fix)


# --- what the rows say -------------------------------------------------------------------


def _database(config: Config, now: int) -> list[Check]:
    path = models.sqlite_path(config.database_url)
    if path is not None and not path.is_file() and not database.is_lost(config):
        ids = (*database.IDS, *ROWS_IDS)
        return [skipped(each, "There is no database yet.") for each in ids]
    checks = database.look(config)
    if any(check.status == "error" for check in checks):
        return checks + [skipped(each, "The database cannot be asked.") for each in ROWS_IDS]
    if path is not None:
        models.connect(config.database_url)
    return checks + _guarded(ROWS_IDS, lambda: _rows(now))


def _rows(now: int) -> list[Check]:
    schema = _schema()
    if schema.status == "error":
        return [schema]
    return [schema, *_bot(now), _reminders(now), _zones()]


def _schema() -> Check:
    """Whether this code and the database know each other."""
    try:
        models.require_new_code()
    except models.OldCode as problem:
        fix = "sudo ./scripts/install.sh  # of the newer release"
        return error("web-start-failed", str(problem), "", fix)
    names = {name for (name,) in models.rows("SELECT name FROM schema_migration")}
    known = {path.stem for path in models.MIGRATIONS.glob("[0-9]*.py")}
    if known - names:
        lacking = ", ".join(sorted(known - names))
        fix = f"{remedies.RESTART[remedies.WEB]}  # brings it up to date as it starts"
        return warning("schema", f"The database is not up to date: {lacking}", fix)
    return ok("schema", f"The schema is {max(names)}.")


def _bot(now: int) -> list[Check]:
    """One check for each state in which the bot is of no use; at most one of them is an error."""
    state = health.bot_state(now)
    row = BotState.get_or_none(BotState.id == 1)
    detail = row.detail if row else ""
    well = [ok(cause, "Not so.") for name, cause in BOT.items() if name != state]
    if state in BOT:
        since = f" since {_clock(row.since)}" if row else ""
        summary = health.BOT_SUMMARY[state].rstrip(".") + since
        return [*well, error(BOT[state], summary, detail)]
    summary = health.BOT_SUMMARY.get(state, "{detail}").format(detail=detail)
    return [*well, ok("bot", summary)]


def _clock(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _reminders(now: int) -> Check:
    late = reminders.overdue(now)
    history = _history()
    if health.bot_state(now) == "disabled":
        said = "Reminders wait until the bot has a token and is switched on."
        return ok("reminders", said, history)
    if not late:
        return ok("reminders", f"No reminder is overdue; {history}.")
    fix = "sudo journalctl -u birthday-calendar-bot -n 50  # says what keeps them back"
    said = f"{late} reminders should have been sent by now; {history}"
    return warning("reminders", said, fix)


def _history() -> str:
    """When the last reminder went out, and when the next comes due."""
    sent, planned, looked = models.rows(SENT).fetchone()
    last = f"the last was sent at {_clock(sent)}" if sent else "none was sent yet"
    coming = [at for at in (planned, looked) if at]
    return f"{last}, the next look is at {_clock(min(coming))}" if coming else last


def _zones() -> Check:
    """Whether the system's time-zone data knows the zones that people chose."""
    used = {zone for (zone,) in Calendar.select(Calendar.timezone).distinct().tuples()}
    used |= {zone for (zone,) in Member.select(Member.timezone).distinct().tuples() if zone}
    unknown = used - set(dates.zone_names())
    fix = "sudo apt-get install --only-upgrade tzdata"
    if unknown:
        named = ", ".join(sorted(unknown)[:3])
        return warning("time-zones", f"The time-zone data does not know {named}", fix)
    system, newest = _edition(), tzdata.IANA_VERSION
    if system and int(newest[:4]) - int(system[:4]) >= OLD_YEARS:
        said = f"The system's time-zone data is of {system}; there is {newest}"
        return warning("time-zones", said, fix)
    return ok("time-zones", "All time zones in use are known.", f"edition {system or newest}")


def _edition() -> str:
    """The edition of the system's time-zone data, such as 2025b; "" where it does not tell."""
    with suppress(OSError), SYSTEM_ZONES.open() as file:
        found = re.match(r"# version (20\d\d[a-z]+)", file.readline(100))
        return found[1] if found else ""
    return ""


def _backup(config: Config, now: int) -> Check:
    last = backups.last(backups.folder(config))
    fix = f"{remedies.BACK_UP}  # sudo journalctl -u birthday-calendar-backup tells how it went"
    if not last:
        return warning("backup", "There is no backup yet", fix)
    if last.get("reason"):
        return warning("backup", f"The last backup failed: {last['reason']}", fix, alarm=True)
    proven = int((last.get("proven") or {}).get("at", 0))
    if proven < now - BACKUP_DAYS * 86400:
        return warning("backup", f"The last proven backup is of {_clock(proven)}", fix, alarm=True)
    return ok("backup", f"The last backup is of {_clock(proven)}, {last.get('verdict')}.")
