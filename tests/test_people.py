"""What is known of a person besides the plain fields, and what the linked one may do about it."""

import pytest

from calendar_app import models, reminders
from calendar_app.models import Birthday, Promise
from tests.world import PEOPLE

ADA = {"full_name": "Ada", "birth_date": "1990-12-10"}
MORE = {
    "labels": ["team", "chess club"],
    "leap_day": "mar1",
    "lead_days": [0, 7, 14],
    "muted": True,
    "skip_year": 2027,
    "hide_age": False,
    "linked_user_id": None,
}
# What an answer leaves out.
DEFAULTS = {
    "labels": [], "leap_day": None, "lead_days": None, "muted": False, "skip_year": None,
    "hide_age": False, "linked_user_id": None, "confirmed": False,
}  # fmt: skip
ALICE, BOB, CHARLIE = (PEOPLE[name] for name in ("Alice", "Bob", "Charlie"))


@pytest.fixture
def family(people):
    """A calendar of Alice's with Bob as a viewer and Charlie as an editor; its query."""
    alice, bob, charlie, *_ = people
    calendar_id = alice.post("/api/calendars", json={"title": "Family"}).json["id"]
    for person, role in ((bob, "viewer"), (charlie, "editor")):
        made = alice.post(f"/api/calendars/{calendar_id}/invitations", json={"role": role})
        person.post(f"/api/invitations/{made.json['code']}/accept")
    return f"?calendar={calendar_id}"


def whole(answer):
    return DEFAULTS | answer


def add(person, family, **more):
    answer = person.post(f"/api/birthdays{family}", json=ADA | more)
    assert answer.status_code == 201, answer.text
    return answer.json


# --- fields ---


def test_further_fields_are_given_changed_one_by_one_and_shown(alice):
    made = alice.post("/api/birthdays", json=ADA | MORE)
    assert made.status_code == 201
    address = f"/api/birthdays/{made.json['id']}"
    assert whole(alice.get(address).json).items() >= MORE.items()
    changes = {"labels": [], "leap_day": None, "lead_days": None, "muted": False,
               "skip_year": None, "hide_age": True}  # fmt: skip
    expected = dict(MORE)
    for name, value in changes.items():
        expected[name] = value
        changed = alice.patch(address, json={name: value}).json
        assert whole(changed).items() >= expected.items()
    assert whole(alice.get("/api/birthdays").json[0]).items() >= expected.items()


def test_what_an_old_client_puts_back_wipes_nothing_that_it_does_not_know(alice):
    made = alice.post("/api/birthdays", json=ADA | MORE).json
    put = alice.put(f"/api/birthdays/{made['id']}", json=ADA | {"id": 7, "company": "Engines"})
    assert whole(put.json).items() >= MORE.items()
    assert put.json["company"] == "Engines"
    # Whatever it sends along under these names is not for PUT.
    echoed = alice.put(f"/api/birthdays/{made['id']}", json=ADA | {"labels": [], "muted": False})
    assert whole(echoed.json).items() >= MORE.items()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labels", "team"),
        ("labels", [""]),
        ("labels", ["x" * 51]),
        ("labels", ["a\nb"]),
        ("labels", ["x"] * 21),
        ("leap_day", "feb29"),
        ("lead_days", [61]),
        ("lead_days", [-1]),
        ("lead_days", 3),
        ("muted", "yes"),
        ("skip_year", 0),
        ("skip_year", 10_000),
        ("hide_age", 1),
        ("linked_user_id", 0),
        ("linked_user_id", 2**63),
        ("linked_user_id", PEOPLE["Eve"]),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(alice, name, value):
    made = alice.add(**ADA)
    answer = alice.patch(f"/api/birthdays/{made['id']}", json={name: value, "company": "x"})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"].startswith(name)
    assert alice.get("/api/birthdays").json == [made]
    assert alice.post("/api/birthdays", json=ADA | {name: value}).status_code == 422


def test_a_persons_own_rule_for_29_february_wins(alice):
    for rule, day in (("mar1", "2027-03-01"), ("feb28", "2027-02-28")):
        leap = {"full_name": rule, "birth_date": "--02-29", "leap_day": rule}
        assert alice.post("/api/birthdays", json=leap).status_code == 201
        found = alice.get(f"/api/calendar/{day}").json["birthdays"]
        assert [row["full_name"] for row in found] == [rule]


