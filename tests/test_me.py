"""My data: all of it as one file; deleted after a day to think again."""

import json
import re

import pytest

from calendar_app import calendars, me, models, reminders
from calendar_app.calendars import VIEWER, Account, Group
from calendar_app.models import Birthday, Chat, Counter, Deletion, Promise, User
from calendar_app.operation import ageing
from calendar_app.reminders import Outcome
from tests import test_rights as rights
from tests.world import PEOPLE

DAY = 24 * 3600
ADA = {"full_name": "Ada", "birth_date": "--12-10"}
ALICE = PEOPLE["Alice"]


@pytest.fixture
def family(alice, bob):
    """A calendar of Bob's with Alice as an editor."""
    calendar_id = bob.post("/api/calendars", json={"title": "Family"}).json["id"]
    made = bob.post(f"/api/calendars/{calendar_id}/invitations", json={"role": "editor"}).json
    alice.post(f"/api/invitations/{made['code']}/accept")
    return calendar_id


def test_everything_about_me_is_one_file(alice, bob, family):
    alice.add("Own", "--01-01", comment="mine")
    alice.post(f"/api/birthdays?calendar={family}", json=ADA | {"comment": "entered"})
    bob.post(f"/api/birthdays?calendar={family}", json=ADA | {"comment": "Bob's"})
    bob.post(f"/api/birthdays?calendar={family}",
             json={"full_name": "Alice", "birth_date": "--02-02", "linked_user_id": ALICE,
                   "comment": "secret"})  # fmt: skip
    own = next(row["id"] for row in alice.get("/api/calendars").json if row["kind"] == "personal")
    alice.post(f"/api/calendars/{own}/invitations", json={})
    answer = alice.get("/api/me?download=1")
    assert 'attachment; filename="birthday-calendar-me.json"' in answer.headers.values()
    assert "Content-Disposition" not in alice.get("/api/me").headers
    found = answer.json
    assert found["user"]["telegram_id"] == ALICE
    for word in ("mine", "entered", "Family", "settings_for_all", "expires_at"):
        assert word in answer.text, word
    assert [row["full_name"] for row in found["mentions"]] == ["Alice"]
    assert "secret" not in answer.text
    assert "Bob's" not in answer.text


def test_who_asks_to_be_deleted_is_hidden_at_once_and_told_what_stays(alice, bob, clock, family):
    alice.add(**ADA)
    own = alice.get("/api/calendars").json[0]["id"]
    made = alice.post(f"/api/calendars/{own}/invitations", json={}).json
    bob.post(f"/api/invitations/{made['code']}/accept")
    answer = alice.delete("/api/me")
    assert answer.json["status"] == "deleted"
    assert answer.json["until"] == clock.now + DAY
    assert "anonymous count" in answer.json["stays"]
    assert alice.delete("/api/me").json["until"] == clock.now + DAY
    for path in ("/api/birthdays", "/api/calendars", "/api/me/mentions", "/api/archived"):
        assert alice.get(path).json == [], path
    assert alice.get(f"/api/birthdays?calendar={family}").status_code == 404
    assert bob.get(f"/api/birthdays?calendar={own}").status_code == 404
    members = bob.get(f"/api/calendars/{family}/members").json
    assert [row["first_name"] for row in members] == ["Bob"]
    shown = alice.get("/api/me").json
    assert (shown["user"], shown["calendars"]) == (None, [])
    assert shown["deleting_since"] == clock.now


def test_who_asked_to_be_deleted_writes_nothing_and_is_told_why(alice, bob, family, clock):
    alice.add(**ADA)
    link = bob.post(f"/api/calendars/{family}/invitations", json={}).json["code"]
    alice.delete("/api/me")
    before = (Birthday.select().count(), models.Calendar.select().count())
    refused = [
        alice.post("/api/birthdays", json=ADA),
        alice.post("/api/holidays", json={"name": "x", "day": 1, "month": 1}),
        alice.post("/api/panel/responsible", json={"full_name": "x"}),
        alice.post("/api/calendars", json={"title": "x"}),
        alice.post(f"/api/invitations/{link}/accept"),
    ]
    for answer in refused:
        assert answer.status_code == 409, answer.text
        assert "take that back" in answer.json["detail"]
    assert alice.patch("/api/settings", json={"lead_days": [1]}).status_code in (403, 409)
    assert (Birthday.select().count(), models.Calendar.select().count()) == before


def test_writing_to_the_bot_or_in_a_group_does_not_take_it_back(app, alice, clock):
    alice.add(**ADA)
    alice.delete("/api/me")
    config = app.config["calendar"]
    calendars.register(Account(ALICE, "Alice", may_write=True), config, clock.now)
    access = calendars.enter_group(ALICE, Group(-5, "Us"), VIEWER, config, clock.now)
    assert access.calendar_id == 0
    assert User.get().deleting_since == clock.now
    assert alice.get("/api/birthdays").json == []


