"""Load through nginx while something happens: wrk at full speed, and people who write."""

import collections
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.system.installation import NAME, URL, parsed
from tests.system.machine import DIES_WITH_US
from tests.world import ROOT, TOKEN

HERE = Path(__file__).parent
CONNECTIONS = 32
LONGEST = 900  # seconds


class Generator:
    """A process that makes requests while the `with` block runs; then `found` is what it told."""

    def __init__(self, installation, command, end, **variables):
        self._end = end
        self._process = installation.machine.network.inside(
            subprocess.Popen,
            [*DIES_WITH_US, *command],
            cwd=ROOT,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def signal(self, number):
        """Sends it a signal."""
        self._process.send_signal(number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(self._end)
        printed = self._process.communicate(timeout=150)[0]
        self.found = parsed(printed) if printed else {}


def wrk(installation, path="/health", **variables):
    """32 connections that ask as fast as they are answered."""
    command = ("wrk", "-t2", f"-c{CONNECTIONS}", f"-d{LONGEST}s", "--timeout", "60s")
    more = ("-H", f"Host: {NAME}", "-s", str(HERE / "reads.lua"), URL + path)
    return Generator(installation, [*command, *more], signal.SIGINT, **variables)


class Load:
    """wrk and the people of `traffic`, while the `with` block runs."""

    def __init__(self, installation):
        self.installation = installation

    def __enter__(self):
        with ExitStack() as stack:
            token = stack.enter_context(tempfile.NamedTemporaryFile("w"))
            token.write(TOKEN)
            token.flush()
            command = (sys.executable, "-m", "tests.system.traffic", URL, token.name)
            people = Generator(self.installation, command, signal.SIGTERM)
            self._people = stack.enter_context(people)
            self._wrk = stack.enter_context(wrk(self.installation))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()
        self.wrk, self.people = self._wrk.found, self._people.found

    @property
    def requests(self):
        """All requests, of wrk and of people."""
        return self.wrk["requests"] + self.people["reads"] + self.people["writes"]

    @property
    def failed(self):
        """How many of them failed, in whatever way."""
        kinds = ("statuses", "connect", "read", "write", "timeout")
        return sum(self.wrk[kind] for kind in kinds) + len(self.people["failed"])

    def lost_and_doubled(self):
        """Acknowledged writes that are not there, and rows that are there twice."""
        lost, doubled = [], []
        for user_id, names in self.people["acknowledged"].items():
            rows = collections.Counter(self.installation.names(int(user_id)))
            lost += [name for name in names if name not in rows]
            doubled += [name for name, count in rows.items() if count > 1]
        return lost, doubled

    def summary(self):
        """Numbers for the record, and the first failures in words."""
        lost, doubled = self.lost_and_doubled()
        return {
            "requests": self.requests,
            "failed": self.failed,
            "of_wrk": {key: self.wrk[key] for key in self.wrk if self.wrk[key]},
            "of_people": self.people["failed"][:5],
            "writes": self.people["writes"],
            "writes_lost": len(lost),
            "writes_doubled": len(doubled),
            "slowest_seconds": round(max(self.wrk["slowest"], self.people["slowest"]), 1),
        }
