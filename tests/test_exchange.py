"""Lists in and out through the API: previewed, written, taken back."""

import io
from urllib.parse import urlsplit

import pytest

from calendar_app import calendars
from calendar_app.exchange.jobs import Worker
from tests.world import PEOPLE

LIST = "Ada Lovelace 10.12.1815\nBob 5 May\nEve 10/11/1990\nnobody"


def send(person, text, query="", **more):
    """Import a list as JSON; its answer."""
    answer = person.post(f"/api/import{query}", json={"text": text}, **more)
    assert answer.status_code == 200, answer.text
    return answer.json


def verdicts(answer):
    return [(row["verdict"], row["birthday"]["full_name"]) for row in answer["rows"]]


def names(person):
    return sorted(row["full_name"] for row in person.get("/api/birthdays").json)


def work(clock, steps=1000):
    """Do what a worker's thread does."""
    worker = Worker("test")
    for _ in range(steps):
        if not worker.step(clock.now):
            return
    raise AssertionError("there is no end to it")


def test_a_preview_tells_what_would_be_done_and_writes_nothing(alice):
    found = send(alice, LIST, "?preview=1")
    assert verdicts(found) == [
        ("new", "Ada Lovelace"),
        ("new", "Bob"),
        ("doubtful", "Eve"),
        ("doubtful", "nobody"),
    ]
    assert [row["line"] for row in found["rows"]] == [1, 2, 3, 4]
    assert "day or month" in found["rows"][2]["reason"]
    assert found["counts"] == {"new": 2, "changed": 0, "same": 0, "doubtful": 2}
    assert found["import_id"] is None
    assert names(alice) == []


def test_what_is_not_in_doubt_is_written_and_taken_back(alice):
    found = send(alice, LIST)
    assert found["state"] == "done"
    assert names(alice) == ["Ada Lovelace", "Bob"]
    state = alice.get(f"/api/import/{found['import_id']}").json
    assert (state["state"], state["done"], state["total"]) == ("done", 4, 4)
    assert verdicts(state) == [("doubtful", "Eve"), ("doubtful", "nobody")]
    undone = alice.post(f"/api/import/{found['import_id']}/undo").json
    assert (undone["state"], undone["kept"]) == ("undone", [])
    assert names(alice) == []


def test_the_order_of_a_date_is_asked_once_a_file(alice):
    assert send(alice, "Eve 10/11/1990", "?preview=1&order=dmy")["rows"][0]["birthday"][
        "birth_date"
    ] == "1990-11-10"  # fmt: skip
    month_first = send(alice, "Eve 10/11/1990\nBob 12/25/1980", "?preview=1")
    assert [row["birthday"]["birth_date"] for row in month_first["rows"]] == [
        "1990-10-11",
        "1980-12-25",
    ]


def test_a_file_is_taken_as_multipart(alice):
    table = "Имя;Дата рождения;Компания\nАда Лавлейс;10.12.1815;Машины\n".encode("cp1251")
    file = {"file": (io.BytesIO(table), "list.csv")}
    answer = alice.post("/api/import", data=file, content_type="multipart/form-data")
    assert answer.json["format"] == "csv"
    assert answer.json["rows"][0]["birthday"]["company"] == "Машины"
    nothing = alice.post("/api/import", data={}, content_type="multipart/form-data")
    assert nothing.status_code == 422


def test_people_are_known_whatever_the_alphabet_does(alice):
    alice.add("Фёдор Иванов", "1990-05-06", comment="likes tea")
    found = send(alice, "ИВАНОВ ФЕДОР 06.05.1990\nFedor 06.05.1990")
    assert [row["verdict"] for row in found["rows"]] == ["same", "new"]
    assert send(alice, "Иванов  Фёдор 6 мая")["rows"][0]["verdict"] == "same"


def test_an_import_fills_and_never_empties(alice):
    alice.add("Ada", "--12-10", company="Engines", comment="old")
    text = '[{"full_name":"ada","birth_date":"1815-12-10","position":"Analyst","comment":""}]'
    found = send(alice, text)
    assert found["rows"][0]["verdict"] == "changed"
    assert "date of birth" in found["rows"][0]["reason"]
    [row] = alice.get("/api/birthdays").json
    kept = {"full_name": "Ada", "birth_date": "1815-12-10", "company": "Engines"}
    kept |= {"position": "Analyst", "comment": "old"}
    assert kept.items() <= row.items()
    alice.post(f"/api/import/{found['import_id']}/undo")
    [row] = alice.get("/api/birthdays").json
    assert {"birth_date": "--12-10", "position": "", "company": "Engines"}.items() <= row.items()