def test_within_a_day_it_is_taken_back_and_all_is_as_it_was(app, alice, clock):
    config = app.config["calendar"]
    calendars.register(Account(ALICE, "Alice", may_write=True), config, clock.now)
    alice.add(**ADA, comment="kept")
    alice.patch("/api/settings", json={"lead_days": [0, 4]})
    before = alice.get("/api/me").json
    alice.delete("/api/me")
    clock.now += DAY - 1
    ageing.drop_old(clock.now)
    assert alice.post("/api/me/restore").json == {"status": "restored"}
    assert alice.get("/api/me").json == before
    assert Deletion.select().count() == 0
    ageing.drop_old(clock.now + 10 * DAY)
    assert alice.get("/api/me").json == before
    assert alice.post("/api/me/restore").status_code == 409


def test_no_reminder_goes_to_who_asked_to_be_deleted(app, alice, clock):
    config = app.config["calendar"]
    calendars.register(Account(ALICE, "Alice", may_write=True), config, clock.now)
    alice.add("Today's", "--09-23")
    alice.delete("/api/me")
    clock.now += DAY
    sent = []
    reminders.plan(clock.now)
    while reminders.deliver(lambda m: sent.append(m) or Outcome("sent"), clock.now, "test"):
        pass
    assert sent == []
    assert {row.state for row in Promise.select()} <= {"failed", "skipped"}


def test_after_a_day_nothing_of_me_is_left_but_a_count(alice, bob, family, clock):
    alice.add(**ADA)
    alice.post(f"/api/birthdays?calendar={family}", json=ADA)
    about = {"full_name": "A.", "birth_date": "--02-02", "linked_user_id": ALICE}
    bob.post(f"/api/birthdays?calendar={family}", json=about)
    alice.delete("/api/me")
    clock.now += DAY
    assert ageing.drop_old(clock.now)["users"] == 1
    assert [row.telegram_id for row in User.select()] == [PEOPLE["Bob"]]
    assert [row.telegram_id for row in Chat.select()] == [PEOPLE["Bob"]]
    assert Counter.get(Counter.name == "users_deleted").value == 1
    # What Alice entered with the others stays theirs; nothing in it leads to her.
    assert len(bob.get(f"/api/birthdays?calendar={family}").json) == 2
    tables = set(models.database.get_tables()) - {"deletions"}
    rows = [row for table in tables for row in models.rows(f"SELECT * FROM {table}")]
    assert len(rows) > 5
    assert str(ALICE) not in json.dumps(rows)
    # And she may begin anew.
    assert alice.get("/api/me").json["deleting_since"] is None
    alice.add(**ADA)
    assert len(alice.get("/api/birthdays").json) == 1


def test_a_deletion_asked_for_again_while_it_is_purged_harms_nobody_new(alice, clock):
    alice.add(**ADA)
    alice.delete("/api/me")
    alice.post("/api/me/restore")
    assert me.purge_due(clock.now + 2 * DAY) == 0
    assert len(alice.get("/api/birthdays").json) == 1


def test_no_route_fails_for_who_asked_to_be_deleted(alice, bob, family):
    alice.add(**ADA)
    own = alice.get("/api/calendars").json[0]["id"]
    alice.delete("/api/me")
    routes = {route: body for route, (body, _) in rights.CONTENT.items()}
    routes |= dict.fromkeys(rights.ANYBODY - {("POST", "/api/me/restore")}, {"title": "x"})
    for (method, path), body in routes.items():
        path = re.sub(r"<(code|job|key)>", "nonsense", path).replace("<birthday_id>", "1")
        answers = [rights.ask(alice, each, method, path, body) for each in (own, family)]
        if "<" not in path:
            # The calendar that is meant where none is named.
            more = {} if body is None else {"json": body}
            address = f"{path}?q=ada&format=csv&birthday_id=1"
            answers.append(getattr(alice, method.lower())(address, **more))
        for answer in answers:
            assert answer.status_code < 500, (method, path, answer.text)


def test_who_asked_to_be_deleted_has_no_feed_to_renew_or_revoke(alice):
    alice.add(**ADA)
    alice.delete("/api/me")
    for answer in (alice.post("/api/feed/rotate"), alice.delete("/api/feed")):
        assert answer.status_code == 409, answer.text
        assert "take that back" in answer.json["detail"]