def test_own_lead_times_and_mute_are_followed_by_reminders(alice, clock):
    day = {"full_name": "Ada", "birth_date": "--10-01"}
    ada = alice.post("/api/birthdays", json=day | {"lead_days": [3]}).json
    bob = alice.post("/api/birthdays", json=day | {"full_name": "Bob", "muted": True}).json
    clock.now += 7 * 24 * 3600
    reminders.plan(clock.now)
    promised = {(row.subject_id, row.days_before) for row in Promise.select()}
    assert promised == {(ada["id"], 3)}
    alice.patch(f"/api/birthdays/{bob['id']}", json={"muted": False, "lead_days": [2]})
    clock.now += 24 * 3600
    reminders.plan(clock.now)
    assert {(row.subject_id, row.days_before) for row in Promise.select()} == {
        (ada["id"], 3),
        (bob["id"], 2),
    }


# --- hidden ages ---


def test_of_a_hidden_age_nobody_else_sees_the_year(people, family):
    alice, bob, charlie, *_ = people
    ada = add(alice, family, hide_age=True, linked_user_id=BOB)
    seen = {
        person.name: (
            person.get(f"/api/birthdays/{ada['id']}").json["birth_date"],
            person.get(f"/api/birthdays{family}").json[0]["birth_date"],
            person.get(f"/api/calendar/2026-12-10{family}").json["birthdays"][0]["age"],
            # Who is shown before their birth cannot be found out by going back.
            len(person.get(f"/api/calendar/1900-12-10{family}").json["birthdays"]),
        )
        for person in (alice, bob, charlie)
    }
    hidden = ("--12-10", "--12-10", None, 1)
    assert seen == {
        "Alice": hidden,
        "Charlie": hidden,
        "Bob": ("1990-12-10", "1990-12-10", 36, 0),
    }


def test_a_hidden_year_survives_what_is_written_back(alice):
    made = alice.post("/api/birthdays", json=ADA | {"hide_age": True}).json
    address = f"/api/birthdays/{made['id']}"
    assert made["birth_date"] == "--12-10"
    alice.put(address, json=made)
    alice.patch(address, json={"birth_date": "--12-11"})
    assert alice.patch(address, json={"hide_age": False}).json["birth_date"] == "1990-12-11"
    alice.patch(address, json={"hide_age": True})
    assert alice.patch(address, json={"birth_date": "1991-12-11"}).json["birth_date"] == "--12-11"
    assert Birthday.get().year == 1991
    # 1991 had no 29 February.
    alice.patch(address, json={"birth_date": "--02-29"})
    assert Birthday.get().year is None


# --- the one whose birthday it is ---


def test_a_linked_member_sees_confirms_corrects_and_withdraws_it(people, family):
    alice, bob, *_ = people
    ada = add(alice, family, linked_user_id=BOB, comment="secret")
    (mention,) = bob.get("/api/me/mentions").json
    assert mention == {
        "id": ada["id"],
        "full_name": "Ada",
        "company": "",
        "position": "",
        "birth_date": "1990-12-10",
        "confirmed": False,
        "calendar_kind": "other",
        "calendar_title": "Family",
    }
    address = f"/api/me/mentions/{ada['id']}"
    assert bob.post(f"{address}/confirm").json["confirmed"]
    seen = f"/api/birthdays/{ada['id']}"
    assert alice.get(seen).json["confirmed"]
    # Another date is not what was confirmed.
    assert "confirmed" not in alice.patch(seen, json={"birth_date": "1991-12-10"}).json
    corrected = bob.patch(address, json={"birth_date": "1992-12-11", "full_name": "Ada L."})
    assert corrected.json.items() >= {"birth_date": "1992-12-11", "confirmed": True}.items()
    assert bob.patch(address, json={"birth_date": "2192-12-11"}).status_code == 422
    now = alice.get(seen).json
    assert (now["full_name"], now["birth_date"], now["comment"]) == (
        "Ada L.",
        "1992-12-11",
        "secret",
    )
    assert bob.delete(address).json == {"status": "deleted"}
    assert alice.get(seen).status_code == 404
    assert bob.get("/api/me/mentions").json == []
    assert models.Deletion.get().kind == "birthday"


def test_anothers_own_calendar_that_is_shared_with_me_is_not_my_default(alice, bob):
    alice.add(**ADA)
    calendar_id = alice.get("/api/calendars").json[0]["id"]
    made = alice.post(f"/api/calendars/{calendar_id}/invitations", json={"role": "editor"}).json
    bob.post(f"/api/invitations/{made['code']}/accept")
    assert bob.get("/api/birthdays").json == []
    bob.add("Bob's own", "2000-01-01")
    assert len(bob.get(f"/api/birthdays?calendar={calendar_id}").json) == 1
    assert [row["full_name"] for row in bob.get("/api/birthdays").json] == ["Bob's own"]


