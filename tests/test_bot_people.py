"""People and the bot: who is still in a group, whose birthday it is, who wants to stay."""

import httpx
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
    return person.wait_for_message().text


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
        group.wait_for_message("Nobody has a birthday")
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


# A birthday of today in a group's calendar, and the promise to a member to be told at once.
REMIND = """
import sys, time
from calendar_app import birthdays, config, models
from calendar_app.models import Chat, Promise
settings = config.load()
models.connect(settings.database_url)
calendar, person, reader = map(int, sys.argv[1:4])
now, today = int(time.time()), time.strftime("%Y-%m-%d", time.gmtime())
with models.writing():
    body = {"full_name": sys.argv[4], "birth_date": "-" + today[4:]}
    row = birthdays.create(person, calendar, body, now)
    chat = Chat.get(Chat.telegram_id == reader)
    Promise.insert(
        kind="birthday", subject_id=row["id"], occurs_on=today, days_before=0, recipient=chat,
        calendar=calendar, due_at=now, try_at=now, state="planned",
    ).execute()
"""
LEDGER = """
from calendar_app import config, models
models.connect(config.load().database_url)
print([(row.state, row.reason) for row in models.Promise.select().order_by(models.Promise.id)])
"""


def test_the_bot_asks_telegram_before_it_tells_somebody_of_a_group(running, telegram, anna):
    boris = telegram.add_user("Boris", language_code="en")
    group = telegram.add_group("Team", anna, boris, bots=[running.bot_account])
    for person in (anna, boris):
        person.send("/start")
        person.wait_for_message("Hello")
        person.send("/today", chat=group)
        group.wait_for_message("Nobody has a birthday")
    (mine,) = [c["id"] for c in api(running, telegram, anna, "GET", "/api/calendars").json()
               if c["kind"] == "group"]  # fmt: skip
    group.remove(boris)
    telegram.fail("getChatMember", status=500, description="Internal Server Error", times=2)
    for number, person in enumerate((anna, boris)):
        running.python(REMIND, str(mine), str(anna.id), str(person.id), f"Ada {number}")
    assert "Ada 0" in anna.wait_for_message("Birthdays today").text
    gone = "('skipped', 'not in the group any more')"
    wait_for(lambda: running.python(LEDGER).strip() == f"[('sent', ''), {gone}]")
    assert not [message for message in boris.messages() if "Ada 1" in message.text]
    assert (
        api(running, telegram, boris, "GET", f"/api/birthdays?calendar={mine}").status_code == 404
    )


def test_a_groups_button_leads_its_members_to_its_calendar_and_nobody_else(service, telegram, anna):
    running = service("web", "bot", TELEGRAM_WEBAPP_URL="https://calendar.example.org/app")
    running.wait_for_bot("ok")
    group = telegram.add_group("Team", anna, bots=[running.bot_account])
    anna.send("/help", chat=group)
    shown = group.wait_for_message("/add")
    link = shown.button("📅 Open the calendar")["url"]
    assert link.startswith(f"https://t.me/{running.bot_account.username}?start=group_")
    (row,) = [c for c in api(running, telegram, anna, "GET", "/api/calendars").json()
              if c["kind"] == "group"]  # fmt: skip
    anna.follow(link)
    opened = anna.wait_for_message("calendar of Team")
    address = opened.button("📅 Open the calendar")["web_app"]["url"]
    assert address == f"https://calendar.example.org/app?calendar={row['id']}"
    eve = telegram.add_user("Eve", language_code="en")
    eve.follow(link)
    assert "not in this group" in eve.wait_for_message().text
    path = f"/api/birthdays?calendar={row['id']}"
    assert api(running, telegram, eve, "GET", path).status_code == 404
    eve.follow(link[:-1] + ("A" if link[-1] != "A" else "B"))
    assert "leads to no group" in eve.wait_for_message().text


def test_a_supergroup_keeps_what_the_group_had(running, telegram, anna):
    group = telegram.add_group("Team", anna, bots=[running.bot_account])
    anna.send("/add Ada 10.12.1815", chat=group)
    group.wait_for_message("Saved")
    running.terminate("bot")
    # Heard of when it is no group any more.
    anna.send("/add Cleo 6 May", chat=group)
    supergroup = group.upgrade()
    running.start("bot")
    supergroup.wait_for_message("Saved: Cleo")
    anna.send("/add Bob 5 May", chat=supergroup)
    supergroup.wait_for_message("Saved: Bob")
    anna.send("/list", chat=supergroup)
    listed = supergroup.wait_for_message("Birthdays").text
    assert all(name in listed for name in ("Ada", "Bob", "Cleo"))
    groups = [c for c in api(running, telegram, anna, "GET", "/api/calendars").json()
              if c["kind"] == "group"]  # fmt: skip
    assert len(groups) == 1