def test_another_date_of_the_same_name_is_a_doubt(alice):
    alice.add("Ada", "1815-12-10")
    [row] = send(alice, "Ada 11.12.1815")["rows"]
    assert (row["verdict"], row["birthday"]["birth_date"]) == ("doubtful", "1815-12-11")
    assert "1815-12-10" in row["reason"]
    assert len(alice.get("/api/birthdays").json) == 1


def test_a_list_may_have_namesakes_and_doubles(alice):
    text = "Ada 10.12.1815\nAda 11.12.1815\nAda 10.12.1815"
    assert [row["verdict"] for row in send(alice, text, "?preview=1")["rows"]] == [
        *("new", "new", "same"),
    ]
    assert [row["verdict"] for row in send(alice, text)["rows"]] == ["new", "new", "same"]
    assert [row["verdict"] for row in send(alice, text)["rows"]] == ["same", "same", "same"]


def test_what_was_edited_since_is_kept_and_listed(alice):
    found = send(alice, "Ada 10.12.1815\nBob 5 May\nCharlie 6 May")
    ada, bob = (row for row in alice.get("/api/birthdays").json if row["full_name"] != "Charlie")
    edited = ada if ada["full_name"] == "Ada" else bob
    alice.patch(f"/api/birthdays/{edited['id']}", json={"comment": "mine"})
    undone = alice.post(f"/api/import/{found['import_id']}/undo").json
    assert [row["full_name"] for row in undone["kept"]] == ["Ada"]
    assert names(alice) == ["Ada"]


def test_an_import_can_be_undone_for_a_day(alice, clock):
    found = send(alice, "Ada 10.12.1815")
    clock.now += 24 * 3600 + 1
    answer = alice.post(f"/api/import/{found['import_id']}/undo")
    assert answer.status_code == 409
    assert names(alice) == ["Ada"]


def test_a_repeated_import_is_answered_again(alice):
    key = {"Idempotency-Key": "once"}
    first = send(alice, "Ada 10.12.1815", headers=key)
    assert send(alice, "Ada 10.12.1815", headers=key) == first
    other = alice.post("/api/import", json={"text": "Bob 5 May"}, headers=key)
    assert other.status_code == 422


def many(number):
    return "full_name,birth_date\n" + "".join(
        f"Person {n},19{n % 100:02}-05-06\n" for n in range(number)
    )


def test_a_long_list_is_written_as_a_job(alice, clock):
    found = send(alice, many(650))
    assert (found["state"], found["done"], found["total"]) == ("waiting", 0, 650)
    assert names(alice) == []
    assert alice.post("/api/import", json={"text": many(300)}).status_code == 409
    assert alice.post(f"/api/import/{found['import_id']}/undo").status_code == 409
    work(clock)
    state = alice.get(f"/api/import/{found['import_id']}").json
    assert (state["state"], state["done"], state["counts"]["new"]) == ("done", 650, 650)
    assert len(names(alice)) == 650
    assert alice.post(f"/api/import/{found['import_id']}/undo").json["state"] == "undoing"
    work(clock)
    assert alice.get(f"/api/import/{found['import_id']}").json["state"] == "undone"
    assert names(alice) == []


def test_a_job_goes_on_where_a_worker_died(alice, clock):
    found = send(alice, many(650))
    assert Worker("first").step(clock.now)
    assert not Worker("second").step(clock.now)
    clock.now += 60
    work(clock)
    state = alice.get(f"/api/import/{found['import_id']}").json
    assert (state["done"], state["counts"]) == (650, {"same": 0, "new": 650})
    assert len(names(alice)) == 650


