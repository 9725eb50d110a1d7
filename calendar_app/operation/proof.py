"""Before an upgrade: what the old and the new release would send, computed on a copy of the data.

install.sh asks for it with the new release's Python while the old one serves. The old release
looks at the copy as it is, the new one after it has migrated the copy, each in a process of its
own; the data itself is only read. Whether they say the same is for `differences` to tell.
"""

import argparse
import ctypes
import datetime as dt
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

from .. import config, models
from ..config import Config
from ..errors import AppError
from ..logs import mask
from . import differences, dumps, files, snapshots, trouble
from .snapshots import Failed

DAYS = 30
# The old release is known to work; the new one may be slower, but not that much.
SECONDS_OLD, SECONDS_NEW = 600, 1800
# As the nightly backup: whoever uses the calendar meanwhile comes first.
NICENESS = 10
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
# Where memory runs out, a release that is asked goes before the service does (proc(5)). The address
# of the copy may hold a password: it comes on standard input, not as an argument.
START = """
{ echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null
IFS= read -r DATABASE_URL
export DATABASE_URL
exec "$@"
"""
WRONG_COMMAND_LINE = 2
TRACE = re.compile(r"^Traceback .*\n((?: .*\n)*  File .*\n(?: .*\n)*)([\w.]+)", re.M)
FRAME = re.compile(r"^  File (.+)$", re.M)
LONGEST_END = 2**16


class Unproven(AppError):
    """The two cannot be compared, through no fault of the new release; the sentence says why."""


class Differs(AppError):
    """The new release would not send the same; the text lists what is different."""


class _Broken(Exception):
    """Why a release did not tell what it would send."""


class Side(NamedTuple):
    """A release that is asked: its name, its Python, and how long it may take."""

    name: str
    python: Path
    seconds: int


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's command line."""
    option = parser.add_argument
    option("--before", metavar="RELEASE", type=Path, required=True, help="the old one's folder")
    option("--days", metavar="N", type=int, default=DAYS, help=f"how many days ({DAYS})")
    option("--accept-changes", action="store_true", help="list what differs, and be content")


def run(args: argparse.Namespace, settings: Config) -> int:
    """Print how the two compare; raises Differs, and Failed for a new release that cannot do it."""
    path = models.sqlite_path(settings.database_url)
    if path is not None and not path.is_file():
        return 0
    # The kernel forgot this when root's rights were given up.
    _end_with_starter()
    os.nice(NICENESS)
    old = Side(args.before.name, args.before / ".venv" / "bin" / "python", SECONDS_OLD)
    period = differences.Period(dt.datetime.now(dt.UTC).date(), args.days)
    try:
        found = _compared(settings, old, period)
    except Unproven as why:
        print(f"The next {args.days} days were not compared: {why}")
        return 0
    names = old.name, config.release()
    text = "\n".join(differences.told(found, names, period, args.accept_changes))
    if found.differ and not args.accept_changes:
        raise Differs(text)
    print(text)
    return 0


