"""A calendar's people as a file that the import takes back unchanged."""

import datetime as dt

from .. import birthdays, exchange
from ..calendars import Access


def made(access: Access, name: str) -> bytes:
    """The birthdays that this user may see, in one of exchange.FORMATS, the oldest entry first."""
    people = birthdays.upcoming(access, dt.date(2000, 1, 1)).rows
    return exchange.write(name, sorted(people, key=lambda row: row["id"]))
