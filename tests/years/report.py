"""One part of the test: a world of its own, played and judged; its numbers, and what is wrong."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from calendar_app import models

from . import books, settlement
from .facts import Entry, Killed, Stopped, Wished
from .judge import Judge
from .play import Play

COMMON = ("zones", "zones unseen", "seconds")
NO_EDITS = ("act: move", "act: block", "act: unblock", "act: press")
SHOWN = {
    "people": "people", "chats": "chats", "recipients": "recipients", "zones": "zones",
    "messages": "sent", "kills": "kills", "doubles": "doubles", "moves": "act: move",
    "buttons": "act: press", "403": "answer: 403", "429": "answer: 429", "downtimes": "outages",
    "missed": "in the end missed", "given up": "given up", "seconds": "seconds",
}  # fmt: skip
ORDER = (
    "people", "chats", "recipients", "zones", "messages", "kills", "doubles", "edits", "moves",
    "buttons", "403", "429", "downtimes", "missed", "given up", "seconds", "found wrong",
)  # fmt: skip


@dataclass
class Report:
    """Numbers of what there was, findings as sentences, how many came again after each kill."""

    numbers: Counter = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    doubles: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Report":
        """One that was written as JSON."""
        found = json.loads(path.read_text())
        return cls(Counter(found["numbers"]), found["findings"], found["doubles"])

    def beside(self, other: "Report") -> "Report":
        """Both parts as one, as they went side by side."""
        numbers = self.numbers + other.numbers
        for what in COMMON:
            numbers[what] = max(self.numbers[what], other.numbers[what])
        findings, doubles = self.findings + other.findings, self.doubles + other.doubles
        return Report(numbers, findings, doubles)

    def line(self) -> str:
        """The numbers that matter most, in one line."""
        acts = {what: n for what, n in self.numbers.items() if what.startswith("act: ")}
        others = sum(acts[what] for what in NO_EDITS if what in acts)
        shown = {"edits": sum(acts.values()) - others, "found wrong": len(self.findings)}
        shown |= {name: self.numbers[what] for name, what in SHOWN.items()}
        return ", ".join(f"{name} {shown[name]:,}" for name in ORDER)


def report(play: Play, tell: Callable[[str], None]) -> Report:
    """Play and judge one world."""
    begun = time.monotonic()
    try:
        play.run(tell)
        judge = Judge(play.world.log)
        found = judge.judge(play.end)
        found += books.findings(judge, play.world, play.end)
    finally:
        models.disconnect()
    doubles = [len(messages) for messages in judge.doubles.values()]
    numbers = _world(play) + _events(play.world.log) + Counter(doubles=sum(doubles))
    numbers += Counter({f"act: {act}": number for act, number in play.fate.counts.items()})
    numbers += Counter({f"answer: {said}": n for said, n in play.telegram.answers.items()})
    numbers += judge.counts + Counter(seconds=round(time.monotonic() - begun))
    return Report(numbers, [finding.text for finding in found], doubles)


def _world(play: Play) -> Counter:
    world, log = play.world, play.world.log
    zones = {entry.wishes.zone for entry in log if isinstance(entry, Wished)}
    unseen = set(settlement.zones()) - zones
    return Counter({
        "people": sum(kind == "birthday" for kind, _ in world.ids),
        "chats": len({reader.chat for reader in world.readers}),
        "recipients": len(world.readers),
        "zones": len(zones),
        "zones unseen": len(unseen),
    })  # fmt: skip


def _events(log: list[Entry]) -> Counter:
    return Counter({
        "kills": sum(isinstance(entry, Killed) for entry in log),
        "blind kills": sum(isinstance(entry, Killed) and entry.blind for entry in log),
        "outages": sum(isinstance(entry, Stopped) for entry in log),
    })  # fmt: skip
