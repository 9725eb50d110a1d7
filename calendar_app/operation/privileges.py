"""Root works on the state only as the user that it belongs to.

The state folder is the service user's, who may have planted anything there: links, pipes, a
database made to trouble its reader. So root never opens, follows or writes anything in it. A
command that touches only the state gives root up for good (`drop`); one that needs root besides
asks a child that has given it up (`ask`), and reads its answer as what it is: text from outside.
"""

import json
import os
import pwd
import select
import signal
import stat
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import config
from ..errors import AppError
from . import trouble

USER = "birthday-calendar"
LONGEST_ANSWER = 2**20
SECONDS = 3600
SUDO = "This needs the rights of the service: run it with sudo."


class Refused(AppError):
    """What was asked for cannot be done like this; the sentence says how."""


def owner(state: Path) -> tuple[int, int] | None:
    """User and group ids that work on the state: those that its folder belongs to.

    A folder of root's in an installation was not made by systemd yet: the service user's then.
    None where there is nobody to become.
    """
    try:
        found = state.lstat()
    except (FileNotFoundError, NotADirectoryError):
        found = None
    except PermissionError:
        raise Refused(SUDO) from None
    if found and not stat.S_ISDIR(found.st_mode):
        raise Refused(f"{state} is not a folder: set the state folder right.")
    if found and found.st_uid:
        return found.st_uid, found.st_gid
    try:
        user = pwd.getpwnam(USER) if config.installed() else None
    except KeyError:
        user = None
    return (user.pw_uid, user.pw_gid) if user else None


def check(state: Path) -> None:
    """Raises Refused for a user who is neither root nor the one that the state belongs to."""
    who = owner(state)
    if os.geteuid() and who and who[0] != os.geteuid():
        raise Refused(SUDO)


def drop(state: Path) -> None:
    """As root, become the state's user: no way back. Does nothing for anybody else."""
    who = owner(state) if os.geteuid() == 0 else None
    if who is None:
        return
    user, group = who
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    os.chdir("/")
    os.umask(0o077)


def ask(state: Path, question: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """The answer (JSON) of a function that as root runs in a child without its rights.

    Its AppErrors and foreseeable trouble are raised here too, as Refused.
    """
    return asking(state, question)(seconds)


def asking(state: Path, question: Callable[[], Any]) -> Callable[[float], Any]:
    """The same in two parts: the child begins now; what is returned waits so long for it.

    Whoever is not root has no child: the question is answered while it is waited for.
    """
    if os.geteuid() or owner(state) is None:
        return lambda _: printable(question())
    sys.stdout.flush()
    sys.stderr.flush()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(state, question, theirs)
    os.close(theirs)
    return lambda seconds: _awaited(child, ours, time.monotonic() + seconds)


def _awaited(child: int, channel: int, until: float) -> Any:
    try:
        raw = _read(channel, until)
    finally:
        os.close(channel)
        # It has answered, or will not; and nothing that it left may go on.
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return _understood(raw)


def _answer(state: Path, question: Callable[[], Any], channel: int) -> None:
    """In the child: become nobody of importance, then answer, and never return."""
    try:
        # Without our terminal, which it could type into.
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        drop(state)
        answer = {"answer": question()}
    except BaseException as error:
        said = trouble.sentence(error)
        answer = {"refused": said} if said else {"bug": traceback.format_exc()}
    try:
        with os.fdopen(channel, "w") as pipe:
            pipe.write(json.dumps(answer))
    finally:
        os._exit(0)


def _read(channel: int, until: float) -> bytes:
    raw = b""
    while len(raw) <= LONGEST_ANSWER:
        ready, _, _ = select.select([channel], [], [], max(0, until - time.monotonic()))
        if not ready:
            raise Refused("The state gave no answer in time: try again.")
        part = os.read(channel, 2**16)
        if not part:
            return raw
        raw += part
    raise Refused("The state gave an answer that is too long to be true.")


def _understood(raw: bytes) -> Any:
    try:
        found = json.loads(raw)
        kind = "answer" if "answer" in found else "refused" if "refused" in found else "bug"
        value = found[kind]
    except (ValueError, KeyError, TypeError):
        raise Refused("The state gave no answer that can be read.") from None
    value = printable(value)
    if kind == "refused":
        raise Refused(str(value))
    if kind == "bug":
        raise RuntimeError(f"in the child that works on the state:\n{value}")
    return value


def printable(value: Any) -> Any:
    """The same value, its strings without what a terminal would obey."""
    if isinstance(value, str):
        return "".join(c if c.isprintable() or c == "\n" else "�" for c in value)
    if isinstance(value, list):
        return [printable(each) for each in value]
    if isinstance(value, dict):
        return {printable(key): printable(each) for key, each in value.items()}
    return value
