"""The bot as people meet it: a real process, a real (simulated) Telegram, real messages."""

import time

import pytest
import requests
from telebot import types

from bot import handlers
from bot.talk import World
from calendar_app import models
from tests.lives import ALICE, Life, at
from tests.service import Service
from tests.telegram.simulator import Simulator
from tests.world import wait_for


@pytest.fixture(scope="module")
def telegram():
    """One Telegram for all tests here: each has people of its own."""
    with Simulator(pace=0.05) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def running(telegram, tmp_path_factory):
    """The service with its bot polling, the Mini App's address set."""
    app = {"TELEGRAM_WEBAPP_URL": "http://127.0.0.1:1/app/"}
    started = Service(tmp_path_factory.mktemp("service"), telegram, ("web", "bot"), app)
    yield started
    started.stop()


@pytest.fixture
def anna(running, telegram):
    return telegram.add_user("Anna", language_code="en")


def ask(person, text):
    """What the bot answers to a message."""
    person.send(text)
    return person.wait_for_message()


def press(person, text, **which):
    """Press a button of the last message that has it; returns the message that comes of it."""
    assert person.press(text, **which).answered
    return person.wait_for_message()


def old_button(running, telegram, person, data):
    """A message of an earlier version of the bot, with a button that has that data."""
    keyboard = {"inline_keyboard": [[{"text": "Old", "callback_data": data}]]}
    body = {"chat_id": person.id, "text": "From before", "reply_markup": keyboard}
    address = f"{telegram.url}/bot{running.token}/sendMessage"
    assert requests.post(address, json=body, timeout=10).json()["ok"]


def names(person):
    return ask(person, "/list").text


def test_start_greets_and_offers_the_mini_app(anna):
    hello = ask(anna, "/start")
    assert "Hello, Anna!" in hello.text
    assert hello.button("📅 Open the calendar")["web_app"]["url"] == "http://127.0.0.1:1/app/"


def test_help_names_every_command(anna):
    answer = ask(anna, "/help").text
    for command in ["add", "list", "today", "next", "delete", "settings", "help", "cancel"]:
        assert f"/{command} — " in answer


@pytest.mark.parametrize(
    ("typed", "saved"),
    [
        ("/add Ada Lovelace 10.12.1815", "Ada Lovelace, 10 December 1815"),
        ("/add 6 июня Пушкин", "Пушкин, 6 June"),
        ("/add Ada, Dec 10", "Ada, 10 December"),
        ("/add\nAda 13/05", "Ada, 13 May"),
        ("Ada 29 Feb 2000", "Ada, 29 February 2000"),
        ("/add <b>Bold</b> & Co 1.1.", "<b>Bold</b> & Co, 1 January"),
    ],
)
def test_add_understands_what_people_type(anna, typed, saved):
    assert f"✅ Saved: {saved}" in ask(anna, typed).text


def test_add_asks_once_which_is_the_day(anna):
    question = ask(anna, "/add Bob 05/03")
    assert question.buttons == ["5 March", "3 May"]
    assert "Saved: Bob, 3 May" in press(anna, "3 May").text
    assert names(anna).count("Bob") == 1


def test_a_button_pressed_twice_adds_once(anna, telegram):
    ask(anna, "/add Bob 05/03")
    message = anna.messages()[-1]
    # The same press twice, as an impatient thumb sends it.
    first, second = (telegram.perform("press", user=anna.id, button="3 May", message=message.id)
                     for _ in range(2))  # fmt: skip
    assert "Saved: Bob, 3 May" in anna.wait_for_message().text
    answers = [telegram.perform("callback", id=p["id"], wait=10) for p in (first, second)]
    assert [bool(answer["text"]) for answer in answers] == [False, True]
    assert names(anna).count("Bob") == 1


def test_add_asks_for_what_is_missing(anna):
    assert "Whose birthday, and when?" in ask(anna, "/add").text
    assert "When is the birthday of Ada?" in ask(anna, "Ada").text
    assert "no such day: 31.02" in ask(anna, "31.02").text
    assert "Saved: Ada, 10 December" in ask(anna, "10.12").text


def test_add_asks_for_the_name_when_only_the_date_is_given(anna):
    assert "Whose birthday is on 10 December 1815?" in ask(anna, "/add 10.12.1815").text
    # What looks like a date is a name here, because a name was asked for.
    assert "Saved: May 3rd, 10 December 1815" in ask(anna, "May 3rd").text


