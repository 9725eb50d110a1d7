"""Faults to be played on calls of the Bot API: which calls, how many of them, and what happens.

Any number of faults stand side by side. Of those that match a call all delays add up and the one
that was injected first answers. Filled through the control API, asked by `botapi`.
"""

import itertools
import threading
from dataclasses import asdict, dataclass, fields

HTML_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n"
    "</body>\r\n</html>\r\n"
)
DESCRIPTIONS = {
    400: "Bad Request: chat not found",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running",
    500: "Internal Server Error: restart",
    502: "Bad Gateway",
}


@dataclass
class Fault:
    """Which calls (`method`, `chat` id, `bot` id), for how long (`times`, None: until cleared)."""

    method: str | None = None
    chat: int | None = None
    bot: int | None = None
    times: int | None = 1
    status: int = 0  # answer this error instead of processing
    description: str = ""
    retry_after: int | None = None  # makes it a 429
    html: bool = False  # answer HTML, as a proxy in front of Telegram does (status 502)
    body: str | None = None  # answer exactly this text (status 200 unless given)
    drop: str = ""  # "before": torn without processing; "after": processed, then torn
    hang: float = 0.0  # silent so many seconds, then torn, not processed
    delay_ms: int = 0  # processed at once, answered late
    id: int = 0

    def __post_init__(self):
        if self.drop not in ("", "before", "after"):
            raise ValueError('drop is "before" or "after" the processing')
        if self.retry_after is not None:
            self.status = self.status or 429
        if self.html:
            self.status = self.status or 502
        if not (self.ends or self.delay_ms):
            raise ValueError("what shall happen? status, retry_after, html, body, drop, hang…")

    @property
    def ends(self):
        """Whether it replaces the answer; a mere delay does not."""
        return bool(self.status or self.body is not None or self.drop or self.hang)

    def matches(self, method, chat, bot):
        return (
            (self.method is None or self.method.lower() == method.lower())
            and (self.chat is None or str(self.chat) == str(chat))
            and (self.bot is None or self.bot == bot)
        )

    def answer(self):
        """(status, text, content type, further headers) of the error answer."""
        if self.html:
            return self.status, HTML_502, "text/html", {}
        if self.body is not None:
            return self.status or 200, self.body, "application/json", {}
        return None


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.ids = itertools.count(1)
        self.active = []

    def add(self, **what):
        """Injects a fault, returns its id; raises TypeError or ValueError when it says nothing."""
        unknown = set(what) - {field.name for field in fields(Fault)}
        if unknown:
            raise TypeError(f"unknown in a fault: {', '.join(sorted(unknown))}")
        fault = Fault(**what)
        with self.lock:
            fault.id = next(self.ids)
            self.active.append(fault)
        return fault.id

    def clear(self, fault_id=None):
        with self.lock:
            self.active = [f for f in self.active if fault_id not in (None, f.id)]

    def listed(self):
        with self.lock:
            return [asdict(fault) for fault in self.active]

    def hit(self, method, chat, bot):
        """(the fault that ends this call or None, seconds of delay) and counts both down."""
        with self.lock:
            matching = [f for f in self.active if f.matches(method, chat, bot)]
            ending = next((f for f in matching if f.ends), None)
            used = [f for f in matching if not f.ends or f is ending]
            for fault in used:
                self._use_up(fault)
        return ending, sum(f.delay_ms for f in used) / 1000

    def _use_up(self, fault):
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.active.remove(fault)
