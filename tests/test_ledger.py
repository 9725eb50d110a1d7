"""GET /api/reminders: each user's own ledger, and why a reminder came or did not."""

import pytest

from calendar_app import dates, models, reminders
from calendar_app.models import Birthday, Promise
from calendar_app.reminders import Outcome
from tests.bench import bench_due
from tests.conftest import NOON
from tests.world import PEOPLE

DAY = 24 * 3600
KEYS = ["id", "kind", "birthday_id", "full_name", "occurs_on", "days_before", "due_at", "state",
        "reason", "sent_at"]  # fmt: skip


def date(days):
    return f"--{dates.local_date(NOON + days * DAY, 'UTC'):%m-%d}"


def look(clock, outcome=None):
    reminders.plan(clock.now)
    while reminders.deliver(lambda _message: outcome or Outcome("sent"), clock.now, "bot/1"):
        pass


def pass_days(clock, days, outcome=None):
    for _ in range(days * 24):
        clock.now += 3600
        look(clock, outcome)


@pytest.fixture
def shared(alice, bob):
    """A calendar that Alice shares with Bob."""
    for person in (alice, bob):
        person.post("/api/birthdays", json={"full_name": "Other", "birth_date": "--01-01"})
    calendar_id = alice.post("/api/calendars", json={"title": "Family"}).json["id"]
    invitation = alice.post(f"/api/calendars/{calendar_id}/invitations", json={"role": "editor"})
    bob.post(f"/api/invitations/{invitation.json['code']}/accept")
    models.Chat.update(reachable=True).execute()
    return calendar_id


def add(person, calendar_id, name, birth_date):
    body = {"full_name": name, "birth_date": birth_date}
    return person.post(f"/api/birthdays?calendar={calendar_id}", json=body).json["id"]


def test_a_promise_is_shown_as_the_contract_says(alice, shared, clock):
    ada = add(alice, shared, "Ada", date(2))
    alice.patch(f"/api/settings?calendar={shared}", json={"lead_days": [0, 1]})
    pass_days(clock, 3)
    day, lead = alice.get("/api/reminders").json
    assert [list(row) for row in (day, lead)] == [KEYS, KEYS]
    assert day | {"id": 0, "due_at": 0, "sent_at": 0} == {
        "id": 0, "kind": "day", "birthday_id": ada, "full_name": "Ada",
        "occurs_on": f"{dates.local_date(NOON + 2 * DAY, 'UTC')}", "days_before": 0, "due_at": 0,
        "state": "sent", "reason": "", "sent_at": 0,
    }  # fmt: skip
    assert (lead["kind"], lead["days_before"]) == ("lead", 1)
    assert day["due_at"] <= day["sent_at"] < day["due_at"] + 3600


def test_states_people_and_calendars_can_be_asked_for_and_pages_join(alice, shared, clock):
    ids = [add(alice, shared, f"Person {number}", date(2)) for number in range(5)]
    alice.post("/api/holidays", json={"name": "Own", "day": 1, "month": 1})
    own = add(alice, alice.get("/api/calendars").json[0]["id"], "Own", date(1))
    pass_days(clock, 3)
    everything = alice.get("/api/reminders").json
    assert {row["birthday_id"] for row in everything} == {*ids, own}
    assert alice.get("/api/reminders?state=failed").json == []
    (row,) = alice.get(f"/api/reminders?birthday_id={ids[0]}&state=sent").json
    assert row["full_name"] == "Person 0"
    assert len(alice.get(f"/api/reminders?calendar={shared}").json) == 5
    pages, address = [], "/api/reminders?limit=2&state=sent"
    while address:
        answer = alice.get(address)
        pages.append(answer.json)
        link = answer.headers.get("Link", "")
        address = link.partition("<")[2].partition(">")[0]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert [row for page in pages for row in page] == everything
    for wrong in ("after=x", "after=1.2.3", f"after={10**30}.1", "state=lost", "birthday_id=0"):
        assert alice.get(f"/api/reminders?{wrong}").status_code == 422, wrong
    assert alice.get(f"/api/reminders?birthday_id={10**30}").json == []


