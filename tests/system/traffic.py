"""People who use the calendar: `python -m tests.system.traffic URL TOKEN-FILE`, ended by SIGTERM.

Each has an address and a calendar of their own, writes and reads within the limits, and repeats
nothing. On standard output, one JSON object tells how it went.
"""

import http.client
import json
import signal
import ssl
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.system.installation import NAME
from tests.telegram.initdata import signed

PEOPLE = 8
PACE = 1 / 40  # seconds from one request of an address to its next: the limit is 50 a second
FIRST_ID = 6_000_000_000 + int(time.time()) % 10_000_000 * 100  # other people each time
READS = ("/api/calendar/month/2026/5", "/api/birthdays?limit=20", "/", "/health")


class Person(threading.Thread):
    """One who keeps a connection, and asks and writes over it until `ended` is set."""

    def __init__(self, number, place, ended):
        super().__init__()
        (self.url, token), self.ended = place, ended
        self.user_id, self.source = FIRST_ID + number // 2, f"127.0.1.{number + 1}"
        user = {"id": self.user_id, "first_name": "Writer"}
        self.headers = {
            "Host": NAME,
            "Content-Type": "application/json",
            "X-Init-Data": signed(token, user),
        }
        self.writes = number % 2 == 0
        self.done, self.acknowledged, self.failed, self.slowest = 0, [], [], 0.0
        self.connection = None

    def run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            name = f"Person {self.user_id} {self.done}"
            try:
                self.write(name) if self.writes else self.read(READS[self.done % len(READS)])
            except (OSError, http.client.HTTPException, AssertionError) as error:
                self.failed.append(f"{time.time():.3f} {name}: {error!r}"[:200])
                self.connection = None
                time.sleep(0.1)
            self.done += 1
            took = time.monotonic() - began
            self.slowest = max(self.slowest, took)
            time.sleep(max(0, PACE - took))

    def write(self, name):
        birth_date = f"1990-{self.done % 12 + 1:02}-{self.done % 28 + 1:02}"
        self.ask("POST", "/api/birthdays", 201, {"full_name": name, "birth_date": birth_date})
        self.acknowledged.append(name)

    def read(self, path):
        self.ask("GET", path, 200)

    def ask(self, method, path, expected, body=None):
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                self.url.hostname,
                self.url.port,
                timeout=60,
                source_address=(self.source, 0),
                context=ssl._create_unverified_context(),
            )
        body = None if body is None else json.dumps(body)
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == expected, f"{method} {path}: {answer.status} {text[:150]}"


def main():
    url, token = urlsplit(sys.argv[1]), Path(sys.argv[2]).read_text().strip()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    people = [Person(number, (url, token), ended) for number in range(2 * PEOPLE)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    writers = [person for person in people if person.writes]
    result = {
        "reads": sum(person.done for person in people if not person.writes),
        "writes": sum(person.done for person in writers),
        "failed": sorted(failure for person in people for failure in person.failed),
        "slowest": max(person.slowest for person in people),
        "acknowledged": {person.user_id: person.acknowledged for person in writers},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
