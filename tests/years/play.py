"""Lets the years pass: the sender works, fate strikes, now and then the sender is killed.

The sender is a process of its own. It is killed by SIGKILL while its messages are under way, right
after they were answered, anywhere else, or lies idle for minutes to days.
"""

import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from calendar_app import models
from tests.world import settings

from . import sender, settlement
from .facts import Attempt, Killed, Looked, Started, Stopped
from .fate import Fate
from .settlement import Size
from .telegram import Answer, Telegram
from .walls import DAY, HOUR, MINUTE
from .world import World

# How long there is no sender, and how often so long.
OUTAGES = {30 * MINUTE: 10, 6 * HOUR: 6, DAY: 4, 3 * DAY: 3, 12 * DAY: 2}
# Of the flights with so many messages the sender does not survive every one in four.
LARGE, ONE_IN = 4, 4
# A kill right after the answers hits the sender while it writes them down.
WRITING_SECONDS = 0.006
LOOKING_SECONDS = 0.03
# So much is changed at once while messages are under way.
DISTURBANCES = 5
HALF_YEAR = 183 * DAY


class Play:
    """One world with its sender; `now` is simulated time, `large` counts large flights."""

    def __init__(self, folder: Path, size: Size, seed: int, part: int = 0) -> None:
        rng = {name: random.Random(f"{seed}/{part}/{name}") for name in ("fate", "kill", "mail")}
        config = settings(folder)
        models.connect(config.database_url)
        models.migrate()
        self.size, self.url, self.rng = size, config.database_url, rng["kill"]
        self.now = settlement.instant(size.begin)
        self.end = settlement.instant(size.end)
        self.telegram = Telegram(rng["mail"], size.waits)
        self.world = World(config, self.telegram, self.now)
        self.fate = Fate(self.world, rng["fate"], settlement.zones())
        self.away_until = self.kills = self.large = 0
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([sender.__name__])
        self._clock = self._context.RawValue("q")
        self._process = None

    def run(self, tell: Callable[[str], None]) -> None:
        """From begin to end; `tell` is told how far it is, each half year."""
        with models.writing():
            settlement.settle(self.world, self.fate, self.size)
        self.fate.plan(self.now, self.end, self.size.acts, self.size.moves)
        outages = [self.rng.randrange(self.now, self.end) for _ in range(self.size.outages)]
        milestones = set(range(self.now + HALF_YEAR, self.end, HALF_YEAR))
        for at in sorted([*outages, *milestones, self.end]):
            self._live(at)
            if at in milestones:
                tell(self.told())
            elif at < self.end:
                self._stop()
        self._leave()

    def told(self) -> str:
        """How far it is."""
        day = settlement.today(self.now, "UTC")
        return f"{day}, {self.telegram.number} messages, {self.kills} kills"

    def _live(self, until: int) -> None:
        while (at := self.fate.next_at()) is not None and at < until:
            self._advance(at)
            self.world.now = at
            self.fate.strike()
        self._advance(until)

    # --- the sender ----------------------------------------------------------------------

    def _advance(self, until: int) -> None:
        while self.now < until:
            if self.away_until >= until:
                self.now = until
                return
            if self.away_until:
                self.now, self.away_until = self.away_until, 0
                self.world.log.append(Started(self.now))
            self._drive(until)

    def _drive(self, until: int) -> None:
        """Have the sender go on until then, or until it is killed."""
        self._ensure()
        self._clock.value = self.now
        self._wire.send((self.now, until))
        patience = self.rng.random() * LOOKING_SECONDS
        if self._is_lethal() and not self._wire.poll(patience):
            return self._kill_blindly(until)
        while flight := self._wire.recv():
            if self._take(*flight):
                return None
        self.now = until
        return None

    def _ensure(self) -> None:
        if self._process is None:
            self._wire, theirs = self._context.Pipe()
            arguments = (self.url, theirs, self._clock)
            self._process = self._context.Process(target=sender.live, args=arguments, daemon=True)
            self._process.start()
            theirs.close()

    def _leave(self) -> None:
        """Let the sender end by itself."""
        if self._process is not None:
            self._wire.close()
            self._process.join()
            self._process = None

    # --- kills ---------------------------------------------------------------------------

    def _kill_blindly(self, until: int) -> None:
        """Kill it wherever it is: planning, claiming, or with a flight on the wire."""
        last = self._put_down()
        if last:
            self._die_with(*last)
        elif last is None:
            self.now = until
        else:
            self._killed(self._clock.value, blind=True)

    def _put_down(self) -> tuple | None:
        """Kill the sender; its last flight, None if it had come to the end, () for nothing."""
        self._process.kill()
        self._process.join()
        try:
            last = self._wire.recv()
        except (EOFError, ConnectionResetError):
            last = ()
        self._wire.close()
        self._process = None
        return last

    def _take(self, at: int, messages: list[tuple]) -> bool:
        """Answer a flight; True where the sender did not survive it."""
        self.large += len(messages) >= LARGE
        fated = len(messages) >= LARGE and self.large % ONE_IN == 0
        if self._is_lethal() or (fated and self.rng.random() < 0.6):
            self._die_with(at, messages)
            return True
        taken = [self.telegram.take(at, message) for message in messages]
        answers, attempts = [answer for answer, _ in taken], [attempt for _, attempt in taken]
        is_plain, is_lethal = all(map(_is_plain, answers)), self._is_lethal()
        if is_plain and (is_lethal or fated):
            self._wire.send(answers)
            self._die_writing(at, attempts)
            return True
        self.world.log += attempts
        if is_plain and self._is_lethal():
            self._disturb(at, {attempt.chat for attempt in attempts})
        self._wire.send(answers)
        return False

    def _disturb(self, at: int, chats: set[int]) -> None:
        """Somebody changes something while messages to these chats are under way."""
        self.world.log.append(Looked(at))
        self.world.now = at
        readers = [reader for reader in self.world.readers if reader.chat in chats]
        for reader in self.rng.choices(readers, k=DISTURBANCES):
            self.fate.strike(reader)

    def _is_lethal(self) -> bool:
        return self.rng.random() < self.size.kills

    def _die_with(self, at: int, messages: list[tuple]) -> None:
        """Of a flight only some have come when the sender dies; it hears of none of them."""
        came = self.rng.randint(1, len(messages))
        if self.rng.random() < 0.5:
            came = len(messages)
        for number, message in enumerate(messages):
            if number < came:
                _, attempt = self.telegram.take(at, message)
            else:
                attempt = self.telegram.lose(at, message)
            self.world.log.append(replace(attempt, kill=self.kills, noted=False))
        if self._process is not None:
            self._put_down()
        self._killed(at)

    def _die_writing(self, at: int, attempts: list[Attempt]) -> None:
        """The sender dies while it writes down what became of its flight, or soon after."""
        time.sleep(self.rng.random() * WRITING_SECONDS)
        last = self._put_down()
        if last == () and self._clock.value == at:
            attempts = [replace(each, kill=self.kills, noted=None) for each in attempts]
        self.world.log += attempts
        if last:
            return self._die_with(*last)
        return self._killed(self._clock.value, blind=True)

    def _killed(self, at: int, blind: bool = False) -> None:
        self.now = at
        self.world.log.append(Killed(at, self.kills, blind))
        self.kills += 1
        if not blind and self.rng.random() < 0.3:
            self._away(at + 1)

    def _stop(self) -> None:
        """A planned end, or a kill while it lies idle; then nobody sends for a while."""
        if not self.away_until:
            self._leave()
            self._away(self.now)

    def _away(self, begin: int) -> None:
        longest = self.rng.choices(list(OUTAGES), list(OUTAGES.values()))[0]
        self.world.log.append(Stopped(begin))
        self.away_until = begin + self.rng.randint(MINUTE, longest)


def _is_plain(answer: Answer) -> bool:
    state, _, _, moved_to = answer
    return state != "refused" and moved_to is None
