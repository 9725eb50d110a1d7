"""GET /api/reminders: each user's own ledger, and why a reminder came or did not."""

import datetime as dt

import pytest

from calendar_app import birthdays, calendars, dates, ledger, models, reminders
from calendar_app.calendars import Ref
from calendar_app.models import Birthday, Promise
from calendar_app.reminders import Outcome
from tests.bench import bench_due
from tests.conftest import NOON
from tests.lives import ALICE, BOB, Life, at
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


@pytest.fixture
def begin(tmp_path, clock):
    yield lambda text, **environment: Life.begin(tmp_path, clock, text, **environment)
    models.disconnect()


def why(life, birthday_id, account=ALICE, on=None):
    ref = Ref(account.telegram_id, birthday_id)
    return ledger.why(ref, on, "en", life.clock.now)["reasons"]


def test_what_the_bot_has_not_come_to_yet_is_no_late_entry(begin):
    life = begin("2026-12-01 12:00")
    ada = life.add("Ada", "--12-10")
    life.clock.now = at("2026-12-10 15:00")
    assert why(life, ada) == [
        "It was due at 2026-12-10 09:00 UTC, and the bot has not come to it yet."
    ]
    life.look()
    assert why(life, ada) == ["Sent late, at 2026-12-10 15:00 UTC."]
    bob = life.add("Bob", "--12-10")
    assert "entered or chosen later" in why(life, bob)[0]


def test_who_may_see_a_calendar_but_is_no_member_is_told_so(begin):
    open_to_all = {"SHARED_CALENDAR": "Company", "SHARED_CALENDAR_ACCESS": "everyone"}
    life = begin("2026-12-01 12:00", ADMIN_TELEGRAM_IDS=ALICE.telegram_id, **open_to_all)
    calendars.ensure_shared(life.config, life.clock.now)
    calendars.register(BOB, life.config, life.clock.now)
    shared = models.Calendar.get(models.Calendar.kind == "shared").id
    body = {"full_name": "Ada", "birth_date": "--12-10"}
    ada = birthdays.create(ALICE.telegram_id, shared, body, life.clock.now)["id"]
    assert why(life, ada, BOB) == [ledger.NO_MEMBER]
    assert "It will come" in why(life, ada)[0]


def test_what_was_given_up_says_when_it_was_due(begin):
    life = begin("2026-12-09 12:00")
    ada = life.add("Ada", "--12-10")
    life.post.answers = [Outcome("later", "Telegram could not be reached")] * 400
    life.until("2026-12-11 06:00")
    (said,) = why(life, ada, on=dt.date(2026, 12, 10))
    assert said.startswith("Could not be sent, due 2026-12-10 09:00 UTC: given up")


def test_reasons_come_in_the_order_of_time_and_years_are_filled_up(begin):
    life = begin("2026-11-01 12:00")
    ada = life.add("Ada", "--12-10")
    life.change(lead_days=[0, 1, 7, 30])
    days = ("11-10", "12-03", "12-09", "12-10")
    assert why(life, ada) == [f"It will come at 2026-{day} 09:00 UTC." for day in days]
    assert "at 0200-11-10 09:00 UTC" in why(life, ada, on=dt.date(200, 12, 10))[0]


def lately(life, birthday_id):
    found = ledger.why_lately(Ref(ALICE.telegram_id, birthday_id), "en", life.clock.now)
    return [(each["date"], *each["reasons"]) for each in found]


def test_after_a_birthday_one_is_also_told_what_became_of_it(begin):
    life = begin("2026-12-01 12:00")
    ada, muted = life.add("Ada", "--12-10"), life.add("Muted", "--12-10", muted=True)
    born = life.add("Born", "2026-11-20")
    life.until("2026-12-10 12:00")
    sent = ("2026-12-10", "Sent at 2026-12-10 09:00 UTC.")
    coming = ("2027-12-10", "It will come at 2027-12-10 09:00 UTC.")
    assert lately(life, ada) == [sent]
    life.clock.now = at("2026-12-11 12:00")
    assert lately(life, ada) == [sent, coming]
    # Nothing of what says the same, of birth itself, and of what was before the entry.
    assert lately(life, muted) == [("2027-12-10", "No reminder: this person is muted.")]
    assert [day for day, *_ in lately(life, born)] == ["2027-11-20"]
    assert [day for day, *_ in lately(life, life.add("New", "--12-10"))] == ["2027-12-10"]
    life.clock.now = at("2027-02-09 12:00")
    assert [day for day, *_ in lately(life, ada)] == ["2027-12-10"]


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