def _end_with_starter() -> None:
    """An install.sh that was killed leaves nobody behind who goes on (prctl(2))."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _compared(settings: Config, old: Side, period: differences.Period) -> differences.Found:
    new = Side(config.release(), Path(sys.executable), SECONDS_NEW)
    with _scratch(settings.state_dir) as folder, _copied(settings.database_url, folder) as copy:
        try:
            _write_down(old, copy, period, folder / "old")
        except _Broken as why:
            raise Unproven(f"{old.name} does not tell what it would send: {why}.") from None
        _migrate(copy)
        try:
            _write_down(new, copy, period, folder / "new")
        except _Broken as why:
            raise Failed(f"{new.name} cannot tell what it would send: {why}.") from None
        with snapshots.connected(copy):
            return differences.between(folder / "old", folder / "new")


# --- the copy ----------------------------------------------------------------------------


@contextmanager
def _scratch(state: Path) -> Iterator[Path]:
    """A folder for the copy and all that is told of it; what a killed run left there goes first."""
    folder = state / ".proof"
    folder.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(files.locked(folder / ".lock"))
        except BlockingIOError:
            raise Failed("Another run compares already: try again when it is done.") from None
        try:
            _empty(folder)
            yield folder
        finally:
            shutil.rmtree(folder)


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        elif left.name != ".lock":
            left.unlink()


@contextmanager
def _copied(url: str, folder: Path) -> Iterator[str]:
    """The address of a copy of the database; raises Unproven where none can be made."""
    path = models.sqlite_path(url)
    with ExitStack() as held:
        try:
            copy = _file(path, folder) if path else held.enter_context(dumps.copied(url, folder))
        except (Failed, OSError, sqlite3.Error) as error:
            raise Unproven(trouble.sentence(error) or str(error)) from None
        yield copy


def _file(database: Path, folder: Path) -> str:
    """A copy of SQLite's file; there has to be room for its migration too."""
    snapshots.require_room(folder, 2 * snapshots.size(database))
    # In a folder of its own, as `migrate` holds that.
    copy = folder / "data" / "calendar.db"
    copy.parent.mkdir()
    snapshots.copy(database, copy)
    return f"sqlite:///{quote(str(copy))}"


def _migrate(copy: str) -> None:
    """Bring the copy up to date; raises what the migration of the data itself would."""
    with snapshots.connected(copy):
        try:
            models.migrate()
        except models.Trouble as error:
            if models.is_full(error):
                raise Unproven(trouble.DATABASE["full"]) from None
            raise


# --- the two releases --------------------------------------------------------------------


def _write_down(side: Side, url: str, period: differences.Period, to: Path) -> None:
    """Have a release say what it would send, and keep that in `to`; raises _Broken, Unproven."""
    python = (str(side.python), "-I", "-X", "utf8", "-m", "calendar_app")
    asked = ("simulate", "--from", str(period.first), "--days", str(period.days), "--json")
    command = ["/bin/sh", "-c", START, "sh", *python, *asked]
    said, begun, why = to.with_suffix(".said"), time.monotonic(), ""
    try:
        with said.open("wb") as errors, _started(command, url, errors, side.seconds) as process:
            differences.keep(process.stdout, to)
    except ValueError:
        why = "it prints what cannot be understood"
    except (snapshots.NoRoom, OSError) as error:
        raise Unproven(trouble.sentence(error) or str(error)) from None
    if time.monotonic() - begun >= side.seconds:
        why = f"it did not end within {side.seconds} s"
    elif process.returncode and not why:
        why = _reason(process.returncode, _end(said))
    if why:
        raise _Broken(why)


@contextmanager
def _started(
    command: list[str], url: str, errors: BinaryIO, seconds: int
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, its output to be read: for so long at most, and not beyond this block."""
    process = subprocess.Popen(  # noqa: S603 - a release's own command
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        preexec_fn=_end_with_starter,
    )
    late = threading.Timer(seconds, process.kill)
    late.start()
    try:
        # Leaving it closes our end: who still prints then ends, and is waited for.
        with process:
            process.stdin.write(f"{url}\n".encode())
            process.stdin.close()
            yield process
    finally:
        late.cancel()


def _end(file: Path) -> str:
    """The last of what a file says."""
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - LONGEST_END))
        return opened.read().decode(errors="replace")


def _reason(status: int, said: str) -> str:
    """Why a process failed. Of a traceback only what and where: its values may be somebody's."""
    if status == WRONG_COMMAND_LINE:
        return "it has no `simulate` like ours"
    if status < 0:
        return f"signal {-status} ended it"
    if traces := TRACE.findall(said):
        frames, kind = traces[-1]
        return f"{kind} in {FRAME.findall(frames)[-1]}"
    lines = said.strip().splitlines()
    if not lines or "Traceback" in said:
        return f"it ended with {status}"
    return mask(lines[-1]).rstrip(".")
