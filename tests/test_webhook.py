"""BOT_MODE=webhook: what Telegram posts is checked, kept, and worked off, once, by the bot."""

import json
import select
import socket
import socketserver
import threading

import pytest

from calendar_app import api, config, incoming, models
from tests.test_bot_process import ask
from tests.test_bot_trouble import come_due, remember, rows, set_foreign_webhook
from tests.world import TOKEN, settings, wait_for

PATH = "/telegram/webhook"
MODE = {"BOT_MODE": "webhook", "TELEGRAM_WEBAPP_URL": "https://calendar.example.org/"}
SECRET = incoming.secret(config.webapp_key(TOKEN), 1_234_567_890)
UPDATE = {"update_id": 7, "message": {"text": "half a character: \ud83d, NUL: \0"}}


@pytest.fixture
def client(tmp_path, clock):
    config = settings(tmp_path, **MODE)
    yield api.create_app(config, clock).test_client()
    models.disconnect()


def post(client, body=UPDATE, secret=SECRET):
    headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
    return client.post(
        PATH, headers=headers, data=json.dumps(body), content_type="application/json"
    )


def kept():
    return models.rows("SELECT bot_id, update_id, body FROM incoming_updates").fetchall()


def test_an_update_is_kept_once_however_often_it_comes(client):
    assert [post(client).status_code for _ in range(3)] == [200, 200, 200]
    [(bot_id, update_id, body)] = kept()
    assert (bot_id, update_id, json.loads(body)) == (1_234_567_890, 7, UPDATE)
    assert incoming.waiting(1_234_567_890) == [UPDATE]
    assert incoming.waiting(1) == []


@pytest.mark.parametrize(
    "secret",
    [None, "", "x", SECRET[:-1], SECRET + "0", SECRET.upper(), "1" + SECRET, "1234567890-",
     SECRET.replace("1", "２"), "-" + SECRET.partition("-")[2], "é" * 80, "9" * 400 + "-x"],
)  # fmt: skip
def test_who_does_not_know_the_secret_is_refused(client, secret):
    sent = secret.encode().decode("latin-1") if secret else secret
    answer = post(client, secret=sent)
    assert answer.status_code == 403
    assert answer.mimetype == "application/problem+json"
    assert kept() == []


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"json": None, "data": b"{", "content_type": "application/json"}, 400),
        ({"json": None, "data": b"{}", "content_type": "text/plain"}, 415),
        ({"json": None, "data": b" " * 300_000, "content_type": "application/json"}, 413),
        ({"json": {}}, 422),
        ({"json": []}, 422),
        ({"json": None, "data": b"null", "content_type": "application/json"}, 422),
        ({"json": {"update_id": "7"}}, 422),
        ({"json": {"update_id": True}}, 422),
        ({"json": {"update_id": -1}}, 422),
        ({"json": {"update_id": 2**63}}, 422),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_no_update_is_refused(client, more, status):
    more = {name: value for name, value in more.items() if value is not None}
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
    answer = client.post(PATH, headers=headers, **more)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"]
    assert kept() == []


def test_other_methods_are_refused(client):
    answer = client.get(PATH)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_while_the_bot_polls_there_is_no_such_address(app):
    assert post(app.test_client()).status_code == 404


def test_without_a_token_telegram_is_asked_to_come_again(tmp_path):
    bare = settings(tmp_path, TELEGRAM_BOT_TOKEN="", **MODE)
    answer = post(api.create_app(bare).test_client())
    models.disconnect()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_the_secret_of_one_bot_is_none_for_another(client):
    other = incoming.secret(config.webapp_key("1:other-token"), 1_234_567_890)
    assert post(client, secret=other).status_code == 403


@pytest.mark.parametrize(
    ("app", "hook"),
    [
        ("https://calendar.example.org", "https://calendar.example.org/telegram/webhook"),
        ("https://calendar.example.org:8443/app/?v=1", "https://calendar.example.org:8443/telegram/webhook"),
    ],
)  # fmt: skip
def test_telegram_is_told_the_address_beside_the_mini_app(tmp_path, app, hook):
    assert incoming.address(settings(tmp_path, TELEGRAM_WEBAPP_URL=app)) == hook


# --- with Telegram, web and bot as they are ----------------------------------------------


