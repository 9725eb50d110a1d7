"""What a reminder lets one do: write to the person; ask why it came, or did not."""

import pytest

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
