"""Telegram, as far as a sender meets it: takes messages, or says why not.

Whoever has blocked the bot, and which group has another id now, is decided elsewhere; whom it
asks to wait it decides itself.
"""

import random
from collections import Counter, deque
from dataclasses import dataclass, field, replace

from . import letters
from .facts import Attempt

# What the real bot says to its ledger in these cases.
WAIT, AWAY, MOVED = "Telegram asked to wait", "Telegram could not be reached", "the group moved"
BLOCKED = "Forbidden: bot was blocked by the user"
KICKED = "Forbidden: bot was kicked from the group chat"
ANSWERS = {WAIT: "429", AWAY: "unreachable", MOVED: "moved", BLOCKED: "403", KICKED: "403"}
AWAY_SECONDS = 5
REMEMBERED = 40
Answer = tuple[str, str, int | None, int | None]


@dataclass
class Came:
    """A message with buttons, as the person who got it may press them."""

    at: int
    number: int
    chat: int
    promise_id: int


@dataclass
class Telegram:
    """Chats by Telegram's ids; `names` leads from any id that a chat ever had to its first."""

    rng: random.Random
    waits: float
    names: dict[int, int] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)
    # Groups whose new id the sender has not used yet.
    untold: set[int] = field(default_factory=set)
    impatient: set[int] = field(default_factory=set)
    recent: deque[Came] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    number: int = 0
    # How often it answered what.
    answers: Counter = field(default_factory=Counter)

    def add(self, chat: int) -> None:
        """There is such a chat."""
        self.names[chat] = chat

    def move(self, chat: int, new_id: int) -> None:
        """A group (by its first id) becomes a supergroup."""
        for known in [known for known, name in self.names.items() if name == chat]:
            self.moved[known] = new_id
        self.names[new_id] = chat
        self.untold.add(chat)

    def current(self, chat: int) -> int:
        """The id that a chat has now."""
        return next(i for i, name in self.names.items() if name == chat and i not in self.moved)

    def take(self, at: int, message: tuple) -> tuple[Answer, Attempt]:
        """What becomes of a message, as the sender is told it and as it is noted."""
        chat_id, _, promise_id = message
        attempt = self.lose(at, message)
        answer = self._answer(chat_id, attempt.chat)
        self.answers[ANSWERS.get(answer[1], "sent")] += 1
        if answer[0] == "sent" and promise_id is not None:
            self.recent.append(Came(at, self.number, attempt.chat, promise_id))
        return answer, replace(attempt, outcome=answer[0], seconds=answer[2] or 0)

    def lose(self, at: int, message: tuple) -> Attempt:
        """A message that never comes: its sender dies."""
        chat_id, html, promise_id = message
        self.number += 1
        try:
            letter = letters.read(html)
        except ValueError:
            letter = None
        chat = self.names.get(chat_id, chat_id)
        return Attempt(at, chat, letter, "died", self.number, promise_id)

    def _answer(self, chat_id: int, chat: int) -> Answer:
        if chat_id in self.moved:
            return ("later", MOVED, 0, self.moved[chat_id])
        self.untold.discard(chat)
        if chat in self.blocked:
            return ("refused", BLOCKED if chat > 0 else KICKED, None, None)
        # Who was asked to wait is often asked again.
        if self.rng.random() < (0.3 if chat in self.impatient else self.waits):
            self.impatient.add(chat)
            return ("later", WAIT, self._seconds(), None)
        self.impatient.discard(chat)
        if self.rng.random() < self.waits / 3:
            return ("later", AWAY, AWAY_SECONDS, None)
        return ("sent", "", None, None)

    def _seconds(self) -> int:
        longest = self.rng.choice((30, 30, 90, 90, 900, 7200))
        return self.rng.randint(1, longest)
