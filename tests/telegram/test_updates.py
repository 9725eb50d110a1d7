"""getUpdates, its 409s, and webhooks, by raw HTTP."""

import json
import time

import pytest
import requests

from . import Simulator
from .probes import OTHER_POLL, Later, Listener, Raw, held, until


def test_updates_come_again_until_a_higher_offset_confirms_them(anna, bot):
    for text in ("one", "two", "three"):
        anna.send(text)
    first, second, third = bot.ok("getUpdates")
    assert bot.ok("getUpdates") == [first, second, third]
    assert bot.ok("getUpdates", offset=second["update_id"], limit=1) == [second]
    assert bot.ok("getUpdates", offset=third["update_id"] + 1, timeout=0) == []


def test_a_negative_offset_drops_older_updates(anna, bot):
    for text in ("one", "two", "three"):
        anna.send(text)
    assert [u["message"]["text"] for u in bot.ok("getUpdates", offset=-2)] == ["two", "three"]
    assert [u["message"]["text"] for u in bot.ok("getUpdates")] == ["two", "three"]


def test_a_held_poll_answers_as_soon_as_something_comes(sim, anna, bot):
    poll = Later(bot.ok, "getUpdates", timeout=20)
    until(lambda: held(sim))
    anna.send("hello")
    assert [u["message"]["text"] for u in poll.result(timeout=15)] == ["hello"]


def test_the_same_offset_again_waits_and_another_does_not(sim, bot):
    sim.set_delays(same_offset_wait=3600)
    bot.ok("getUpdates", offset=5)
    bot.ok("getUpdates", offset=6)
    sim.set_delays(same_offset_wait=0.4)
    began = time.monotonic()
    bot.ok("getUpdates", offset=6)
    assert time.monotonic() - began >= 0.3


def test_a_poll_that_waits_ends_the_older_one_with_409(sim, bot):
    older = Later(bot.refused, "getUpdates", timeout=20)
    until(lambda: held(sim))
    newer = Later(bot.ok, "getUpdates", offset=1, timeout=1)
    assert older.result(timeout=15) == (409, OTHER_POLL)
    assert newer.result() == []


def test_nobody_gets_a_409_while_updates_are_pending(sim, anna, bot):
    older = Later(bot.ok, "getUpdates", timeout=20)
    until(lambda: held(sim))
    anna.send("hello")
    assert older.result() == bot.ok("getUpdates", timeout=20) != []


def test_a_second_409_comes_late(sim, bot):
    sim.set_delays(conflict_gap=0.6)

    def poll(offset):
        started = Later(bot.refused, "getUpdates", offset=offset, timeout=20)
        until(lambda: len(sim.calls("getUpdates")) == offset and held(sim))
        return started

    first = poll(1)
    began = time.monotonic()
    second = poll(2)
    assert first.result() == (409, OTHER_POLL)
    poll(3)
    assert second.result() == (409, OTHER_POLL)
    assert time.monotonic() - began >= 0.6


def test_the_pauses_are_three_seconds_unless_scaled():
    with Simulator() as simulator:
        raw = Raw(simulator, simulator.add_bot().token)
        began = time.monotonic()
        raw.ok("getUpdates", offset=3)
        same = Later(raw.ok, "getUpdates", offset=3)
        assert same.result() == []
        assert time.monotonic() - began >= 3
        began = time.monotonic()
        raw.ok("setWebhook", url="http://127.0.0.1:1/")
        assert raw.refused("getUpdates")[0] == 409
        assert raw.refused("getUpdates")[0] == 409
        assert time.monotonic() - began >= 3


def test_a_client_that_leaves_during_a_poll_eats_no_update(sim, anna, bot):
    with pytest.raises(requests.Timeout):
        requests.get(bot.address + "getUpdates?timeout=20", timeout=0.3)
    until(lambda: not held(sim))
    anna.send("hello")
    assert [u["message"]["text"] for u in bot.ok("getUpdates")] == ["hello"]


def test_allowed_updates_are_remembered_and_leave_out_chat_member_by_default(sim, anna, bot):
    group = sim.add_group("Family", anna)
    group.add(sim.group(sim.state()["bots"][0]["id"]), "administrator")
    boris = sim.add_user("Boris")
    group.add(boris)
    kinds = [set(update) - {"update_id"} for update in bot.ok("getUpdates")]
    assert {"my_chat_member"} in kinds
    assert {"chat_member"} not in kinds
    bot.ok("getUpdates", offset=-1, allowed_updates=["chat_member"])
    group.remove(boris)
    anna.send("not wanted")
    last = bot.ok("getUpdates", offset=-1)[0]
    assert last["chat_member"]["new_chat_member"]["status"] == "kicked"


@pytest.mark.parametrize("how", ["query", "form", "multipart", "json"])
def test_parameters_may_come_in_every_way_a_client_writes_them(started, bot, how):
    fields = {"chat_id": started.id, "text": how, "reply_markup": json.dumps({"force_reply": True})}
    address = bot.address + "sendmessage"
    if how == "query":
        answer = requests.get(address, params=fields, timeout=30)
    elif how == "form":
        answer = requests.post(address, data=fields, timeout=30)
    elif how == "multipart":
        parts = {key: (None, str(value)) for key, value in fields.items()}
        answer = requests.post(address, files=parts, timeout=30)
    else:
        answer = requests.post(address, json=fields, timeout=30)
    assert answer.json()["result"]["text"] == how
    assert started.last_message().markup == {"force_reply": True}


def test_a_webhook_gets_updates_with_the_secret_and_again_after_a_failure(sim, anna, bot):
    got, statuses = [], iter([500, 500, 200, 200])

    def reply(handler, body):
        secret = handler.headers["X-Telegram-Bot-Api-Secret-Token"]
        got.append((secret, json.loads(body)["message"]["text"]))
        return next(statuses), {}, b""

    with Listener(reply) as hook:
        poll = Later(bot.refused, "getUpdates", timeout=20)
        until(lambda: held(sim))
        bot.ok("setWebhook", url=hook.url + "/hook", secret_token="s3cret")
        assert poll.result() == (409, "Conflict: terminated by setWebhook request")
        anna.send("one")
        anna.send("two")
        until(lambda: len(got) == 4)
        assert got == [("s3cret", text) for text in ("one", "one", "one", "two")]
        info = bot.ok("getWebhookInfo")
    until(lambda: bot.ok("getWebhookInfo")["pending_update_count"] == 0)
    assert "500 Internal Server Error" in info["last_error_message"]
    status, description = bot.refused("getUpdates")
    assert (status, "while webhook is active" in description) == (409, True)


def test_without_its_webhook_a_bot_gets_the_pending_updates_or_drops_them(anna, bot):
    bot.ok("setWebhook", url="http://127.0.0.1:1/")
    anna.send("kept")
    until(lambda: "last_error_message" in bot.ok("getWebhookInfo"))
    assert bot.ok("getWebhookInfo")["pending_update_count"] == 1
    bot.ok("deleteWebhook")
    assert [u["message"]["text"] for u in bot.ok("getUpdates")] == ["kept"]
    bot.ok("deleteWebhook", drop_pending_updates=True)
    assert bot.ok("getUpdates", offset=1) == []
