"""Calendars, members, invitations, settings and own data, through the API."""

import json

import pytest

from calendar_app import api, calendars, models
from calendar_app.operation import ageing
from tests.conftest import Person
from tests.world import PEOPLE, settings

ADA = {"full_name": "Ada", "birth_date": "1815-12-10"}
SETTINGS = {
    "language": "en",
    "timezone": "UTC",
    "notification_time": "09:00",
    "lead_days": [0],
    "weekly_digest": None,
    "monthly_digest": False,
    "quiet_from": None,
    "quiet_to": None,
    "leap_day": "feb28",
}


@pytest.fixture
def family(alice):
    return alice.post("/api/calendars", json={"title": "Family"}).json["id"]


def join(owner, person, calendar_id, role="viewer", **more):
    body = {"role": role, **more}
    made = owner.post(f"/api/calendars/{calendar_id}/invitations", json=body)
    assert made.status_code == 201, made.text
    return made.json, person.post(f"/api/invitations/{made.json['code']}/accept")


# --- settings ---


def test_settings_begin_with_what_the_instance_says(tmp_path, clock, alice):
    assert alice.get("/api/settings").json == SETTINGS
    alice.add(**ADA)
    assert alice.get("/api/settings").json == SETTINGS


def test_settings_are_changed_one_by_one_and_kept(alice):
    changes = {
        "language": "ru",
        "timezone": "Asia/Kolkata",
        "notification_time": "7:45",
        "lead_days": [7, 0, 1],
        "weekly_digest": 6,
        "monthly_digest": True,
        "quiet_from": "22:00",
        "quiet_to": "08:00",
        "leap_day": "mar1",
    }
    expected = dict(SETTINGS)
    for name, value in changes.items():
        answer = alice.patch("/api/settings", json={name: value})
        kept = {"notification_time": "07:45", "lead_days": [0, 1, 7]}.get(name, value)
        expected[name] = kept
        assert answer.json == expected
    assert alice.get("/api/settings").json == expected
    cleared = {"weekly_digest": None, "quiet_from": None, "quiet_to": None, "lead_days": []}
    assert alice.patch("/api/settings", json=cleared).json == expected | cleared


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("language", "fr"),
        ("timezone", "Mars/Base"),
        ("timezone", "../../etc/passwd"),
        ("notification_time", "25:00"),
        ("lead_days", [61]),
        ("lead_days", 3),
        ("lead_days", [-1]),
        ("lead_days", ["1"]),
        ("weekly_digest", 7),
        ("monthly_digest", "yes"),
        ("quiet_from", 22),
        ("leap_day", "feb29"),
    ],
)
def test_settings_that_cannot_be_are_refused_and_change_nothing(alice, name, value):
    answer = alice.patch("/api/settings", json={"leap_day": "mar1"} | {name: value})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"].startswith(name)
    assert answer.json["errors"][0]["message"]
    assert alice.get("/api/settings").json == SETTINGS


def test_the_rule_for_29_february_is_each_members_own(alice, bob, family):
    join(alice, bob, family)
    alice.post(
        f"/api/birthdays?calendar={family}", json={"full_name": "Leap", "birth_date": "--02-29"}
    )
    bob.patch(f"/api/settings?calendar={family}", json={"leap_day": "mar1"})
    for person, day in ((alice, "2027-02-28"), (bob, "2027-03-01")):
        found = person.get(f"/api/calendar/{day}?calendar={family}").json["birthdays"]
        assert [row["full_name"] for row in found] == ["Leap"]


# --- calendars and members ---


def test_a_calendar_is_made_renamed_and_deleted(alice):
    alice.add(**ADA)
    made = alice.post("/api/calendars", json={"title": "Work"})
    assert made.status_code == 201
    work = made.json
    assert work == {"id": work["id"], "kind": "other", "title": "Work", "role": "owner"}
    listed = alice.get("/api/calendars").json
    assert [row["kind"] for row in listed] == ["personal", "other"]
    address = f"/api/calendars/{work['id']}"
    assert alice.patch(address, json={"title": "Office"}).json["title"] == "Office"
    assert alice.patch(address, json={"title": " "}).status_code == 422
    alice.post(f"/api/birthdays?calendar={work['id']}", json=ADA)
    assert alice.delete(address).json == {"status": "deleted"}
    assert alice.get(address).status_code == 404
    assert alice.get("/api/birthdays?calendar=" + str(work["id"])).status_code == 404
    assert len(alice.get("/api/birthdays").json) == 1


