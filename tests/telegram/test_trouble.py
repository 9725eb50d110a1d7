"""Faults, limits, a second poller, a Telegram that goes down."""

import time

import pytest
import requests

from .probes import OTHER_POLL, Later, held, until


def test_error_answers_come_as_often_as_asked_and_where_asked(sim, started, bot):
    boris = sim.add_user("Boris")
    boris.send("hi")
    sim.fail("sendMessage", chat=boris, times=2, status=500)
    texts = [bot("sendMessage", chat_id=boris.id, text="x")[0] for _ in range(3)]
    assert texts == [500, 500, 200]
    sim.fail("sendMessage", chat=boris, status=403, times=None)
    sim.fail("getMe", html=True)
    assert bot("sendMessage", chat_id=started.id, text="x")[0] == 200
    gateway = requests.get(bot.address + "getMe", timeout=30)
    assert (gateway.status_code, "<html>" in gateway.text) == (502, True)
    limited = sim.fail("getMe", retry_after=9, times=None)
    answer = requests.get(bot.address + "getMe", timeout=30)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "9")
    sim.clear_faults(limited)
    assert bot("getMe")[0] == 200
    assert bot("sendMessage", chat_id=boris.id, text="x")[0] == 403


def test_a_torn_connection_hides_whether_the_message_was_sent(sim, started, bot):
    for drop, arrived in (("before", 0), ("after", 1)):
        sim.fail("sendMessage", drop=drop)
        with pytest.raises(requests.ConnectionError):
            bot("sendMessage", chat_id=started.id, text=drop)
        assert len(started.received()) == arrived
    assert [call.status for call in sim.calls("sendMessage")] == [0, 0]


def test_hanging_and_slow_answers_take_their_time(sim, started, bot):
    sim.fail("getMe", hang=0.4)
    sim.fail(delay_ms=300, times=None)
    began = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        bot("getMe")
    assert time.monotonic() - began >= 0.4
    began = time.monotonic()
    slow = Later(bot.ok, "sendMessage", chat_id=started.id, text="late")
    started.wait_for_message("late")
    assert not slow.done
    slow.result()
    assert time.monotonic() - began >= 0.3


def test_sending_is_limited_when_asked(sim, started, bot):
    def pour(chat_ids):
        answers = [bot("sendMessage", chat_id=chat, text="x")[1] for chat in chat_ids]
        return [a["parameters"]["retry_after"] if "parameters" in a else 0 for a in answers]

    others = [sim.add_user() for _ in range(4)]
    for other in others:
        other.send("hi")
    assert pour([started.id] * 5) == [0] * 5
    sim.limit_sending()
    waits = pour([started.id] * 5)
    assert waits[:3] == [0, 0, 0]
    assert waits[3] in (2, 3)
    sim.limit_sending(per_second=2, chat_burst=50)
    assert pour([other.id for other in others]) == [0, 0, 1, 1]
    sim.limit_sending(chat_burst=50)
    group = sim.add_group("Family", started)
    waits = pour([group.id] * 21)
    assert waits[:20] == [0] * 20
    assert 55 <= waits[20] <= 60


def test_a_second_poller_provokes_conflicts_until_it_stops(sim, bot):
    sim.second_poller()
    until(lambda: held(sim))
    poll = Later(bot, "getUpdates", timeout=5)
    assert poll.result() == (409, {"ok": False, "error_code": 409, "description": OTHER_POLL})
    sim.second_poller(on=False)
    assert bot.ok("getUpdates", offset=1, timeout=2) == []


def test_telegram_can_go_down_and_come_back_with_all_it_knew(sim, started, bot):
    poll = Later(bot, "getUpdates", timeout=20)
    until(lambda: held(sim))
    sim.go_down()
    with pytest.raises(requests.ConnectionError):
        poll.result(timeout=15)
    with pytest.raises(requests.ConnectionError):
        bot("getMe")
    started.send("while down")
    sim.come_back()
    assert [u["message"]["text"] for u in bot.ok("getUpdates")] == ["while down"]
