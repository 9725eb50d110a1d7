"""Acts of those who are reminded: what they wish for, where they are, whether they listen.

Each takes fate and a reader; False: it could not be.
"""

import random
from typing import TYPE_CHECKING, Any

from . import chance, people_acts, walls
from .walls import DAY, HOUR
from .world import Reader

if TYPE_CHECKING:
    from .fate import Fate

GROUPS = ("zone", "minute", "quiet", "leap_day")
# So many days ahead somebody looks where the clock will be set.
SOON = 20
NEW_ID = 1_000_000_000_000


def _wish(fate: "Fate", reader: Reader, **wished: Any) -> bool:
    user = reader.user or reader.home.owner
    closed = {user, reader.chat} & fate.world.telegram.blocked
    if closed or (reader.user is None and set(wished) - set(GROUPS)):
        return False
    fate.world.wish(reader, **wished)
    return True


def move(fate: "Fate", reader: Reader) -> bool:
    """To a zone where nobody was yet, or anywhere."""
    zone = fate.zones[0] if fate.zones else fate.rng.choice(fate.all_zones)
    moved = _wish(fate, reader, zone=zone)
    if moved and fate.zones:
        fate.zones.pop(0)
    return moved


def retime(fate: "Fate", reader: Reader) -> bool:
    """Another time of day."""
    return _wish(fate, reader, minute=chance.minute(fate.rng))


def quieten(fate: "Fate", reader: Reader) -> bool:
    """Other quiet hours, or none."""
    return _wish(fate, reader, quiet=chance.quiet(fate.rng))


def lead(fate: "Fate", reader: Reader) -> bool:
    """Other lead times."""
    other = reader.wishes.leads ^ {fate.rng.choice((0, 1, 7))}
    return _wish(fate, reader, leads=fate.rng.choice((other, chance.leads(fate.rng))))


def digest(fate: "Fate", reader: Reader) -> bool:
    """Another digest, or none."""
    if fate.rng.random() < 0.5:
        return _wish(fate, reader, monthly=fate.rng.random() < 0.5)
    return _wish(fate, reader, weekly=fate.rng.choice((None, fate.rng.randrange(7))))


def keep(fate: "Fate", reader: Reader) -> bool:
    """Another rule for 29 February."""
    return _wish(fate, reader, leap_day=chance.leap_day(fate.rng))


def straddle(fate: "Fate", reader: Reader) -> bool:
    """To where the clock will soon be set, and for a birthday just then."""
    for zone in fate.rng.sample(fate.all_zones, 40):
        if times := walls.jumps(fate.world.now, SOON, zone):
            day, minute = fate.rng.choice(times)
            wished = {"leads": reader.wishes.leads | {0}} if reader.user else {}
            if _wish(fate, reader, zone=zone, minute=minute, quiet=None, **wished):
                return people_acts.add(fate, reader, (day.month, day.day))
    return False


def rule(fate: "Fate", reader: Reader) -> bool:
    """What a shared calendar or a group's sets for all."""
    home = reader.home
    if home.kind == "personal" or {home.owner, home.group} & fate.world.telegram.blocked:
        return False
    wished = chance.wishes(fate.rng) | {"zone": fate.rng.choice(fate.all_zones)}
    allowed = GROUPS if home.kind == "group" else tuple(wished)
    names = [name for name in wished if name in allowed and fate.rng.random() < 0.5]
    if names:
        fate.world.rule(home, **{name: wished[name] for name in names})
    return bool(names)


def press(fate: "Fate", _reader: Reader) -> bool:
    """A button under a message that came not long ago."""
    world = fate.world
    recent = [c for c in world.telegram.recent if c.at > world.now - 2 * DAY]
    recent = [c for c in recent if c.chat not in world.telegram.blocked]
    if not recent:
        return False
    # What came may differ from run to run; what befalls the others should not.
    luck = random.Random(world.now)
    return world.press(luck.choice(recent), luck.choice(("done", "tonight", "tomorrow")))


def _shared(fate: "Fate") -> Reader:
    shared = [r for r in fate.world.readers if r.home.kind == "other" and r.is_in]
    return fate.rng.choice([r for r in shared if not r.home.is_away] or shared)


def join(fate: "Fate", _reader: Reader) -> bool:
    """Somebody more in a shared calendar."""
    world, home = fate.world, _shared(fate).home
    inside = {r.user for r in world.readers if r.home is home and r.is_in}
    outside = sorted({r.user for r in world.readers if r.user} - inside - world.telegram.blocked)
    if home.is_away or home.owner in world.telegram.blocked or not outside:
        return False
    world.join(home, fate.rng.choice(outside), fate.rng.choice(("editor", "viewer")))
    return True


def leave(fate: "Fate", _reader: Reader) -> bool:
    """Somebody less."""
    reader = _shared(fate)
    if reader.home.is_away or reader.user in fate.world.telegram.blocked | {reader.home.owner}:
        return False
    fate.world.leave(reader)
    return True


def put_away(fate: "Fate", _reader: Reader) -> bool:
    """A shared calendar is deleted; a few days later it is wanted back."""
    reader = _shared(fate)
    if reader.home.is_away or reader.home.owner in fate.world.telegram.blocked:
        return False
    fate.world.put_away(reader.home)
    pause = fate.rng.choice((HOUR, DAY, 5 * DAY))
    fate.put_off(fate.world.now + fate.rng.randint(60, pause), bring_back, reader)
    return True


def bring_back(fate: "Fate", reader: Reader) -> None:
    """Its owner takes that back."""
    fate.world.bring_back(reader.home)


def migrate(fate: "Fate", _reader: Reader) -> bool:
    """A group becomes a supergroup."""
    telegram = fate.world.telegram
    reader = fate.rng.choice([r for r in fate.world.readers if r.user is None])
    if reader.chat in telegram.blocked | telegram.untold:
        return False
    telegram.move(reader.chat, -NEW_ID - fate.world.number())
    return True


def block(fate: "Fate", reader: Reader) -> bool:
    """Somebody blocks the bot, or it is put out of a group; for hours or weeks."""
    telegram = fate.world.telegram
    if reader.chat in telegram.blocked | telegram.untold:
        return False
    telegram.blocked.add(reader.chat)
    pause = fate.rng.choice((6 * HOUR, 3 * DAY, 10 * DAY, 30 * DAY, 60 * DAY))
    fate.put_off(fate.world.now + fate.rng.randint(60, pause), unblock, reader)
    return True


def unblock(fate: "Fate", reader: Reader) -> None:
    """Who has blocked the bot writes to it again; a group takes it in again."""
    fate.world.come_back(reader.chat)
