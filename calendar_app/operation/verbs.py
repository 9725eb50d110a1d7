"""What each verb of the operator's command does; `__main__` reads the command line.

A verb gets its arguments and the configuration, prints what a person wants to know and returns
the exit status. What goes wrong is raised, and told in one sentence there.
"""

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from .. import alerts, config, models, opening, room
from ..config import Config
from ..doctor import telegram
from ..texts import N_
from . import (
    ageing,
    backups,
    files,
    hooks,
    privileges,
    restoring,
    status,
    takeover,
    tokens,
    units,
)
from .privileges import Refused

HOOK_FAILED = N_("The backup was made, but BACKUP_HOOK failed: {reason}")
NOTHING_READ = "There is no token that could be read here: run it with sudo."
NOTHING_HERE = "There is no token here: with run.sh it stands in .env, as TELEGRAM_BOT_TOKEN=…."
UNSET = " But there is no bot token yet: sudo birthday-calendar set-token"


def show_status(args: argparse.Namespace, settings: Config) -> int:
    """Print one screen on how the service is."""
    facts = status.gather(settings, int(time.time()))
    print(json.dumps(facts, indent=1) if args.json else "\n".join(status.lines(facts)))
    return 0


def check_config(_args: argparse.Namespace, settings: Config) -> int:
    """Tell that the configuration is good; what is bad was told while it was loaded."""
    path = models.sqlite_path(settings.database_url)
    models.connect(settings.database_url)
    with suppress(models.Trouble):
        if path is None or path.is_file():
            models.require_new_code()
    folder = config.secrets_dir()
    is_set = tokens.is_set(folder) if config.installed() and folder else settings.bot_token
    print("The configuration is good." + ("" if is_set is not False else UNSET))
    return 0


def migrate(_args: argparse.Namespace, settings: Config) -> int:
    """Bring the database's schema up to date and print what was applied."""
    applied = opening.open_database(settings)
    print("\n".join(f"applied {name}" for name in applied) or "The database is up to date.")
    return 0


def release_ballast(_args: argparse.Namespace, settings: Config) -> int:
    """Give the ballast's room back to the disk."""
    given = room.release(settings.state_dir)
    print(
        f"{given // room.MIB} MiB are free again. The ballast comes back by itself "
        f"once {room.PLENTY * settings.ballast_mib} MiB are free."
    )
    return 0


# --- backup ------------------------------------------------------------------------------


def backup(args: argparse.Namespace, settings: Config) -> int:
    """Drop what is too old, make a backup and prove it, hand it to BACKUP_HOOK."""
    where = backups.folder(settings)
    if args.list:
        for each in backups.listed(where):
            print(f"{each.path}  {each.bytes / 2**20:.1f} MiB")
        return 0
    now = int(time.time())
    models.connect(settings.database_url)
    _age(settings, now)
    report = backups.make(settings, config.release(), now)
    size, rows = report["bytes"] / 2**20, report["rows"]["birthdays"]
    print(
        f"{report['verdict']}: {where / report['file']}, {size:.1f} MiB, {rows} birthdays, "
        f"{report['seconds']} s"
    )
    return _hand_over(settings, where / report["file"], now)


def _age(settings: Config, now: int) -> None:
    """A database that is too full or too damaged to age is all the more to be backed up."""
    path = models.sqlite_path(settings.database_url)
    if path is not None and not path.is_file():
        return
    try:
        dropped = ageing.drop_old(now)
        restoring.drop_replaced(settings, now)
    except (models.Trouble, OSError) as error:
        print(f"What is too old was not dropped: {error}", file=sys.stderr)
        return
    if dropped:
        print("Dropped what is too old: " + ", ".join(f"{n} of {t}" for t, n in dropped.items()))


def _hand_over(settings: Config, made: Path, now: int) -> int:
    if not settings.backup_hook:
        return 0
    try:
        for line in hooks.run(settings.backup_hook, made):
            print(f"BACKUP_HOOK: {privileges.printable(line)}")
    except hooks.HookFailed as error:
        with suppress(models.Trouble):
            alerts.tell("backup-hook", HOOK_FAILED, now, reason=str(error))
        print(f"The backup is made, but BACKUP_HOOK failed: {error}", file=sys.stderr)
        return 1
    with suppress(models.Trouble):
        alerts.clear("backup-hook", now)
    return 0


# --- restore -----------------------------------------------------------------------------


