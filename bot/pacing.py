"""How fast messages may go out, so that Telegram never has to say 429.

The limits are Telegram's (core.telegram.org/bots/faq#my-bot-is-hitting-limits): about 30 messages a
second over all chats, one a second to one chat, 20 a minute to one group. Time is in seconds that
never go back.
"""

import threading
from collections import defaultdict, deque

# So many in that time: a little more than a second, as the way to Telegram brings some closer
# together. Spread over it, but with room to make up for what a busy machine lets slip.
MESSAGES, SECONDS = 30, 1.035
GAP_SECONDS = 1 / 36
CHAT_SECONDS = 1.05
GROUP_MESSAGES, GROUP_SECONDS = 20, 61
# Chats that nothing was sent to for so long are forgotten.
FORGOTTEN = 10_000


class Pace:
    """Knows when the next message may go out; for all threads of one bot.

    Whoever sends waits as long as `rest` and `pause` say, and then says so to `sent`, alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: deque[float] = deque(maxlen=MESSAGES)
        self._chats: dict[int, deque[float]] = defaultdict(lambda: deque(maxlen=GROUP_MESSAGES))
        self._held: dict[int, float] = {}

    def rest(self, chat_id: int, now: float) -> float:
        """Seconds until that chat may get a message."""
        with self._lock:
            return max(0.0, self._ready(chat_id) - now)

    def pause(self, now: float) -> float:
        """Seconds until a message may go out to any chat at all."""
        with self._lock:
            return max(0.0, self._free() - now)

    def sent(self, chat_id: int, now: float) -> None:
        """A message to that chat goes out now."""
        with self._lock:
            self._sent.append(now)
            self._chats[chat_id].append(now)
            self._forget(now)

    def hold(self, chat_id: int, until: float) -> None:
        """Telegram asked to wait with that chat."""
        with self._lock:
            self._held[chat_id] = until

    def _free(self) -> float:
        """When the limit over all chats allows another message."""
        if not self._sent:
            return 0.0
        is_full = len(self._sent) == MESSAGES
        return max(self._sent[-1] + GAP_SECONDS, self._sent[0] + SECONDS if is_full else 0.0)

    def _ready(self, chat_id: int) -> float:
        sent = self._chats.get(chat_id, ())
        ready = [self._held.get(chat_id, 0.0)]
        ready += [sent[-1] + CHAT_SECONDS] if sent else []
        # Groups have negative ids.
        if chat_id < 0 and len(sent) == GROUP_MESSAGES:
            ready.append(sent[0] + GROUP_SECONDS)
        return max(ready)

    def _forget(self, now: float) -> None:
        if len(self._chats) + len(self._held) > FORGOTTEN:
            for chat_id, sent in list(self._chats.items()):
                if sent[-1] < now - GROUP_SECONDS:
                    del self._chats[chat_id]
            self._held = {chat: until for chat, until in self._held.items() if until > now}
