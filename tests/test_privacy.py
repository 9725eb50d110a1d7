"""Whoever must not know something finds it nowhere: every GET route is asked for all there is."""

import re

import pytest

from calendar_app import calendars, reminders
from calendar_app.calendars import OWNER, VIEWER, Group
from calendar_app.models import Chat
from calendar_app.reminders import Outcome
from tests.world import PEOPLE, settings

# Planted where the one whose birthday it is must not find them.
COMMENT, RESPONSIBLE, LABEL, HOST = (
    "Surprisefahrrad",
    "Geheimplanerin",
    "Wackelkandidat",
    "Festwart",
)
# Planted where strangers must not find them.
TITLE, NAME, COMPANY, HOLIDAY = "Verschwiegen", "Unbekannte", "Tarnfirma", "Stilletag"
SURPRISES = (COMMENT, RESPONSIBLE, LABEL, HOST)
SECRETS = (*SURPRISES, TITLE, NAME, COMPANY, HOLIDAY)
GROUP = Group(-100_200, TITLE)
CALENDARS = ("own", "group", "other")


def share(app, people, clock, kind):
    """A calendar of Alice's in which Bob is an editor or viewer; its id."""
    alice, bob, *_ = people
    if kind == "group":
        config = app.config["calendar"]
        for person, role in ((alice, OWNER), (bob, VIEWER)):
            person.post("/api/calendars", json={"title": "x"})
            access = calendars.enter_group(PEOPLE[person.name], GROUP, role, config, clock.now)
        return access.calendar_id
    if kind == "own":
        alice.add("Somebody", "--01-01")
        calendar_id = alice.get("/api/calendars").json[0]["id"]
    else:
        calendar_id = alice.post("/api/calendars", json={"title": TITLE}).json["id"]
    made = alice.post(f"/api/calendars/{calendar_id}/invitations", json={"role": "editor"}).json
    bob.post(f"/api/invitations/{made['code']}/accept")
    return calendar_id


@pytest.fixture(params=CALENDARS)
def planted(request, app, people, clock):
    """A calendar full of secrets about Bob, whose birthday is in three days; (id, birthday)."""
    alice, bob, *_ = people
    calendar_id = share(app, people, clock, request.param)
    query = f"?calendar={calendar_id}"
    for person in (alice, bob):
        person.patch(f"/api/settings{query}", json={"lead_days": [0, 3], "weekly_digest": 1,
                                                    "monthly_digest": True})  # fmt: skip
    made = alice.post(
        f"/api/birthdays{query}",
        json={
            "full_name": NAME,
            "company": COMPANY,
            "birth_date": "1990-09-26",
            "comment": COMMENT,
            "responsible": RESPONSIBLE,
            "labels": [LABEL],
            "lead_days": [0, 1, 41],
            "linked_user_id": PEOPLE["Bob"],
        },
    )
    assert made.status_code == 201, made.text
    alice.post(f"/api/holidays{query}", json={"name": HOLIDAY, "day": 26, "month": 9})
    host = alice.post(f"/api/panel/responsible{query}", json={"full_name": HOST}).json["id"]
    assign = {"responsible_id": host, "date": "2026-09-26"}
    assert alice.post(f"/api/panel/assign-responsible{query}", json=assign).status_code == 200
    clock.now += 24 * 3600
    reminders.plan(clock.now)
    return calendar_id, made.json["id"]


def addresses(app, calendar_id, birthday_id):
    """Every GET route that is described, for each day, word, format and row there is."""
    values = {
        "on": ["2026-09-26", "2026-09-25", "1990-09-26"],
        "year": ["2026", "2027"],
        "month": ["9"],
        "row_id": [str(birthday_id)],
        "birthday_id": [str(birthday_id)],
        "calendar_id": [str(calendar_id)],
    }
    for path, item in app.test_client().get("/api/openapi.json").json["paths"].items():
        if "get" not in item or path in ("/api/openapi.json", "/api/docs"):
            continue
        found = [path]
        for name in re.findall(r"{(\w+)}", path):
            choices = values.get(name, ["1", "2", "nonsense"])
            found = [each.replace(f"{{{name}}}", value) for each in found for value in choices]
        asked = {each["name"] for each in item["get"]["parameters"] if each["in"] == "query"}
        queries = [""]
        if "calendar" in asked:
            queries = [f"calendar={calendar_id}", ""]
        for name, choices in (
            ("q", [COMMENT, RESPONSIBLE, LABEL, NAME, "e"]),
            ("format", ["csv", "vcf", "ics", "json"]),
            ("state", ["planned", "sent", ""]),
            ("birthday_id", [str(birthday_id), ""]),
            ("date", ["2026-09-26", "2026-09-23"]),
            ("download", ["1", ""]),
        ):
            if name in asked:
                queries = [f"{q}&{name}={value}" for q in queries for value in choices]
        yield from (f"{each}?{query}" for each in found for query in queries)


