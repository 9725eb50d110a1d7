"""The bot as a process: stopped, killed, restarted; rivals, wrong tokens, Telegram in trouble."""

import re
import secrets

import pytest

from tests.world import init_data, wait_for


def ask(person, text):
    """What the bot answers to a message."""
    person.send(text)
    return person.wait_for_message()


@pytest.fixture
def running(service):
    return service()


@pytest.fixture
def anna(telegram):
    return telegram.add_user("Anna")


def api_works(service):
    """A birthday is added, read, changed and deleted through the API."""
    headers = {"X-Init-Data": init_data("Alice", token=service.token)}
    ada = {"full_name": "Ada", "birth_date": "1815-12-10"}
    made = service.request("POST", "/api/birthdays", json=ada, headers=headers)
    assert made.status_code == 201
    address = f"/api/birthdays/{made.json()['id']}"
    changed = service.request("PUT", address, json=ada | {"full_name": "Eve"}, headers=headers)
    assert changed.json()["full_name"] == "Eve"
    assert service.get("/api/calendar/2026-12-10", headers=headers).json()["birthdays"]
    deleted = service.request("DELETE", address, headers=headers)
    assert deleted.json() == {"status": "deleted"}
    assert service.get("/health").status_code == 200


def test_a_question_survives_a_restart_of_the_bot(anna, running):
    ask(anna, "/add Ada")
    assert running.terminate("bot") == 0
    anna.send("10.12.1815")
    running.start("bot")
    assert "Saved: Ada, 10 December 1815" in anna.wait_for_message().text


def test_what_was_written_while_the_bot_was_dead_is_answered_once(anna, running):
    ask(anna, "/start")
    running.kill("bot")
    anna.send("/add Ada 10.12.1815")
    running.start("bot")
    assert "Saved: Ada" in anna.wait_for_message().text
    assert ask(anna, "/list").text.count("Ada") == 1


def test_sigterm_ends_the_bot_in_the_middle_of_a_held_poll(anna, running, telegram):
    ask(anna, "/start")
    wait_for(lambda: any(bot["polling"] for bot in telegram.state()["bots"]))
    assert running.terminate("bot") == 0
    running.wait_for_bot("stopped")
    anna.send("/add Ada 10.12.1815")
    assert anna.gets_nothing(within=1)


def test_the_web_goes_on_when_the_bot_is_killed(anna, running):
    ask(anna, "/start")
    running.wait_for_bot("ok")
    running.kill("bot")
    running.wait_for_bot("stopped")
    assert running.get("/health/ready").json()["status"] == "degraded"
    api_works(running)


def test_a_bot_that_is_switched_off_makes_no_traffic_and_counts_as_well(service, telegram):
    off = service(ENABLE_TELEGRAM_BOT="false")
    off.wait_for_bot("disabled")
    assert off.checks()["reminders"]["status"] == "paused"
    assert off.get("/health/ready").json()["status"] == "ok"
    api_works(off)
    assert telegram.calls() == []
    assert off.terminate("bot") == 0


def test_a_wrong_token_is_named_and_the_bot_lives_on(service, telegram):
    # Nobody else's, as a token is one bot's at a time on the whole machine.
    wrong = service(TELEGRAM_BOT_TOKEN=f"1234567890:{secrets.token_hex(16)}")
    wrong.wait_for_bot("unauthorized")
    api_works(wrong)
    assert wrong.processes["bot"].poll() is None
    assert wrong.log("bot").count("does not know the bot token") == 1


def test_even_a_token_that_is_too_short_stays_out_of_the_log(service):
    short = service("bot", TELEGRAM_BOT_TOKEN="999:wrong", TELEGRAM_API_URL="http://127.0.0.1:1")
    wait_for(lambda: "Telegram cannot be reached" in short.log("bot"))
    assert "wrong" not in short.log("bot")


def test_no_token_stops_nothing_and_sign_in_says_503(service):
    without = service("web", TELEGRAM_BOT_TOKEN="")
    answer = without.get("/api/birthdays", headers={"X-Init-Data": init_data("Alice", token="")})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "no bot token" in answer.json()["detail"]


def test_a_second_poller_is_a_conflict_with_one_line_at_its_beginning_and_one_at_its_end(
    anna, running, telegram
):
    ask(anna, "/start")
    telegram.second_poller(bot=running.bot_account)
    running.wait_for_bot("conflict")
    api_works(running)
    telegram.second_poller(on=False, bot=running.bot_account)
    # It is over when 35 seconds have passed without a conflict.
    running.wait_for_bot("ok", timeout=90)
    log = running.log("bot")
    assert len(re.findall("conflict: another program", log)) == 1
    assert len(re.findall("the conflict is over", log)) == 1
    assert "Hello" in ask(anna, "/start").text


def test_telegram_gone_and_back_is_named_and_nothing_is_lost(anna, running, telegram):
    ask(anna, "/start")
    telegram.go_down()
    running.wait_for_bot("unreachable")
    api_works(running)
    telegram.come_back()
    anna.send("/add Ada 10.12.1815")
    assert "Saved: Ada" in anna.wait_for_message().text
    running.wait_for_bot("ok")
    assert running.log("bot").count("Telegram cannot be reached") == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "description": "Internal Server Error: restart"},
        {"html": 502},
        {"retry_after": 1},
        {"drop": "before"},
        {"drop": "after"},
    ],
    ids=str,
)
def test_trouble_with_one_poll_loses_no_update(anna, running, telegram, fault):
    telegram.fail("getUpdates", times=3, **fault)
    assert "Saved: Ada" in ask(anna, "/add Ada 10.12.1815").text
    assert ask(anna, "/list").text.count("Ada") == 1


def test_no_token_and_no_init_data_stands_in_any_log(anna, running, telegram):
    telegram.fail("getUpdates", times=2, drop="before")
    ask(anna, "/start")
    api_works(running)
    telegram.go_down()
    running.wait_for_bot("unreachable")
    telegram.come_back()
    logs = running.log("bot") + running.log("web")
    assert running.token not in logs
    assert running.token.partition(":")[2] not in logs
    assert "hash=" not in logs.replace("hash=<masked>", "")


def test_a_server_without_menus_serves_all_the_same(service, telegram, anna):
    for method in ("setMyCommands", "setChatMenuButton"):
        telegram.fail(method, times=None, status=404, description="Not Found: method not found")
    running = service()
    assert "Hello" in ask(anna, "/start").text
    running.wait_for_bot("ok")
    wait_for(lambda: "not registered yet" in running.log("bot"))


def test_operators_are_told_of_trouble_once_and_when_it_is_over(service, telegram):
    admins = [telegram.add_user("Anna"), telegram.add_user("Борис", language_code="ru")]
    ids = ",".join(str(admin.id) for admin in admins)
    running = service(ADMIN_TELEGRAM_IDS=ids)
    for admin in admins:
        ask(admin, "/start")
    trouble = """
import sys, time
from calendar_app import alerts, models, config
from calendar_app.operation import backups
models.connect(config.load().database_url)
now = int(time.time())
sys.argv[1] == "tell" and [alerts.tell("backup", backups.FAILED, now, reason="x<y") for _ in "ab"]
sys.argv[1] == "clear" and [alerts.clear("backup", now) for _ in "ab"]
"""
    running.python(trouble, "tell")
    assert [admin.wait_for_message().text[:2] for admin in admins] == ["⚠️", "⚠️"]
    running.python(trouble, "clear")
    assert "This is over" in admins[0].wait_for_message().text
    assert "x<y" in admins[1].wait_for_message().text
    assert all(admin.gets_nothing(within=2) for admin in admins)
