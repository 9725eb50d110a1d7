"""The bot when Telegram, its own programs or the way between them are in trouble."""

import datetime as dt
import http.server
import json
import sqlite3
import ssl
import subprocess
import threading
import time
from contextlib import closing

import pytest
import requests
from telebot import apihelper

from bot import trouble
from bot.clock import Clock
from bot.wire import Wire
from tests.operating import works
from tests.test_bot_process import api_works, ask
from tests.world import wait_for

# --- what each answer means ---------------------------------------------------------------


@pytest.fixture
def line(telegram, monkeypatch):
    """A call to the simulator as the bot makes it: (the error it raises, or None)."""
    bot = telegram.add_bot()
    wire = Wire(Clock())
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(apihelper, "API_URL", telegram.url + "/bot{0}/{1}")
    monkeypatch.setattr(apihelper, "CUSTOM_REQUEST_SENDER", wire.ask)
    monkeypatch.setattr(apihelper, "CONNECT_TIMEOUT", 5)
    monkeypatch.setattr(apihelper, "READ_TIMEOUT", 5)

    def call(method, **parameters):
        try:
            apihelper._make_request(bot.token, method, params=parameters)
        except Exception as error:
            return error if trouble.is_trouble(error) else pytest.fail(repr(error))
        return None

    call.wire = wire
    return call


SHAPES = ["", "null", "[]", "{}", '"ok"', '{"ok":true}', '{"ok":false}', "[" * 100_000,
          '{"ok":false,"error_code":"409","description":"x"}', '{"ok":1,"result":[]}']  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "what", "words"),
    [
        ({"status": 401}, "bot-unauthorized", "Unauthorized"),
        ({"status": 404}, "bot-unauthorized", "Not Found"),
        ({"status": 403}, "telegram-unreachable", "403 Forbidden"),
        ({"status": 500}, "telegram-unreachable", "500 Internal Server Error"),
        ({"html": True}, "telegram-unreachable", "status 502, and no JSON but text/html"),
        ({"html": True, "status": 200}, "telegram-unreachable", "no JSON but text/html"),
        ({"drop": "before"}, "telegram-unreachable", "torn"),
        ({"drop": "after"}, "telegram-unreachable", "torn"),
        *(({"body": text}, "telegram-unreachable", "JSON") for text in SHAPES),
    ],
    ids=lambda value: str(value)[:60],
)
def test_each_trouble_with_getting_updates_has_its_name(line, telegram, fault, what, words):
    telegram.fail("getUpdates", **fault)
    found = trouble.diagnose(line("getUpdates"))
    assert found.what == what
    assert words in found.detail


@pytest.mark.parametrize(("asked", "waits"), [(7, 7), (3600, 3600), (10**15, 86_400), (0, 1)])
def test_telegrams_wish_to_wait_is_honoured(line, telegram, asked, waits):
    telegram.fail("getUpdates", retry_after=asked)
    telegram.fail("sendMessage", retry_after=asked)
    assert trouble.diagnose(line("getUpdates")).seconds == waits
    assert trouble.failure(line("sendMessage", chat_id=1, text="x")).seconds == waits


def test_a_wish_to_wait_that_is_no_number_is_not_believed(line, telegram):
    text = '{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":"soon"}}'
    telegram.fail("getUpdates", body=text, status=429)
    assert trouble.diagnose(line("getUpdates")).seconds == 30


def test_silence_is_told_from_a_torn_connection(line, telegram, monkeypatch):
    monkeypatch.setattr(apihelper, "READ_TIMEOUT", 0.2)
    telegram.fail("sendMessage", hang=30)
    error = line("sendMessage", chat_id=1, text="x")
    assert "no answer in time" in trouble.diagnose(error).detail
    assert trouble.may_have_arrived(error)


def test_a_server_that_is_away_and_a_name_that_is_unknown_are_told_apart(
    line, telegram, monkeypatch
):
    telegram.go_down()
    refused = line("getUpdates")
    monkeypatch.setattr(apihelper, "API_URL", "http://nowhere.invalid/bot{0}/{1}")
    unknown = line("getUpdates")
    assert "refused" in trouble.diagnose(refused).detail
    assert "DNS" in trouble.diagnose(unknown).detail
    assert not trouble.may_have_arrived(refused)
    assert not trouble.may_have_arrived(unknown)


