"""The table of operations, and how they find the bot, the user and the chat they are about."""

OPERATIONS = {}
LONGEST_WAIT = 60  # seconds that an operation may wait for something


def operation(function):
    """Registers `(world, params) -> JSON-able result` under its name."""
    OPERATIONS[function.__name__] = function
    return function


def user_of(world, p):
    if p.get("user") not in world.users:
        raise LookupError(f"no user {p.get('user')!r}: add_user first")
    return world.users[p["user"]]


def group_of(world, p):
    if p.get("chat") not in world.groups:
        raise LookupError(f"no group {p.get('chat')!r}: add_group first")
    return world.groups[p["chat"]]


def place(world, p):
    """(bot, user, chat) of an operation: the private chat unless `chat` is a group's id."""
    bot = world.bot(p.get("bot"))
    user = user_of(world, p) if p.get("user") is not None else None
    if p.get("chat") in (None, p.get("user")):
        return bot, user, world.private_chat(bot, user_of(world, p))
    return bot, user, group_of(world, p)


def seen(message):
    """A message as people and tests see it: with reply keyboards, revision, and if deleted."""
    extra = {"revision": message.revision, "deleted": message.deleted, "markup": message.markup}
    return {**message.public, **extra}
