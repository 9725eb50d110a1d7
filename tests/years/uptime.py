"""When there was a sender, from the log: what is due meanwhile waits for the next one."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from .facts import Entry, Killed, Started, Stopped

FOREVER = 2**40
# For so long what a dead sender had claimed waits for it.
LEASE = 120


class Uptime:
    """Spans of time in which a sender lived, first and last second included."""

    def __init__(self, log: Iterable[Entry]) -> None:
        self.begins, self.ends = [0], []
        # Kills after which what was due at that second was free, or perhaps claimed.
        self.plain, self.blind = set(), set()
        for entry in log:
            if isinstance(entry, Stopped):
                self.ends.append(entry.at - 1)
            elif isinstance(entry, Started):
                self.begins.append(entry.at)
            elif isinstance(entry, Killed):
                (self.blind if entry.blind else self.plain).add(entry.at)
        self.ends.append(FOREVER)
        self.begins.append(FOREVER + 1)

    def between(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The spans, as far as they lie from first to last."""
        for at in range(bisect_left(self.ends, first), len(self.ends)):
            begin = max(first, self.begins[at])
            if begin > last:
                return
            yield begin, min(last, self.ends[at])

    def after(self, at: int) -> int:
        """That instant if there was a sender then, else when there was one again."""
        return at if at > FOREVER else max(at, self.begins[bisect_left(self.ends, at)])

    def latest(self, at: int) -> int:
        """Until when something that can go out at that instant may be held up.

        A sender that was killed just then may have claimed it, or not have come to it any more.
        """
        while at in self.blind or (at in self.plain and at in self.ends):
            at = self.after(at + (LEASE if at in self.blind else 1))
        return at
