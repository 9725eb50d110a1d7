"""The API's core as its clients use it: sign-in, birthdays, days and months, errors."""

import calendar
import datetime as dt
import json
import re

import pytest

from calendar_app import birthdays, calendars, models
from tests.world import PEOPLE, init_data

ADA = {"full_name": "Ada Lovelace", "birth_date": "1815-12-10"}
# Today is 2026-09-22 here; see conftest.


def rows():
    """Every row of every table of people's data, to see that nothing changed."""
    tables = (models.Birthday, models.Calendar, models.Member, models.User, models.Promise)
    return [list(table.select().order_by(table.id).dicts()) for table in tables]


def fields(answer):
    """The fields that a 422 complains of."""
    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "application/problem+json"
    assert all(wrong["message"] for wrong in answer.json["errors"])
    return [wrong["field"] for wrong in answer.json["errors"]]


def test_health_is_exactly_this(app):
    answer = app.test_client().get("/health")
    assert answer.data == (
        b'{"status":"ok","service":"Telegram Birthday Calendar API","message":"API is running"}'
    )


@pytest.mark.parametrize("scheme", ["X-Init-Data", "tma", "Bearer"])
def test_three_ways_to_sign_in(app, clock, scheme):
    client, signed = app.test_client(), init_data("Alice", clock.now)
    value = signed
    if scheme == "Bearer":
        verified = client.post("/api/auth/verify", json={"init_data": signed}).json
        assert verified["valid"] is True
        assert verified["user"]["id"] == PEOPLE["Alice"]
        assert clock.now < verified["expires_at"] <= clock.now + 24 * 3600
        value = verified["session"]
    header = ("X-Init-Data", value) if scheme == "X-Init-Data" else None
    header = header or ("Authorization", f"{scheme} {value}")
    assert client.get("/api/birthdays", headers=[header]).json == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Init-Data": "query_id=1&hash=00"},
        {"X-Init-Data": "ü" * 100},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "tma"},
    ],
    ids=str,
)
def test_without_a_valid_sign_in_there_is_401_everywhere(app, headers):
    client, before = app.test_client(), rows()
    encoded = {name: value.encode() for name, value in headers.items()}
    for method, path in (
        ("get", "/api/birthdays"),
        ("post", "/api/birthdays"),
        ("delete", "/api/birthdays/1"),
        ("get", "/api/calendar/2026-05-06"),
        ("get", "/api/calendar/month/2026/5"),
    ):
        answer = getattr(client, method)(path, headers={k: v.decode() for k, v in encoded.items()})
        assert answer.status_code == 401, (method, path)
        assert answer.json["status"] == 401
        assert "WWW-Authenticate" in answer.headers
    assert rows() == before


def test_a_session_ends_with_the_hour(app, clock):
    client = app.test_client()
    body = {"init_data": init_data("Alice", clock.now)}
    session = client.post("/api/auth/verify", json=body).json
    headers = {"Authorization": f"Bearer {session['session']}"}
    clock.now = session["expires_at"] - 1
    assert client.get("/api/birthdays", headers=headers).status_code == 200
    clock.now += 1
    answer = client.get("/api/birthdays", headers=headers)
    assert answer.status_code == 401
    assert "open the calendar from Telegram again" in answer.json["detail"]


def test_reading_writes_nothing(alice):
    before = rows()
    for path in ("/api/birthdays", "/api/calendar/2026-05-06", "/api/calendar/month/2026/5"):
        assert alice.get(path).status_code == 200
    assert rows() == before


def test_a_birthday_is_added_read_changed_and_deleted(alice):
    made = alice.post("/api/birthdays", json=ADA | {"comment": "", "responsible": "", "id": 77})
    assert made.status_code == 201
    ada = {"company": "", "position": "", "comment": "", "responsible": "", **ADA, "id": 1}
    assert made.json == ada
    assert alice.get("/api/birthdays").json == [ada]
    address = f"/api/birthdays/{ada['id']}"
    changed = alice.put(address, json=ADA | {"id": 99, "company": "Engines", "comment": "hi"})
    assert changed.json == ada | {"company": "Engines", "comment": "hi"}
    amended = alice.patch(address, json={"comment": "", "birth_date": "--12-10"})
    assert amended.json == ada | {"company": "Engines", "birth_date": "--12-10"}
    assert alice.get(address).json == amended.json
    assert alice.delete(address).json == {"status": "deleted"}
    assert alice.get(address).status_code == 404
    assert alice.get("/api/birthdays").json == []


