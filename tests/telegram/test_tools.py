"""The tests' own tools: waiting, initData, links, the control API of another process."""

import hashlib
import hmac
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiogram.utils.web_app import safe_parse_webapp_init_data

from . import Simulator
from .probes import token


def test_waiting_for_a_message_never_finds_an_old_one(started, bot):
    bot.ok("sendMessage", chat_id=started.id, text="hello")
    assert started.wait_for_message("hello")
    with pytest.raises(AssertionError, match="no message with 'hello'"):
        started.wait_for_message("hello", timeout=0.1)
    bot.ok("sendMessage", chat_id=started.id, text="hello")
    started.send("newer")
    assert started.gets_nothing(within=0.1)
    bot.ok("sendMessage", chat_id=started.id, text="unasked")
    with pytest.raises(AssertionError, match="unasked"):
        started.gets_nothing(within=0.1)


def test_init_data_validates_by_hmac_and_by_aiogram(sim, started):
    app = started.open_app(url="https://e.org/app", start_param="b_1")
    fields = dict(parse_qsl(app.init_data, keep_blank_values=True))
    received = fields.pop("hash")
    secret = hmac.new(b"WebAppData", token(sim).encode(), hashlib.sha256).digest()
    lines = "\n".join(f"{key}={fields[key]}" for key in sorted(fields))
    assert hmac.new(secret, lines.encode(), hashlib.sha256).hexdigest() == received
    assert "signature" in fields
    assert safe_parse_webapp_init_data(token(sim), app.init_data).user.id == started.id
    with pytest.raises(ValueError, match="Invalid"):
        safe_parse_webapp_init_data(token(sim) + "x", app.init_data)
    fragment = dict(parse_qsl(urlsplit(app.launch).fragment))
    assert fragment["tgWebAppData"] == app.init_data
    old = safe_parse_webapp_init_data(token(sim), started.init_data(auth_date=1_700_000_000))
    assert old.auth_date.timestamp() == 1_700_000_000


def test_links_to_the_bot_start_it_or_open_its_mini_app(sim, anna, bot):
    assert anna.follow("https://t.me/echo_bot?start=invite_7").message.text == "/start invite_7"
    bot.ok("setChatMenuButton", menu_button={"type": "web_app", "text": "A", **_app("/x")})
    app = anna.follow("https://t.me/echo_bot/app?startapp=b_9")
    assert "tgWebAppStartParam=b_9" in app.launch
    assert dict(parse_qsl(app.init_data))["start_param"] == "b_9"


def _app(path):
    return {"web_app": {"url": f"https://e.org{path}"}}


def test_another_process_drives_it_through_the_control_api(sim, anna, bot):
    far = Simulator.connect(sim.url)
    far.user(anna.id).send("from afar")
    assert bot.ok("getUpdates")[0]["message"]["text"] == "from afar"
    bot.ok("sendMessage", chat_id=anna.id, text="answer")
    assert far.user(anna.id).wait_for_message("answer")
    assert [call.method for call in far.calls("SENDMESSAGE")] == ["sendMessage"]
    with pytest.raises(LookupError, match="no user 5"):
        far.user(5).send("x")


def test_a_mistake_of_the_simulator_fails_the_test(sim, bot, capsys):
    sim.world.limits = None
    assert bot.refused("sendMessage", chat_id=1, text="x")[0] == 500
    with pytest.raises(AssertionError, match="bug in the simulator"):
        sim.close()
    assert "Traceback" in capsys.readouterr().err
    sim.world.bugs.clear()