def test_nobody_sees_anothers_and_who_left_sees_nothing(alice, bob, people, shared, clock):
    add(alice, shared, "Ada", date(1))
    pass_days(clock, 2)
    mine, his = (person.get("/api/reminders").json for person in (alice, bob))
    assert {row["id"] for row in mine}.isdisjoint({row["id"] for row in his})
    assert len(mine) == len(his) == 1
    assert people[2].get("/api/reminders").json == []
    alice.delete(f"/api/calendars/{shared}/members/{PEOPLE['Bob']}")
    assert bob.get("/api/reminders").json == []
    assert bob.get("/api/reminders/why?birthday_id=3").status_code == 404


def test_the_one_whose_birthday_it_is_finds_nothing_of_it(alice, bob, shared, clock):
    ada = add(alice, shared, "Bob himself", date(2))
    for person in (alice, bob):
        person.patch(f"/api/settings?calendar={shared}", json={"lead_days": [0, 1]})
    pass_days(clock, 2)
    assert len(alice.get("/api/reminders").json) == 2
    Birthday.update(linked_user_id=PEOPLE["Bob"]).where(Birthday.id == ada).execute()
    assert bob.get("/api/reminders").json == []
    assert bob.get(f"/api/reminders?birthday_id={ada}").json == []
    why = bob.get(f"/api/reminders/why?birthday_id={ada}").json
    assert why["reasons"] == ["It is your own birthday: nobody is reminded of their own."]


def test_why_names_the_rule_or_what_became_of_it(alice, shared, clock):
    ada = add(alice, shared, "Ada", date(5))
    settings = f"/api/settings?calendar={shared}"
    address = f"/api/reminders/why?birthday_id={ada}"

    def why():
        answer = alice.get(address)
        assert answer.status_code == 200, answer.text
        return " ".join(answer.json["reasons"])

    local = dates.local_date(NOON + 5 * DAY, "UTC").isoformat()
    zone = {"timezone": "Europe/Berlin", "notification_time": "10:30"}
    alice.patch(settings, json={"lead_days": [0], **zone})
    assert why() == f"It will come at {local} 10:30 Europe/Berlin."
    alice.patch(settings, json={"lead_days": []})
    assert why() == "There is no rule: lead_days is empty."
    alice.patch(settings, json={"lead_days": [0, 30]})
    assert "Nothing was due at" in why()
    alice.patch(settings, json={"lead_days": [0]})
    for values, said in (
        ({"muted": True}, "No reminder: this person is muted."),
        ({"muted": False, "skip_year": int(local[:4])}, "this person is skipped this year"),
        ({"skip_year": None}, "It will come at"),
    ):
        alice.patch(f"/api/birthdays/{ada}", json=values)
        assert said in why()
    models.Chat.update(reachable=False).execute()
    assert "the bot may not write to this chat yet" in why()
    models.Chat.update(reachable=True).execute()
    address += f"&date={local}"
    pass_days(clock, 6, Outcome("failed", "Bad Request: chat not found"))
    assert f"Could not be sent, due {local} 10:30 Europe/Berlin: Bad Request" in why()
    Promise.update(state="sent", sent_at=clock.now).execute()
    assert why().startswith("Sent at ")
    address = f"/api/reminders/why?birthday_id={ada}&date=2030-01-01"
    assert why() == "No reminder: the birthday is not kept on this day."
    for day in ("0001-01-01", "9999-12-31", "2026-02-30", "--02-28"):
        address = f"/api/reminders/why?birthday_id={ada}&date={day}"
        assert alice.get(address).status_code == 422, day


def test_reasons_are_in_the_readers_language(alice, shared, clock):
    add(alice, shared, "Ada", date(1))
    pass_days(clock, 3, Outcome("later", "Telegram could not be reached"))
    (row,) = alice.get("/api/reminders").json
    assert row["reason"] == "given up at the end of the day: Telegram could not be reached"
    alice.patch("/api/settings", json={"language": "ru"})
    (row,) = alice.get("/api/reminders").json
    assert row["reason"].startswith("до конца дня отправить не удалось: ")


def test_an_idle_look_costs_the_same_however_many_birthdays_there_are():
    # Measured as CPU, the best of five: 1.0 on a quiet machine.
    assert bench_due.main(1_000, 100_000) < 2
