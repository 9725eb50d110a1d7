"""What two releases would send, compared message by message; and told without names or texts.

Messages are kept in files, those of one chat in the same one of PARTS, so that millions need no
more memory than the largest part. Used by `proof`.
"""

import datetime as dt
import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from .. import models
from . import snapshots

PARTS = 64
LINES_BETWEEN_LOOKS = 500
# What is listed of all differences together, and of the birthdays of one message.
MOST, MOST_IDS = 20, 5
IDS_AT_ONCE = 500
KINDS = {
    "gone": "would no longer come",
    "new": "would come in addition",
    "moved": "would come at another time",
    "others": "would be about other birthdays",
    "unnamed": "would no longer name somebody",
}
# What a message of a holiday, or of who is responsible, may name.
NAMES_OF_DAY = {
    "holiday": "SELECT o.name FROM holidays o {} AND o.month = ? AND o.day = ?",
    "responsible": "SELECT p.full_name FROM duties o "
    "JOIN responsible_people p ON p.id = o.responsible_id {} AND o.on_date = ?",
}
OF_CHAT = """
    WHERE o.calendar_id IN (SELECT r.calendar_id FROM reminder_rules r
        JOIN chats h ON h.id = r.recipient_id WHERE h.telegram_id = ?)
"""


class Period(NamedTuple):
    """The days that are compared: so many from the first on, where each recipient is."""

    first: dt.date
    days: int


class Message(NamedTuple):
    """One line of `simulate --json`; `birthday_ids` sorted, as their order is a matter of words."""

    at: str
    chat_id: int
    kind: str
    birthday_ids: tuple[int, ...]
    occurs_on: str | None
    days_before: int | None
    local: str
    text: str


Pairs = list[tuple[Message, Message]]


@dataclass
class Found:
    """How many messages each release would send, and in what they differ.

    `numbers` by the names of KINDS, and `reworded`: those that only say it otherwise. `listed`:
    the first in time of each kind, in words.
    """

    before: int = 0
    after: int = 0
    numbers: Counter[str] = field(default_factory=Counter)
    listed: dict[str, list[str]] = field(default_factory=dict)

    @property
    def differ(self) -> bool:
        """Whether anything but words is different."""
        return any(self.numbers[kind] for kind in KINDS)


# --- keeping -----------------------------------------------------------------------------


def keep(lines: Iterable[bytes], folder: Path) -> None:
    """Write messages, one JSON object a line, to files in a new folder.

    Raises ValueError for what is no message, NoRoom.
    """
    folder.mkdir()
    with ExitStack() as opened:
        parts = [opened.enter_context((folder / str(n)).open("wb")) for n in range(PARTS)]
        for number, line in enumerate(lines):
            if number % LINES_BETWEEN_LOOKS == 0:
                snapshots.require_room(folder, 0)
            parts[_message(line).chat_id % PARTS].write(line)


def _message(line: bytes) -> Message:
    try:
        found = json.loads(line)
        # Without what another release may tell besides.
        known = {name: found[name] for name in Message._fields}
        ids = tuple(sorted(known["birthday_ids"]))
        return Message(**known | {"birthday_ids": ids, "chat_id": int(known["chat_id"])})
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no message: {error}") from None


# --- comparing ---------------------------------------------------------------------------


