"""Groups and supergroups: who comes, who goes, and the upgrade. Called by `control` and leaveChat.

Bots learn of themselves by my_chat_member, of others by service messages, and by chat_member when
they are administrators and asked for it.
"""

import secrets

from .people import member_update
from .world import IN_GROUP, Bot, Chat


def create(world, title, group_id=None, supergroup=False, username=""):
    with world.changed:
        kind = "supergroup" if supergroup else "group"
        group = Chat(group_id or _new_id(supergroup), kind, title=title, username=username)
        world.groups[group.id] = group
        world.bump()
        return group


def _new_id(supergroup):
    number = 2_000_000_000 + secrets.randbelow(2_000_000_000)  # beyond 32 bits, as today's are
    return -(1_000_000_000_000 + number) if supergroup else -(2_000_000_000 + number)


def set_status(world, group, person, status, actor=None):
    """Makes `person` (a User or Bot) member, administrator, left, kicked … and tells the bots."""
    with world.changed:
        old = group.members.get(person.id, "left")
        group.members[person.id] = status
        actor = actor or _somebody(world, group, person)
        world.bump()
        if old != status:
            _tell(world, group, member_update(group, actor, person, (old, status)), person)
        _say(world, group, person, actor, (old in IN_GROUP, status in IN_GROUP))


def _tell(world, group, update, person):
    if isinstance(person, Bot):
        person.queue.push("my_chat_member", update)
    for bot in world.bots_in(group):
        if bot is not person and group.members[bot.id] == "administrator":
            bot.queue.push("chat_member", update)


def _say(world, group, person, actor, was_and_is):
    if was_and_is == (False, True):
        shown = [person.public()]
        world.say_service(group, actor, {"new_chat_members": shown})
    elif was_and_is == (True, False):
        world.say_service(group, actor, {"left_chat_member": person.public()})


def _somebody(world, group, person):
    people = [world.users[m] for m in group.members if m in world.users]
    return next((user for user in people if user is not person), person)


def upgrade(world, group):
    """The group becomes a supergroup with another id; the old one refuses messages from then on."""
    with world.changed:
        new = create(world, group.title, supergroup=True, username=group.username)
        new.members = dict(group.members)
        actor = _somebody(world, group, None)
        world.say_service(group, actor, {"migrate_to_chat_id": new.id})
        group.migrated_to = new.id
        world.say_service(new, actor, {"migrate_from_chat_id": group.id})
        return new
