"""What is told, to whom it belongs and how it stands with it: the nouns of the oracle."""

import datetime as dt
from dataclasses import dataclass, field
from typing import NamedTuple

from .facts import Person

DAY = dt.timedelta(days=1)
DIGESTS = ("weekly", "monthly")
WITHDRAWN, MISSED, FAILED, SENT = "withdrawn", "missed", "failed", "sent"
# It was not told, and more than one thing may be the reason.
HOPELESS = "hopeless"


class Key(NamedTuple):
    """What is told: about whom or what, of which day, how many days before, which repetition."""

    kind: str
    subject: int
    on: dt.date
    lead: int = 0
    again: int = 0


class Round(NamedTuple):
    """What a recipient goes through day by day: birthdays so many days ahead, or a digest."""

    kind: str
    lead: int = 0


@dataclass
class Place:
    """A calendar: its people and holidays by number, who is responsible on a date."""

    people: dict[int, Person] = field(default_factory=dict)
    holidays: dict[int, tuple[str, tuple[int, int]]] = field(default_factory=dict)
    duties: dict[dt.date, tuple[int, str]] = field(default_factory=dict)

    def leads(self) -> set[int]:
        """All lead times that single people have for themselves."""
        return {lead for person in self.people.values() for lead in person.leads or ()}


@dataclass
class Demand:
    """Something that must be told between `first` and `last`, as a rule the same second.

    `awaited`: nothing is in the way of it. `ghost`: it came already, just before that kill, and
    may come once more. `doomed`: since when it fails unless it is tried; `unsure`: it was not to
    be told when the sender was killed, which may not have come to see that. `begun`: when it was
    first tried, and `token` what the buttons named then. `leased`: until when a dead sender may
    have it, so that it may not be in a message that tells the same; `lease`: until when the one
    has it that died at the last try. `slept`: when it was put off to the end of quiet hours.
    """

    key: Key
    due: int
    first: int
    last: int
    awaited: bool = False
    ghost: int | None = None
    doomed: int | None = None
    unsure: bool = False
    begun: int | None = None
    token: int | None = None
    leased: int = 0
    lease: int = 0
    slept: int | None = None

    @property
    def held(self) -> int:
        """Until when a dead sender may have it."""
        return max(self.lease, self.last if self.last > self.first else 0)
