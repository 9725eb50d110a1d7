"""How large a world is, and how it begins: who is there, in which zones, with which people."""

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from random import Random

from . import chance, people_acts
from .fate import Fate
from .walls import today
from .world import Home, World

FIRST_USER, FIRST_GROUP = 6_000_000_000, -500_000
DAY = dt.timedelta(days=1)
# What stands for no place, only for the machine's own setting.
NO_PLACES = {"Factory", "localtime"}
# So many are members of the first shared calendar, all at its own time.
CROWD = 14


@dataclass(frozen=True)
class Size:
    """How many of what, from when to when (UTC); people are those with birthdays."""

    users: int
    people: int
    shared: int
    groups: int
    acts: int
    moves: int
    outages: int
    begin: str
    end: str
    # Of flights and of runs of the sender, how many end with a kill; of messages, how many have
    # to wait.
    kills: float
    waits: float


def instant(day: str) -> int:
    """Midnight UTC of a day."""
    return int(dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp())


def zones() -> list[str]:
    """All of IANA's names of time zones."""
    return sorted(zoneinfo.available_timezones() - NO_PLACES)


def settle(world: World, fate: Fate, size: Size) -> None:
    """Users with their own calendars, shared ones, groups, and people in all of them."""
    rng = fate.rng
    for number in range(size.users):
        reader = world.arrive(FIRST_USER + number)
        zone = fate.zones.pop() if fate.zones else rng.choice(fate.all_zones)
        world.wish(reader, zone=zone, **chance.wishes(rng))
    users = [reader.user for reader in world.readers]
    for number in range(size.shared):
        _share(world, rng, users, CROWD if number % 8 == 0 else rng.randint(2, 4))
    for number in range(size.groups):
        group = world.gather(rng.choice(users), FIRST_GROUP - number)
        world.rule(group.home, zone=rng.choice(fate.all_zones), minute=chance.minute(rng))
    # Shared calendars have more people than others.
    homes = world.homes + [home for home in world.homes if home.kind == "other"] * 3
    for number in range(size.people):
        _add(world, fate, homes[number % len(homes)])


def _share(world: World, rng: Random, users: list[int], members: int) -> None:
    owner, *others = rng.sample(users, min(members, len(users)))
    home = world.found(owner, "Shared").home
    for user in others:
        world.join(home, user, rng.choice(("editor", "viewer")))
    common = {"minute": chance.minute(rng), "zone": rng.choice(zones())}
    world.rule(home, **common, leads=frozenset({0, rng.choice((0, 0, 1, 7))}))


def _add(world: World, fate: Fate, home: Home) -> None:
    there, yesterday = people_acts.members(fate, home), today(world.now, "UTC") - DAY
    born = chance.day_of_year(fate.rng)
    user = fate.rng.choice(home.editors)
    world.tell(home, user, chance.person(fate.rng, world.number(), yesterday, there, born))
    if fate.rng.random() < 0.08:
        world.celebrate(home, user, chance.day_of_year(fate.rng))