class Door(socketserver.ThreadingTCPServer):
    """A TCP port that leads to a unix socket, as nginx does."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        self.leads_to = ""
        super().__init__(("127.0.0.1", 0), Passage)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Passage(socketserver.BaseRequestHandler):
    def handle(self):
        with socket.socket(socket.AF_UNIX) as inside:
            try:
                inside.connect(self.server.leads_to)
                self.carry({self.request: inside, inside: self.request})
            except OSError:
                return

    def carry(self, ways):
        while True:
            for end in select.select(list(ways), [], [], 60)[0]:
                data = end.recv(65536)
                if not data:
                    return
                ways[end].sendall(data)


@pytest.fixture
def door():
    with Door() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def running(service, door):
    """The service in webhook mode, its web behind the door."""
    started = service(BOT_MODE="webhook", TELEGRAM_WEBAPP_URL=f"{door.url}/app/")
    door.leads_to = str(started.socket)
    started.wait_for_bot("ok")
    return started


@pytest.fixture
def anna(telegram):
    return telegram.add_user("Anna")


def hook_of(telegram):
    return telegram.state()["bots"][0]["webhook"]


def test_messages_come_by_webhook_and_are_answered_in_order(running, telegram, door, anna):
    assert hook_of(telegram) == door.url + PATH
    for number in range(1, 6):
        anna.send(f"/add Person{number} {number}.1.")
    wait_for(lambda: len([m for m in anna.messages() if "Saved" in m.text]) == 5)
    said = [m.text for m in anna.messages() if m.from_bot]
    assert [f"Person{n}" in said[n - 1] for n in range(1, 6)] == [True] * 5
    assert ask(anna, "/list").text.count("Person") == 5
    assert telegram.calls("getUpdates") == []
    wait_for(lambda: rows(running, "SELECT * FROM incoming_updates") == [])
    call = telegram.calls("setWebhook")[0]
    assert call.params["allowed_updates"] == incoming.KINDS
    assert call.params["secret_token"] not in running.log("bot") + running.log("web")
    assert "receiving updates by webhook" in running.log("bot")


def test_what_comes_while_the_bot_is_dead_waits_and_is_answered_once(running, anna):
    ask(anna, "/start")
    running.kill("bot")
    anna.send("/add Ada 10.12.1815")
    wait_for(lambda: rows(running, "SELECT * FROM incoming_updates"))
    running.start("bot")
    assert "Saved: Ada" in anna.wait_for_message().text
    assert ask(anna, "/list").text.count("Ada") == 1


def test_what_comes_while_the_web_is_away_waits_at_telegram_and_it_is_told(running, anna):
    ask(anna, "/start")
    running.terminate("web")
    anna.send("/add Ada 10.12.1815")
    wait_for(lambda: "cannot deliver to our webhook" in running.log("bot"), timeout=90)
    running.start("web")
    assert "Saved: Ada" in anna.wait_for_message().text
    running.wait_for_bot("ok", timeout=60)


def test_reminders_are_sent_in_webhook_mode(running, anna):
    remember(running, anna, "Ada")
    come_due(running)
    assert "Birthdays today" in anna.wait_for_message().text


def test_going_back_to_polling_and_again_to_webhook_loses_nothing(running, telegram, door, anna):
    ask(anna, "/start")
    running.kill("bot")
    anna.send("/add Ada 10.12.1815")
    wait_for(lambda: rows(running, "SELECT * FROM incoming_updates"))
    running.terminate("web")
    anna.send("/add Grace 9.12.1906")
    running.environment["BOT_MODE"] = "polling"
    running.start("web")
    running.start("bot")
    wait_for(lambda: len([m for m in anna.messages() if "Saved" in m.text]) == 2)
    assert hook_of(telegram) == ""
    said = [m.text for m in anna.messages() if "Saved" in m.text]
    assert "Ada" in said[0]
    assert "Grace" in said[1]
    running.terminate("bot")
    running.terminate("web")
    anna.send("/add Mary 30.8.1797")
    running.environment["BOT_MODE"] = "webhook"
    running.start("web")
    running.start("bot")
    assert "Saved: Mary" in anna.wait_for_message().text
    assert ask(anna, "/list").text.count(" December") == 2
    assert hook_of(telegram) == door.url + PATH


def test_somebody_who_takes_the_webhook_is_named_and_not_fought(running, telegram, door):
    set_foreign_webhook(telegram, running.token)
    running.wait_for_bot("conflict", timeout=60)
    assert rows(running, "SELECT detail FROM bot_state") == [("by other.example.org",)]
    assert hook_of(telegram) == "http://other.example.org:1/hook"
    running.terminate("bot")
    # Whoever starts the bot in this mode wants the webhook.
    running.start("bot")
    running.wait_for_bot("ok")
    assert hook_of(telegram) == door.url + PATH
    assert "webhook at other.example.org is replaced by ours" in running.log("bot")


def test_a_webhook_that_telegram_does_not_take_is_tried_again(service, telegram, door, anna):
    telegram.fail("setWebhook", times=2, status=400, description="Bad Request: bad webhook: no")
    started = service(BOT_MODE="webhook", TELEGRAM_WEBAPP_URL=door.url)
    door.leads_to = str(started.socket)
    started.wait_for_bot("ok", timeout=60)
    wait_for(lambda: "bad webhook: no" in started.log("bot"), timeout=60)
    assert "Hello" in ask(anna, "/start").text
