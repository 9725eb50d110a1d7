"""scripts/run.sh as a process with all that it starts, and the questions tests ask of it."""

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from scripts import probe

CLONE = Path(__file__).resolve().parent.parent
RUN = CLONE / "scripts" / "run.sh"
READY = "Ctrl-C stops everything."


class Run:
    """One run.sh with its processes, all in a session of its own."""

    def __init__(self, state, front="gunicorn", port=None, cwd="/", **variables):
        self.state, self.port = Path(state), port or probe.free_port()
        clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.env = clean | {
            "ENV_FILE": "/dev/null",
            "VAR_DIR": str(state),
            "HTTP_PORT": str(self.port),
            "RUN_WITHOUT_NGINX": "1" if front == "gunicorn" else "0",
            **variables,
        }
        self.log = Path(cwd, state).with_suffix(f".{self.port}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [RUN], env=self.env, cwd=cwd, stdout=log, stderr=log, start_new_session=True
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def output(self):
        return self.log.read_text()

    def ready(self):
        """Wait for the printed address; returns self."""
        self.says(READY)
        return self

    def says(self, text):
        wait_until(lambda: text in self.output() or self.process.poll() is not None)
        assert text in self.output(), self.output()

    def pids(self):
        """Every live process of this run, the supervisor included."""
        return [pid for pid in all_pids() if session_of(pid) == self.process.pid]

    def children(self, word):
        """Those whose command line has `word`, the supervisor not included."""
        return [p for p in self.pids() if p != self.process.pid and word in proc(p, "cmdline")]

    def end(self, number=signal.SIGTERM):
        """Send the signal to the supervisor; returns the exit status and the seconds it took."""
        begin = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(60), time.monotonic() - begin

    def get(self, path, method="GET", body=None, headers=None):
        return ask(http.client.HTTPConnection("127.0.0.1", self.port), method, path, body, headers)

    def get_from_socket(self, path):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.state / "run" / "web.sock"))
        return ask(connection, "GET", path)


def ask(connection, method, path, body=None, headers=None):
    """(status, headers, body) of one request."""
    connection.timeout = 30
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    answer = response.status, response.headers, response.read()
    connection.close()
    return answer


def all_pids():
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def session_of(pid):
    """The session of a live process; None for one that is gone or waits to be reaped."""
    try:
        state, *numbers = proc(pid, "stat").rpartition(")")[2].split()
    except ValueError:
        return None
    return None if state in "ZX" else int(numbers[2])


def proc(pid, name):
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""


def wait_until(condition):
    """Until it holds; a minute is for the slowest machine, not a promise."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("waited for a minute in vain")