def restore(args: argparse.Namespace, settings: Config) -> int:
    """Put a backup in the place of the database, after asking."""
    if config.installed() and os.geteuid():
        raise Refused("Restoring stops and starts the service: run it with sudo.")
    path = backups.folder(settings) / args.file
    own = _opened(path, settings.state_dir)
    found = _in_state(
        settings, path, own, lambda file: restoring.examine(settings, file, path.name)
    )
    print("\n".join(_described(path, found)))
    _agree(args.yes)
    now = int(time.time())
    with units.stopped() if config.installed() else nullcontext():
        done = _in_state(
            settings, path, own, lambda file: asdict(restoring.replace(settings, file, now))
        )
    print("\n".join(_told(done)))
    return 0


def named(text: str) -> Path:
    """A path as typed; a bare name of what is not here stays one: it is one of our backups."""
    is_bare = "/" not in text and not Path(text).exists()
    return Path(text) if is_bare else Path(text).absolute()


def _opened(path: Path, state: Path) -> BinaryIO | None:
    """The file, opened by root where only root can; None: whoever owns the state opens it.

    In the state folder nothing is opened here: a link there could lead to any file of root's.
    """
    if os.geteuid() or path.is_relative_to(state) or _resolved(path).is_relative_to(state):
        return None
    return files.opened(path)


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path.parent)) / path.name


def _in_state(settings: Config, path: Path, own: BinaryIO | None, use: Any) -> Any:
    def question() -> Any:
        if own is not None:
            return use(own)
        with files.opened(path) as file:
            return use(file)

    return privileges.ask(settings.state_dir, question)


def _described(path: Path, found: dict[str, Any]) -> Iterator[str]:
    taken = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(found["taken"]))
    by = f", made by release {found['release']}" if found["release"] else ""
    yield f"{path.name} is whole: of {taken}{by}, with {found['rows']['birthdays']} birthdays."
    if found["since"]:
        since = ", ".join(f"{number} {what}" for what, number in found["since"].items())
        now = found["now"].get("birthdays")
        yield f"The database now has {now} birthdays. New or changed since then, and lost: {since}."
    else:
        yield "The database that it replaces is missing or cannot be read."


def _agree(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("Nothing was changed: give --yes where nobody can be asked.")
    if input("Put it in place? Type yes: ").strip().lower() != "yes":
        raise Refused("Nothing was changed.")


def _told(done: dict[str, Any]) -> Iterator[str]:
    yield f"Restored: {done['rows']['birthdays']} birthdays. Nothing that was due before is sent."
    if done["kept"]:
        yield f"What was there is kept as {done['kept']}" + (
            " (damaged, as it was)." if done["damaged"] else " for 30 days."
        )
    yield from done["problems"]


# --- token and code ----------------------------------------------------------------------


def set_token(args: argparse.Namespace, _settings: None) -> int:
    """Store the bot token and its key, or remove both, and restart what uses them."""
    folder = config.secrets_dir()
    if folder is None:
        raise Refused("Beside run.sh the token stands in .env, as TELEGRAM_BOT_TOKEN=….")
    if config.installed() and os.geteuid():
        raise Refused("The token is for root only: run it with sudo.")
    if args.file and args.remove:
        raise Refused("Give --file or --remove, not both.")
    token = "" if args.remove else _token(args.file)
    if not args.remove and not token.strip():
        raise Refused("No token was given; to take it away: set-token --remove.")
    tokens.store(folder, token)
    print("The token is removed." if args.remove else "The token is set.")
    if config.installed() and units.restart_running():
        print("Web and bot were restarted, if they ran.")
    return 0


def _token(path: Path | None) -> str:
    """From the file, a question without echo, or standard input; never from the command line."""
    if path is not None:
        return tokens.read_file(path)
    if sys.stdin.isatty():
        return getpass.getpass("The bot token from @BotFather (it does not show): ")
    return sys.stdin.read(tokens.LONGEST)


def take_over(_args: argparse.Namespace, settings: Config) -> int:
    """Remove a foreign webhook, and say whose it was."""
    token = telegram.token(settings)
    if not token:
        raise Refused(NOTHING_READ if config.installed() else NOTHING_HERE)
    print(privileges.printable(takeover.remove_webhook(settings, token)))
    return 0


def rollback(_args: argparse.Namespace, _settings: None) -> int:
    """Go back one release; the data stays as it is."""
    script = config.ROOT / "scripts" / "install.sh"
    if not config.installed():
        raise Refused("Nothing is installed here that could be rolled back.")
    if os.geteuid():
        raise Refused("This changes what is installed: run it with sudo.")
    os.execv(script, [str(script), "--rollback"])  # noqa: S606 - root's own script
