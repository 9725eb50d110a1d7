"""What befalls the world: which act comes when, and about whom.

Half of it falls just before, on or after the moment at which something is due.
"""

import random
from bisect import insort
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from . import people_acts, reader_acts, walls
from .world import Reader, World

# How often each act happens, against the others.
WEIGHTS = {
    people_acts.redate: 14, people_acts.mute: 4, people_acts.skip: 3, people_acts.own_leads: 5,
    people_acts.leap: 2, people_acts.link: 2, people_acts.rename: 2, people_acts.hide: 1,
    people_acts.add: 7, people_acts.forget: 3, people_acts.celebrate: 3, people_acts.refeast: 3,
    people_acts.cancel: 1, people_acts.assign: 6,
    reader_acts.retime: 6, reader_acts.quieten: 5, reader_acts.lead: 6, reader_acts.digest: 6,
    reader_acts.keep: 2, reader_acts.rule: 4, reader_acts.press: 12, reader_acts.join: 2,
    reader_acts.leave: 2, reader_acts.migrate: 2, reader_acts.move: 4, reader_acts.block: 6,
    reader_acts.straddle: 16, reader_acts.put_away: 2,
}  # fmt: skip
# What comes by itself after another act, wherever its reader is by then.
ENDS = (reader_acts.unblock, reader_acts.bring_back)
Act = Callable[["Fate", Reader], bool | None]
OTHERS = 3
NEAR = (-3600, -61, -30, -1, 0, 1, 30, 59, 121, 600, 3600, 5 * 3600)


class Event(NamedTuple):
    """An act to come; `reader`: whom or whose calendar it is about, if that is known."""

    at: int
    act: Act
    reader: Reader | None


class Fate:
    """Draws acts and does them; `counts` what was done, by its name."""

    def __init__(self, world: World, rng: random.Random, zones: list[str]) -> None:
        self.world, self.rng = world, rng
        self.all_zones, self.zones = zones, rng.sample(zones, len(zones))
        self.counts: Counter = Counter()
        self.events: list[Event] = []

    def plan(self, begin: int, end: int, number: int, moves: int) -> None:
        """So many acts between begin and end, each at least once, and so many moves besides."""
        acts = [*WEIGHTS, *self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=number)]
        for act in acts[:number] + [reader_acts.move] * moves:
            self.put_off(*self._draw(act, begin, end))

    def put_off(self, at: int, act: Act, reader: Reader | None) -> None:
        """Let something happen at that time."""
        insort(self.events, Event(at, act, reader), key=lambda event: event.at)

    def _draw(self, act: Act, begin: int, end: int) -> Event:
        at, reader = self.rng.randrange(begin, end), self.rng.choice(self.world.readers)
        if self.rng.random() < 0.5:
            due = walls.due(walls.today(at, reader.wishes.zone), reader.wishes)
            at = min(max(begin, due + self.rng.choice(NEAR)), end - 1)
        return Event(at, act, reader if self.rng.random() < 0.7 else None)

    def next_at(self) -> int | None:
        """When something happens next."""
        return self.events[0].at if self.events else None

    def strike(self, whom: Reader | None = None) -> None:
        """Let what is next happen; to somebody else where it cannot be.

        `whom`: let what would be last happen to that reader now.
        """
        for at in range(len(self.events))[:: -1 if whom else 1]:
            if not (whom and self.events[at].act in ENDS):
                break
        else:
            return
        event = self.events.pop(at)
        for reader in (whom or event.reader, *self.rng.choices(self.world.readers, k=OTHERS)):
            there = reader and reader.is_in and not reader.home.is_away
            if reader and (there or event.act in ENDS) and event.act(self, reader) is not False:
                self.counts[event.act.__name__] += 1
                return