def crawl(app, person, planted):
    """All that somebody finds, by address."""
    found = {}
    for address in addresses(app, *planted):
        answer = person.get(address)
        assert answer.status_code < 500, (address, answer.text)
        found[address] = answer.text
        # A feed's address is for programs that do not sign in.
        if answer.status_code == 200 and address.startswith("/api/feed") and answer.is_json:
            feed = "/feed/" + answer.json["url"].partition("/feed/")[2]
            found[feed] = app.test_client().get(feed).text
    return found


def leaks(found, words):
    return {
        (address, word) for address, text in found.items() for word in words
        # The search for a word tells the word to nobody who did not have it.
        if word.lower() in text.lower()
    }  # fmt: skip


def test_the_one_whose_birthday_it_is_finds_no_surprise(app, people, planted):
    alice, bob, *_ = people
    found = crawl(app, bob, planted)
    day = f"/api/calendar/2026-09-26?calendar={planted[0]}"
    # The crawl does find what one may know, and what is planted for the others.
    assert NAME in found[day]
    assert leaks(found, SURPRISES) == {
        (address, HOST) for address in found
        # Who can be responsible at all is no secret; who is on that day is.
        if address.startswith(("/api/panel/responsible", "/api/panel/search", "/api/me?"))
        and HOST in found[address]
    }  # fmt: skip
    assert HOST not in found[day]
    others = crawl(app, alice, planted)
    assert {word for _, word in leaks(others, SURPRISES)} == set(SURPRISES)
    assert HOST in others[day]


def test_the_one_whose_birthday_it_is_finds_no_promise_about_it(app, people, planted):
    bob = people[1]
    assert [row for row in bob.get("/api/me").json["reminders"] if row["kind"] == "birthday"] == []


def told(clock, days=6):
    """All messages of the days to come, texts by the chat that they go to."""
    found = {}

    def send(message):
        found.setdefault(message.chat_id, []).append(message.html)
        return Outcome("sent")

    for _ in range(days * 24):
        clock.now += 3600
        reminders.plan(clock.now)
        while reminders.deliver(send, clock.now, "bot/1"):
            pass
    return {chat: "\n".join(texts) for chat, texts in found.items()}


def test_no_message_tells_the_one_whose_birthday_it_is_what_is_prepared(
    app, people, clock, planted
):
    Chat.update(reachable=True).execute()
    messages = told(clock)
    assert NAME in messages[PEOPLE["Alice"]]
    assert HOST in messages[PEOPLE["Alice"]]
    assert leaks({"private": messages.get(PEOPLE["Bob"], "")}, (NAME, *SURPRISES)) == set()
    # A group is told of the day itself, where everybody reads it.
    group = messages.get(GROUP.chat_id, "")
    assert leaks({"group": group}, SURPRISES) == set()
    assert group.count(NAME) == (1 if group else 0)
    assert set(messages) <= {PEOPLE["Alice"], PEOPLE["Bob"], GROUP.chat_id}


def test_who_was_removed_or_is_a_stranger_gets_no_message(app, people, clock, planted):
    alice, _, _, _, eve = people
    eve.add("Eve's own", "2000-01-01")
    alice.delete(f"/api/calendars/{planted[0]}/members/{PEOPLE['Bob']}")
    Chat.update(reachable=True).execute()
    messages = told(clock)
    assert NAME in messages[PEOPLE["Alice"]]
    assert PEOPLE["Bob"] not in messages
    assert PEOPLE["Eve"] not in messages


def test_no_log_and_no_number_has_a_secret(app, people, clock, planted, journal):
    people[4].add("Eve's own", "2000-01-01")
    crawl(app, people[1], planted)
    crawl(app, people[4], planted)
    told(clock)
    broken = people[0].post(f"/api/birthdays?calendar={planted[0]}", json={"full_name": NAME})
    assert broken.status_code == 422
    numbers = app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": ""}).text
    assert "birthday_calendar" in numbers
    assert "served:" in journal()
    assert leaks({"log": journal(), "metrics": numbers}, SECRETS) == set()


def test_strangers_find_nothing(app, people, planted):
    people[4].add("Eve's own", "2000-01-01")
    found = crawl(app, people[4], planted)
    assert "Eve's own" in found["/api/birthdays?"]
    assert leaks(found, SECRETS) == set()


def test_who_was_removed_finds_only_what_is_about_them(app, people, planted):
    alice, bob, *_ = people
    calendar_id, _ = planted
    bob.add("Bob's own", "2000-01-01")
    removed = alice.delete(f"/api/calendars/{calendar_id}/members/{PEOPLE['Bob']}")
    assert removed.status_code == 200
    found = crawl(app, bob, planted)
    assert "Bob's own" in found["/api/birthdays?"]
    about_bob = {(address, word) for address, word in leaks(found, SECRETS)
                 if not address.startswith("/api/me")}  # fmt: skip
    assert about_bob == set()
    assert leaks(found, (*SURPRISES, TITLE, HOLIDAY)) == set()


