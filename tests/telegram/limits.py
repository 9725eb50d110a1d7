"""Telegram's limits on sending: over all chats, to one chat, to one group. Off unless enabled.

Each bot is counted by itself. Asked by `botapi` before a sending method is worked off.
"""

import math
import threading
import time
from collections import defaultdict, deque

from .errors import too_many_requests


class Limits:
    def __init__(self):
        self.lock = threading.Lock()
        self.set(enabled=False)

    def set(self, enabled, per_second=30, per_chat_second=1, chat_burst=3, per_group_minute=20):
        """`chat_burst` messages to one chat pass at once, then `per_chat_second` a second."""
        with self.lock:
            self.enabled = enabled
            self.overall = (per_second, 1.0)
            self.one_chat = (chat_burst, chat_burst / per_chat_second)
            self.one_group = (per_group_minute, 60.0)
            self.sent = defaultdict(deque)

    def check(self, bot_id, chat, now=None):
        """Counts one message; raises 429 when it comes too soon. `chat` is None or an id."""
        if not self.enabled:
            return
        now = time.monotonic() if now is None else now
        with self.lock:
            rules = list(self._rules(bot_id, chat))
            wait = max(self._missing(key, rule, now) for key, rule in rules)
            if wait > 0:
                raise too_many_requests(math.ceil(wait))
            for key, _ in rules:
                self.sent[key].append(now)

    def _rules(self, bot_id, chat):
        yield (bot_id,), self.overall
        if chat is not None:
            yield (bot_id, "chat", chat), self.one_chat
            if chat < 0:
                yield (bot_id, "group", chat), self.one_group

    def _missing(self, key, rule, now):
        most, window = rule
        times = self.sent[key]
        while times and times[0] <= now - window:
            times.popleft()
        return times[-most] + window - now if len(times) >= most else 0.0