def test_members_are_checked_where_their_group_has_gone(running, telegram, anna):
    """Nobody told the bot; and who comes after them in the queue does not wait for ever."""
    boris = telegram.add_user("Boris", language_code="en")
    teams = [telegram.add_group(name, anna, boris, bots=[running.bot_account])
             for name in ("Team", "Crew")]  # fmt: skip
    for team in teams:
        boris.send("/today", chat=team)
        team.wait_for_message("Nobody has a birthday")
    running.terminate("bot")
    teams[0].upgrade()
    # And Telegram kept nothing of it.
    httpx.get(f"{telegram.url}/bot{running.token}/deleteWebhook?drop_pending_updates=true")
    teams[1].remove(boris)
    running.python(AGE)
    running.start("bot")
    path = "/api/calendars"
    wait_for(lambda: [c["title"] for c in api(running, telegram, boris, "GET", path).json()
                      if c["kind"] == "group"] == ["Team"], timeout=60)  # fmt: skip


def linked(running, telegram, anna, date, **person):
    """Anna's calendar has Boris at that date; Boris follows her link; (Boris, his birthday)."""
    boris = telegram.add_user("Boris", language_code="en", **person)
    family = api(running, telegram, anna, "POST", "/api/calendars", json={"title": "Family"}).json()
    made = api(running, telegram, anna, "POST", f"/api/birthdays?calendar={family['id']}",
               json={"full_name": "Boris", "birth_date": date}).json()  # fmt: skip
    link = api(running, telegram, anna, "POST", f"/api/birthdays/{made['id']}/link").json()["url"]
    boris.follow(link)
    return boris, lambda: api(running, telegram, anna, "GET", f"/api/birthdays/{made['id']}").json()


def test_telegrams_date_is_offered_and_taken_only_when_one_says_so(running, telegram, anna):
    born = {"day": 3, "month": 5, "year": 1990}
    boris, entry = linked(running, telegram, anna, "--05-04", birthdate=born)
    offer = boris.wait_for_message("yours now")
    assert "The calendar has 4 May, your Telegram has 3 May 1990" in offer.text
    assert entry()["birth_date"] == "--05-04"
    boris.press("Leave it as it is")
    assert "left as it is" in boris.wait_for_message().text
    assert entry()["birth_date"] == "--05-04"


def test_what_telegram_shows_no_more_is_not_taken(running, telegram, anna):
    born = {"day": 3, "month": 5, "year": 1990}
    boris, entry = linked(running, telegram, anna, "--05-04", birthdate=born)
    boris.wait_for_message("yours now")
    boris.change(birthdate={})
    boris.press("Yes, 3 May 1990")
    assert "no other date" in boris.wait_for_message().text
    assert entry()["birth_date"] == "--05-04"


def test_telegrams_year_completes_an_entry_and_a_missing_one_takes_none_away(
    running, telegram, anna
):
    born = {"day": 3, "month": 5, "year": 1990}
    boris, entry = linked(running, telegram, anna, "--05-03", birthdate=born)
    boris.wait_for_message("your Telegram has 3 May 1990")
    boris.press("Yes, 3 May 1990")
    assert "Corrected: 3 May 1990" in boris.wait_for_message().text
    assert entry()["birth_date"] == "1990-05-03"
    assert entry()["confirmed"]


@pytest.mark.parametrize(
    ("date", "person"),
    [
        ("1990-05-03", {"birthdate": {"day": 3, "month": 5}}),
        ("1990-05-03", {"birthdate": {"day": 3, "month": 5, "year": 1990}}),
        ("1990-05-03", {}),
    ],
)
def test_where_telegram_knows_no_better_nothing_is_offered(running, telegram, anna, date, person):
    boris, _ = linked(running, telegram, anna, date, **person)
    assert boris.wait_for_message("yours now").buttons == []


def test_a_link_makes_a_birthday_ones_own(running, telegram, anna):
    boris = telegram.add_user("Boris", language_code="en")
    assert "Saved: Boris" in ask(anna, "/add Boris 10.12.1990")
    (row,) = api(running, telegram, anna, "GET", "/api/birthdays").json()
    link = api(running, telegram, anna, "POST", f"/api/birthdays/{row['id']}/link").json()["url"]
    boris.follow(link)
    assert "yours now" in boris.wait_for_message().text
    found = api(running, telegram, anna, "GET", f"/api/birthdays/{row['id']}").json()
    assert found["linked_user_id"] == boris.id
    boris.follow(link)
    assert "not valid any more" in boris.wait_for_message().text


def test_who_asked_to_be_deleted_is_told_so_and_may_come_back(running, telegram, anna):
    assert "Saved: Ada" in ask(anna, "/add Ada 10.12.1815")
    assert api(running, telegram, anna, "DELETE", "/api/me").status_code < 300
    assert "You asked to be deleted" in ask(anna, "/list")
    assert "everything is there" in ask(anna, "/restore")
    assert "Ada" in ask(anna, "/list")