def test_the_old_paths_are_the_same_thing(alice):
    ada = alice.post("/api/panel/birthdays", json=ADA).json
    assert alice.get(f"/api/birthdays/{ada['id']}").json == ada
    assert alice.get("/api/panel/birthdays").json == [ada]
    assert alice.put(f"/api/panel/birthdays/{ada['id']}", json=ADA).json == ada
    assert alice.delete(f"/api/panel/birthdays/{ada['id']}").json == {"status": "deleted"}


def test_ids_are_never_given_twice(alice):
    first = alice.add(**ADA)["id"]
    alice.delete(f"/api/birthdays/{first}")
    assert alice.add(**ADA)["id"] > first


def test_nobody_sees_or_changes_what_is_anothers(alice, bob):
    ada, before = alice.add(**ADA), None
    bob.add("Bob's own", "2000-01-01")
    before = rows()
    address = f"/api/birthdays/{ada['id']}"
    for answer in (
        bob.get(address),
        bob.put(address, json=ADA),
        bob.patch(address, json={"comment": "x"}),
        bob.delete(address),
        bob.get("/api/birthdays?calendar=1"),
        bob.post("/api/birthdays?calendar=1", json=ADA),
        bob.get("/api/calendar/2026-12-10?calendar=1"),
    ):
        assert answer.status_code == 404
        assert "Ada" not in answer.text
    assert rows() == before
    assert "Ada" not in bob.get("/api/calendar/2026-12-10").text


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["full_name", "birth_date"]),
        ({"full_name": "", "birth_date": ""}, ["full_name", "birth_date"]),
        ({"full_name": "   ", "birth_date": "2026-02-31"}, ["full_name", "birth_date"]),
        ({"full_name": "\u200b", "birth_date": "0000-01-01"}, ["full_name", "birth_date"]),
        (ADA | {"full_name": "x" * 10_000}, ["full_name"]),
        (ADA | {"full_name": "a\0b", "comment": "\x1b"}, ["full_name", "comment"]),
        (ADA | {"full_name": ["Ada"], "company": {}}, ["full_name", "company"]),
        (ADA | {"full_name": "\ud800"}, ["full_name"]),
        (ADA | {"birth_date": "2026-09-24"}, ["birth_date"]),
        (ADA | {"birth_date": "10.12.1815"}, ["birth_date"]),
        (ADA | {"birth_date": "--02-30"}, ["birth_date"]),
        (ADA | {"birth_date": 18151210}, ["birth_date"]),
        (ADA | {"company": "x" * 201, "position": "x" * 201}, ["company", "position"]),
        (ADA | {"responsible": "x" * 256, "comment": "x" * 1001}, ["responsible", "comment"]),
        ([ADA], ["body"]),
        ("Ada", ["body"]),
        (None, ["body"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_names_every_wrong_field_and_changes_nothing(alice, body, wrong):
    ada = alice.add(**ADA)
    before = rows()
    data, kind = json.dumps(body), "application/json"
    for send, path in ((alice.post, "/api/birthdays"), (alice.put, f"/api/birthdays/{ada['id']}")):
        assert fields(send(path, data=data, content_type=kind)) == wrong
    assert rows() == before


def test_what_is_allowed_at_most_is_kept_as_typed(alice):
    longest = {"full_name": "Ё" * 200, "company": "c" * 200, "position": "p" * 200}
    longest |= {"responsible": "r" * 255, "comment": "line\nline\t🎂" + "x" * 987}
    body = longest | {"birth_date": "2026-09-23"}  # today at UTC+14
    made = alice.post("/api/birthdays", json=body)
    assert made.status_code == 201
    assert {name: made.json[name] for name in body} == body


def test_null_clears_a_text(alice):
    ada = alice.add(**ADA, comment="x")
    cleared = alice.patch(f"/api/birthdays/{ada['id']}", json={"comment": None})
    assert cleared.json["comment"] == ""


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"full_name": NaN}', "application/json", 400),
        (b"full_name=Ada", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b'"' + b"x" * 2_000_000 + b'"', "application/json", 413),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bodies_that_are_no_json_get_a_clear_refusal(alice, data, kind, status):
    alice.add(**ADA)
    before = rows()
    answer = alice.post("/api/birthdays", data=data, content_type=kind)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"].endswith((".", "application/json."))
    assert rows() == before


@pytest.mark.parametrize("number", ["0", "2147483648", "9223372036854775807", "9" * 30, "-1", "x"])
def test_unknown_ids_of_any_size_are_not_found(alice, number):
    address = f"/api/birthdays/{number}"
    answers = [alice.get(address), alice.put(address, json=ADA), alice.delete(address)]
    answers.append(alice.get("/api/nothing/here"))
    answers.append(alice.get(f"/api/birthdays?calendar={number.strip('x') or 5}"))
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.mimetype for answer in answers} == {"application/problem+json"}


