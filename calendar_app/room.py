"""Room on the state's disk: how much there is, and the ballast that keeps the service alive.

Below MIN_FREE_BYTES or MIN_FREE_INODES people's writes are refused (`require`, asked by
`database.writing`), while what the service must record still finds room. When even that goes, the
ballast is given back step by step (`tend`); before a database is opened on a full disk, all that
is needed (`give_way`). Every process may call it at any
time.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .errors import NoRoom
from .texts import N_

MIB = 2**20
MIN_FREE_BYTES = 16 * MIB
MIN_FREE_INODES = 1000
FULL = N_("The server's disk is full: nothing can be changed until there is room again.")
# A write that comes back too early is refused again, at no cost.
RETRY_SECONDS = 30
# What SQLite needs at most between two looks: its log, its shared memory, a checkpoint.
RESERVE = 4 * MIB
STEP = 8 * MIB
# Kept for a start on a full disk: SQLite cannot even read without making a file.
LAST = 16 * MIB
# A ballast is made when so many times its size is free: it never brings about what it is for.
PLENTY = 3
CHUNK = MIB
# Empty files, each an inode to give back; SQLite needs two.
SPARES = 16


@dataclass(frozen=True)
class Free:
    """What a file system has left for the service; `inodes` None: it does not count them."""

    bytes: int
    inodes: int | None


def look(folder: Path) -> Free:
    """How much is free where the folder is, for who is not root; raises OSError."""
    found = os.statvfs(folder)
    # Some file systems have no fixed number of inodes, and say 0.
    return Free(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def shortage(folder: Path, factor: float = 1) -> str:
    """`full`, `inodes-full`, or "" when there is room: `factor` times the least that must be."""
    try:
        free = look(folder)
    except OSError:
        return ""  # Who opens a file there is told more.
    if free.bytes < MIN_FREE_BYTES * factor:
        return "full"
    short = free.inodes is not None and free.inodes < MIN_FREE_INODES * factor
    return "inodes-full" if short else ""


def require(folder: Path) -> None:
    """Raises NoRoom where people may not write."""
    if shortage(folder):
        raise NoRoom(FULL, RETRY_SECONDS)


# --- ballast -----------------------------------------------------------------------------


def tend(folder: Path, mib: int) -> None:
    """Keep the ballast as it should be; cheap, to be called every second.

    Gives a step of it back when the service itself runs out of room, all but the last steps; makes
    it (anew), of `mib` MiB, when there is plenty of room.
    """
    with suppress(OSError), _held(folder, fcntl.LOCK_NB) as ballast:
        size = os.fstat(ballast).st_size
        free = look(folder).bytes
        if free < RESERVE and size > LAST:
            os.ftruncate(ballast, max(LAST, size - STEP))
        elif size > mib * MIB:
            os.ftruncate(ballast, mib * MIB)
        elif size < mib * MIB and free >= PLENTY * mib * MIB:
            _fill(folder, ballast, size, mib * MIB)
        _spare(folder)


def give_way(folder: Path) -> int:
    """Give back as much ballast as opening the database needs; returns how many bytes that was."""
    given = 0
    with suppress(OSError), _held(folder) as ballast:
        _release_spares(folder)
        while look(folder).bytes < RESERVE and (size := os.fstat(ballast).st_size):
            os.ftruncate(ballast, max(0, size - STEP))
            given += min(size, STEP)
    return given


def release(folder: Path) -> int:
    """Give all of the ballast back; returns how many bytes that was. Raises OSError."""
    with _held(folder) as ballast:
        size = os.fstat(ballast).st_size
        os.ftruncate(ballast, 0)
    return size


def ballast_bytes(folder: Path) -> int:
    """How large the ballast is now."""
    with suppress(OSError):
        return (folder / "ballast").lstat().st_size
    return 0


@contextmanager
def _held(folder: Path, patience: int = 0) -> Iterator[int]:
    """The ballast file, held by this process; with LOCK_NB raises OSError where another has it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    ballast = os.open(folder / "ballast", flags, 0o600)
    try:
        fcntl.flock(ballast, fcntl.LOCK_EX | patience)
        yield ballast
    finally:
        os.close(ballast)


def _fill(folder: Path, ballast: int, begin: int, end: int) -> None:
    """Write bytes that no file system can compress; stops when room gets scarce meanwhile."""
    for at in range(begin, end, CHUNK):
        if look(folder).bytes < 2 * MIN_FREE_BYTES:
            return
        os.pwrite(ballast, os.urandom(min(CHUNK, end - at)), at)


def _spare(folder: Path) -> None:
    free = look(folder).inodes
    if free is None or free < PLENTY * MIN_FREE_INODES:
        return
    spares = folder / "ballast-inodes"
    if not (spares / str(SPARES - 1)).exists():
        spares.mkdir(mode=0o700, exist_ok=True)
        for number in range(SPARES):
            (spares / str(number)).touch(mode=0o600)


def _release_spares(folder: Path) -> None:
    free = look(folder).inodes
    if free is not None and free < SPARES:
        for number in range(SPARES):
            (folder / "ballast-inodes" / str(number)).unlink(missing_ok=True)