def test_ones_own_calendar_cannot_be_deleted(alice):
    alice.add(**ADA)
    answer = alice.delete("/api/calendars/1")
    assert answer.status_code == 409
    assert "cannot be deleted" in answer.json["detail"]


def test_an_invitation_makes_a_member_of_its_role_as_often_as_it_says(people, family, clock):
    alice, bob, charlie, dave, eve = people
    invitation, joined = join(alice, bob, family, "editor", uses=2, days=3)
    assert joined.json == {"id": family, "kind": "other", "title": "Family", "role": "editor"}
    assert invitation["uses_left"] == 2
    assert invitation["expires_at"] == clock.now + 3 * 24 * 3600
    accept = f"/api/invitations/{invitation['code']}/accept"
    assert bob.post(accept).status_code == 200  # Again: nothing changes, nothing is used up.
    assert charlie.post(accept).status_code == 200
    assert dave.post(accept).status_code == 404
    members = alice.get(f"/api/calendars/{family}/members").json
    assert [(row["first_name"], row["role"]) for row in members] == [
        ("Alice", "owner"),
        ("Bob", "editor"),
        ("Charlie", "editor"),
    ]


def test_an_invitation_ends_with_its_time_its_calendar_and_its_inviter(people, family, clock):
    alice, bob, charlie, dave, eve = people
    address = f"/api/calendars/{family}/invitations"
    codes = [alice.post(address, json={}).json["code"] for _ in range(2)]
    join(alice, bob, family, "editor")
    from_bob = bob.post(address, json={"role": "viewer"}).json["code"]
    alice.patch(f"/api/calendars/{family}/members/{PEOPLE['Bob']}", json={"role": "viewer"})
    assert charlie.post(f"/api/invitations/{from_bob}/accept").status_code == 404
    clock.now += 7 * 24 * 3600
    assert charlie.post(f"/api/invitations/{codes[0]}/accept").status_code == 404
    fresh = alice.post(address, json={}).json["code"]
    assert alice.delete(address).status_code == 200
    assert charlie.post(f"/api/invitations/{fresh}/accept").status_code == 404
    last = alice.post(address, json={}).json["code"]
    alice.delete(f"/api/calendars/{family}")
    assert charlie.post(f"/api/invitations/{last}/accept").status_code == 404


def test_nobody_invites_above_their_own_role(alice, bob, family):
    join(alice, bob, family, "editor")
    answer = bob.post(f"/api/calendars/{family}/invitations", json={"role": "owner"})
    assert answer.status_code == 403
    assert "above your own" in answer.json["detail"]


def test_codes_are_kept_as_hashes_only(alice, family):
    code = alice.post(f"/api/calendars/{family}/invitations", json={}).json["code"]
    (row,) = models.Invitation.select().dicts()
    assert code not in json.dumps(row, default=str)


def test_a_calendar_always_has_an_owner(alice, bob, family):
    join(alice, bob, family, "editor")
    alice_there = f"/api/calendars/{family}/members/{PEOPLE['Alice']}"
    bob_there = f"/api/calendars/{family}/members/{PEOPLE['Bob']}"
    for refused in (
        alice.delete(alice_there),
        alice.patch(alice_there, json={"role": "viewer"}),
    ):
        assert refused.status_code == 409
        assert "needs an owner" in refused.json["detail"]
    assert alice.patch(bob_there, json={"role": "owner"}).json["role"] == "owner"
    assert alice.delete(alice_there).status_code == 200
    assert alice.get(f"/api/calendars/{family}").status_code == 404
    assert bob.get(f"/api/calendars/{family}").json["role"] == "owner"


def test_the_shared_calendar_is_the_default_of_its_listed_members(tmp_path, clock, app):
    company = settings(tmp_path, SHARED_CALENDAR="Company", ADMIN_TELEGRAM_IDS=str(PEOPLE["Alice"]))
    calendars.ensure_shared(company, clock.now)
    alice, bob = (Person(app, clock, name) for name in ("Alice", "Bob"))
    alice.add(**ADA)
    assert alice.get("/api/calendars").json[0]["title"] == "Company"
    bob.add("Bob's", "2000-01-01")
    assert [row["full_name"] for row in bob.get("/api/birthdays").json] == ["Bob's"]
    shared = alice.get("/api/calendars").json[0]["id"]
    assert bob.get(f"/api/birthdays?calendar={shared}").status_code == 404
    everyone = settings(tmp_path, SHARED_CALENDAR="Company", SHARED_CALENDAR_ACCESS="everyone")
    calendars.ensure_shared(everyone, clock.now)
    assert [r["full_name"] for r in bob.get(f"/api/birthdays?calendar={shared}").json] == ["Ada"]
    assert bob.post(f"/api/birthdays?calendar={shared}", json=ADA).status_code == 403
    assert bob.get(f"/api/calendars/{shared}/members").status_code == 404
    assert bob.patch(f"/api/settings?calendar={shared}", json={}).status_code == 403
    assert [row["full_name"] for row in bob.get("/api/birthdays").json] == ["Bob's"]
    calendars.ensure_shared(settings(tmp_path), clock.now)
    assert bob.get(f"/api/birthdays?calendar={shared}").status_code == 404


