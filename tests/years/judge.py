"""Holds what came against what had to come, in the order of the log.

A finding is something wrong. What has come just before a kill that the sender could not note may
come once more: that is counted, not found.
"""

import re
from collections import Counter
from collections.abc import Iterable

from . import changes, walls, words
from .course import Course
from .demands import DAY, DIGESTS, FAILED, SENT, Demand, Key
from .facts import Attempt, Entry, Letter, Pressed
from .findings import Finding
from .oracle import Recipient
from .uptime import LEASE

# What fails is tried again until the recipient's day is over, and for an hour at least.
SHORTEST_TRIAL = 3600
# In place of a kill's number: it is open whether it came already.
LEASED = -1


class Judge(Course):
    """Goes through a log; `findings` is what is wrong, `counts` what there was."""

    def __init__(self, log: Iterable[Entry]) -> None:
        super().__init__(log)
        # Who got a message, and what it told; which messages came again, by the kill before.
        self.came: dict[int, tuple[Recipient, list[Key]]] = {}
        self.doubles: dict[int, set[int]] = {}
        self.findings: list[Finding] = []
        self.counts: Counter = Counter()

    def judge(self, end: int) -> list[Finding]:
        """All findings up to that instant."""
        self.follow(end)
        for to in self.recipients.values():
            for demand in to.overdue:
                self._find("lost", to, demand, end)
            self.counts.update(f"in the end {state}" for state in to.settled.values())
        return self.findings

    def _find(self, what: str, to: Recipient | None, about: object, at: int) -> None:
        self.findings.append(Finding.of(what, to, about, at))

    def _pressed(self, entry: Pressed) -> None:
        if entry.message not in self.came:
            return  # The judge has found already that nobody should have had it.
        to, keys = self.came[entry.message]
        self._catch_up(to, entry.at)
        if entry.button == "done":
            changes.done(to, keys)
        else:
            changes.once_more(to, keys, entry.button, entry.at)

    # --- what came -----------------------------------------------------------------------

    def _attempt(self, entry: Attempt) -> None:
        self.counts[entry.outcome] += 1
        recipients = self.by_chat.get(entry.chat, [])
        for to in recipients:
            to.work(entry.at)
        if entry.letter is None:
            return self._find("unreadable", None, entry.chat, entry.at)
        to, demands = self._asked_for(entry)
        if demands:
            self._heard(entry, to, demands)
        if entry.outcome == "refused" and entry.noted:
            for to in recipients:
                to.close(entry.at)
        return None

    def _heard(self, entry: Attempt, to: Recipient, demands: list[Demand]) -> None:
        expected = words.expected(to, demands, entry.at)
        if expected != entry.letter:
            self._find("wrong words", to, (entry.letter, expected), entry.at)
        for demand in demands:
            demand.leased = _leased(entry, demand, demands)
            self._outcome(entry, to, demand)
        if entry.outcome == "sent":
            self.came[entry.message] = (to, [demand.key for demand in demands])

    def _asked_for(self, entry: Attempt) -> tuple[Recipient | None, list[Demand]]:
        """Whom the message is for, and all that it tells of what is demanded."""
        if entry.letter.kind == "digest":
            return self._digest_asked_for(entry)
        subjects = [int(re.search(r"\d+", line.name)[0]) for line in entry.letter.lines]
        home = self.homes.get((entry.letter.kind, subjects[0]))
        to = next((r for r in self.by_chat.get(entry.chat, []) if r.calendar == home), None)
        if to is None:
            self._find("not demanded", None, entry, entry.at)
            return None, []
        return to, [demand for subject in subjects for demand in self._about(to, entry, subject)]

    def _about(self, to: Recipient, entry: Attempt, subject: int) -> list[Demand]:
        """All that is demanded now about somebody's day: one message tells it, and only one."""
        same = [d for d in to.open if _fits(d.key, subject, entry.letter)]
        if now := [d for d in to.expecting(entry.at) if d in same]:
            return now
        late = [d for d in to.overdue if _fits(d.key, subject, entry.letter)]
        if late:
            return [self._is_late(to, late[0], entry.at)]
        if same:
            self._find("wrong time", to, same[0], entry.at)
            return same[:1]
        told = {k: state for k, state in to.settled.items() if _fits(k, subject, entry.letter)}
        what = "double" if SENT in told.values() else "not demanded"
        self._find(what, to, (entry, told), entry.at)
        return []

    def _digest_asked_for(self, entry: Attempt) -> tuple[Recipient | None, list[Demand]]:
        recipients = self.by_chat.get(entry.chat, [])
        now = [(to, demand) for to in recipients for demand in to.expecting(entry.at)]
        late = [(to, demand) for to in recipients for demand in to.overdue]
        for found in (now, late):
            found = [each for each in found if each[1].key.kind in DIGESTS]
            right = [e for e in found if words.expected(e[0], [e[1]], entry.at) == entry.letter]
            for to, demand in right or found:
                if found is not now and demand in to.overdue:
                    self._is_late(to, demand, entry.at)
                return to, [demand]
        self._find("not demanded", None, entry, entry.at)
        return None, []

    def _is_late(self, to: Recipient, demand: Demand, at: int) -> Demand:
        """What should have come before comes now."""
        to.overdue.remove(demand)
        to.open.append(demand)
        self._find("wrong time", to, demand, at)
        return demand

    # --- what became of it ---------------------------------------------------------------

    def _outcome(self, entry: Attempt, to: Recipient, demand: Demand) -> None:
        demand.begun, demand.token = demand.begun or entry.at, entry.token
        demand.doomed, demand.unsure = None, False
        demand.lease = 0 if entry.noted else entry.at + LEASE
        if entry.outcome == "sent":
            self._arrived(entry, to, demand)
        elif entry.noted is False:
            self._again(to, demand, entry.at + LEASE)
        elif entry.outcome == "refused":
            to.settle(demand, FAILED)
        else:
            self._later(entry, to, demand)

    def _arrived(self, entry: Attempt, to: Recipient, demand: Demand) -> None:
        if demand.ghost == LEASED:
            demand.ghost = None
        if demand.ghost is not None:
            self.doubles.setdefault(demand.ghost, set()).add(entry.message)
        else:
            self._count(to, demand, entry)
        if entry.noted and not demand.leased:
            return to.settle(demand, SENT)
        to.settled[demand.key] = SENT
        to.twice.add(demand.key)
        demand.ghost = LEASED if demand.leased else entry.kill
        return self._again(to, demand, entry.at + (1 if entry.noted else LEASE))

    def _count(self, to: Recipient, demand: Demand, entry: Attempt) -> None:
        key, wishes = demand.key, to.wishes
        kind = key.kind if key.kind != "birthday" else "lead" if key.lead else "day"
        self.counts[f"told: {'again' if key.again else kind}"] += 1
        self.counts["told: belated"] += entry.letter.said == "belated"
        self.counts["told: 29 February"] += (key.on.month, key.on.day) == (2, 29)
        shown = walls.oddity(key.on - key.lead * DAY, wishes.minute, wishes.zone)
        self.counts[f"told: at a time {shown}"] += 1

    def _again(self, to: Recipient, demand: Demand, first: int, last: int = 0) -> None:
        if demand.leased:
            first, last = min(first, demand.leased), max(first, last, demand.leased)
        demand.awaited, demand.leased = False, 0
        demand.first = self.uptime.after(first)
        demand.last = max(demand.first, self.uptime.after(last))

    def _later(self, entry: Attempt, to: Recipient, demand: Demand) -> None:
        again, lease = entry.at + entry.seconds, entry.at + LEASE
        over = to.today(again) > to.today(demand.begun)
        if over and again - demand.begun > SHORTEST_TRIAL:
            self.counts["given up"] += demand.ghost is None
            if entry.noted and not demand.leased:
                return to.settle(demand, FAILED)
            # That may not have been written down: then it is tried again.
            demand.doomed = entry.at
            return self._again(to, demand, lease)
        if entry.noted:
            return self._again(to, demand, again)
        return self._again(to, demand, min(again, lease), max(again, lease))


def _fits(key: Key, subject: int, letter: Letter) -> bool:
    told = (letter.kind, subject, letter.day)
    return (key.kind, key.subject, (key.on.month, key.on.day)) == told


def _leased(entry: Attempt, demand: Demand, told: list[Demand]) -> int:
    """Until when a dead sender may still have one of those that a message tells; 0 for not.

    Then the message may be about the others that tell the same, and this one comes by itself.
    """
    is_alone = sum(each.key.subject == demand.key.subject for each in told) == 1
    was_tried = demand.token is not None and demand.token == entry.token
    return 0 if is_alone or was_tried or demand.last == entry.at else demand.last
