"""Files that others may have a hand in: read only if ordinary, written whole or not at all."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import AppError


class NotOrdinary(AppError):
    """A path that leads to something else than a file of its own."""


def opened(path: Path, follow: bool = False) -> BinaryIO:
    """The file to read; a pipe, a device or (unless `follow`) a link is refused without waiting.

    Raises NotOrdinary, or OSError where there is nothing to open.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise NotOrdinary(f"{path} is not an ordinary file.")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file, made if missing; raises BlockingIOError where another has it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def write(path: Path, content: bytes) -> None:
    """Put a file for its owner only in place; after a power cut it is the old or the new one."""
    new = path.with_name(f".new-{path.name}")
    with suppress(FileNotFoundError):
        new.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(new, flags, 0o600), "wb") as file:
        file.write(content)
        sync(file)
    new.replace(path)
    sync_names(path.parent)


def sync(file: BinaryIO) -> None:
    """What was written survives a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_names(folder: Path) -> None:
    """The names in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