def test_a_wrong_method_is_told_the_right_ones(alice):
    answer = alice.patch("/api/birthdays")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(re.split(", ?", answer.headers["Allow"]))


@pytest.mark.parametrize(
    "path",
    [
        "/api/calendar/2026-02-31",
        "/api/calendar/--05-06",
        "/api/calendar/today",
        "/api/calendar/0000-01-01",
        "/api/calendar/month/2026/13",
        "/api/calendar/month/2026/0",
        "/api/calendar/month/0/1",
        "/api/calendar/month/10000/1",
        "/api/calendar/month/x/1",
        "/api/birthdays?limit=0",
        "/api/birthdays?limit=x",
        "/api/birthdays?after=x",
        "/api/birthdays?after=2026-01-01.1.99999999999999999999",
        "/api/birthdays?calendar=x",
    ],
)
def test_an_address_that_cannot_be_right_says_what_is_wrong(alice, path):
    assert fields(alice.get(path))


def test_the_day_shows_ages_and_all_that_is_kept(alice):
    alice.add(**ADA, company="Engines", position="Analyst", comment="hi", responsible="Bob")
    alice.add("No Year", "--12-10")
    alice.add("Other Day", "--12-11")
    assert alice.get("/api/calendar/2026-12-10").json == {
        "date": "2026-12-10",
        "birthdays": [
            {
                "id": 1,
                "full_name": "Ada Lovelace",
                "company": "Engines",
                "position": "Analyst",
                "age": 211,
                "comment": "hi",
                "responsible": "Bob",
            },
            {
                "id": 2,
                "full_name": "No Year",
                "company": "",
                "position": "",
                "age": None,
                "comment": "",
                "responsible": "",
            },
        ],
        "holidays": [],
        "responsible": None,
    }


def test_the_day_shows_its_holidays_and_who_is_responsible(alice):
    alice.add(**ADA)
    models.Holiday.insert(calendar=1, name="Party", month=12, day=10, description="all").execute()
    person = models.ResponsiblePerson.insert(
        calendar=1, full_name="Bob", search_text="bob", company="", position="Host"
    ).execute()
    models.Duty.insert(calendar=1, responsible=person, on_date="2026-12-10").execute()
    found = alice.get("/api/calendar/2026-12-10").json
    assert found["holidays"] == [{"id": 1, "name": "Party", "description": "all"}]
    assert found["responsible"] == {"id": 1, "full_name": "Bob", "company": "", "position": "Host"}
    month = alice.get("/api/calendar/month/2026/12").json
    assert month["holidays_by_date"] == {"2026-12-10": [{"id": 1, "name": "Party"}]}
    assert alice.get("/api/calendar/2027-12-10").json["responsible"] is None


def test_the_month_has_only_days_that_have_something(alice):
    alice.add(**ADA)
    alice.add("Late", "--12-31")
    alice.add("January", "--01-10")
    short = {"id": 1, "full_name": "Ada Lovelace", "company": "", "position": ""}
    assert alice.get("/api/calendar/month/2026/12").json == {
        "year": 2026,
        "month": 12,
        "birthdays_by_date": {
            "2026-12-10": [short],
            "2026-12-31": [short | {"id": 2, "full_name": "Late"}],
        },
        "holidays_by_date": {},
    }


def test_the_month_may_be_padded_or_not(alice):
    alice.add("May", "--05-06")
    padded, plain = (alice.get(f"/api/calendar/month/2026/{m}").json for m in ("05", "5"))
    assert padded == plain
    assert list(plain["birthdays_by_date"]) == ["2026-05-06"]


