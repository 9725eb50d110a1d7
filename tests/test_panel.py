"""Holidays, responsible people, search, greetings and cards, through the API."""

import io

import pytest
from PIL import Image

from tests.lives import at

ADA = {"full_name": "Ada Lovelace", "birth_date": "1815-12-10"}
NEW_YEAR = {"name": "New Year", "day": 1, "month": 1, "description": "Party"}


def fields(answer):
    assert answer.status_code == 422, answer.text
    return [wrong["field"] for wrong in answer.json["errors"]]


# --- holidays ---


def test_a_holiday_is_added_read_changed_and_deleted(alice):
    made = alice.post("/api/holidays", json=NEW_YEAR | {"id": 9, "date": "1999-01-01"})
    assert made.status_code == 201
    holiday = NEW_YEAR | {"id": 1, "date": "2027-01-01"}
    assert made.json == holiday
    assert alice.get("/api/holidays").json == [holiday]
    assert alice.get("/api/holidays/1").json == holiday
    changed = alice.put("/api/holidays/1", json=NEW_YEAR | {"day": 2, "description": ""})
    assert changed.json == holiday | {"day": 2, "description": "", "date": "2027-01-02"}
    assert alice.patch("/api/holidays/1", json={"month": 12}).json["date"] == "2026-12-02"
    assert alice.delete("/api/holidays/1").json == {"status": "deleted"}
    assert alice.get("/api/holidays/1").status_code == 404


def test_29_february_is_a_day_for_a_holiday(alice):
    made = alice.post("/api/holidays", json={"name": "Leap day", "day": 29, "month": 2})
    assert made.json["date"] == "2028-02-29"
    assert alice.get("/api/calendar/2027-02-28").json["holidays"] == []
    assert alice.get("/api/calendar/2028-02-29").json["holidays"][0]["name"] == "Leap day"


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"name": ""}, ["name"]),
        ({"day": 31, "month": 2}, ["day"]),
        ({"day": 31, "month": 4}, ["day"]),
        ({"day": 0, "month": 13}, ["day", "month"]),
        ({"day": "1"}, ["day"]),
        ({"day": 1.5}, ["day"]),
        ({"day": True}, ["day"]),
        ({"description": "x" * 1001}, ["description"]),
    ],
    ids=str,
)
def test_bad_holidays_are_refused(alice, change, wrong):
    alice.post("/api/holidays", json=NEW_YEAR)
    assert fields(alice.post("/api/holidays", json=NEW_YEAR | change)) == wrong
    assert fields(alice.put("/api/holidays/1", json=NEW_YEAR | change)) == wrong
    assert len(alice.get("/api/holidays").json) == 1


def test_a_patch_cannot_make_a_day_that_does_not_exist(alice):
    alice.post("/api/holidays", json=NEW_YEAR | {"day": 31})
    assert fields(alice.patch("/api/holidays/1", json={"month": 2})) == ["day"]
    assert alice.get("/api/holidays/1").json["month"] == 1


# --- responsible people ---


def test_somebody_is_put_in_charge_of_a_date(alice):
    alice.add(**ADA)
    body = {"full_name": "Bob", "company": "Catering", "position": "Host"}
    bob = alice.post("/api/panel/responsible", json=body)
    assert (bob.status_code, bob.json) == (201, body | {"id": 1})
    eve = alice.post("/api/panel/responsible", json={"full_name": "Eve"}).json
    assign = {"responsible_id": 1, "date": "2026-12-10"}
    for _ in range(2):
        answer = alice.post("/api/panel/assign-responsible", json=assign)
        assert (answer.status_code, answer.json) == (200, {"status": "assigned"})
    assert alice.get("/api/calendar/2026-12-10").json["responsible"] == bob.json
    alice.post("/api/panel/assign-responsible", json=assign | {"responsible_id": eve["id"]})
    assert alice.get("/api/calendar/2026-12-10").json["responsible"] == eve
    changed = alice.put(f"/api/panel/responsible/{eve['id']}", json={"full_name": "Eva"})
    assert changed.json["full_name"] == "Eva"
    assert [row["full_name"] for row in alice.get("/api/panel/responsible").json] == ["Bob", "Eva"]
    assert alice.delete(f"/api/panel/responsible/{eve['id']}").json == {"status": "deleted"}
    assert alice.get("/api/calendar/2026-12-10").json["responsible"] is None


def test_nobody_is_put_in_charge_by_a_wrong_id_or_date(alice, bob):
    alice.post("/api/panel/responsible", json={"full_name": "Host"})
    bob.add(**ADA)
    assign = "/api/panel/assign-responsible"
    for wrong in ({"responsible_id": 2}, {"responsible_id": 10**29}):
        answer = alice.post(assign, json={"date": "2026-12-10"} | wrong)
        assert answer.status_code == 404
    others = bob.post(assign, json={"responsible_id": 1, "date": "2026-12-10"})
    assert others.status_code == 404
    assert fields(alice.post(assign, json={"responsible_id": 1, "date": "2026-02-30"})) == ["date"]
    assert fields(alice.post(assign, json={})) == ["responsible_id", "date"]


# --- search ---


