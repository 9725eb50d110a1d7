"""The doctor's look at file systems: room in bytes and inodes, and what takes it."""

import os
from dataclasses import dataclass
from pathlib import Path

from .. import growers
from ..room import MIN_FREE_BYTES, MIN_FREE_INODES
from .causes import SUDO, Check, error, ok, skipped, warning

# Below this much, operators are warned before the service turns read-only.
LOW_BYTES = 16 * MIN_FREE_BYTES
MIB = 2**20


@dataclass(frozen=True)
class Walk:
    """Where to look for what takes the room: `begin` in this order, never in `skip`."""

    begin: tuple[Path, ...]
    skip: Path | None = None


def room(path: Path, walk: Walk, enough: int = MIN_FREE_BYTES) -> list[Check]:
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
    fix = (
        f"sudo du -xhd3 {growers.mount(path)} | sort -h | tail -20  # names what fills it: move it"
    )
    if free < enough:
        return error("disk-full", f"Only {said}", _most(path, walk, False), fix)
    # A small file system, such as /run, is not low because it is small.
    if free < LOW_BYTES and free < found.f_blocks * found.f_frsize // 10:
        return warning("disk-full", f"Only {said}", fix, _most(path, walk, False))
    return ok("disk-full", said)


def _inodes(path: Path, walk: Walk, found: os.statvfs_result) -> Check:
    # Some file systems have no fixed number of inodes, and say 0.
    if found.f_files and found.f_favail < MIN_FREE_INODES:
        said = f"Only {found.f_favail} inodes are free where {path} is"
        where = growers.mount(path)
        fix = f"sudo du --inodes -xd3 {where} | sort -n | tail -20  # names what has most"
        return error("inodes-full", said, _most(path, walk, True), fix)
    return ok("inodes-full", f"Inodes are free where {path} is")


def _most(path: Path, walk: Walk, count_files: bool) -> str:
    return "most in: " + growers.largest(path, walk.begin, count_files, walk.skip)


def worst(checks: list[Check]) -> list[Check]:
    """One check for each id: the worst of those of several file systems."""
    order = ("error", "warning", "ok", "skipped")
    found: dict[str, Check] = {}
    for check in sorted(checks, key=lambda check: order.index(check.status)):
        found.setdefault(check.id, check)
    return list(found.values())