def between(old: Path, new: Path) -> Found:
    """Compare what `keep` wrote to both folders; the tables are connected to the migrated copy."""
    found, first = Found(), defaultdict[str, Pairs](list)
    for part in map(str, range(PARTS)):
        before, after = _read(old / part), _read(new / part)
        found.before, found.after = found.before + len(before), found.after + len(after)
        for kind, pairs in _sorted_out(before, after):
            found.numbers[kind] += len(pairs)
            first[kind] = heapq.nsmallest(MOST, first[kind] + pairs, key=lambda pair: pair[0].at)
    kinds = [kind for kind in KINDS if first[kind]]
    for kind in kinds:
        some = first[kind][: MOST // len(kinds)]
        found.listed[kind] = [TOLD[kind](*pair) for pair in some]
    return found


def _read(part: Path) -> list[Message]:
    with part.open("rb") as lines:
        return [_message(line) for line in lines]


def _sorted_out(old: list[Message], new: list[Message]) -> Iterator[tuple[str, Pairs]]:
    """The pairs of each kind of difference; a message that has no other stands for both."""
    _, old, new = _paired(old, new, lambda each: each)
    reworded, old, new = _paired(old, new, lambda each: each[:6])
    yield from _by_names(reworded)
    moved, old, new = _paired(old, new, lambda each: each[1:6])
    others, old, new = _paired(old, new, lambda each: (*each[:3], *each[4:6]))
    yield "moved", moved
    yield "others", others
    yield "gone", [(each, each) for each in old]
    yield "new", [(each, each) for each in new]


def _paired(
    old: list[Message], new: list[Message], key: Callable[[Message], Hashable]
) -> tuple[Pairs, list[Message], list[Message]]:
    """Those with the same key on both sides, each once; then what is left of either."""
    waiting: dict[Hashable, list[Message]] = defaultdict(list)
    for each in reversed(old):
        waiting[key(each)].append(each)
    pairs, more = [], []
    for each in new:
        same = waiting.get(key(each))
        if same:
            pairs.append((same.pop(), each))
        else:
            more.append(each)
    return pairs, list(chain.from_iterable(waiting.values())), more


# --- names -------------------------------------------------------------------------------


def _by_names(pairs: Pairs) -> Iterator[tuple[str, Pairs]]:
    """Of messages with other words: those in which a name is missing, and all others."""
    # The same chat may get several at once that only their texts tell apart.
    said: dict[Hashable, list[str]] = defaultdict(list)
    for _, new in pairs:
        said[new[:6]].append(new.text)
    people = _full_names({number for old, _ in pairs for number in old.birthday_ids})
    found: dict[bool, Pairs] = {True: [], False: []}
    for old, new in pairs:
        names = tuple(people[n] for n in old.birthday_ids if n in people) or _of_day(old)
        found[_lacks(names, old.text, "\n".join(said[new[:6]]))].append((old, new))
    yield "unnamed", found[True]
    yield "reworded", found[False]


def _full_names(ids: set[int]) -> dict[int, str]:
    ordered, found = sorted(ids), {}
    for start in range(0, len(ordered), IDS_AT_ONCE):
        some = ordered[start : start + IDS_AT_ONCE]
        marks = ", ".join("?" * len(some))
        query = f"SELECT id, full_name FROM birthdays WHERE id IN ({marks})"
        found |= dict(models.rows(query, *some).fetchall())
    return found


def _of_day(message: Message) -> tuple[str, ...]:
    """The names of holidays and of who is responsible, in the calendars of that chat."""
    if message.kind not in NAMES_OF_DAY or not message.occurs_on:
        return ()
    on = dt.date.fromisoformat(message.occurs_on)
    day = (on.month, on.day) if message.kind == "holiday" else (message.occurs_on,)
    query = NAMES_OF_DAY[message.kind].format(OF_CHAT)
    return tuple(name for (name,) in models.rows(query, message.chat_id, *day).fetchall())


# All members of a calendar are sent the same.
@lru_cache(maxsize=256)
def _lacks(names: tuple[str, ...], old: str, new: str) -> bool:
    """Whether a name that stands in the old text is missing in the new one.

    Of "Ann" and "Anna" the shorter stands in both: it has to be there as often as people need it.
    """
    standing = [name for name in names if name in old]
    return any(
        new.count(name) < min(old.count(name), sum(name in each for each in standing))
        for name in set(standing)
    )


# --- telling -----------------------------------------------------------------------------


def told(found: Found, names: tuple[str, str], period: Period, accepted: bool) -> Iterator[str]:
    """The lines for the operator, of the releases with these names; no person is named in them."""
    days = f"the {period.days} days from {period.first} on"
    words = _words(found.numbers["reworded"])
    if not found.differ:
        number = f"{found.after} message{'s' * (found.after != 1)}"
        yield f"In {days} both versions would send the same {number}{words}."
        return
    old, new = names
    yield f"In {days} {new} would not send what {old} would ({found.before} messages):"
    for kind, listed in found.listed.items():
        number = found.numbers[kind]
        yield f"- {number} {KINDS[kind]}" + (":" if number == len(listed) else ", such as:")
        yield from (f"  {line}" for line in listed)
    if words:
        yield f"Counted as no difference: {words.removeprefix(', ')}."
    if accepted:
        yield "Going on with these changes, as asked."
        return
    asked = f"--from {period.first} --days {period.days}"
    yield f"What {old} would send, with names: birthday-calendar simulate {asked}"
    yield "If it shall be so, upgrade with these changes: install.sh … --accept-changes"


def _words(reworded: int) -> str:
    return f", {reworded} of them in other words" if reworded else ""


def _shown(message: Message) -> str:
    return f"{_head(message)}{_people(message.birthday_ids)}"


def _head(message: Message) -> str:
    """When, of what kind, and to whom by our own number: Telegram's would be a person's."""
    query = "SELECT id FROM chats WHERE telegram_id = ?"
    chat = models.rows(query, message.chat_id).fetchone()
    day = f" {message.occurs_on}" if message.occurs_on else ""
    to = f"to recipient {chat[0]}" if chat else "to nobody we know"
    return f"{_time(message)}, {message.kind}{day}, {to}"


def _time(message: Message) -> str:
    """As a clock shows it where the recipient is, with its distance from UTC."""
    return f"{message.local[:10]} {message.local[11:16]} {message.local[19:]}"


def _people(ids: Iterable[int], before: str = ", ") -> str:
    ids = sorted(ids)
    if not ids:
        return ""
    query = "SELECT calendar_id FROM birthdays WHERE id = ?"
    calendar = models.rows(query, ids[0]).fetchone()
    listed = ", ".join(map(str, ids[:MOST_IDS]))
    more = f" and {len(ids) - MOST_IDS} more" if len(ids) > MOST_IDS else ""
    place = f" of calendar {calendar[0]}" if calendar else ""
    return f"{before}birthday{'s' * (len(ids) > 1)} {listed}{more}{place}"


def _shown_moved(old: Message, new: Message) -> str:
    return f"{_shown(old)}: at {_time(new)}"


def _shown_others(old: Message, new: Message) -> str:
    before, after = set(old.birthday_ids), set(new.birthday_ids)
    changes = _people(before - after, ", without "), _people(after - before, ", also ")
    return _head(old) + "".join(changes)


TOLD: dict[str, Callable[[Message, Message], str]] = {
    "gone": lambda old, _: _shown(old),
    "new": lambda old, _: _shown(old),
    "moved": _shown_moved,
    "others": _shown_others,
    "unnamed": lambda old, _: _shown(old),
}