@pytest.mark.parametrize(
    ("rule", "year", "kept"),
    [
        ("feb28", 2027, "2027-02-28"),
        ("mar1", 2027, "2027-03-01"),
        ("feb28", 2028, "2028-02-29"),
        ("mar1", 2028, "2028-02-29"),
        ("mar1", 2100, "2100-03-01"),
    ],
)
def test_29_february_is_kept_by_its_rule(alice, rule, year, kept):
    alice.add("Leap", "2000-02-29")
    models.Birthday.update(leap_day=rule).execute()
    days = {}
    for month in (2, 3):
        days |= alice.get(f"/api/calendar/month/{year}/{month}").json["birthdays_by_date"]
    assert list(days) == [kept]
    day = alice.get(f"/api/calendar/{kept}").json
    assert [person["age"] for person in day["birthdays"]] == [year - 2000]


def test_a_holiday_on_29_february_is_shown_only_where_the_day_exists(alice):
    alice.add(**ADA)
    models.Holiday.insert(calendar=1, name="Leap day", month=2, day=29).execute()
    assert alice.get("/api/calendar/month/2027/2").json["holidays_by_date"] == {}
    leap = alice.get("/api/calendar/month/2028/2").json["holidays_by_date"]
    assert list(leap) == ["2028-02-29"]
    assert alice.get("/api/calendar/2028-02-29").json["holidays"]


def test_nobody_is_shown_before_birth(alice):
    alice.add("Newborn", "2026-05-06")
    assert alice.get("/api/calendar/2025-05-06").json["birthdays"] == []
    assert alice.get("/api/calendar/month/2025/5").json["birthdays_by_date"] == {}
    assert alice.get("/api/calendar/2026-05-06").json["birthdays"][0]["age"] == 0


def test_the_months_of_1900_to_2100_have_the_days_that_exist(alice):
    leap_year = [dt.date(2000, 1, 1) + dt.timedelta(days=number) for number in range(366)]
    for day in (found for found in leap_year if found.day in (1, 15, 28, 29, 30, 31)):
        alice.add("Somebody", f"--{day:%m-%d}")
    access = calendars.enter(PEOPLE["Alice"])
    for year in range(1900, 2101):
        for month in range(1, 13):
            last = calendar.monthrange(year, month)[1]
            kept = [day for day in (1, 15, 28, 29, 30, 31) if day <= last]
            found = birthdays.month(access, year, month)["birthdays"]
            assert list(found) == [f"{year}-{month:02}-{day:02}" for day in kept]
    # Through the API it is the same.
    answer = alice.get("/api/calendar/month/2100/2").json["birthdays_by_date"]
    assert list(answer) == ["2100-02-01", "2100-02-15", "2100-02-28"]
    assert len(answer["2100-02-28"]) == 2


def test_the_list_begins_with_the_next_birthday(alice):
    # Today is 22 September 2026, 10:00 UTC.
    for name, day in (("Y", "--09-21"), ("T", "--09-22"), ("N", "--09-23"), ("J", "--01-01")):
        alice.add(name, day)
    assert [row["full_name"] for row in alice.get("/api/birthdays").json] == ["T", "N", "J", "Y"]


def test_pages_of_the_list_make_the_whole_list(alice):
    for day in range(1, 29):
        for month in (2, 9):
            alice.add(f"{month}/{day}", f"--{month:02}-{day:02}")
    alice.add("Leap", "--02-29")
    whole, pages, address = alice.get("/api/birthdays").json, [], "/api/birthdays?limit=10"
    while address:
        answer = alice.get(address)
        assert len(answer.json) <= 10
        pages += answer.json
        link = re.fullmatch('<(.*)>; rel="next"', answer.headers.get("Link", ""))
        address = link and link[1]
    assert pages == whole
    assert len(whole) == 57


