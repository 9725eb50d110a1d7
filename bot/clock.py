"""The time of day for reminders: this machine's clock, or Telegram's where that is far from it.

A clock that jumps would send what is for tomorrow, or keep back what is for today. Telegram tells
its time with each answer; from there on a clock that only ever goes forward counts the seconds,
also while the machine sleeps.
"""

import time
from collections.abc import Callable

# Less is not worth a word, and what the way to Telegram takes hides in it.
TRUSTED_SECONDS = 60
# So long after the start Telegram is waited for, which tells the time before it takes messages.
PATIENCE_SECONDS = 10


def _steady() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Clock:
    """One for the process; whoever hears of Telegram's time tells it."""

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = _steady
    ) -> None:
        self._wall, self._steady = wall, steady
        self._begun = steady()
        self._heard: tuple[float, float] | None = None

    def heard(self, telegrams: float) -> None:
        """Telegram's time (seconds since 1970), from an answer that has just come."""
        self._heard = telegrams, self._steady()

    @property
    def ahead(self) -> int:
        """Seconds that this machine's clock is ahead of Telegram's; 0 before any is known."""
        if self._heard is None:
            return 0
        telegrams, at = self._heard
        return round(self._wall() - (telegrams + self._steady() - at))

    def is_known(self) -> bool:
        """Whether `now` can be trusted: Telegram has told the time, or does not in good time."""
        return self._heard is not None or self._steady() - self._begun > PATIENCE_SECONDS

    def now(self) -> int:
        """Seconds since 1970."""
        ahead = self.ahead
        return int(self._wall()) - (ahead if abs(ahead) > TRUSTED_SECONDS else 0)
