"""This machine, as the installer touches it: commands that fail loudly, files that change whole.

A file is written beside its place, then renamed into it, so that a reader, or a machine that
loses its power, finds the old one or the new one. Used by install.py and its parts.
"""

import base64
import ctypes
import os
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Root's own shell may have exported anything, a token too.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
Done = subprocess.CompletedProcess[str]
MADE = Path("/etc/birthday-calendar/made")
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """Why this cannot go on; its text is for the sysadmin."""


def say(text: str) -> None:
    """One line on standard output; a terminal that has gone away stops nothing."""
    with suppress(OSError):
        print(text, flush=True)


def warn(text: str) -> None:
    """One line on standard error."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def attempt(
    *argv: str | Path,
    given: str = "",
    env: Mapping[str, str] | None = None,
    seconds: float = 900,
    user: str | None = None,
) -> Done:
    """Run a command with nothing of our environment; `given` is its standard input.

    It is out of reach of the terminal's Ctrl-C, which is ours, and dies with us: an installer
    that was killed leaves nothing behind that goes on writing.
    """
    command = [str(word) for word in argv]
    identity = {"user": user, "group": user, "extra_groups": []} if user else {}
    try:
        return subprocess.run(  # noqa: S603
            command,
            input=given,
            env={**ENVIRONMENT, **(env or {})},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            cwd="/",
            process_group=0,
            preexec_fn=_die_with_parent,  # noqa: PLW1509
            **identity,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no end after {seconds:.0f} s")
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", f"{command[0]} is not there")


def _die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*argv: str | Path, **more: object) -> str:
    """What a command printed; raises Failed with its last words."""
    done = attempt(*argv, **more)  # type: ignore[arg-type]
    if done.returncode:
        raise Failed(f"`{shlex.join(done.args)}` failed: {last_words(done)}")
    return done.stdout


def last_words(done: Done, lines: int = 12) -> str:
    """What a command said at its end; of a traceback only what it comes to."""
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    if any(line.startswith("Traceback ") for line in said):
        lines = 1
    return "\n".join(said[-lines:]) or f"exit status {done.returncode}"


@dataclass(frozen=True)
class File:
    """A file as it stands or shall stand; a link's content is what it points to."""

    content: bytes
    mode: int = 0o644
    owner: tuple[int, int] = (0, 0)
    link: bool = False

    def as_json(self) -> dict[str, object]:
        """What `from_json` takes."""
        return {**vars(self), "content": base64.b64encode(self.content).decode()}

    @classmethod
    def from_json(cls, found: dict[str, object]) -> "File":
        """The file that `as_json` described."""
        content, owner = base64.b64decode(str(found["content"])), tuple(found["owner"])  # type: ignore[arg-type]
        return cls(**{**found, "content": content, "owner": owner})  # type: ignore[arg-type]


Files = Mapping[Path, File | None]


def link(target: Path) -> File:
    """A symbolic link to `target`."""
    return File(os.fsencode(target), 0o777, link=True)


def look(path: Path) -> File | None:
    """What stands at `path`, or None."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    owner = (found.st_uid, found.st_gid)
    if stat.S_ISLNK(found.st_mode):
        return File(os.fsencode(path.readlink()), 0o777, owner, link=True)
    return File(path.read_bytes(), stat.S_IMODE(found.st_mode), owner)


def place(files: Files) -> set[Path]:
    """Make each path what it shall be (None: gone); returns those that were not.

    All are written before the first one changes, so that the moment in between is short.
    """
    different = [path for path, file in files.items() if look(path) != file]
    for path in different:
        file = files[path]
        if file is not None:
            make_folder(path.parent)
            _write(_beside(path), file)
    for path in different:
        if files[path] is None:
            path.unlink(missing_ok=True)
        else:
            _beside(path).replace(path)
    for folder in {path.parent for path in different}:
        _flush(folder)
    return set(different)


def _beside(path: Path) -> Path:
    # No program that reads a folder of settings takes a hidden name, or one with this ending.
    return path.with_name(f".{path.name}.dpkg-new")


def _write(path: Path, file: File) -> None:
    path.unlink(missing_ok=True)
    if file.link:
        path.symlink_to(os.fsdecode(file.content))
    else:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "wb") as stream:  # noqa: PTH123
            stream.write(file.content)
            stream.flush()
            os.fchown(handle, *file.owner)
            os.fchmod(handle, file.mode)
            os.fsync(handle)


def _flush(folder: Path) -> None:
    with suppress(FileNotFoundError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder for all to read, and those above it, and keep in mind that we made them."""
    missing = [part for part in (folder, *folder.parents) if not part.is_dir()]
    if missing:
        note(*map(str, missing))
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)


def note(*lines: str) -> None:
    """Keep in mind what we change of this machine, so that it can be undone: folders, units."""
    MADE.parent.mkdir(mode=0o755, exist_ok=True)
    with MADE.open("a") as made:
        made.writelines(f"{line}\n" for line in lines)


def noted() -> list[str]:
    """All that was noted, what lies deeper first."""
    with suppress(FileNotFoundError):
        return sorted(set(MADE.read_text().split()), reverse=True)
    return []