def test_a_change_that_would_overwrite_anothers_is_refused(alice):
    ada = alice.add(**ADA)
    address = f"/api/birthdays/{ada['id']}"
    tag = alice.get(address).headers["ETag"]
    changed = alice.put(address, json=ADA | {"comment": "1"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    for answer in (
        alice.put(address, json=ADA | {"comment": "2"}, headers={"If-Match": tag}),
        alice.patch(address, json={"comment": "2"}, headers={"If-Match": tag}),
        alice.delete(address, headers={"If-Match": tag}),
    ):
        assert answer.status_code == 412
        assert "read it again" in answer.json["detail"]
    assert alice.get(address).json["comment"] == "1"
    current = {"If-Match": changed.headers["ETag"]}
    assert alice.patch(address, json={"comment": "3"}, headers=current).status_code == 200
    assert alice.delete(address, headers={"If-Match": "*"}).status_code == 200


def test_what_has_not_changed_is_not_sent_again(alice):
    ada = alice.add(**ADA)
    for path in (f"/api/birthdays/{ada['id']}", "/api/birthdays", "/api/calendar/month/2026/12"):
        tag = alice.get(path).headers["ETag"]
        again = alice.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
    alice.patch(f"/api/birthdays/{ada['id']}", json={"full_name": "Ada King"})
    fresh = alice.get("/api/calendar/month/2026/12", headers={"If-None-Match": tag})
    assert fresh.status_code == 200


def test_a_repeated_post_with_its_key_is_answered_again_and_not_done_again(alice, bob, clock):
    key = {"Idempotency-Key": "8e0b5d6c"}
    first = alice.post("/api/birthdays", json=ADA, headers=key)
    again = alice.post("/api/birthdays", json=ADA, headers=key)
    assert (again.status_code, again.json) == (201, first.json)
    assert len(alice.get("/api/birthdays").json) == 1
    other = alice.post("/api/birthdays", json=ADA | {"comment": "x"}, headers=key)
    assert fields(other) == ["Idempotency-Key"]
    assert bob.post("/api/birthdays", json=ADA, headers=key).json["id"] != first.json["id"]
    clock.now += 24 * 3600 + 1
    late = alice.post("/api/birthdays", json=ADA, headers=key)
    assert late.json["id"] != first.json["id"]


def test_a_refused_post_does_not_use_its_key_up(alice):
    key = {"Idempotency-Key": "k"}
    assert alice.post("/api/birthdays", json={}, headers=key).status_code == 422
    assert alice.post("/api/birthdays", json=ADA, headers=key).status_code == 201


def test_errors_speak_the_language_of_the_client(alice):
    russian = {"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.5"}
    answer = alice.post("/api/birthdays", json={}, headers=russian)
    assert answer.json["errors"][0]["message"] == "не указано, а это необходимо"


def test_the_old_clients_calls_are_understood(alice):
    """Its calls, to the letter: headers, unpadded month, "" for what is empty, an id in PUT."""
    headers = {"Content-Type": "application/json"}
    body = ADA | {"company": "", "position": "", "comment": "", "responsible": ""}
    made = alice.post("/api/panel/birthdays", data=json.dumps(body), headers=headers)
    assert made.data == (
        b'{"id":1,"full_name":"Ada Lovelace","company":"","position":"",'
        b'"birth_date":"1815-12-10","comment":"","responsible":""}'
    )
    changed = alice.put(
        "/api/panel/birthdays/1",
        data=json.dumps(made.json | {"full_name": "Ада", "comment": "🎂"}),
        headers=headers,
    )
    assert (
        changed.data
        == (
            '{"id":1,"full_name":"Ада","company":"","position":"",'
            '"birth_date":"1815-12-10","comment":"🎂","responsible":""}'
        ).encode()
    )
    month = alice.get("/api/calendar/month/2026/12", headers=headers)
    assert (
        month.data
        == (
            '{"year":2026,"month":12,"birthdays_by_date":{"2026-12-10":'
            '[{"id":1,"full_name":"Ада","company":"","position":""}]},"holidays_by_date":{}}'
        ).encode()
    )
    day = alice.get("/api/calendar/2026-12-10", headers=headers)
    assert (
        day.data
        == (
            '{"date":"2026-12-10","birthdays":[{"id":1,"full_name":"Ада","company":"","position":"",'
            '"age":211,"comment":"🎂","responsible":""}],"holidays":[],"responsible":null}'
        ).encode()
    )
    assert alice.delete("/api/panel/birthdays/1", headers=headers).data == b'{"status":"deleted"}'
    refused = alice.post("/api/panel/birthdays", data="{}", headers=headers)
    assert isinstance(refused.json["detail"], str)
    assert alice.get("/api/panel/check-access", headers=headers).data == b'{"has_access":true}'


@pytest.mark.parametrize("kind", ["invitations/{}/accept", "links/{}/accept", "groups/{}/enter"])
@pytest.mark.parametrize("length", [1, 100, 101, 4000])
def test_a_code_however_long_that_is_none_is_not_found(alice, kind, length):
    answer = alice.post(f"/api/{kind.format('x' * length)}")
    assert answer.status_code == 404, answer.text