@pytest.fixture
def crowd(alice):
    for name in ("Ada Lovelace", "Алёна Ёлкина", "100% Cotton", "under_score", 'O\'Hara "Q"'):
        alice.add(name, "--05-06")
    alice.add("Straße", "--05-06", company="Analytical Engines", position="Ingenieur")
    alice.post("/api/panel/responsible", json={"full_name": "Adam Host", "company": "Events"})
    return alice


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ada", ["Ada Lovelace", "Adam Host"]),
        ("LOVE", ["Ada Lovelace"]),
        ("lace ada", ["Ada Lovelace"]),
        ("елк", ["Алёна Ёлкина"]),
        ("АЛЕНА", ["Алёна Ёлкина"]),
        ("%", ["100% Cotton"]),
        ("%%%", []),
        ("_", ["under_score"]),
        ("'", ['O\'Hara "Q"']),
        ('"q"', ['O\'Hara "Q"']),
        ("STRASSE", ["Straße"]),
        ("engines", ["Straße"]),
        ("events", ["Adam Host"]),
        ("\\", []),
        ("nobody", []),
    ],
)
def test_search_finds_parts_of_words_in_every_alphabet(crowd, q, found):
    rows = crowd.get("/api/panel/search", query_string={"q": q}).json
    assert [row["full_name"] for row in rows] == found
    assert all(set(row) == {"type", "id", "full_name", "company", "position"} for row in rows)


@pytest.mark.parametrize("q", [None, "", "   ", "x" * 201])
def test_search_needs_something_to_search_for(crowd, q):
    query = {} if q is None else {"q": q}
    assert fields(crowd.get("/api/panel/search", query_string=query)) == ["q"]


def test_search_stays_in_the_calendar(crowd, bob):
    bob.add("Adalbert", "--05-06")
    rows = bob.get("/api/panel/search?q=ada").json
    assert [row["full_name"] for row in rows] == ["Adalbert"]


# --- greetings and cards ---


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("style", ["formal", "friendly", "humorous", "warm"])
def test_a_greeting_for_each_style_and_length(alice, language, style):
    ada = alice.add(**ADA)
    alice.patch("/api/settings", json={"language": language})
    sizes = []
    for length in ("short", "medium", "long"):
        body = {"birthday_id": ada["id"], "style": style, "length": length}
        answer = alice.post("/api/panel/generate-greeting", json=body)
        assert answer.status_code == 200, answer.text
        sizes.append(len(answer.json["greeting"]))
        assert set(answer.json) == {"greeting"}
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("length", ["medium", "long"])
def test_a_greeting_goes_by_the_persons_own_rule_for_29_february(alice, clock, length):
    clock.now = at("2027-03-01 10:00")
    body = {"birthday_id": alice.add("Leap", "2000-02-29", leap_day="mar1")["id"]}
    for _ in range(5):
        answer = alice.post("/api/panel/generate-greeting", json=body | {"length": length})
        assert "28" not in answer.json["greeting"]
        assert "27" in answer.json["greeting"]


def test_another_greeting_comes_each_time(alice):
    body = {"birthday_id": alice.add(**ADA)["id"]}
    first, second = (
        alice.post("/api/panel/generate-greeting", json=body).json["greeting"] for _ in range(2)
    )
    assert first != second
    assert "Ada Lovelace" in first


def test_a_greeting_takes_up_the_theme(alice):
    ada = alice.add(**ADA)
    body = {"birthday_id": ada["id"], "theme": "sailing"}
    assert "sailing" in alice.post("/api/panel/generate-greeting", json=body).json["greeting"]


def test_greetings_have_a_daily_quota(alice, clock):
    ada = alice.add(**ADA)
    body = {"birthday_id": ada["id"]}
    statuses = []
    for _ in range(201):
        answer = alice.post("/api/panel/generate-greeting", json=body)
        statuses.append(answer.status_code)
    assert statuses == [200] * 200 + [429]
    assert int(answer.headers["Retry-After"]) == 24 * 3600 - clock.now % (24 * 3600)
    clock.now += int(answer.headers["Retry-After"])
    assert alice.post("/api/panel/generate-greeting", json=body).status_code == 200


@pytest.mark.parametrize("text", ["x", "Happy birthday! 🎂", "С днём рождения! " * 100])
def test_a_card_is_a_picture(alice, text):
    ada = alice.add(**ADA, comment="never shown")
    body = {"birthday_id": ada["id"], "greeting_text": text, "qr_url": "https://example.org/x"}
    answer = alice.post("/api/panel/create-card", json=body)
    assert answer.mimetype == "image/png", answer.text
    picture = Image.open(io.BytesIO(answer.data))
    picture.load()
    assert picture.width >= 800


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"greeting_text": ""}, ["greeting_text"]),
        ({"greeting_text": "x" * 2001}, ["greeting_text"]),
        ({"qr_url": "javascript:alert(1)"}, ["qr_url"]),
        ({"qr_url": "file:///etc/passwd"}, ["qr_url"]),
        ({"qr_url": "http://[::"}, ["qr_url"]),
        ({"qr_url": "https://" + "x" * 505}, ["qr_url"]),
        ({"birthday_id": "1"}, ["birthday_id"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_cards_are_refused(alice, change, wrong):
    ada = alice.add(**ADA)
    body = {"birthday_id": ada["id"], "greeting_text": "Hi"} | change
    assert fields(alice.post("/api/panel/create-card", json=body)) == wrong


@pytest.mark.parametrize("path", ["generate-greeting", "create-card"])
def test_nobody_makes_cards_of_anothers_people(alice, bob, path):
    ada = alice.add(**ADA)
    body = {"birthday_id": ada["id"], "greeting_text": "Hi"}
    assert bob.post(f"/api/panel/{path}", json=body).status_code == 404
    body["birthday_id"] = 10**29
    assert alice.post(f"/api/panel/{path}", json=body).status_code == 404


def test_check_access_says_who_may_write(alice):
    assert alice.get("/api/panel/check-access").json == {"has_access": True}
