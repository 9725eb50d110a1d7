"""How large the worlds of the test are, and where they have their databases."""

import shutil
from pathlib import Path

from .settlement import Size

SIZES = {
    # Three people and a group for six weeks, in which nothing happens.
    "walk": Size(
        users=3, people=300, shared=0, groups=1, acts=0, moves=0, outages=0, kills=0,
        waits=0, begin="2028-02-01", end="2028-03-15",
    ),
    # What ./scripts/test.sh has time for.
    "small": Size(
        users=40, people=320, shared=3, groups=3, acts=1000, moves=640, outages=40, kills=0.012,
        waits=0.015, begin="2028-01-20", end="2029-03-20",
    ),
    # Half of the whole: two parts go side by side.
    "whole": Size(
        users=1250, people=5000, shared=60, groups=40, acts=20_000, moves=1500, outages=150,
        kills=0.004, waits=0.015, begin="2028-01-01", end="2033-01-01",
    ),
}  # fmt: skip
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
ROOM = 2 * 2**30


def folder() -> str | None:
    """Where temporary folders are made: in memory where there is room, else as usual.

    A killed process loses nothing of what it wrote to either, and a disk would wait for each write.
    """
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    return str(MEMORY) if has_room else None