CA = """
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""
REQUEST = (
    "openssl req -newkey rsa:2048 -nodes -keyout key -out asked -subj /CN=x "
    "-addext subjectAltName=IP:127.0.0.1"
)
SIGN = (
    "openssl ca -batch -config ca -selfsign -keyfile key -in asked -out cert "
    "-startdate {} -enddate {}"
)


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        ("20200101000000Z", "20210101000000Z", "its certificate has expired; is this machine's"),
        ("20900101000000Z", "20910101000000Z", "not yet valid; is this machine's clock right"),
    ],
)
def test_a_certificate_out_of_its_time_makes_one_think_of_the_clock(
    line, tmp_path, monkeypatch, begins, ends, words
):
    (tmp_path / "ca").write_text(CA)
    (tmp_path / "index").touch()
    (tmp_path / "serial").write_text("01")
    for command in (REQUEST, SIGN.format(begins, ends)):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert"))
        address = f"https://127.0.0.1:{server.server_port}/bot{{0}}/{{1}}"
        monkeypatch.setattr(apihelper, "API_URL", address)
        assert words in trouble.diagnose(line("getUpdates")).detail


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        *(
            ({"status": 403, "description": f"Forbidden: {why}"}, "refused")
            for why in (
                "bot was blocked by the user",
                "user is deactivated",
                "bot was kicked from the supergroup chat",
                "bot is not a member of the supergroup chat",
                "bot can't initiate conversation with a user",
                "bots can't send messages to bots",
            )
        ),
        ({"status": 400, "description": "Bad Request: chat not found"}, "refused"),
        ({"status": 400, "description": "Bad Request: message is too long"}, "failed"),
        # A token that is revoked or mistyped is mended later: no reminder is lost by it.
        ({"status": 401}, "later"),
        ({"status": 404}, "later"),
        ({"status": 409}, "later"),
        ({"status": 500}, "later"),
        ({"html": True}, "later"),
        ({"html": True, "status": 403}, "later"),
        ({"drop": "before"}, "later"),
        *(({"body": text}, "later") for text in SHAPES),
    ],
    ids=lambda value: str(value)[:60],
)
def test_each_failure_of_a_message_is_judged(line, telegram, fault, state):
    telegram.fail("sendMessage", **fault)
    assert trouble.failure(line("sendMessage", chat_id=1, text="x")).state == state


def test_nothing_that_is_told_of_trouble_has_the_token_in_it(line, telegram):
    telegram.fail("getUpdates", status=500, description="see /bot123456:AAAAAAAAAAAAAAAAAAAAAAAA/x")
    assert "AAAA" not in trouble.diagnose(line("getUpdates")).detail
    telegram.go_down()
    error = line("getUpdates")
    assert "/bot" in str(error)
    assert "bot" not in trouble.diagnose(error).detail


def test_the_clock_of_telegram_is_compared_with_ours(line, telegram):
    telegram.set_delays(clock_ahead=300)
    line("getMe")
    assert -310 < line.wire.clock.ahead < -290
    assert abs(line.wire.clock.now() - time.time() - 300) < 10


# --- the process --------------------------------------------------------------------------


@pytest.fixture
def anna(telegram):
    return telegram.add_user("Anna")


@pytest.fixture
def admin(telegram):
    return telegram.add_user("Admin")


def database(service):
    return closing(sqlite3.connect(service.folder / "calendar.db", timeout=20))


def rows(service, sql, *values):
    with database(service) as connection, connection:
        return connection.execute(sql, values).fetchall()


def remember(service, person, *names):
    """The person has birthdays today, of which the reminders are due later (see `come_due`)."""
    today = dt.datetime.now(dt.UTC).date()
    for name in names:
        assert f"Saved: {name}" in ask(person, f"/add {name} {today.day}.{today.month}.1990").text


def come_due(service):
    """Let every rule come due now: one message to each person."""
    service.wait_for_zones()
    today = dt.datetime.now(dt.UTC).date().isoformat()
    rows(service, "UPDATE reminder_rules SET next_date = ?, next_due_at = 1", today)


def states(service):
    return [state for (state,) in rows(service, "SELECT state FROM ledger ORDER BY id")]


def reminders_of(person):
    """The reminders that the person sees in the chat."""
    return [message for message in person.messages() if "Birthdays today" in message.text]


def set_foreign_webhook(telegram, token):
    """As a program elsewhere would that has the same token."""
    hook = {"url": "http://other.example.org:1/hook"}
    answer = requests.post(f"{telegram.url}/bot{token}/setWebhook", json=hook, timeout=10)
    assert answer.json()["ok"]


def test_reminders_go_on_while_another_program_polls_and_operators_are_told_once(
    service, telegram, anna, admin
):
    running = service(ADMIN_TELEGRAM_IDS=admin.id)
    ask(admin, "/start")
    remember(running, anna, "Ada")
    telegram.second_poller(bot=running.bot_account)
    running.wait_for_bot("conflict")
    assert "Another program gets updates" in admin.wait_for_message().text
    come_due(running)
    assert "Birthdays today" in anna.wait_for_message().text
    assert admin.gets_nothing(within=8)
    telegram.second_poller(on=False, bot=running.bot_account)
    running.wait_for_bot("ok", timeout=120)
    assert "This is over" in admin.wait_for_message().text
    assert running.log("bot").count("conflict: another program") == 1


def test_a_foreign_webhook_is_named_and_goes_only_when_asked_to(service, telegram, anna, admin):
    running = service(ADMIN_TELEGRAM_IDS=admin.id)
    ask(admin, "/start")
    remember(running, anna, "Ada")
    set_foreign_webhook(telegram, running.token)
    running.wait_for_bot("conflict")
    assert "other.example.org" in admin.wait_for_message().text
    assert rows(running, "SELECT detail FROM bot_state") == [("by other.example.org",)]
    come_due(running)
    assert "Birthdays today" in anna.wait_for_message().text
    api_works(running)
    assert telegram.state()["bots"][0]["webhook"] == "http://other.example.org:1/hook"
    said = works(running.folder, "take-over", **running.environment)
    assert "other.example.org is removed" in said
    running.wait_for_bot("ok", timeout=60)
    assert "Hello" in ask(anna, "/start").text
    log = running.log("bot")
    assert log.count("while webhook is active") == 1
    assert log.count("the webhook is gone; polling for updates") == 1
    said = works(running.folder, "take-over", **running.environment)
    assert "nothing to take over" in said


def test_the_bot_started_with_take_over_removes_a_foreign_webhook(service, telegram, anna):
    running = service("web")
    set_foreign_webhook(telegram, running.token)
    running.start("bot", "--take-over")
    running.wait_for_bot("ok")
    assert "Hello" in ask(anna, "/start").text
    assert "the webhook at other.example.org is removed" in running.log("bot")


def test_a_message_that_breaks_the_program_is_kept_and_told_once(service, telegram, anna, admin):
    running = service(ADMIN_TELEGRAM_IDS=admin.id)
    ask(admin, "/start")
    for _ in range(2):
        anna.send("/start", contact=5)
    assert "Hello" in ask(anna, "/start").text
    said = admin.wait_for_message().text
    assert "was set aside" in said
    assert admin.gets_nothing(within=3)
    kept = rows(running, "SELECT body, broken FROM incoming_updates")
    assert len(kept) == 2
    assert json.loads(kept[0][0])["message"]["from"]["id"] == anna.id
    assert all("\n" not in reason and reason for _, reason in kept)
    assert running.log("bot").count("Traceback") == 2
    running.terminate("bot")
    running.start("bot")
    assert "Hello" in ask(anna, "/start").text
    assert running.log("bot").count("Traceback") == 2


def test_a_reminder_whose_answer_was_torn_off_comes_twice_at_most_and_is_counted(
    service, telegram, anna
):
    running = service()
    remember(running, anna, "Ada")
    telegram.fail("sendMessage", drop="after", chat=anna)
    come_due(running)
    wait_for(lambda: states(running) in (["sent"], ["late"]), timeout=60)
    assert len(reminders_of(anna)) == 2
    assert running.log("bot").count("a message may come twice (1 so far)") == 1
    counts = dict(rows(running, "SELECT name, value FROM counters"))
    assert counts["sends_later"] == 1
    assert counts.get("sends_sent", 0) + counts.get("sends_late", 0) == 1


@pytest.mark.parametrize(
    "fault",
    [{"html": True}, {"retry_after": 1}, {"drop": "before"}, {"status": 401}],
    ids=str,
)
def test_trouble_with_sending_loses_no_reminder_and_doubles_none(service, telegram, fault):
    running = service()
    people = [telegram.add_user(name) for name in ("Anna", "Boris", "Clara")]
    for person in people:
        remember(running, person, "Ada")
    telegram.fail("sendMessage", times=4, **fault)
    come_due(running)
    done = ({"sent"}, {"late"}, {"sent", "late"})
    wait_for(lambda: len(states(running)) == 3 and set(states(running)) in done, timeout=90)
    assert [len(reminders_of(person)) for person in people] == [1, 1, 1]


def test_a_flood_of_429_makes_the_bot_wait_and_not_hammer(service, telegram):
    running = service()
    people = [telegram.add_user(f"P{number}") for number in range(8)]
    for person in people:
        remember(running, person, "Ada")
    before = len(telegram.calls("sendMessage"))
    telegram.fail("sendMessage", times=None, retry_after=9)
    come_due(running)
    wait_for(lambda: len(telegram.calls("sendMessage")) - before >= 3)
    time.sleep(2)
    asked = len(telegram.calls("sendMessage"))
    time.sleep(3)
    # Telegram wants to be left alone: what was in flight was refused, and no more is sent.
    assert len(telegram.calls("sendMessage")) == asked
    telegram.clear_faults()
    wait_for(lambda: set(states(running)) <= {"sent", "late"}, timeout=90)
    assert all(len(reminders_of(person)) == 1 for person in people)


def test_after_telegram_was_away_reminders_come_at_once(service, telegram, anna):
    running = service()
    remember(running, anna, "Ada")
    telegram.go_down()
    running.wait_for_bot("unreachable", timeout=40)
    come_due(running)
    wait_for(lambda: rows(running, "SELECT 1 FROM ledger WHERE attempts > 1"), timeout=90)
    telegram.come_back()
    # However long it was away, the next try is half a minute off at most.
    assert "Birthdays today" in anna.wait_for_message().text


def test_a_wrong_clock_is_told_to_the_operators(service, telegram, admin):
    telegram.set_delays(clock_ahead=-3600)
    running = service(ADMIN_TELEGRAM_IDS=admin.id)
    ask(admin, "/start")
    assert "clock is 36" in admin.wait_for_message().text
    telegram.set_delays(clock_ahead=0)
    assert "This is over" in admin.wait_for_message().text
    log = running.log("bot")
    assert (log.count("clock: this machine's"), log.count("clock is right again")) == (1, 1)


# --- the dead man's switch ----------------------------------------------------------------


class Watcher(http.server.ThreadingHTTPServer):
    """Somebody who waits for the calls to HEARTBEAT_URL, and counts them."""

    def __init__(self, status=200):
        self.calls = []
        watcher = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                watcher.calls.append(self.path)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}/ping/very-secret"


@pytest.fixture
def watcher():
    with Watcher() as server:
        yield server
        server.shutdown()


def test_the_heartbeat_is_called_while_reminders_are_in_time(service, watcher):
    running = service(HEARTBEAT_URL=watcher.url)
    wait_for(lambda: watcher.calls == ["/ping/very-secret"])
    assert "very-secret" not in running.log("bot")


def test_the_heartbeat_rests_while_reminders_are_overdue(service, telegram, watcher, anna):
    running = service()
    remember(running, anna, "Ada")
    telegram.fail("sendMessage", times=None, status=500)
    come_due(running)
    wait_for(lambda: states(running) == ["planned"])
    running.terminate("bot")
    running.environment["HEARTBEAT_URL"] = watcher.url
    running.start("bot")
    running.wait_for_bot("ok", timeout=40)
    time.sleep(3)
    assert watcher.calls == []
    telegram.clear_faults()
    wait_for(lambda: watcher.calls, timeout=60)


def test_a_heartbeat_that_fails_is_told_once_and_without_its_address(service):
    with Watcher(status=500) as broken:
        running = service(HEARTBEAT_URL=broken.url)
        wait_for(lambda: "the heartbeat fails: HTTPError 500" in running.log("bot"))
        assert "very-secret" not in running.log("bot")
        broken.shutdown()