# --- own data ---


def test_me_shows_everything_about_me(alice):
    nothing = alice.get("/api/me").json
    assert not any(nothing.values())
    assert {"user", "calendars", "reminders"} < set(nothing)
    alice.add(**ADA, comment="secret")
    found = alice.get("/api/me").json
    assert found["user"]["telegram_id"] == PEOPLE["Alice"]
    (own,) = found["calendars"]
    assert own["birthdays"][0]["comment"] == "secret"
    assert own["settings"] == SETTINGS


def test_deleting_me_leaves_nothing_of_me(alice, bob, family, clock):
    join(alice, bob, family, "viewer")
    alice.add(**ADA)
    alice.post(f"/api/birthdays?calendar={family}", json=ADA)
    alice.post("/api/calendars", json={"title": "Alone"})
    assert alice.delete("/api/me").json["status"] == "deleted"
    clock.now += 24 * 3600
    ageing.drop_old(clock.now)
    telegram_ids = [row.telegram_id for row in models.User.select()]
    assert telegram_ids == [PEOPLE["Bob"]]
    assert [row.telegram_id for row in models.Chat.select()] == [PEOPLE["Bob"]]
    assert not models.Calendar.select().where(models.Calendar.title == "Alone").exists()
    assert alice.get("/api/me").json["user"] is None
    assert alice.get("/api/birthdays").json == []
    # What was shared stays with those who shared it.
    assert bob.get(f"/api/calendars/{family}").json["role"] == "owner"
    assert len(bob.get(f"/api/birthdays?calendar={family}").json) == 1


def test_an_invitation_to_a_calendar_that_is_hidden_just_now_is_not_used_up(alice, bob):
    alice.add(**ADA)
    own = alice.get("/api/calendars").json[0]["id"]
    code = alice.post(f"/api/calendars/{own}/invitations", json={}).json["code"]
    alice.delete("/api/me")
    assert bob.post(f"/api/invitations/{code}/accept").status_code == 404
    alice.post("/api/me/restore")
    assert len(alice.get(f"/api/calendars/{own}/members").json) == 1
    assert bob.post(f"/api/invitations/{code}/accept").status_code == 200


def test_whose_own_calendar_it_is_stays_its_owner_and_is_told_so(alice, bob):
    alice.add(**ADA)
    own = alice.get("/api/calendars").json[0]["id"]
    join(alice, bob, own, "owner")
    there = f"/api/calendars/{own}/members/{PEOPLE['Alice']}"
    for refused in (
        alice.delete(there),
        bob.delete(there),
        bob.patch(there, json={"role": "viewer"}),
    ):
        assert refused.status_code == 409
        assert "stays its owner" in refused.json["detail"]


def test_an_invitation_that_nobody_can_follow_is_not_listed(alice, bob, family):
    join(alice, bob, family, "editor")
    address = f"/api/calendars/{family}/invitations"
    bob.post(address, json={"role": "editor"})
    mine = alice.post(address, json={"role": "viewer"}).json["id"]
    assert len(alice.get(address).json) == 2
    alice.patch(f"/api/calendars/{family}/members/{PEOPLE['Bob']}", json={"role": "viewer"})
    (listed,) = alice.get(address).json
    assert listed["id"] == mine
    assert listed.keys() == {"id", "role", "expires_at", "uses_left"}


def test_the_shared_calendar_is_renamed_by_its_setting_only(tmp_path, clock):
    company = settings(tmp_path, SHARED_CALENDAR="Company", ADMIN_TELEGRAM_IDS=PEOPLE["Alice"])
    alice = Person(api.create_app(company, clock), clock, "Alice")
    shared = alice.get("/api/calendars").json[0]["id"]
    answer = alice.patch(f"/api/calendars/{shared}", json={"title": "New"})
    assert answer.status_code == 409
    assert "SHARED_CALENDAR" in answer.json["detail"]
    assert alice.get(f"/api/calendars/{shared}").json["title"] == "Company"
    models.disconnect()
