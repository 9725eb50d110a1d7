"""What the simulator's own tests use: a raw client, a webhook that listens, a reverse proxy.

For tests/test_telegram_simulator.py; the rest of the team needs nothing from here.
"""

import http.server
import threading
import time

import requests


class Raw:
    """The Bot API by plain HTTP: `raw("getMe")` gives (status, body); `raw.ok(…)` the result."""

    def __init__(self, telegram, token):
        self.address = f"{telegram.url}/bot{token}/"
        self.files = f"{telegram.url}/file/bot{token}/"

    def __call__(self, method, **params):
        answer = requests.post(self.address + method, json=params, timeout=30)
        return answer.status_code, answer.json()

    def ok(self, method, **params):
        status, body = self(method, **params)
        assert (status, body["ok"]) == (200, True), body
        return body["result"]

    def refused(self, method, **params):
        """(status, description) of a call that must fail."""
        status, body = self(method, **params)
        assert body["ok"] is False, body
        assert body["error_code"] == status
        return status, body["description"]


class Later:
    """Runs something in a thread; `result()` waits for what it returned or raised."""

    def __init__(self, function, *args, **kwargs):
        self.outcome = None
        self.thread = threading.Thread(target=self._run, args=(function, args, kwargs), daemon=True)
        self.thread.start()

    def _run(self, function, args, kwargs):
        try:
            self.outcome = (function(*args, **kwargs), None)
        except Exception as error:
            self.outcome = (None, error)

    @property
    def done(self):
        return self.outcome is not None

    def result(self, timeout=20):
        self.thread.join(timeout)
        assert self.done, "still running"
        value, error = self.outcome
        if error:
            raise error
        return value


OTHER_POLL = (
    "Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02"  # 3 by 2 pixels, as far as its head


def token(sim):
    """The token of the bot added first."""
    return next(iter(sim.world.bots))


def held(sim):
    """Whether a poll of the first bot waits."""
    return sim.state()["bots"][0]["polling"]


def inline(*buttons):
    """An inline keyboard of one row."""
    return {"inline_keyboard": [list(buttons)]}


def until(condition, timeout=30):
    """Waits for something that will be true; AssertionError when it never is."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


class _Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, answer = self.server.reply(self, body)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_):
        pass


class Listener(http.server.ThreadingHTTPServer):
    """An HTTP server on a free port; `reply(handler, body)` gives (status, headers, body)."""

    daemon_threads = True

    def __init__(self, reply):
        super().__init__(("127.0.0.1", 0), _Quiet)
        self.reply = reply
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def proxy(upstream):
    """A reverse proxy that passes on /simulator/ and nothing else."""

    def pass_on(handler, body):
        if not handler.path.startswith("/simulator"):
            return 404, {}, b""
        kind = {"Content-Type": handler.headers.get("Content-Type", "")}
        answer = requests.request(
            handler.command, upstream + handler.path, data=body, headers=kind, timeout=30
        )
        return answer.status_code, {"Content-Type": answer.headers["Content-Type"]}, answer.content

    return Listener(pass_on)
