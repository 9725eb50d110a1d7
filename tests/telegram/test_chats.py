"""Who may write where: every refusal, privacy mode, the upgrade of a group."""

import pytest

from .probes import Later, Raw, held, until


def test_each_refusal_of_a_private_chat_has_its_words(sim, anna, bot):
    def refusal():
        return bot.refused("sendMessage", chat_id=anna.id, text="x")

    assert refusal() == (403, "Forbidden: bot can't initiate conversation with a user")
    anna.allow()
    bot.ok("sendMessage", chat_id=anna.id, text="x")
    anna.block()
    assert refusal() == (403, "Forbidden: bot was blocked by the user")
    anna.unblock()
    changes = [u["my_chat_member"] for u in bot.ok("getUpdates") if "my_chat_member" in u]
    assert [c["new_chat_member"]["status"] for c in changes] == ["kicked", "member"]
    anna.deactivate()
    assert refusal() == (403, "Forbidden: user is deactivated")


@pytest.mark.parametrize("supergroup", [False, True])
def test_each_refusal_of_a_group_has_its_words(sim, anna, bot, supergroup):
    group = sim.add_group("Family", anna, supergroup=supergroup)
    kind = "supergroup" if supergroup else "group"
    me = sim.group(sim.state()["bots"][0]["id"])
    bot.ok("sendMessage", chat_id=group.id, text="x")
    group.remove(me)
    refused = bot.refused("sendMessage", chat_id=group.id, text="x")
    assert refused == (403, f"Forbidden: bot was kicked from the {kind} chat")
    group.add(me)
    bot.ok("leaveChat", chat_id=group.id)
    refused = bot.refused("sendMessage", chat_id=group.id, text="x")
    assert refused == (403, f"Forbidden: bot is not a member of the {kind} chat")
    changes = [u["my_chat_member"] for u in bot.ok("getUpdates") if "my_chat_member" in u]
    statuses = [c["new_chat_member"]["status"] for c in changes]
    assert statuses == ["member", "kicked", "member", "left"]


def test_a_group_that_became_a_supergroup_names_its_new_id(sim, anna, bot):
    old = sim.add_group("Family", anna)
    new = old.upgrade()
    status, body = bot("sendMessage", chat_id=old.id, text="x")
    assert (status, body["description"], body["parameters"]) == (
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        {"migrate_to_chat_id": new.id},
    )
    assert str(new.id).startswith("-100")
    bot.ok("sendMessage", chat_id=new.id, text="x")
    services = [u["message"] for u in bot.ok("getUpdates")[-2:]]
    assert services[0]["migrate_to_chat_id"] == new.id
    assert services[1]["migrate_from_chat_id"] == old.id


def test_privacy_mode_shows_a_bot_commands_replies_and_mentions_only(sim, anna, bot):
    nosy = Raw(sim, sim.add_bot(username="nosy_bot", privacy=False).token)
    group = sim.add_group("Family", anna, bots=[b["id"] for b in sim.state()["bots"]])
    asked = bot.ok("sendMessage", chat_id=group.id, text="What?")
    anna.send("secret", chat=group)
    anna.send("/next", chat=group)
    anna.send("/next@nosy_bot", chat=group)
    anna.send("hi @echo_bot", chat=group)
    anna.send("that", chat=group, reply_to=asked["message_id"])

    def texts(raw):
        return [
            u["message"]["text"] for u in raw.ok("getUpdates") if "text" in u.get("message", "")
        ]

    assert texts(bot) == ["/next", "hi @echo_bot", "that"]
    assert texts(nosy) == ["secret", "/next", "/next@nosy_bot", "hi @echo_bot", "that"]


def test_tokens_and_methods_are_checked_and_bots_are_apart(sim, anna, bot):
    other = Raw(sim, sim.add_bot().token)
    anna.send("for the first")
    assert (other.ok("getUpdates"), len(bot.ok("getUpdates"))) == ([], 1)
    assert Raw(sim, "123:abc").refused("getMe") == (401, "Unauthorized")
    assert Raw(sim, "nonsense").refused("getMe") == (404, "Not Found")
    assert bot.refused("getNothing") == (404, "Not Found: method not found")
    last = bot.ok("getUpdates")[-1]["update_id"]
    poll = Later(bot.refused, "getUpdates", offset=last + 1, timeout=20)
    until(lambda: held(sim))
    sim.revoke()
    assert poll.result() == bot.refused("getMe") == (401, "Unauthorized")
    assert other.ok("getMe")["is_bot"]
