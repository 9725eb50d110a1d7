"""What a reminder lets one do: write to the person; ask why it came, or did not."""

import re

import pytest
from telebot import types

from bot import handlers
from bot.replies import Answer, Say
from bot.talk import World
from calendar_app import birthdays, calendars, models, reminders
from calendar_app import settings as preferences
from calendar_app.calendars import Group, Ref
from calendar_app.models import Alert, Member
from tests.lives import ALICE, Life, at
from tests.operating import operate
from tests.test_delivery import promise_all
from tests.world import wait_for


@pytest.fixture
def running(service):
    started = service("web", "bot")
    started.wait_for_bot("ok")
    return started


@pytest.fixture
def anna(telegram):
    return telegram.add_user("Anna", language_code="en")


LINK = """
import sys
from calendar_app import config, models
models.connect(config.load().database_url)
with models.writing():
    models.Birthday.update(linked_user_id=int(sys.argv[1])).execute()
"""


def test_write_gives_a_greeting_to_copy_and_the_way_to_the_persons_chat(running, telegram, anna):
    boris = telegram.add_user("Boris", username="boris_b", language_code="en")
    boris.send("/start")
    boris.wait_for_message("Hello")
    promise_all(running, [anna])
    reminder = anna.wait_for_message("Birthdays today")
    assert reminder.button_rows == [["✍️ Write", "✓ Done"], ["Tonight", "Tomorrow"]]
    assert anna.press("✍️ Write").answered
    greeting = anna.wait_for_message("Ada of")
    (copy,) = greeting.buttons
    assert copy == f"📋 Copy for Ada of {anna.id}"
    copied = greeting.button(copy)["copy_text"]["text"]
    assert f"Ada of {anna.id}" in copied
    assert copied in greeting.text
    running.python(LINK, str(boris.id))
    anna.press("✍️ Write", message=reminder)
    again = anna.wait_for_message("Ada of")
    chat, _ = again.buttons
    assert again.button(chat)["url"] == "https://t.me/boris_b"
    assert [e["user"]["id"] for e in again.entities if e["type"] == "text_mention"] == [boris.id]
    assert anna.messages()[1].button_rows == reminder.button_rows


def test_of_who_was_deleted_since_there_is_nothing_to_write(running, telegram, anna):
    promise_all(running, [anna])
    anna.wait_for_message("Birthdays today")
    anna.send("/delete Ada")
    anna.wait_for_message("Whose")
    anna.press(next(b for b in anna.last_message().buttons if b.startswith("Ada of")))
    anna.wait_for_message("Delete Ada")
    anna.press("🗑 Yes, delete")
    anna.wait_for_message("Deleted")
    assert "nobody left" in anna.press("✍️ Write").text


def test_one_may_ask_why_in_words(running, telegram, anna):
    promise_all(running, [anna])
    anna.wait_for_message("Birthdays today")
    # Telegram shows a message before its answer has come, and so before it is recorded.
    wait_for(lambda: "Sent at" in asked(anna, "/why ada"))
    anna.send("/add Bob 29.02")
    anna.wait_for_message("Saved")
    said = asked(anna, "/why Bob")
    assert "Bob, 2" in said
    assert "It will come at" in said
    anna.send("/why")
    anna.wait_for_message("Whose birthday is it about?")
    anna.press(next(b for b in anna.last_message().buttons if b.startswith("Bob")))
    assert "It will come at" in anna.wait_for_message("Bob").text
    assert "Nobody was found" in asked(anna, "/why Nobody at all")


def asked(person, text):
    person.send(text)
    return person.wait_for_message().text


def test_in_a_group_one_learns_why_the_group_was_told(running, telegram, anna):
    group = telegram.add_group("Team", anna, bots=[running.bot_account])
    anna.send("/add Cleo 5 May", chat=group)
    group.wait_for_message("Saved")
    anna.send("/why Cleo", chat=group)
    said = group.wait_for_message("Cleo").text
    assert said.count("•") == 1
    assert "It will come at" in said
    assert "-05-05 09:00 UTC" in said


def test_the_operator_may_ask_why_too(running, telegram, anna):
    promise_all(running, [anna])
    anna.wait_for_message("Birthdays today")
    wait_for(lambda: "Sent at" in asked(anna, "/why ada"))
    code, said, _ = operate(running.folder, "why", "ada", "--chat", anna.id)
    assert code == 0
    assert f"Ada of {anna.id} (1), calendar 1" in said
    assert "- Sent at" in said
    assert operate(running.folder, "why", "1", "--chat", anna.id)[1] == said
    anna.send("/add Adam 5 May")
    anna.wait_for_message("Saved")
    code, _, wrong = operate(running.folder, "why", "ada", "--chat", anna.id)
    assert (code, "Several are called so" in wrong) == (1, True)
    for arguments, sentence in (
        (("Nobody", "--chat", anna.id), "Nobody was found for 'Nobody'"),
        (("1", "--chat", "77"), "The bot knows no chat 77."),
        (("1", "--chat", anna.id, "--date", "0001-01-01"), "in the years 2 to 9998"),
    ):
        code, _, wrong = operate(running.folder, "why", *arguments)
        assert (code, sentence in wrong) == (1, True), wrong


# --- without Telegram: what the handlers answer -------------------------------------------


@pytest.fixture
def begin(tmp_path, clock):
    """A life that begins at a given UTC time: `begin("2026-12-09 12:00")`."""
    yield lambda text: Life.begin(tmp_path, clock, text)
    models.disconnect()


