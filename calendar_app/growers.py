"""What takes the room on a file system: the folders that hold most, found in little time."""

import os
import stat
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MIB = 2**20
SECONDS = 0.8
SHOWN = 5


def largest(
    path: Path, begin: tuple[Path, ...], count_files: bool, skip: Path | None = None
) -> str:
    """The folders that hold most of the file system that `path` is on, as a list in words.

    Looks in `begin` first, then in all of that file system, never in `skip`, as far as one comes
    in SECONDS and with the rights of this process.
    """
    device, sizes = path.stat().st_dev, Counter[str]()
    first = [str(folder) for folder in begin if folder.exists() and folder.stat().st_dev == device]
    for folder, found in _files(device, [*first, str(mount(path))], {str(skip)}):
        sizes[folder] += 1 if count_files else found.st_blocks * 512
    named = (
        f"{folder} ({n} files)" if count_files else f"{folder} ({n // MIB} MiB)"
        for folder, n in sizes.most_common(SHOWN)
    )
    return ", ".join(named) or str(mount(path))


def mount(path: Path) -> Path:
    """Where the file system that `path` is on begins."""
    found = path.resolve()
    while not found.is_mount():
        found = found.parent
    return found


def _files(device: int, waiting: list[str], seen: set[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Files of one file system, each with the folder that it lies in; nothing is followed."""
    waiting.reverse()
    until = time.monotonic() + SECONDS
    while waiting and time.monotonic() < until:
        folder = waiting.pop()
        if folder in seen:
            continue
        seen.add(folder)
        for entry, found in _entries(folder):
            if found.st_dev != device:
                continue
            if stat.S_ISDIR(found.st_mode):
                waiting.append(entry)
            else:
                yield folder, found


def _entries(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.path, entry.stat(follow_symlinks=False)
    except OSError:
        return  # It may vanish, or be closed to us.
