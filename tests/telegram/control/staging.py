"""Setting the stage: bots, people and groups."""

from .. import groups
from ..updates import UpdateQueue
from ..world import Bot, User
from .table import group_of, operation, user_of


@operation
def add_bot(world, p):
    with world.changed:
        bot = Bot(
            p["token"],
            p.get("username") or f"test_{len(world.bots)}_bot",
            p.get("name") or "Test Bot",
            UpdateQueue(world.changed, world.settings),
            privacy=p.get("privacy", True),
        )
        world.bots[bot.token] = bot
        world.bump()
        return bot.public()


@operation
def add_user(world, p):
    with world.changed:
        user = User(**p)
        world.users[user.id] = user
        world.bump()
        return user.public()


@operation
def set_user(world, p):
    user = user_of(world, p)
    for key, value in p.items():
        if key == "user":
            continue
        if not hasattr(user, key):
            raise TypeError(f"a user has no {key}")
        setattr(user, key, value)
    world.bump()
    return user.public()


@operation
def add_group(world, p):
    group = groups.create(
        world, p["title"], p.get("id"), p.get("supergroup", False), p.get("username", "")
    )
    members = [user_of(world, {"user": member}) for member in p.get("members", [])]
    for number, member in enumerate(members):
        group.members[member.id] = "member" if number else "creator"
    for bot in p.get("bots", []):
        groups.set_status(world, group, world.bot(bot), "member")
    return group.public()


@operation
def set_member(world, p):
    person = world.person(p["member"])
    if person is None:
        raise LookupError(f"nobody has the id {p['member']}")
    groups.set_status(world, group_of(world, p), person, p["status"])
    return True


@operation
def upgrade_group(world, p):
    return groups.upgrade(world, group_of(world, p)).public()
