"""Requests counted in memory that all workers share: by route, method and status, and how long.

Each process counts in a part of its own, so none is lost to a race; what it counted stays when it
dies, and its successor goes on in the same part. Nothing is written to a disk.
"""

import fcntl
import mmap
import os
import threading
import weakref
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

# What stands for everything else, so that no client can make new names.
NO_ROUTE, OTHER = "(none)", "other"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", OTHER)
STATUSES = (
    *("200", "201", "204", "304", "308", "400", "401", "403", "404", "405", "409", "412", "413"),
    *("414", "415", "422", "429", "431", "500", "503", "507", OTHER),
)
# Upper bounds in seconds; what takes longer is counted beyond the last.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# More processes than ever live at once: WEB_WORKERS, and those that they take the place of.
PARTS = 256
CELL = 8


class Answered(NamedTuple):
    """How many requests of one route and method had this status."""

    route: str
    method: str
    status: str
    number: int


class Took(NamedTuple):
    """How long the requests of one route took: how many in each of BUCKETS and beyond."""

    route: str
    buckets: list[int]
    seconds: float


class Requests:
    """Counts for these routes, given as (pattern, method); made before the workers are forked."""

    def __init__(self, routes: Iterable[tuple[str, str]]) -> None:
        pairs = [*((NO_ROUTE, method) for method in METHODS), *sorted(set(routes))]
        self._rows = {pair: place * len(STATUSES) for place, pair in enumerate(pairs)}
        self._statuses = {status: place for place, status in enumerate(STATUSES)}
        times = len(pairs) * len(STATUSES)
        names = dict.fromkeys(route for route, _ in pairs)
        width = len(BUCKETS) + 2
        self._times = {route: times + place * width for place, route in enumerate(names)}
        self._size = times + len(names) * width
        self._file = os.memfd_create("request counts")
        weakref.finalize(self, os.close, self._file)
        # First a mark for each part that was ever taken, then the parts.
        os.ftruncate(self._file, PARTS * (1 + self._size) * CELL)
        self._cells = memoryview(mmap.mmap(self._file, 0)).cast("Q")
        self._lock = threading.Lock()
        self._owner = self._begin = -1

    def count(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered; `route` is its pattern, None where it has none."""
        row = self._rows.get((route or NO_ROUTE, method))
        if row is None:
            route, row = None, self._rows[NO_ROUTE, OTHER]
        place = self._statuses.get(str(status), len(STATUSES) - 1)
        times = self._times[route or NO_ROUTE]
        with self._lock:
            if self._owner != os.getpid():
                self._take_part()
            self._cells[self._begin + row + place] += 1
            self._cells[self._begin + times + bisect_left(BUCKETS, seconds)] += 1
            self._cells[self._begin + times + len(BUCKETS) + 1] += int(seconds * 1e9)

    def _take_part(self) -> None:
        """A part that no living process has: the lock on it ends with the process."""
        for part in range(PARTS):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, part)
            except OSError:
                continue
            break
        # With all of them taken the last is shared, and may lose a count.
        self._owner, self._begin = os.getpid(), PARTS + part * self._size
        self._cells[part] = 1

    def read(self) -> tuple[list[Answered], list[Took]]:
        """What all processes counted, living or not; without what never happened."""
        sums = self._sums()
        answered = (
            Answered(route, method, status, sums[row + place])
            for (route, method), row in self._rows.items()
            for place, status in enumerate(STATUSES)
        )
        took = (
            Took(route, sums[at : at + len(BUCKETS) + 1], sums[at + len(BUCKETS) + 1] / 1e9)
            for route, at in self._times.items()
        )
        return [each for each in answered if each.number], [each for each in took if any(each[1])]

    def _sums(self) -> list[int]:
        """Each cell of a part, summed over those parts that a process ever took."""
        taken = sum(self._cells[:PARTS])
        begins = range(PARTS, PARTS + taken * self._size, self._size)
        parts = [self._cells[begin : begin + self._size] for begin in begins]
        return [sum(cells) for cells in zip(*parts, strict=True)] or [0] * self._size
