"""One bot at a time: for each state folder, and on this machine for each token.

The folder is held by a lock on a file in it. The token is held by an abstract unix socket, whose
name only those can know who have the token, whatever user they are. Both end with the process.
"""

import fcntl
import hmac
import logging
import os
import pwd
import secrets
import socket
import struct
import threading
from contextlib import closing, suppress
from pathlib import Path

from calendar_app import config

log = logging.getLogger(__name__)

# The doctor finds the socket by the beginning of its name (/proc/net/unix).
PREFIX = "birthday-calendar-bot-"
ANSWER_SECONDS = 5
NONCE = PROOF = 32
CREDENTIALS = struct.Struct("3i")


class Taken(Exception):  # noqa: N818
    """Another bot has the state folder; the text names it and says what to do."""


def hold(folder: Path) -> int | None:
    """Hold the state folder until this process ends; raises Taken.

    None where the disk is too full for the lock's file: that must not stop the bot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(folder / "bot.lock", flags, 0o600)
    except PermissionError:
        raise Taken(f"{folder} belongs to another user: run the bot as that one.") from None
    except OSError as error:
        log.warning("a second bot on %s would not be noticed: %s", folder, error.strerror)
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = os.pread(file, 500, 0).decode("utf-8", "replace").strip() or "another process"
        os.close(file)
        raise Taken(
            f"Another bot works on {folder} already: {who}. "
            "Stop that one first, or give this one another state folder."
        ) from None
    with suppress(OSError):  # Without room nobody can be named; the lock holds all the same.
        os.ftruncate(file, 0)
        os.pwrite(
            file, f"{_process(os.getpid(), os.getuid())}, started in {Path.cwd()}\n".encode(), 0
        )
    return file


def _process(pid: int, uid: int) -> str:
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    return f"process {pid} of user {user}" if pid else "a process of a container"


class Turn:
    """The right to get updates with a token, which one process of this machine has."""

    def __init__(self, key: bytes, folder: Path) -> None:
        """`key` is made from the token; `folder` is told to who asks for the one who has it."""
        self._name = f"\0{PREFIX}{config.derived(key, 'name of the lock').hex()[:32]}".encode()
        self._key = config.derived(key, "proof of the lock")
        self._folder = folder
        self._door: socket.socket | None = None
        self._stranger = ""

    def take(self) -> str:
        """Take the turn, if it is free: "" when this process has it, else who has it."""
        if self._door:
            return ""
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            door.bind(self._name)
        except OSError:
            door.close()
            return self._holder()
        door.listen()
        self._door = door
        threading.Thread(target=self._answer, args=(door,), name="turn", daemon=True).start()
        return ""

    def _answer(self, door: socket.socket) -> None:
        """Prove to who asks that this process knows the token, and tell what it works on."""
        while True:
            with suppress(OSError):
                asking, _ = door.accept()
                with closing(asking):
                    asking.settimeout(1)
                    nonce = asking.recv(NONCE)
                    proof = hmac.digest(self._key, nonce, "sha256")
                    asking.sendall(proof + os.fsencode(self._folder))

    def _holder(self) -> str:
        """Who has the turn; "" for a stranger who holds only the name, and whom we ignore."""
        nonce = secrets.token_bytes(NONCE)
        try:
            with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as asking:
                asking.settimeout(ANSWER_SECONDS)
                asking.connect(self._name)
                asking.sendall(nonce)
                answer = asking.recv(4096)
                raw = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        except ConnectionRefusedError:
            return "a process that is just ending"
        except OSError:
            answer, raw = b"", bytes(CREDENTIALS.size)
        pid, uid, _ = CREDENTIALS.unpack(raw)
        who = _process(pid, uid)
        if hmac.compare_digest(answer[:PROOF], hmac.digest(self._key, nonce, "sha256")):
            return f"{who}, working on {os.fsdecode(answer[PROOF:])}"
        if self._stranger != who:
            self._stranger = who
            log.warning("%s holds this bot's lock but does not know its token: ignored", who)
        return ""