def test_a_job_ends_with_the_right_to_write(alice, bob, clock):
    calendar = alice.post("/api/calendars", json={"title": "Family"}).json["id"]
    code = alice.post(f"/api/calendars/{calendar}/invitations", json={"role": "editor"}).json[
        "code"
    ]
    bob.post(f"/api/invitations/{code}/accept")
    send(bob, many(650), f"?calendar={calendar}")
    assert Worker("w").step(clock.now)
    members = f"/api/calendars/{calendar}/members"
    [member] = [row for row in alice.get(members).json if row["first_name"] == "Bob"]
    alice.delete(f"{members}/{member['user_id']}")
    clock.now += 60
    work(clock)
    assert len(alice.get(f"/api/birthdays?calendar={calendar}").json) == 200
    assert bob.get("/api/import/1").status_code == 404
    state = alice.get("/api/import/1").json
    assert state["state"] == "failed"
    assert state["reason"]


@pytest.mark.parametrize("refused", [
    b"", b" \n", b"<!DOCTYPE html><html>", b"PK\x03\x04" + bytes(100), b"%PDF-1.7", b"\x1f\x8b\x08",
    b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, b"[{", b"[" * 100_000, b"{}", b"[]",
    b"BEGIN:VCARD\nFN:x", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR",
    "\n".join(f"P{n} 5 May" for n in range(50_001)).encode(),
])  # fmt: skip
def test_what_is_no_list_is_refused_with_what_to_do(alice, refused):
    file = {"file": (io.BytesIO(refused), "x")}
    answer = alice.post("/api/import", data=file, content_type="multipart/form-data")
    assert answer.status_code == 422, answer.text
    assert answer.json["errors"][0]["field"] == "file"
    assert "{" not in answer.json["detail"].replace("{…}", "")
    assert names(alice) == []


def test_8_mb_are_taken_and_more_is_refused(alice):
    line = "Ada 10.12.1815\n"
    fits = line + " " * (8_000_000 - len(line))
    assert send(alice, fits, "?preview=1")["counts"]["new"] == 1
    answer = alice.post("/api/import", json={"text": fits + " " * 500_000})
    assert answer.status_code == 413
    assert "8 MB" in answer.json["detail"]
    assert alice.post("/api/birthdays", json={"comment": "x" * 300_000}).status_code == 413


@pytest.mark.parametrize("name", ["csv", "vcf", "ics", "json"])
def test_an_export_is_taken_back_unchanged(alice, name):
    odd = {"company": "=1+1", "position": "a;b,c", "responsible": "'@x", "comment": 'two\n"lines"'}
    alice.add("Фёдор Ёжиков", "1604-02-29", **odd)
    alice.add("Leap", "--02-29")
    answer = alice.get(f"/api/export?format={name}")
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="Alice.{name}"')
    again = send(alice, answer.get_data(as_text=True), "?preview=1")
    assert (again["format"], again["counts"]["same"]) == (name, 2)
    other = alice.post("/api/calendars", json={"title": "Другой"}).json["id"]
    send(alice, answer.get_data(as_text=True), f"?calendar={other}")
    copied = alice.get(f"/api/birthdays?calendar={other}").json
    mine = alice.get("/api/birthdays").json
    for row in copied + mine:
        del row["id"]
    assert copied == mine
    named = alice.get(f"/api/export?format={name}&calendar={other}")
    assert "filename*=UTF-8''%D0%94" in named.headers["Content-Disposition"]


def test_reasons_are_told_in_the_language_of_the_request(alice):
    [row] = send(alice, "Eve 31.02.1990", headers={"Accept-Language": "ru"})["rows"]
    assert row["reason"] == "Даты 31.02.1990 не существует."


TWO_EACH = (
    {"full_name": "Ivan Petrov", "birth_date": "1990-05-06", "company": "Acme", "comment": "chess"},
    {"full_name": "Ivan Petrov", "birth_date": "1990-05-06", "company": "Umbrella"},
    {"full_name": "Olga", "birth_date": "--03-04"},
    {"full_name": "Olga", "birth_date": "1960-03-04"},
    {"full_name": "Yan", "birth_date": "1990-02-02"},
    {"full_name": "Yan", "birth_date": "1990-02-02", "company": "Acme"},
)


