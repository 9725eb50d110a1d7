"""People and the bot: who is still in a group, whose birthday it is, who wants to stay."""

import pytest

from tests.world import wait_for


@pytest.fixture
def running(service):
    started = service("web", "bot")
    started.wait_for_bot("ok")
    return started


@pytest.fixture
def anna(telegram):
    return telegram.add_user("Anna", language_code="en")


def ask(person, text, **more):
    person.send(text, **more)
    return person.wait_for_message(timeout=20).text


def api(running, telegram, person, method, path, **more):
    headers = {"X-Init-Data": telegram.init_data(person, bot=running.bot_account)}
    return running.request(method, path, headers=headers, **more)


# As if Telegram was asked a day ago.
AGE = """
from calendar_app import config, models
models.connect(config.load().database_url)
with models.writing():
    models.Member.update(checked_at=models.Member.checked_at - 25 * 3600).execute()
"""


def test_who_left_a_group_loses_its_calendar_and_who_stays_keeps_it(running, telegram, anna):
    boris = telegram.add_user("Boris", language_code="en")
    group = telegram.add_group("Team", anna, boris, bots=[running.bot_account])
    for person in (anna, boris):
        person.send("/today", chat=group)
        group.wait_for_message("Nobody has a birthday", timeout=20)
    calendars = {
        person.id: [c["id"] for c in api(running, telegram, person, "GET", "/api/calendars").json()
                    if c["kind"] == "group"]
        for person in (anna, boris)
    }  # fmt: skip
    (mine,) = calendars[anna.id]
    assert calendars[boris.id] == [mine]
    group.remove(boris)
    running.python(AGE)
    path = f"/api/birthdays?calendar={mine}"
    wait_for(lambda: api(running, telegram, boris, "GET", path).status_code == 404, timeout=60)
    assert api(running, telegram, anna, "GET", path).status_code == 200


def test_a_link_makes_a_birthday_ones_own(running, telegram, anna):
    boris = telegram.add_user("Boris", language_code="en")
    assert "Saved: Boris" in ask(anna, "/add Boris 10.12.1990")
    (row,) = api(running, telegram, anna, "GET", "/api/birthdays").json()
    link = api(running, telegram, anna, "POST", f"/api/birthdays/{row['id']}/link").json()["url"]
    boris.follow(link)
    assert "yours now" in boris.wait_for_message(timeout=20).text
    found = api(running, telegram, anna, "GET", f"/api/birthdays/{row['id']}").json()
    assert found["linked_user_id"] == boris.id
    boris.follow(link)
    assert "not valid any more" in boris.wait_for_message(timeout=20).text


def test_who_asked_to_be_deleted_is_told_so_and_may_come_back(running, telegram, anna):
    assert "Saved: Ada" in ask(anna, "/add Ada 10.12.1815")
    assert api(running, telegram, anna, "DELETE", "/api/me").status_code < 300
    assert "You asked to be deleted" in ask(anna, "/list")
    assert "everything is there" in ask(anna, "/restore")
    assert "Ada" in ask(anna, "/list")
