"""Looking on: messages, calls of the Bot API, the state of everything, initData."""

import json
import time

from .. import webapps
from .table import LONGEST_WAIT, operation, place, seen


@operation
def messages(world, p):
    """Messages of a chat changed after revision `after`; waits up to `wait` s for the first."""
    _, _, chat = place(world, p)
    after = p.get("after", 0)

    def changed():
        if chat.revision <= after:
            return []
        return [m for m in list(chat.messages.values()) if m.revision > after]

    found = world.wait_until(changed, min(p.get("wait", 0), LONGEST_WAIT))
    return {"revision": world.revision, "messages": [seen(m) for m in found]}


@operation
def watch(world, p):
    """For the page: changed messages and all that surrounds them, after at most `wait` seconds."""
    bot, user, chat = place(world, p)
    before = json.dumps(webapps.shown(bot, user, chat)) if p.get("after") else None

    def news():
        newer = chat.revision > p.get("after", 0)
        return newer or json.dumps(webapps.shown(bot, user, chat)) != before

    world.wait_until(news, min(p.get("wait", 0), LONGEST_WAIT))
    with world.changed:
        return {**messages(world, {**p, "wait": 0}), **webapps.shown(bot, user, chat)}


@operation
def calls(world, p):
    """Calls of the Bot API, oldest first; `after` is the number of the last one known."""
    method = (p.get("method") or "").lower()
    chat = p.get("chat")
    return [
        record.as_json()
        for record in list(world.calls)
        if record.number > p.get("after", 0)
        and method in ("", record.method.lower())
        and (p.get("bot") is None or record.token == world.bot(p["bot"]).token)
        and (chat is None or str(record.params.get("chat_id")) == str(chat))
    ]


@operation
def init_data(world, p):
    bot, user, chat = place(world, p)
    return webapps.init_data(bot, user, chat, **(p.get("fields") or {}))


@operation
def state(world, p):  # noqa: ARG001
    """Who is there; never a token."""
    with world.changed:
        return {
            "bots": [_bot_state(world, bot) for bot in world.bots.values()],
            "users": [user.public() for user in world.users.values()],
            "groups": [
                {**group.public(), "members": list(group.members)}
                for group in world.groups.values()
                if not group.migrated_to
            ],
            "faults": world.faults.listed(),
            "webapp_url": world.webapp_url,
            "bugs": list(world.bugs),
            "time": time.time(),
        }


def _bot_state(world, bot):
    return {
        **bot.public(),
        "pending_updates": len(bot.queue.pending),
        "polling": bot.queue.held is not None,
        "webhook": bot.queue.webhook_url,
        "allowed_updates": bot.queue.allowed,
        "revoked": bot.revoked,
        "last_call": bot.last_call,
        "second_poller": bot.id in world.rivals,
        "commands": [
            {"scope": json.loads(scope), "language_code": language, "commands": listed}
            for (scope, language), listed in bot.commands.items()
        ],
    }
