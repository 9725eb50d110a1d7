"""What was served, for the journal: a line a request, and in a storm only so many.

A line has method, route, status and milliseconds: no address of a person, no id, no query.
"""

import logging
import threading

log = logging.getLogger(__name__)

# In each worker. Ten minutes of a storm are a few thousand lines.
LINES_A_SECOND, BURST = 2, 100


class Served:
    """Writes a line for each request while there are few, and counts those it leaves out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines = float(BURST)
        self._seen_at = 0.0
        self._left_out = 0

    def note(self, line: str, now: float, level: int = logging.INFO) -> None:
        """Log this line, or that there were so many more; `now` in seconds that never go back."""
        with self._lock:
            gained = max(0.0, now - self._seen_at) * LINES_A_SECOND
            self._lines = min(BURST, self._lines + gained)
            self._seen_at = now
            if self._lines < 1:
                self._left_out += 1
                return
            self._lines -= 1
            left_out, self._left_out = self._left_out, 0
        if left_out:
            log.info("… and %d requests more", left_out)
        log.log(level, "%s", line)