def test_who_asked_to_be_deleted_is_no_member_for_the_others(alice, bob, family):
    member = f"/api/calendars/{family}/members/{ALICE}"
    alice.delete("/api/me")
    for answer in (bob.patch(member, json={"role": "owner"}), bob.delete(member)):
        assert answer.status_code == 404, answer.text
    alice.post("/api/me/restore")
    assert alice.get(f"/api/calendars/{family}").json["role"] == "editor"


def test_an_owner_who_asked_to_be_deleted_is_no_owner_to_leave_a_calendar_to(alice, bob, family):
    members = f"/api/calendars/{family}/members"
    assert bob.patch(f"{members}/{ALICE}", json={"role": "owner"}).status_code == 200
    alice.delete("/api/me")
    own = f"{members}/{PEOPLE['Bob']}"
    assert bob.delete(own).status_code == 409
    assert bob.patch(own, json={"role": "viewer"}).status_code == 409
    alice.post("/api/me/restore")
    assert bob.delete(own).status_code == 200


def test_a_deleted_calendar_has_no_heirs(alice, bob, clock, family):
    bob.post(f"/api/birthdays?calendar={family}", json=ADA)
    bob.delete(f"/api/calendars/{family}")
    bob.delete("/api/me")
    clock.now += DAY
    assert me.purge_due(clock.now) == 1
    assert alice.get("/api/archived").json == []
    assert alice.post(f"/api/calendars/{family}/restore").status_code == 404
    assert Birthday.select().count() == 0


def test_a_deleted_calendar_stays_with_its_other_owner(alice, bob, clock, family):
    bob.patch(f"/api/calendars/{family}/members/{ALICE}", json={"role": "owner"})
    bob.delete(f"/api/calendars/{family}")
    bob.delete("/api/me")
    clock.now += DAY
    me.purge_due(clock.now)
    assert alice.post(f"/api/calendars/{family}/restore").json["role"] == "owner"


def test_my_file_has_who_is_responsible_when_but_on_my_own_day(alice):
    alice.add("Alice", "--02-29", linked_user_id=ALICE)
    host = alice.post("/api/panel/responsible", json={"full_name": "Host"}).json["id"]
    dates = ("2026-12-24", "2027-02-28", "2027-03-01", "2028-02-29", "2028-03-01")
    for date in dates:
        duty = {"responsible_id": host, "date": date}
        assert alice.post("/api/panel/assign-responsible", json=duty).status_code == 200
    (found,) = alice.get("/api/me").json["calendars"]
    assert found["duties"] == [
        {"date": "2026-12-24", "responsible_id": host},
        {"date": "2028-03-01", "responsible_id": host},
    ]


def test_my_file_has_the_deleted_calendars_that_i_can_have_back(alice, bob, family, clock):
    bob.post(f"/api/birthdays?calendar={family}", json=ADA)
    bob.delete(f"/api/calendars/{family}")
    found = bob.get("/api/me").json["calendars"]
    (deleted,) = [row for row in found if row["id"] == family]
    assert deleted["deleted_at"] == clock.now
    assert [row["full_name"] for row in deleted["birthdays"]] == ["Ada"]
    assert {row["deleted_at"] for row in found if row["id"] != family} == {None}
    assert family not in {row["id"] for row in alice.get("/api/me").json["calendars"]}
    clock.now += 30 * DAY
    assert family not in {row["id"] for row in bob.get("/api/me").json["calendars"]}


def test_my_file_has_what_is_kept_of_my_own_lists_only(alice, bob, family):
    query = f"?calendar={family}"
    small = {"text": "full_name,birth_date,comment\nQuark,bad,mine\n"}
    assert alice.post(f"/api/import{query}", json=small).json["rows"][0]["verdict"] == "doubtful"
    long = "\n".join(f"Somebody {number} 5.5.1990" for number in range(300))
    assert alice.post(f"/api/import{query}", json={"text": long}).json["state"] == "waiting"
    calendar = next(row for row in alice.get("/api/me").json["calendars"] if row["id"] == family)
    one, other = calendar["imports"]
    assert (one["format"], one["total"], one["unwritten"]) == ("csv", 1, [])
    assert one["doubtful"][0]["birthday"]["comment"] == "mine"
    assert len(other["unwritten"]) == 300
    assert "Quark" not in bob.get("/api/me").text


def test_a_personal_calendar_goes_with_its_owner_whoever_shares_it(alice, bob, clock):
    alice.add(**ADA)
    own = alice.get("/api/calendars").json[0]["id"]
    code = alice.post(f"/api/calendars/{own}/invitations", json={"role": "owner"}).json["code"]
    bob.post(f"/api/invitations/{code}/accept")
    alice.delete("/api/me")
    clock.now += DAY
    me.purge_due(clock.now)
    assert bob.get(f"/api/calendars/{own}").status_code == 404
    assert Birthday.select().count() == 0