def test_add_refuses_a_birth_in_the_future_and_says_why(anna):
    answer = ask(anna, "/add Ada 10.12.2999").text
    assert "date: must not lie in the future" in answer


def test_cancel_forgets_the_question(anna):
    ask(anna, "/add")
    assert "Forgotten" in ask(anna, "/cancel").text
    assert "did not understand" in ask(anna, "Ada").text
    assert "nothing to cancel" in ask(anna, "/cancel").text


def test_list_turns_its_pages(anna):
    for number in range(1, 13):
        ask(anna, f"/add Person{number:02} {number}.1.")
    first = ask(anna, "/list")
    assert first.text.count("Person") == 10
    second = press(anna, "Next ▶")
    assert second.text.count("Person") == 2
    assert second.id == first.id
    assert press(anna, "⏮ To the beginning").text == first.text


def test_today_and_next_follow_the_users_time_zone(anna, running):
    now = time.gmtime()
    ask(anna, f"/add Ada {now.tm_mday}.{now.tm_mon}.2000")
    assert "Ada" in ask(anna, "/today").text
    assert "today" in ask(anna, "/next").text


def test_delete_asks_before_it_deletes(anna):
    ask(anna, "/add Ada 10.12.1815")
    ask(anna, "/add Adam 11.12.")
    ask(anna, "/add Bob 1.1.")
    offered = ask(anna, "/delete ada")
    assert offered.buttons == ["Ada, 10 December 1815", "Adam, 11 December", "Keep all"]
    assert "Delete Ada, 10 December 1815?" in press(anna, "Ada, 10 December 1815").text
    assert "Deleted: Ada" in press(anna, "🗑 Yes, delete").text
    left = names(anna)
    assert "Ada," not in left
    assert "Adam" in left


def test_nobody_deletes_what_is_in_anothers_calendar(anna, running, telegram):
    ask(anna, "/add Ada 10.12.1815")
    mallory = telegram.add_user("Mallory")
    ask(mallory, "/start")
    old_button(running, telegram, mallory, "deleted:1")
    assert "no such birthday" in press(mallory, "Old").text
    assert "Ada" in names(anna)


def test_settings_change_time_zone_and_language(anna):
    settings = ask(anna, "/settings")
    assert "Reminders come at 09:00" in settings.text
    press(anna, "🕘 Time of reminders")
    assert "Reminders come at 18:00" in press(anna, "18:00").text
    press(anna, "🌍 Time zone")
    assert "Europe/Lisbon" in ask(anna, "Lisbon").text
    assert "Язык: Русский" in press(anna, "Русский").text
    assert "Здравствуйте" in ask(anna, "/start").text


def test_a_time_may_be_typed_and_a_wrong_one_is_asked_again(anna):
    ask(anna, "/settings")
    press(anna, "🕘 Time of reminders")
    assert "Write a time" in ask(anna, "25:00").text
    assert "Reminders come at 07:45" in ask(anna, "7:45").text


def test_the_bot_speaks_the_language_of_the_users_telegram(running, telegram):
    ivan = telegram.add_user("Иван", language_code="ru")
    assert "Здравствуйте, Иван!" in ask(ivan, "/start").text
    assert "исполнится 211 лет" in ask(ivan, "/add Ада Лавлейс 10.12.1815").text


def test_commands_and_menu_are_registered_in_each_language(anna, telegram):
    ask(anna, "/start")

    def languages():
        return {call.params.get("language_code", "") for call in telegram.calls("setMyCommands")}

    wait_for(lambda: languages() >= {"", "en", "ru"})
    assert telegram.wait_for_calls("setChatMenuButton", 2)


def test_unknown_buttons_and_commands_are_answered(anna, running, telegram):
    ask(anna, "/start")
    old_button(running, telegram, anna, "vote:42")
    pressed = anna.press("Old")
    assert pressed.answered
    assert "too old" in pressed.text
    assert "do not know this command" in ask(anna, "/frobnicate").text


def test_a_message_that_breaks_the_handler_does_not_stop_the_next(anna, running, telegram):
    anna.send("/start", contact=5)
    assert "Hello" in ask(anna, "/start").text
    assert running.log("bot").count("is set aside") == 1


