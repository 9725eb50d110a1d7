"""Something that is wrong, told so that it can be looked for."""

import datetime as dt
from typing import NamedTuple

from .demands import Demand
from .facts import Attempt
from .oracle import Recipient
from .walls import wall


class Finding(NamedTuple):
    """`what`: lost, wrong time, wrong words, not demanded, double, unreadable, or ledger."""

    what: str
    at: int
    text: str

    @classmethod
    def of(cls, what: str, to: Recipient | None, about: object, at: int) -> "Finding":
        """One that says whom it is about, in UTC and on the recipient's wall."""
        if isinstance(about, Demand):
            about = f"{tuple(about.key)} {_utc(about.first)} to {_utc(about.last)}"
        elif isinstance(about, tuple) and about and isinstance(about[0], Attempt):
            about = f"{about[0].letter} {about[0].outcome}; known: {about[1]}"
        where = ""
        if to is not None:
            where = f"chat {to.chat} of calendar {to.calendar}, {to.wishes}, "
            where += f"there {wall(at, to.wishes.zone)}; "
        return cls(what, at, f"{what} at {_utc(at)}: {where}{about}")


def _utc(at: int) -> str:
    return f"{dt.datetime.fromtimestamp(at, dt.UTC):%Y-%m-%d %H:%M:%S}"
