"""Takes Birthday Calendar away: all but data and configuration, or with --purge all of it.

Whatever is there is removed, so it works after half an installation, and twice. What others have
on this machine, and nginx, go on. Used by install.py.
"""

import grp
import pwd
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from scripts.installer import host, layout, rehearsal, steps, units, webserver
from scripts.installer.host import Failed, say
from scripts.installer.options import CODE, CONFIGURATION, LOGS, STATE, Options

STAMPS = Path("/var/lib/systemd/timers")
ROTATED = Path("/var/lib/logrotate/status")
# What the doctor has told whom (systemd/birthday-calendar-doctor.service).
DOCTOR = Path("/var/lib/birthday-calendar-doctor")
FILES = (
    *(layout.COMMAND, layout.HOOK, *layout.PLACES),
    *(rehearsal.SOCKET, rehearsal.LIVE_SOCKET, layout.REMEMBERED),
    # What our own rotation remembers (systemd/birthday-calendar-logrotate.service).
    ROTATED.with_name("birthday-calendar.status"),
)


def remove(asked: Options) -> None:
    """Uninstall or purge; raises Failed if it is not wanted after all, or something resists."""
    purge = asked.action == "purge"
    if purge and not asked.non_interactive:
        _confirm()
    noted = host.noted()
    say("Taking nginx's site away")
    steps.retire(host.place({webserver.SITE_LINK: None, webserver.SITE: None}))
    say("Stopping the units and taking them away")
    _remove_units()
    say("Taking code, logs and settings away")
    steps.retire(host.place(dict.fromkeys(FILES)))
    for folder in (CODE, LOGS, *units.FOLDER.glob("birthday-calendar*.wants")):
        _remove_folder(folder)
    _forget_rotations()
    if purge:
        say("Taking data, configuration and the user away")
        _remove_data()
        _remove_user()
    _undo(noted)
    kept = "" if purge else f" {STATE}, {CONFIGURATION} and the user {steps.USER} are still there."
    say(f"Birthday Calendar is gone.{kept}")


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise Failed("--purge deletes all data: add --non-interactive where nobody can be asked.")
    answer = input(f"This deletes all data in {STATE} and {CONFIGURATION}. Type yes to go on: ")
    if answer.strip() != "yes":
        raise Failed("Nothing was removed.")


def _remove_units() -> None:
    rehearsal.clear()
    paths = units.installed()
    units.disable([path.name for path in paths])
    host.place(dict.fromkeys(paths))
    host.run("systemctl", "daemon-reload")
    for stamp in STAMPS.glob("stamp-birthday-calendar-*"):
        stamp.unlink()


def _remove_folder(folder: Path) -> None:
    """Remove a folder with all in it; links in it are removed, never followed."""
    if folder.is_symlink() or not folder.is_dir():
        return
    try:
        # The folder itself may be the mount point of a disk of its own; then it stays, empty.
        shutil.rmtree(folder)
    except OSError as error:
        if not folder.is_mount():
            raise Failed(f"{folder} cannot be removed: {error}") from None


def _forget_rotations() -> None:
    """Debian's logrotate remembers every log that it once saw."""
    found = host.look(ROTATED)
    if found and str(LOGS).encode() in found.content:
        lines = [line for line in found.content.split(b"\n") if str(LOGS).encode() not in line]
        content = b"\n".join(lines)
        host.place({ROTATED: host.File(content, found.mode, found.owner)})


def _remove_data() -> None:
    _remove_folder(STATE)
    _remove_folder(DOCTOR)
    _remove_folder(CONFIGURATION)
    for folder in units.FOLDER.glob("birthday-calendar*.d"):
        _remove_folder(folder)


def _remove_user() -> None:
    with suppress(KeyError):
        pwd.getpwnam(steps.USER)
        host.run("userdel", steps.USER)
    with suppress(KeyError):
        grp.getgrnam(steps.USER)
        host.run("groupdel", steps.USER)


def _undo(noted: Sequence[str]) -> None:
    """What was changed beside our own files: folders made, nginx enabled."""
    for line in noted:
        if line.startswith("/"):
            with suppress(OSError):
                Path(line).rmdir()
        else:
            host.attempt("systemctl", "disable", "--quiet", line)