USER = {"id": ALICE.telegram_id, "is_bot": False, "first_name": "Alice", "language_code": "en"}
CHAT = {"id": ALICE.telegram_id, "type": "private"}


def answers(life, **update):
    world = World(life.config, "bdbot", now=life.clock.now)
    return handlers.handle(types.Update.de_json({"update_id": 1, **update}), world)


def pressed(life, data):
    """What the bot answers to Alice's press on a button with that data."""
    message = {"message_id": 5, "date": life.clock.now, "chat": CHAT, "text": "x"}
    query = {"id": "7", "from": USER, "chat_instance": "1", "data": data, "message": message}
    return answers(life, callback_query=query)


def written(life, text):
    message = {"message_id": 6, "date": life.clock.now, "chat": CHAT, "from": USER, "text": text}
    return answers(life, message=message)[0].html


def note(life, button):
    """The note over the chat when that button of the newest message is pressed."""
    (answer,) = pressed(life, f"{button}:{promise_of(life)}")
    assert isinstance(answer, Answer)
    return answer.text


def promise_of(life):
    _, message = [each for each in life.post.sent if each[1].buttons][-1]
    return int(message.buttons[1][1].partition(":")[2])


def test_the_answer_to_tonight_and_tomorrow_says_when_it_really_comes(begin):
    life = begin("2026-12-09 12:00")
    life.add("Ada", "--12-10")
    life.until("2026-12-10 12:00")
    assert note(life, "tonight") == "I will remind you again today at 20:00."
    assert note(life, "tomorrow") == "I will remind you again tomorrow at 09:00."
    life.change(quiet_from="19:00", quiet_to="08:00", timezone="Asia/Tokyo")
    life.clock.now = at("2026-12-10 19:30", "Asia/Tokyo")
    assert note(life, "tonight") == "I will remind you again tomorrow at 08:00."
    life.change(notification_time="23:30")
    assert note(life, "tomorrow") == "I will remind you again on 12 December at 08:00."


def test_nobody_is_promised_what_cannot_come_nor_are_the_operators_alarmed(begin):
    life = begin("2026-12-09 12:00")
    ada = life.add("Ada", "--12-10")
    life.until("2026-12-20 12:00")
    assert note(life, "tomorrow").startswith("It is too late")
    life.clock.now = at("2026-12-11 12:00")
    assert note(life, "done").startswith("Done.")
    assert "done for this year" in note(life, "tomorrow")
    birthdays.delete(Ref(ALICE.telegram_id, ada))
    assert "not reminded of anybody" in note(life, "tomorrow")
    life.until("2026-12-24 12:00")
    assert len(life.post.sent) == 1
    assert Alert.select().count() == 0


def test_write_leaves_the_reminder_where_it_cannot_be_answered_now(begin):
    life = begin("2026-12-01 12:00")
    group = Group(-1_000_000_777, "Team")
    access = calendars.enter_group(ALICE.telegram_id, group, "owner", life.config, life.clock.now)
    body = {"full_name": "Ada", "birth_date": "--12-10"}
    birthdays.create(ALICE.telegram_id, access.calendar_id, body, life.clock.now)
    preferences.change(access, {"lead_days": [0]}, life.clock.now)
    life.until("2026-12-10 12:00")
    assert isinstance(pressed(life, f"write:{promise_of(life)}")[-1], Say)
    Member.update(checked_at=None).where(Member.calendar == access.calendar_id).execute()
    for button in ("write", "done", "tonight"):
        assert "whether you are in this group" in note(life, button)
    (answer,) = pressed(life, "write:999")
    assert answer.text == "There is no such reminder in this chat."


@pytest.mark.parametrize(("language", "more"), [("en", "…and 3 more"), ("ru", "…и ещё 3")])
def test_write_says_how_many_more_there_are_and_goes_on_to_them(begin, language, more):
    life = begin("2026-12-08 12:00")
    names = [f"Person {number}" for number in range(8)]
    for name in names:
        life.add(name, "1990-12-10")
    life.change(lead_days=[0, 1], language=language)
    life.until("2026-12-09 12:00")
    # Both rules tell of each of them in one message then.
    reminders.snooze(ALICE.telegram_id, promise_of(life), "tomorrow", life.clock.now)
    life.until("2026-12-10 12:00")
    _, first = pressed(life, f"write:{promise_of(life)}")
    assert re.findall(r"<b>(.*?)</b>", first.html) == names[:5]
    assert first.html.endswith(more)
    ((next_ones,),) = first.keyboard[5:]
    _, second = pressed(life, next_ones.data)
    assert re.findall(r"<b>(.*?)</b>", second.html) == names[5:]
    assert len(second.keyboard) == 3


@pytest.mark.parametrize("command", ["/next", "/list"])
def test_the_next_birthdays_go_by_the_persons_own_rule_for_29_february(begin, command):
    life = begin("2027-02-20 12:00")
    life.add("Leap", "2000-02-29", leap_day="mar1")
    life.add("Bob", "--02-28")
    headline, *lines = written(life, command).splitlines()
    assert lines == [
        "28 February — <b>Bob</b> (in 8 days)",
        "1 March — <b>Leap</b>, turns 27 (in 9 days)",
    ]
    life.clock.now = at("2027-03-01 12:00")
    assert "1 March — <b>Leap</b>, turns 27 (today)" in written(life, command)
