"""What the world and its judge both speak of: wishes, people, and the entries of the log.

Plain values. Instants are whole seconds since 1970 in UTC, times of day minutes since midnight.
The log is in the order in which things happened, also within one second.
"""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Wishes:
    """What holds for one chat that is reminded of one calendar."""

    zone: str
    minute: int
    leads: frozenset[int] = frozenset({0})
    weekly: int | None = None
    monthly: bool = False
    quiet: tuple[int, int] | None = None
    leap_day: str = "feb28"


@dataclass(frozen=True)
class Person:
    """Somebody with a birthday; `leads`: own lead times, None for each recipient's."""

    number: int
    name: str
    year: int | None
    month: int
    day: int
    leap_day: str | None = None
    leads: frozenset[int] | None = None
    muted: bool = False
    skip_year: int | None = None
    linked: int | None = None
    hide_age: bool = False


# What of a person decides who is told, and when.
TELLING = ("year", "month", "day", "leap_day", "leads", "muted", "skip_year", "linked")


@dataclass(frozen=True)
class Line:
    """One person in a message: as named, the age that is told, the chat that the name opens."""

    name: str
    age: int | None = None
    round: bool = False
    linked: int | None = None


@dataclass(frozen=True)
class Letter:
    """A message as its reader understands it; days are (month, day).

    `kind`: birthday, holiday, responsible or digest; `said`: today, belated, how many days ahead,
    or (of what is no birthday) on another day; of a digest the last day. `lines` belong to `day`,
    those of a digest to each its own.
    """

    kind: str
    said: str | int | tuple[int, int]
    day: tuple[int, int]
    lines: frozenset[Line] | tuple


@dataclass(frozen=True)
class Entry:
    """Something that happened at a time; base of the log's entries."""

    at: int


@dataclass(frozen=True)
class Joined(Entry):
    """A chat begins to be reminded of a calendar; `user`: whose own chat it is."""

    recipient: int
    chat: int
    calendar: int
    user: int | None
    wishes: Wishes


@dataclass(frozen=True)
class Left(Entry):
    """It is not reminded any more."""

    recipient: int


@dataclass(frozen=True)
class Wished(Entry):
    """Other wishes hold for it now."""

    recipient: int
    wishes: Wishes


@dataclass(frozen=True)
class Told(Entry):
    """A person was added to a calendar, or changed there (`before`: as they were)."""

    calendar: int
    person: Person
    before: Person | None


@dataclass(frozen=True)
class Forgot(Entry):
    """A person was deleted."""

    calendar: int
    number: int


@dataclass(frozen=True)
class Feast(Entry):
    """A holiday was made or changed; `day` None: deleted."""

    calendar: int
    number: int
    name: str
    day: tuple[int, int] | None


@dataclass(frozen=True)
class Assigned(Entry):
    """Somebody was put in charge of one day."""

    calendar: int
    day: dt.date
    number: int
    name: str


@dataclass(frozen=True)
class PutAway(Entry):
    """A shared calendar was deleted by its owner."""

    calendar: int


@dataclass(frozen=True)
class BroughtBack(Entry):
    """It was given back: reminders go on from that day."""

    calendar: int


@dataclass(frozen=True)
class Returned(Entry):
    """A chat that was closed to the bot is open again, and the bot knows."""

    chat: int


@dataclass(frozen=True)
class Stopped(Entry):
    """From here on there is no sender."""


@dataclass(frozen=True)
class Started(Entry):
    """There is one again."""


@dataclass(frozen=True)
class Killed(Entry):
    """The sender was killed; `blind`: what it had claimed is unknown."""

    number: int
    blind: bool


@dataclass(frozen=True)
class Looked(Entry):
    """The sender has seen what is due by this second; what follows in it comes after that."""


@dataclass(frozen=True)
class Attempt(Entry):
    """A message that the sender handed over, and what Telegram made of it.

    `outcome`: sent, later (in so many `seconds`), refused, or died with its sender. `kill`: the
    number of the kill after which the sender had certainly (`noted` False) or perhaps (None) not
    noted the outcome. `message`: a number that fate names it by; `token`: what its buttons name,
    the same whenever it is tried.
    """

    chat: int
    letter: Letter | None
    outcome: str
    message: int
    token: int | None = None
    seconds: int = 0
    kill: int | None = None
    noted: bool | None = True


@dataclass(frozen=True)
class Pressed(Entry):
    """A button under a message that had come: done, tonight or tomorrow."""

    message: int
    button: str