def test_nobody_but_the_linked_one_gets_at_a_mention(people, family):
    alice, bob, charlie, _, eve = people
    ada = add(alice, family, linked_user_id=BOB)
    for person in (alice, charlie, eve):
        assert person.get("/api/me/mentions").json == []
        for number in (ada["id"], 99, 2**64):
            address = f"/api/me/mentions/{number}"
            assert person.post(f"{address}/confirm").status_code == 404
            assert person.patch(address, json={"full_name": "x"}).status_code == 404
            assert person.delete(address).status_code == 404
    assert bob.get(f"/api/birthdays/{ada['id']}").json["full_name"] == "Ada"


def test_a_linked_editor_writes_back_what_they_saw_and_wipes_nothing(people, family):
    alice, _, charlie, *_ = people
    ada = add(alice, family, linked_user_id=CHARLIE, comment="secret", responsible="Bob", **{
        "labels": ["vip"], "lead_days": [9]})  # fmt: skip
    address = f"/api/birthdays/{ada['id']}"
    seen = whole(charlie.get(address).json)
    assert (seen["comment"], seen["responsible"], seen["labels"], seen["lead_days"]) == (
        "", "", [], None)  # fmt: skip
    assert charlie.put(address, json=seen | {"company": "Engines"}).status_code == 200
    now = alice.get(address).json
    assert now.items() >= {"comment": "secret", "responsible": "Bob", "labels": ["vip"],
                           "lead_days": [9], "company": "Engines"}.items()  # fmt: skip
    for change in ({"comment": "x"}, {"linked_user_id": None}, {"muted": True}, {"labels": ["x"]}):
        refused = charlie.patch(address, json=change)
        assert refused.status_code == 403, change
        assert "theirs" in refused.json["detail"]
    assert charlie.post(f"{address}/link").status_code == 403
    assert "linked_user_id" not in alice.patch(address, json={"linked_user_id": None}).json


def test_a_link_makes_whoever_follows_it_the_one_whose_birthday_it_is(people, family, clock):
    alice, bob, charlie, _, eve = people
    ada = add(alice, family)
    address = f"/api/birthdays/{ada['id']}"
    assert bob.post(f"{address}/link").status_code == 403
    first = alice.post(f"{address}/link").json
    offered = alice.post(f"{address}/link")
    assert offered.status_code == 201
    assert offered.json["code"] in offered.json["url"]
    assert offered.json["expires_at"] == clock.now + 7 * 24 * 3600
    # A newer one takes the place of the one before.
    assert eve.post(f"/api/links/{first['code']}/accept").status_code == 404
    accept = f"/api/links/{offered.json['code']}/accept"
    assert eve.post(accept).json == {"status": "linked"}
    assert charlie.post(accept).status_code == 404
    assert alice.get(address).json["linked_user_id"] == PEOPLE["Eve"]
    (mention,) = eve.get("/api/me/mentions").json
    # Who is no member learns that there is an entry, not where.
    assert (mention["full_name"], mention["calendar_title"]) == ("Ada", "")
    assert eve.get(address).status_code == 404


def test_a_link_ends_with_its_time_and_with_its_giver(people, family, clock):
    alice, _, charlie, _, eve = people
    ada, other = add(alice, family), add(alice, family)
    code = charlie.post(f"/api/birthdays/{ada['id']}/link").json["code"]
    calendar_id = family.partition("=")[2]
    alice.delete(f"/api/calendars/{calendar_id}/members/{CHARLIE}")
    assert eve.post(f"/api/links/{code}/accept").status_code == 404
    late = alice.post(f"/api/birthdays/{other['id']}/link").json["code"]
    clock.now += 7 * 24 * 3600
    assert eve.post(f"/api/links/{late}/accept").status_code == 404
    assert eve.get("/api/me/mentions").json == []


def test_what_somebody_keeps_in_their_own_calendar_is_no_mention(alice, bob):
    ada = alice.add(**ADA)
    code = alice.post(f"/api/birthdays/{ada['id']}/link").json["code"]
    assert bob.post(f"/api/links/{code}/accept").status_code == 200
    assert bob.get("/api/me/mentions").json == []
    assert alice.get("/api/birthdays").json[0]["linked_user_id"] == BOB
