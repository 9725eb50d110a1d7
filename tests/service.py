"""The product as real processes: gunicorn on a unix socket, the bot, the front for browsers."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import httpx

from tests.world import ROOT, wait_for


class Service:
    """Web and bot with a state folder of their own, both pointed at a simulator."""

    app = "calendar_app.api:create_app()"
    # What stands before each command: `unshare`, say.
    prefix = ()

    def __init__(self, folder, telegram, parts, environment):
        self.folder = folder
        self.socket = folder / "web.sock"
        self.token = environment.get("TELEGRAM_BOT_TOKEN")
        if self.token is None:
            self.bot_account = telegram.add_bot()
            self.token = self.bot_account.token
        self.environment = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": "/dev/null",
            "VAR_DIR": str(folder),
            "TELEGRAM_BOT_TOKEN": self.token,
            "TELEGRAM_API_URL": telegram.url,
            "BALLAST_MIB": "0",
            **{name: str(value) for name, value in environment.items()},
        }
        folder.mkdir(exist_ok=True)
        self.processes = {}
        transport = httpx.HTTPTransport(uds=str(self.socket))
        self.http = httpx.Client(transport=transport, base_url="http://localhost", timeout=60)
        for part in parts:
            self.start(part)

    def start(self, part, *arguments):
        """Start `web` or `bot`; the web answers when this returns."""
        web = f"gunicorn -c python:calendar_app.gunicorn_config {self.app}"
        command = {"web": [*web.split(), "--bind", f"unix:{self.socket}"], "bot": ["bot"]}[part]
        with (self.folder / f"{part}.log").open("ab") as log:
            self.processes[part] = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", *command, *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if part == "web":
            wait_for(self._answers)

    def _answers(self):
        assert self.processes["web"].poll() is None, self.log("web")
        try:
            return self.socket.exists() and self.get("/health").status_code == 200
        except httpx.TransportError:
            return False  # Bound, but not listening yet.

    def get(self, path, **more):
        """GET from the web process, through its unix socket."""
        return self.request("GET", path, **more)

    def request(self, method, path, **more):
        return self.http.request(method, path, **more)

    def checks(self):
        """The checks of /health/ready."""
        answer = self.get("/health/ready")
        assert answer.status_code == 200, answer.text
        return answer.json()["checks"]

    def wait_for_bot(self, state, timeout=60):
        """Wait until /health/ready says that of the bot."""
        wait_for(lambda: self.checks()["bot"]["status"] == state, timeout, 0.2)

    def wait_for_zones(self):
        """Wait until the bot has let all rules follow the time zones, as it does after a start.

        Who sets by hand when a rule comes due does so after this, or the bot sets it right.
        """
        with closing(sqlite3.connect(self.folder / "calendar.db", timeout=20)) as database:
            edition = "SELECT zones FROM bot_state"
            wait_for(lambda: database.execute(edition).fetchall() != [("",)])

    def log(self, part):
        """All that the process wrote."""
        path = self.folder / f"{part}.log"
        return path.read_text() if path.exists() else ""

    def python(self, source, *arguments):
        """Run Python beside the service, in its environment; returns what it printed."""
        command = [sys.executable, "-c", source, *arguments]
        return subprocess.check_output(command, cwd=ROOT, env=self.environment, text=True)

    def kill(self, part):
        self.processes[part].kill()
        self.processes[part].wait()

    def terminate(self, part):
        """SIGTERM; returns the exit status."""
        self.processes[part].terminate()
        return self.processes[part].wait(timeout=30)

    def stop(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            process.wait(timeout=30)


def children(pid):
    """The process ids of a process's children."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]