def test_the_day_tells_an_open_calendars_guest_no_surprise_either(app, people, clock, tmp_path):
    """Somebody who is linked but known to us only from Telegram's signature."""
    alice, bob, *_ = people
    everyone = settings(
        tmp_path, SHARED_CALENDAR="All", SHARED_CALENDAR_ACCESS="everyone",
        ADMIN_TELEGRAM_IDS=PEOPLE["Alice"],
    )  # fmt: skip
    calendars.ensure_shared(everyone, clock.now)
    made = alice.post("/api/birthdays", json={"full_name": NAME, "birth_date": "--09-26",
                                              "comment": COMMENT}).json  # fmt: skip
    code = alice.post(f"/api/birthdays/{made['id']}/link").json["code"]
    assert bob.post(f"/api/links/{code}/accept").status_code == 200
    shared = alice.get("/api/calendars").json[0]["id"]
    day = f"/api/calendar/2026-09-26?calendar={shared}"
    assert NAME in bob.get(day).text
    assert COMMENT not in bob.get(day).text
    assert COMMENT in alice.get(day).text


def test_without_signing_in_there_is_nothing_at_all(app, planted):
    client = app.test_client()
    for address in addresses(app, *planted):
        assert client.get(address).status_code in (401, 404), address


def test_rows_of_a_list_are_shown_to_who_imported_it_alone(app, people, clock):
    """They have the comment as it was written, and dates as the importer may know them."""
    alice, bob, *_ = people
    calendar_id = share(app, people, clock, "other")
    query = f"?calendar={calendar_id}"
    hidden = {"full_name": NAME, "birth_date": "1980-05-06", "hide_age": True}
    made = alice.post(f"/api/birthdays{query}", json=hidden | {"linked_user_id": PEOPLE["Bob"]})
    assert made.status_code == 201
    header = "full_name,birth_date,comment,responsible\n"
    doubtful = f"{header}{NAME},1990-05-07,{COMMENT},{RESPONSIBLE}\n"
    theirs = alice.post(f"/api/import{query}", json={"text": doubtful}).json
    own = bob.post(f"/api/import{query}", json={"text": f"{NAME} 7.5.1980"}).json
    assert own["rows"][0]["reason"].endswith("1980-05-06.")
    for person, imported, secrets in (
        (bob, theirs, (COMMENT, RESPONSIBLE)),
        (alice, own, ("1980",)),
    ):
        address = f"/api/import/{imported['import_id']}"
        for answer in (person.get(address), person.post(f"{address}/undo")):
            assert (answer.status_code, answer.json["counts"]["doubtful"]) == (200, 1)
            assert answer.json["rows"] == []
            assert leaks({address: answer.text}, secrets) == set()
    assert COMMENT in alice.get(f"/api/import/{theirs['import_id']}").text


def test_what_an_undo_keeps_is_shown_without_the_surprise(app, people, clock):
    alice, bob, *_ = people
    calendar_id = share(app, people, clock, "other")
    text = f"full_name,birth_date,comment\n{NAME},1990-05-07,{COMMENT}\n"
    imported = alice.post(f"/api/import?calendar={calendar_id}", json={"text": text}).json
    [row] = alice.get(f"/api/birthdays?calendar={calendar_id}").json
    alice.patch(f"/api/birthdays/{row['id']}", json={"linked_user_id": PEOPLE["Bob"]})
    undone = bob.post(f"/api/import/{imported['import_id']}/undo")
    assert [kept["full_name"] for kept in undone.json["kept"]] == [NAME]
    assert COMMENT not in undone.text


@pytest.mark.parametrize("leap_day", [None, "feb28"])
@pytest.mark.parametrize("rule", ["feb28", "mar1"])
def test_the_days_near_29_february_tell_nobody_who_prepares_their_own(alice, bob, rule, leap_day):
    calendar_id = alice.post("/api/calendars", json={"title": "Family"}).json["id"]
    query = f"?calendar={calendar_id}"
    code = alice.post(f"/api/calendars/{calendar_id}/invitations", json={}).json["code"]
    bob.post(f"/api/invitations/{code}/accept")
    born = {"full_name": "Bob", "birth_date": "1992-02-29", "linked_user_id": PEOPLE["Bob"]}
    alice.post(f"/api/birthdays{query}", json=born | {"leap_day": leap_day})
    host = alice.post(f"/api/panel/responsible{query}", json={"full_name": "Host"}).json["id"]
    for date in ("2027-02-28", "2027-03-01", "2028-02-28", "2028-02-29", "2028-03-01"):
        duty = {"responsible_id": host, "date": date}
        alice.post(f"/api/panel/assign-responsible{query}", json=duty)
    bob.patch(f"/api/settings{query}", json={"leap_day": rule})

    def host_of(person, date):
        return person.get(f"/api/calendar/{date}{query}").json["responsible"]

    for date in ("2027-02-28", "2028-02-29"):
        assert host_of(bob, date) is None
        assert host_of(alice, date)["full_name"] == "Host"
    # Where all keep the same day the other is a day as any.
    assert (host_of(bob, "2027-03-01") is None) is (leap_day is None)
    for date in ("2028-02-28", "2028-03-01"):
        assert host_of(bob, date)["full_name"] == "Host"
