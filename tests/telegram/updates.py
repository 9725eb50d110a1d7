"""The update queue of one bot: confirmation by offset, the held poll, and every 409.

Follows Client::process_get_updates_query and fail_query_conflict of Telegram's own server.
`world` pushes, the method getUpdates polls, `webhook` takes from the front.
"""

import time
from collections import deque
from dataclasses import dataclass

from .errors import ApiError, TornConnectionError

OTHER_POLL = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
WEBHOOK_SET = "Conflict: terminated by setWebhook request"
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
_EPOCH = 1_767_225_600  # 2026
_IDS_A_SECOND = 16  # from there on fit 31 bits until 2030
_LOOK_AT_CLIENT = 0.2  # seconds between two looks whether a waiting client is still there


@dataclass
class Poll:
    offset: int = 0
    limit: int = 100
    timeout: float = 0
    ended: ApiError | None = None


class UpdateQueue:
    highest = 0  # over all queues of this process, so that a new Simulator never repeats an id

    def __init__(self, changed, settings):
        self.changed = changed
        self.settings = settings
        self.pending = deque()
        self.next_id = fresh_id()
        self.allowed = []
        self.webhook_url = ""
        self.held = None
        self.closed = False
        self.previous = (None, 0.0)
        self.next_conflict = 0.0

    def push(self, kind, payload):
        """Queues an update unless the bot has not asked for its kind."""
        with self.changed:
            wanted = kind in self.allowed if self.allowed else kind not in NOT_BY_DEFAULT
            if wanted:
                self.pending.append({"update_id": self.next_id, kind: payload})
                self.next_id += 1
                UpdateQueue.highest = max(UpdateQueue.highest, self.next_id)
                self.changed.notify_all()

    def poll(self, poll, alive):
        """Updates for one getUpdates; `alive()` tells whether its client still listens."""
        with self.changed:
            if self.webhook_url:
                raise self._conflict(WEBHOOK_ACTIVE)
            self._stretch(poll)
            self._confirm(poll)
            if self.pending or not poll.timeout:
                return self._batch(poll)
            self.end_held(OTHER_POLL)
            self.held = poll
            return self._wait(poll, alive)

    def end_held(self, why):
        """Ends the held poll, if there is one, with a 409 or another ApiError."""
        with self.changed:
            if self.held:
                self.held.ended = why if isinstance(why, ApiError) else self._conflict(why)
                self.held = None
                self.changed.notify_all()

    def drop_pending(self):
        with self.changed:
            self.pending.clear()

    def close(self):
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _stretch(self, poll):
        offset, started = self.previous
        now = time.monotonic()
        wait = self.settings.same_offset_wait
        if poll.offset == offset and poll.timeout < wait and now < started + wait:
            poll.timeout = wait
        self.previous = (poll.offset, now)

    def _confirm(self, poll):
        first = poll.offset
        if first < 0:
            first += self.next_id
        elif first > self.next_id + 10:
            first = 0  # "from_id is in the future": the server then reads from the head
        while self.pending and self.pending[0]["update_id"] < first:
            self.pending.popleft()

    def _batch(self, poll):
        return [self.pending[i] for i in range(min(poll.limit, len(self.pending)))]

    def _wait(self, poll, alive):
        until = time.monotonic() + poll.timeout
        while True:
            if poll.ended:
                raise poll.ended
            if self.closed or not alive():
                self._let_go(poll)
                raise TornConnectionError
            remaining = until - time.monotonic()
            if self.pending or remaining <= 0:
                self._let_go(poll)
                return self._batch(poll)
            self.changed.wait(min(remaining, _LOOK_AT_CLIENT))

    def _let_go(self, poll):
        if self.held is poll:
            self.held = None

    def _conflict(self, why):
        now = time.monotonic()
        if now < self.next_conflict:
            return ApiError(409, why, after=self.settings.conflict_gap)
        self.next_conflict = now + self.settings.conflict_gap
        return ApiError(409, why)


def fresh_id():
    """A number above every one given out before, also by a process that ran earlier.

    For another process that holds when it gave out fewer than 16 a second on average, or kept
    `highest` as `__main__` does.
    """
    return max(int((time.time() - _EPOCH) * _IDS_A_SECOND), UpdateQueue.highest + 1)