def test_a_birthday_added_in_the_chat_is_in_the_api_and_the_other_way_round(
    anna, running, telegram
):
    ask(anna, "/add Ada Lovelace 10.12.1815")
    headers = {"X-Init-Data": telegram.init_data(anna)}
    month = running.get("/api/calendar/month/2026/12", headers=headers).json()
    assert month["birthdays_by_date"]["2026-12-10"][0]["full_name"] == "Ada Lovelace"
    body = {"full_name": "Grace Hopper", "birth_date": "1906-12-09"}
    answer = running.request("POST", "/api/birthdays", json=body, headers=headers)
    assert answer.status_code == 201
    assert "Grace Hopper" in names(anna)


def test_a_group_has_a_calendar_of_its_own_where_admins_write(running, telegram):
    anna, boris = telegram.add_user("Anna"), telegram.add_user("Boris")
    family = telegram.add_group("Family", anna, boris, bots=[running.bot_account])
    assert "Hello" in family.wait_for_message().text
    anna.send("/add Ada 10.12.1815", chat=family)
    assert "Saved: Ada" in family.wait_for_message().text
    boris.send("/list", chat=family)
    assert "Ada" in family.wait_for_message().text
    boris.send("/add Eve 1.1.", chat=family)
    assert "may only look" in family.wait_for_message().text
    anna.send("/list")
    assert "no birthdays yet" in anna.wait_for_message().text


def test_in_a_group_the_bot_leaves_the_talk_of_others_alone(running, telegram):
    anna = telegram.add_user("Anna")
    family = telegram.add_group("Family", anna, bots=[running.bot_account])
    family.wait_for_message()
    anna.send("/start@another_bot", chat=family)
    anna.send("Ada 10.12.1815", chat=family)
    anna.send("/today", chat=family)
    assert "Nobody has a birthday today" in family.wait_for_message().text
    assert len([m for m in family.messages() if m.from_bot]) == 2


def test_a_link_of_an_invitation_makes_a_member(running, telegram):
    anna, boris = telegram.add_user("Anna"), telegram.add_user("Boris")
    headers = {"X-Init-Data": telegram.init_data(anna, bot=running.bot_account)}
    made = running.request("POST", "/api/calendars", json={"title": "Family"}, headers=headers)
    path = f"/api/calendars/{made.json()['id']}/invitations"
    link = running.request("POST", path, json={"role": "editor"}, headers=headers).json()["url"]
    address, _, payload = link.partition("?start=")
    assert address == f"https://t.me/{running.bot_account.username}"
    assert "joined the calendar Family" in ask(boris, f"/start {payload}").text
    assert "not valid any more" in ask(telegram.add_user("Eve"), f"/start {payload}").text
    headers = {"X-Init-Data": telegram.init_data(boris, bot=running.bot_account)}
    titles = [row["title"] for row in running.get("/api/calendars", headers=headers).json()]
    assert titles == ["Boris", "Family"]


@pytest.fixture
def begin(tmp_path, clock):
    yield lambda text: Life.begin(tmp_path, clock, text)
    models.disconnect()


def told(life, text):
    """What the bot answers to Alice, in this process, when the life's clock says."""
    who = {"id": ALICE.telegram_id, "is_bot": False, "first_name": "Alice", "language_code": "en"}
    chat = {"id": ALICE.telegram_id, "type": "private"}
    message = {"message_id": 1, "date": life.clock.now, "chat": chat, "from": who, "text": text}
    update = types.Update.de_json({"update_id": 1, "message": message})
    (reply,) = handlers.handle(update, World(life.config, "bdbot", now=life.clock.now))
    return reply.html


def test_why_on_the_day_after_tells_of_the_day_before_and_of_the_next(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-10")
    life.until("2026-12-10 12:00")
    life.clock.now = at("2026-12-11 12:00")
    assert told(life, "/why ada") == (
        "<b>Ada</b>, 10 December 2026\n• Sent at 2026-12-10 09:00 UTC.\n\n"
        "<b>Ada</b>, 10 December 2027\n• It will come at 2027-12-10 09:00 UTC."
    )
    life.change(lead_days=list(range(61)))
    many = told(life, "/why ada")
    assert len(many) < 4096
    assert many.endswith("\n…and 46 more")
