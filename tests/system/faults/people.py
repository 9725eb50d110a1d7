"""People at the API during a fault: `python -m tests.system.faults.people URL TOKEN-FILE STATUS…`.

Four write, eight read, one asks /health: some 50 requests a second in all. Each answer is good,
refused (a problem document that says when to try again, or has one of the further STATUSes), or
failed. SIGUSR1 makes the writers pause and go on, SIGTERM ends: then one JSON object on standard
output tells all.
"""

import collections
import http.client
import json
import signal
import ssl
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.system.installation import HEALTH, NAME
from tests.telegram.initdata import signed

LANES = {"writes": (4, 0.4), "reads": (8, 0.2), "health": (1, 0.2)}  # people, seconds between
REFUSALS = {429, 503, 504, 507}
READS = ("/api/calendar/month/2026/5", "/api/birthdays?limit=20", "/api/settings")
FIRST_ID = 6_100_000_000 + int(time.time() * 10) % 100_000_000 * 10
SLOW = 1  # a second is more than anything here takes when all is well
PATIENCE = 40  # more than nginx has with the app


class Person(threading.Thread):
    """One with an address, a calendar and a kept connection of their own."""

    def __init__(self, number, lane, place, crowd):
        super().__init__()
        (self.url, token, self.statuses), self.lane, self.crowd = place, lane, crowd
        self.user_id, self.source = FIRST_ID + number, f"127.0.4.{number + 1}"
        user = {"id": self.user_id, "first_name": "Person"}
        self.headers = {
            "Host": NAME,
            "Content-Type": "application/json",
            "X-Init-Data": signed(token, user),
        }
        self.done, self.acknowledged, self.connection = 0, [], None

    def run(self):
        pause = LANES[self.lane][1]
        while not self.crowd.ended.is_set():
            if self.lane != "writes" or not self.crowd.paused.is_set():
                self.once()
            self.crowd.ended.wait(pause)

    def once(self):
        self.done += 1
        began = time.time()
        try:
            verdict = getattr(self, self.lane)()
        except (OSError, http.client.HTTPException) as error:
            verdict, self.connection = f"{self.lane}: {error!r}", None
        self.crowd.saw(self.lane, began, verdict)

    def writes(self):
        name = f"Person {self.user_id} {self.done}"
        birth_date = f"1990-{self.done % 12 + 1:02}-{self.done % 28 + 1:02}"
        body = {"full_name": name, "birth_date": birth_date}
        verdict = self.ask("POST", "/api/birthdays", body)
        if verdict == "good":
            self.acknowledged.append(name)
        return verdict

    def reads(self):
        return self.ask("GET", READS[self.done % len(READS)])

    def health(self):
        return self.ask("GET", "/health")

    def ask(self, method, path, body=None):
        """`good`, `refused 503`, or what is wrong with the answer."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                self.url.hostname,
                self.url.port,
                timeout=PATIENCE,
                source_address=(self.source, 0),
                context=ssl._create_unverified_context(),
            )
        self.connection.request(method, path, json.dumps(body) if body else None, self.headers)
        answer = self.connection.getresponse()
        text = answer.read().decode(errors="replace")
        return self.judged(answer, text) or f"{method} {path}: {answer.status} {text[:100]}"

    def judged(self, answer, text):
        if answer.status in (200, 201):
            return "good" if self.lane != "health" or text == HEALTH else ""
        if answer.headers.get_content_type() != "application/problem+json":
            return ""
        told = answer.status in REFUSALS and (answer.headers["Retry-After"] or "").isdigit()
        whole = json.loads(text).get("status") == answer.status
        return (
            f"refused {answer.status}" if whole and (told or answer.status in self.statuses) else ""
        )


class Crowd:
    """What all of them saw."""

    def __init__(self):
        self.ended, self.paused = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.requests, self.refused, self.slowest = 0, collections.Counter(), 0.0
        self.failed, self.last_trouble, self.missed_health = [], 0.0, 0
        began = time.time()
        self.last_good = dict.fromkeys(LANES, began)
        self.gaps = dict.fromkeys(LANES, (0.0, began))  # the longest, and when it began

    def pause(self, *_):
        self.paused.clear() if self.paused.is_set() else self.paused.set()

    def saw(self, lane, began, verdict):
        now = time.time()
        with self.lock:
            self.requests += 1
            self.slowest = max(self.slowest, now - began)
            if verdict != "good" or now - began > SLOW:
                self.last_trouble = now
            self.missed_health += lane == "health" and verdict != "good"
            if verdict == "good":
                self.note_gap(lane, now)
                self.last_good[lane] = now
            elif verdict.startswith("refused "):
                self.refused[verdict.removeprefix("refused ")] += 1
            else:
                self.failed.append(f"{began:.1f} {verdict}"[:200])

    def note_gap(self, lane, now):
        gap = now - self.last_good[lane]
        if gap > self.gaps[lane][0]:
            self.gaps[lane] = (gap, self.last_good[lane])

    def result(self, people):
        now = time.time()
        for lane in LANES:
            self.note_gap(lane, now)
        writers = [person for person in people if person.lane == "writes"]
        return {
            "requests": self.requests,
            "refused": self.refused,
            "failed": self.failed,
            "last_trouble": self.last_trouble,
            "missed_health": self.missed_health,
            "slowest": round(self.slowest, 1),
            "gaps": {lane: round(gap, 1) for lane, (gap, _) in self.gaps.items()},
            "acknowledged": {person.user_id: person.acknowledged for person in writers},
        }


def main():
    url, token, *statuses = sys.argv[1:]
    place = urlsplit(url), Path(token).read_text().strip(), set(map(int, statuses))
    crowd = Crowd()
    signal.signal(signal.SIGTERM, lambda *_: crowd.ended.set())
    signal.signal(signal.SIGUSR1, crowd.pause)
    lanes = [lane for lane, (count, _) in LANES.items() for _ in range(count)]
    people = [Person(number, lane, place, crowd) for number, lane in enumerate(lanes)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    print(json.dumps(crowd.result(people)))


if __name__ == "__main__":
    main()
