"""The doctor's look at file systems: room in bytes and inodes, and what takes it."""

import os
import stat
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import health
from .causes import SUDO, Check, error, ok, skipped, warning

# Below this much, operators are warned before the service turns read-only.
LOW_BYTES = 16 * health.MIN_FREE_BYTES
WALK_SECONDS = 0.8
SHOWN = 5
MIB = 2**20


@dataclass(frozen=True)
class Walk:
    """Where to look for what takes the room: `begin` in this order, never in `skip`."""

    begin: tuple[Path, ...]
    skip: Path | None = None


def room(path: Path, walk: Walk, enough: int = health.MIN_FREE_BYTES) -> list[Check]:
    """Bytes and inodes of the file system that `path` is on.

    `enough` is the least that must be free, in bytes. Where it is short of room, the
    folders that hold most are named.
    """
    try:
        found = os.statvfs(path)
    except OSError as problem:
        said = f"{path}: {problem.strerror}"
        return [skipped("disk-full", said, SUDO), skipped("inodes-full", said, SUDO)]
    return [_bytes(path, walk, found, enough), _inodes(path, walk, found)]


def _bytes(path: Path, walk: Walk, found: os.statvfs_result, enough: int) -> Check:
    free = found.f_bavail * found.f_frsize
    said = f"{free // MIB} MiB are free where {path} is"
    fix = f"sudo du -xhd3 {_mount(path)} | sort -h | tail -20  # names what fills it: move it"
    if free < enough:
        return error("disk-full", f"Only {said}", _growers(path, walk, count_files=False), fix)
    # A small file system, such as /run, is not low because it is small.
    if free < LOW_BYTES and free < found.f_blocks * found.f_frsize // 10:
        return warning("disk-full", f"Only {said}", fix, _growers(path, walk, count_files=False))
    return ok("disk-full", said)


def _inodes(path: Path, walk: Walk, found: os.statvfs_result) -> Check:
    # Some file systems have no fixed number of inodes, and say 0.
    if found.f_files and found.f_favail < health.MIN_FREE_INODES:
        said = f"Only {found.f_favail} inodes are free where {path} is"
        fix = f"sudo du --inodes -xd3 {_mount(path)} | sort -n | tail -20  # names what has most"
        return error("inodes-full", said, _growers(path, walk, count_files=True), fix)
    return ok("inodes-full", f"Inodes are free where {path} is")


def _mount(path: Path) -> Path:
    """Where the file system that `path` is on begins."""
    found = path.resolve()
    while not found.is_mount():
        found = found.parent
    return found


def _growers(path: Path, walk: Walk, count_files: bool) -> str:
    """The folders of that file system that hold most, as far as one comes in the time there is."""
    sizes: Counter[str] = Counter()
    for folder, found in _files(path.stat().st_dev, walk, time.monotonic() + WALK_SECONDS):
        sizes[folder] += 1 if count_files else found.st_blocks * 512
    biggest = sizes.most_common(SHOWN)
    named = (
        f"{folder} ({n} files)" if count_files else f"{folder} ({n // MIB} MiB)"
        for folder, n in biggest
    )
    return "most in: " + ", ".join(named)


def _files(device: int, walk: Walk, until: float) -> Iterator[tuple[str, os.stat_result]]:
    """Files of one file system, each with the folder that it lies in; nothing is followed."""
    waiting = [str(path) for path in reversed(walk.begin)]
    seen = {str(walk.skip)}
    while waiting and time.monotonic() < until:
        folder = waiting.pop()
        if folder in seen:
            continue
        seen.add(folder)
        for entry, found in _entries(folder):
            if stat.S_ISDIR(found.st_mode):
                waiting.append(entry)
            elif found.st_dev == device:
                yield folder, found


def _entries(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.path, entry.stat(follow_symlinks=False)
    except OSError:
        return  # It may vanish, or be closed to us.


def worst(checks: list[Check]) -> list[Check]:
    """One check for each id: the worst of those of several file systems."""
    order = ("error", "warning", "ok", "skipped")
    found: dict[str, Check] = {}
    for check in sorted(checks, key=lambda check: order.index(check.status)):
        found.setdefault(check.id, check)
    return list(found.values())