@pytest.mark.parametrize("name", ["csv", "vcf", "ics", "json"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("long", [False, True])
def test_namesakes_survive_an_export_and_are_known_again(alice, clock, name, first, long):
    """In a long list too, whose rows are judged in parts: those of one name lie far apart."""
    for row in TWO_EACH[first::2]:
        alice.post("/api/birthdays", json=row)
    if long:
        send(alice, many(450))
        work(clock)
    for row in TWO_EACH[1 - first :: 2]:
        alice.post("/api/birthdays", json=row)

    def people(query=""):
        found = alice.get(f"/api/birthdays{query}").json
        return sorted(tuple(row.items())[1:] for row in found)

    file = alice.get(f"/api/export?format={name}").get_data(as_text=True)
    other = alice.post("/api/calendars", json={"title": "Other"}).json["id"]
    total = len(people())
    for verdict in ("new", "same"):
        counts = send(alice, file, f"?preview=1&calendar={other}")["counts"]
        assert counts[verdict] == total
        state = send(alice, file, f"?calendar={other}")
        work(clock)
        assert alice.get(f"/api/import/{state['import_id']}").json["counts"][verdict] == total
        assert people(f"?calendar={other}") == people()


@pytest.mark.parametrize(
    ("there", "rows", "expected"),
    [
        # Whoever is there is one row of the list, the one most alike, wherever it stands in it.
        ([("Ada", "Acme")], ["Ada,1990-01-01,Umbrella", "Ada,1990-01-01,Acme"], ["new", "same"]),
        ([("Ada", "Acme")], ["Ada,--01-01,", "Ada,1990-01-01,Acme"], ["doubtful", "same"]),
        ([("Ada", "Acme")], ["Ada,1990-01-01,Acme", "Ada,1991-01-01,"], ["same", "new"]),
        ([("Ada", "Acme"), ("Ada", "")], ["Ada,1990-01-01,", "Ada,1990-01-01,Acme"], 2 * ["same"]),
        # Nobody is overwritten with one of two.
        ([("Ada", "")], ["Ada,1990-01-01,Acme", "Ada,1990-01-01,Umbrella"], 2 * ["doubtful"]),
        ([("Ada", "A"), ("Ada", "B")], ["Ada,1990-01-01,C"], ["doubtful"]),
        ([("Ada", "")], ["Ada,1990-01-01,Acme", "ADA,1990-01-01,Acme"], ["changed", "same"]),
    ],
)
def test_each_row_finds_the_one_it_is_about(alice, there, rows, expected):
    for name, company in there:
        alice.add(name, "1990-01-01", company=company)
    text = "\n".join(["full_name,birth_date,company", *rows])
    found = send(alice, text)
    assert [row["verdict"] for row in found["rows"]] == expected
    assert all(row["reason"] for row in found["rows"] if row["verdict"] != "new")


def test_vowel_signs_are_part_of_a_name(alice):
    """Not only letters: they are marks in Unicode, as accents are, but no less than letters."""
    for name in ("राम शर्मा", "นภา", "Пётр Йович", "Zoé"):
        alice.add(name, "1990-05-06")
    rows = ["रीमा शर्मा", "शर्मा राम", "นภี", "นภา", "Петр Йович", "Zoe\u0301"]
    text = "\n".join(["full_name,birth_date", *(f"{name},1990-05-06" for name in rows)])
    assert [row["verdict"] for row in send(alice, text)["rows"]] == [
        *("new", "same", "new", "same", "same", "same"),
    ]


def family(alice, bob):
    """A calendar of Alice's in which Bob is an editor; its id."""
    calendar = alice.post("/api/calendars", json={"title": "Family"}).json["id"]
    invitations = f"/api/calendars/{calendar}/invitations"
    code = alice.post(invitations, json={"role": "editor"}).json["code"]
    bob.post(f"/api/invitations/{code}/accept")
    return calendar


def test_a_year_that_is_hidden_is_not_replaced(alice, bob):
    row = {"full_name": "Bob", "birth_date": "1980-05-06", "hide_age": True}
    row |= {"linked_user_id": PEOPLE["Bob"]}
    query = f"?calendar={family(alice, bob)}"
    made = alice.post(f"/api/birthdays{query}", json=row)
    for text in ("Bob 6.5.1970", "Bob 6.5.1980", "Bob 6 May"):
        assert send(alice, text, query)["rows"][0]["verdict"] == "same"
    company = "full_name,birth_date,company\nBob,1970-05-06,Acme"
    assert send(alice, company, query)["counts"]["changed"] == 1
    seen = bob.get(f"/api/birthdays/{made.json['id']}").json
    assert (seen["birth_date"], seen["company"]) == ("1980-05-06", "Acme")


def test_a_long_import_is_undone_by_who_may_though_its_importer_may_no_more(alice, bob, clock):
    calendar = family(alice, bob)
    query = f"?calendar={calendar}"
    address = f"/api/import/{send(bob, many(300), query)['import_id']}"
    work(clock)
    alice.delete(f"/api/calendars/{calendar}/members/{PEOPLE['Bob']}")
    assert len(alice.get(f"/api/birthdays{query}").json) == 300
    assert bob.post(f"{address}/undo").status_code == 404
    assert alice.post(f"{address}/undo").json["state"] == "undoing"
    work(clock)
    state = alice.get(address).json
    assert (state["state"], state["reason"]) == ("undone", "")
    assert alice.get(f"/api/birthdays{query}").json == []


def test_an_import_that_waits_for_telegram_holds_up_no_other(app, people, clock):
    alice, bob, charlie, *_ = people
    group, config = calendars.Group(-100_200, "Group"), app.config["calendar"]

    def seen_in_group(person, role):
        return calendars.enter_group(PEOPLE[person.name], group, role, config, clock.now)

    for person, role in ((alice, calendars.OWNER), (bob, calendars.EDITOR)):
        person.post("/api/calendars", json={"title": "x"})
        calendar = seen_in_group(person, role).calendar_id
    first = send(bob, many(300), f"?calendar={calendar}")["import_id"]
    clock.now += 49 * 3600
    assert bob.get(f"/api/import/{first}").status_code == 503
    second = send(charlie, many(300))["import_id"]
    work(clock)
    assert charlie.get(f"/api/import/{second}").json["state"] == "done"
    seen_in_group(bob, calendars.EDITOR)
    assert bob.get(f"/api/import/{first}").json["state"] == "waiting"
    clock.now += 60
    work(clock)
    assert bob.get(f"/api/import/{first}").json["state"] == "done"


def test_a_feed_taken_in_invents_neither_years_nor_people(app, alice, bob):
    dates = {
        "No Year": "--05-06",
        "Leap": "--02-29",
        "Known": "1985-03-04",
        "X's birthday": "--01-01",
    }
    for name, date in dates.items():
        alice.add(name, date)
    alice.post("/api/holidays", json={"name": "Neujahr", "day": 1, "month": 1})
    feed = app.test_client().get(urlsplit(alice.get("/api/feed").json["url"]).path).text
    assert send(alice, feed)["counts"] == {"same": 4, "doubtful": 1}
    holiday = send(bob, feed)["rows"][-1]
    assert holiday["reason"] == "This is a holiday, not a birthday."
    people = bob.get("/api/birthdays").json
    assert {row["full_name"]: row["birth_date"] for row in people} == dates


def test_imports_are_undone_one_after_the_other(alice):
    def table(row):
        return f"full_name,birth_date,company,position\n{row}"

    send(alice, "Eve 10.12.1815")
    rows = ("Ada,1815-12-10,,", "Ada,1815-12-10,Acme,", "Ada,1815-12-10,Acme,Boss")
    done = [send(alice, table(row))["import_id"] for row in rows]
    for import_id in reversed(done):
        undone = alice.post(f"/api/import/{import_id}/undo").json
        assert (undone["state"], undone["kept"]) == ("undone", [])
    assert names(alice) == ["Eve"]


def test_an_edit_between_two_imports_is_kept_though_the_second_is_undone(alice):
    header = "full_name,birth_date,company\n"
    first = send(alice, f"{header}Ada,1815-12-10,")["import_id"]
    [ada] = alice.get("/api/birthdays").json
    alice.patch(f"/api/birthdays/{ada['id']}", json={"comment": "mine"})
    second = send(alice, f"{header}Ada,1815-12-10,Acme")["import_id"]
    assert alice.post(f"/api/import/{second}/undo").json["kept"] == []
    assert len(alice.post(f"/api/import/{first}/undo").json["kept"]) == 1
    assert alice.get("/api/birthdays").json == [ada | {"comment": "mine"}]


def test_a_long_preview_is_in_the_order_of_the_list(alice):
    names = [f"P{number}" for number in range(450)]
    lines = [f"{name},1990-01-0{day}" for day in (1, 2) for name in names]
    body = {"text": "full_name,birth_date\n" + "\n".join(lines)}
    rows = alice.post("/api/import?preview=1", json=body).json["rows"]
    assert [row["line"] for row in rows] == list(range(2, 902))
