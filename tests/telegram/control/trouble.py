"""Making trouble: faults, a revoked token, limits, delays, a second poller."""

from ..errors import unauthorized
from ..rival import Rival
from .table import operation


@operation
def fail(world, p):
    """Injects a fault (fields of faults.Fault), given directly or under `fault`; returns its id."""
    what = dict(p.get("fault") or p)
    if what.get("bot") is not None:
        what["bot"] = world.bot(what["bot"]).id
    return world.faults.add(**what)


@operation
def clear_faults(world, p):
    world.faults.clear(p.get("id"))
    return True


@operation
def faults(world, p):  # noqa: ARG001
    return world.faults.listed()


@operation
def revoke(world, p):
    """The token is refused with 401 from now on (`on` false: it works again)."""
    bot = world.bot(p.get("bot"))
    bot.revoked = p.get("on", True)
    if bot.revoked:
        bot.queue.end_held(unauthorized())
    return True


@operation
def limits(world, p):
    world.limits.set(**{"enabled": True, **p})
    return True


@operation
def settings(world, p):
    """Changes delays of the server, returns them all."""
    for key, value in p.items():
        if not hasattr(world.settings, key):
            raise TypeError(f"no setting {key}")
        setattr(world.settings, key, value)
    return vars(world.settings)


@operation
def second_poller(world, p):
    bot = world.bot(p.get("bot"))
    with world.changed:
        running = world.rivals.pop(bot.id, None)
        if running:
            running.stop()
        if p.get("on", True):
            world.rivals[bot.id] = Rival(bot, p.get("steals", False))
    return True
