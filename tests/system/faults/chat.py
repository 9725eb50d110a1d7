"""People who write to the bot all the while, and count what it answers."""

import datetime as dt
import itertools
import re
import threading
import time

from tests.world import wait_for

PEOPLE = 3
PAUSE = 1.5
COMMANDS = ("/start", "/today", "/add Guest {number} {date}")


class Chat:
    """Goes on from `start` to `end`; `settle` waits for the last answers."""

    def __init__(self, at):
        telegram = at.telegram
        first = 6_200_000_000 + int(time.time() * 10) % 100_000_000 * 10
        self.people = [telegram.add_user("Chatty", first + n) for n in range(PEOPLE)]
        self.sent = {person.id: [] for person in self.people}
        self.ended, self.paused = threading.Event(), threading.Event()
        # Nobody's birthday while this runs: each message has exactly one answer.
        self.date = f"{dt.date.today() + dt.timedelta(100):%d.%m.1990}"
        self.threads = [threading.Thread(target=self._write, args=(p,)) for p in self.people]

    def start(self):
        for thread in self.threads:
            thread.start()

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def _write(self, person):
        for number in itertools.count():
            if not self.paused.is_set():
                text = COMMANDS[number % 3].format(number=number, date=self.date)
                self.sent[person.id].append(person.send(text))
            if self.ended.wait(PAUSE):
                return

    def answers(self, person):
        """What the bot wrote to that one, oldest first."""
        return person.received()

    def settle(self, patience=45):
        """Waits until every message has its answer, or nothing comes any more."""
        try:
            wait_for(lambda: self.unanswered == 0, patience, step=0.5)
        except AssertionError:
            return  # The row tells how many are missing.

    @property
    def messages(self):
        return sum(map(len, self.sent.values()))

    @property
    def unanswered(self):
        """How many messages have no answer yet."""
        return sum(max(0, len(self.sent[p.id]) - len(self.answers(p))) for p in self.people)

    @property
    def answered_twice(self):
        return sum(max(0, len(self.answers(p)) - len(self.sent[p.id])) for p in self.people)

    @property
    def slowest(self):
        """Seconds that the slowest answer took; answers come in the order of the questions."""
        waits = [
            answer.json["date"] - question.json["date"]
            for person in self.people
            for question, answer in zip(self.sent[person.id], self.answers(person), strict=False)
        ]
        return max(waits, default=0)

    def saved(self):
        """{Telegram id: the names that the bot said it saved}."""
        told = {p.id: " ".join(a.text for a in self.answers(p)) for p in self.people}
        return {who: re.findall(r"Saved: (Guest \d+)", text) for who, text in told.items()}
