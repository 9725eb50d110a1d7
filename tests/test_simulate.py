"""simulate: what it prints is what is then sent, at that time; nothing is written."""

import datetime as dt
import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from calendar_app import birthdays, calendars, duties, models, reminders, sharing, simulation
from calendar_app import settings as preferences
from calendar_app.calendars import Group
from calendar_app.errors import Invalid, NotFound
from calendar_app.models import Birthday, Chat, Promise, User
from tests.lives import ALICE, BOB, Life, at
from tests.world import ROOT

KEYS = ["at", "local", "chat_id", "kind", "birthday_ids", "occurs_on", "days_before", "text"]


@pytest.fixture
def begin(tmp_path, clock):
    yield lambda text, **environment: Life.begin(tmp_path, clock, text, **environment)
    models.disconnect()


def busy(life):
    """All kinds of rules, in a zone with an offset of 45 minutes and in a group."""
    life.change(
        lead_days=[0, 1, 14], weekly_digest=2, monthly_digest=True,
        timezone="Australia/Eucla", notification_time="23:30", quiet_from="23:00",
        quiet_to="06:15",
    )  # fmt: skip
    for number, date in enumerate(("2000-02-29", "1968-03-01", "--02-28", "1970-12-31")):
        life.add(f"<Person> {number}", date)
    life.add("Own leads", "--03-03", lead_days=[3])
    life.add("Muted", "--03-04", muted=True)
    life.holiday("Leap & day", 29, 2)
    host = duties.create(ALICE.telegram_id, None, {"full_name": "Host"})["id"]
    duties.assign(
        ALICE.telegram_id, None, {"responsible_id": host, "date": "2028-03-05"}, life.clock.now
    )
    group = calendars.enter_group(
        ALICE.telegram_id, Group(-100_5, "Us"), "owner", life.config, life.clock.now
    )
    body = {"full_name": "In the group", "birth_date": "--02-29"}
    birthdays.create(ALICE.telegram_id, group.calendar_id, body, life.clock.now)
    calendars.register(BOB, life.config, life.clock.now)
    return group.calendar_id


def test_what_is_simulated_is_what_is_sent(begin):
    life = begin("2028-02-20 00:00", TIMEZONE="Asia/Kolkata")
    busy(life)
    expected = list(simulation.messages(dt.date(2028, 2, 21), 40))
    assert Promise.select().count() == 0
    life.until("2028-04-01 00:00", step=900)
    first, last = expected[0]["at"], expected[-1]["at"]
    sent = sorted(
        (dt.datetime.fromtimestamp(when, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
         message.chat_id, simulation.plain(message.html))
        for when, message in life.post.sent
    )  # fmt: skip
    sent = [each for each in sent if first <= each[0] <= last]
    assert sorted((line["at"], line["chat_id"], line["text"]) for line in expected) == sent
    assert {line["kind"] for line in expected} == {
        "day", "lead", "weekly", "monthly", "holiday", "responsible",
    }  # fmt: skip


def test_what_a_zone_left_out_comes_as_one_message_with_the_next_day(begin):
    life = begin("2011-12-20 00:00", TIMEZONE="Pacific/Apia", NOTIFICATION_TIME="00:00")
    for day in (29, 30, 31):
        life.add(f"Person {day}", f"--12-{day}")
    life.add("Own", "--12-31", lead_days=[0])
    life.add("Own too", "--12-31", lead_days=[1])
    life.change(lead_days=[0, 1])
    expected = list(simulation.messages(dt.date(2011, 12, 28), 6))
    life.until("2012-01-05 00:00")
    assert sorted(told(life)) == sorted((line["at"], line["text"]) for line in expected)
    (line,) = [line for line in expected if line["occurs_on"] == "2011-12-31"]
    assert (line["kind"], line["days_before"], len(line["birthday_ids"])) == ("day", 0, 3)


def told(life):
    """When which text was sent."""
    return [
        (dt.datetime.fromtimestamp(when, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
         simulation.plain(message.html))
        for when, message in life.post.sent
    ]  # fmt: skip


def test_a_week_is_told_in_russian_as_is_right_before_every_number(begin):
    life = begin("2027-07-20 12:00")
    life.change(language="ru", weekly_digest=0, lead_days=[])
    life.add("Ада", "1980-08-04")
    (line,) = simulation.messages(dt.date(2027, 8, 1), 5)
    assert line["text"].startswith("🗓 Дни рождения: 2 августа – 8 августа\n")


def test_a_line_is_as_the_contract_says_and_lines_are_in_order(begin):
    life = begin("2027-01-01 00:00", TIMEZONE="Australia/Sydney", NOTIFICATION_TIME="10:00")
    leap = life.add("Leap", "2000-02-29")
    life.change(weekly_digest=0)
    lines = list(simulation.messages(dt.date(2028, 2, 28), 2, life.calendar))
    assert [list(line) for line in lines] == [KEYS] * len(lines)
    assert lines[0] | {"text": ""} == {
        "at": "2028-02-27T23:00:00Z", "local": "2028-02-28T10:00:00+11:00",
        "chat_id": ALICE.telegram_id, "kind": "weekly", "birthday_ids": [leap],
        "occurs_on": None, "days_before": None, "text": "",
    }  # fmt: skip
    assert lines[1] == {
        "at": "2028-02-28T23:00:00Z", "local": "2028-02-29T10:00:00+11:00",
        "chat_id": ALICE.telegram_id, "kind": "day", "birthday_ids": [leap],
        "occurs_on": "2028-02-29", "days_before": 0,
        "text": "🎂 Birthdays today, 29 February\n• Leap — 28 years old",
    }  # fmt: skip
    assert len(lines) == 2


@pytest.mark.parametrize(("first", "born", "lead", "kinds"), [
    ("2027-01-01", "--03-02", 60, ["lead"]), ("2027-12-31", "--02-29", 60, ["lead"]),
    ("2027-02-01", "--02-28", 0, ["monthly"]), ("2027-12-30", "--02-28", 60, ["lead"]),
    ("2028-01-01", "--02-29", 59, ["lead"]), ("2027-03-01", "--03-01", 0, ["day", "monthly"]),
])  # fmt: skip
def test_one_day_alone_tells_of_all_that_is_near_and_far(begin, first, born, lead, kinds):
    life = begin("2026-12-01 00:00")
    life.add("Ada", born)
    life.change(lead_days=[lead], monthly_digest=True)
    lines = simulation.messages(dt.date.fromisoformat(first), 1)
    assert sorted(line["kind"] for line in lines) == kinds


@pytest.mark.parametrize("first", ["0002-01-01", "1899-12-30", "2026-06-01", "9990-01-01"])
def test_any_date_can_be_asked_for_and_nobody_is_told_of_before_birth(begin, first):
    life = begin("2026-01-01 00:00", TIMEZONE="Pacific/Apia")
    life.add("Ada", "1900-06-10")
    life.add("Somebody", "--06-11")
    lines = list(simulation.messages(dt.date.fromisoformat(first), 400))
    days = [line["occurs_on"][5:] for line in lines]
    year = int(first[:4])
    assert days == (["06-11"] if year < 1900 else ["06-10", "06-11"]) * (
        2 if first == "2026-06-01" else 1
    )
    for line in lines:
        assert line["local"][:10] == line["occurs_on"]
        assert dt.datetime.fromisoformat(line["at"]) == dt.datetime.fromisoformat(line["local"])
        assert len(line["at"]) == len("2026-06-10T09:00:00Z")


def test_what_cannot_be_simulated_is_refused_in_one_sentence(begin):
    begin("2026-01-01 00:00")
    for first, days in ((dt.date(1, 1, 1), 5), (dt.date(9999, 1, 1), 5), (dt.date(2026, 1, 1), 0)):
        with pytest.raises(Invalid, match="cannot be simulated"):
            list(simulation.messages(first, days))
    for unknown in (77, -1, 10**22):
        with pytest.raises(NotFound, match=f"no calendar {unknown}"):
            list(simulation.messages(dt.date(2026, 1, 1), 5, unknown))


def test_whoever_cannot_be_reached_gets_nothing(begin):
    life = begin("2026-01-01 00:00")
    life.add("Ada", "--06-10")
    Chat.update(reachable=False).execute()
    assert list(simulation.messages(dt.date(2026, 6, 1), 30)) == []


def test_of_a_hidden_calendar_nothing_is_told_to_those_who_share_it(begin):
    life = begin("2026-01-01 00:00")
    calendars.register(BOB, life.config, life.clock.now)
    code = sharing.invite(ALICE.telegram_id, life.calendar, {}, life.config, life.clock.now)["code"]
    sharing.accept(BOB.telegram_id, code, life.clock.now)
    life.add("Ada", "--06-10")
    june = (dt.date(2026, 6, 1), 30)
    both = {ALICE.telegram_id, BOB.telegram_id}
    assert {line["chat_id"] for line in simulation.messages(*june)} == both
    User.update(deleting_since=life.clock.now).where(
        User.telegram_id == ALICE.telegram_id
    ).execute()
    assert list(simulation.messages(*june)) == []
    User.update(deleting_since=None).execute()
    reminders.close(ALICE.telegram_id, "blocked")
    assert list(simulation.messages(*june)) == []
    life.until("2026-07-01 00:00", step=24 * 3600)
    assert life.post.sent == []


def test_of_a_group_that_is_gone_nothing_is_told_in_private(begin):
    life = begin("2026-01-01 00:00")
    group = calendars.enter_group(
        ALICE.telegram_id, Group(-100_5, "Us"), "owner", life.config, life.clock.now
    )
    body = {"full_name": "Ada", "birth_date": "--06-10"}
    birthdays.create(ALICE.telegram_id, group.calendar_id, body, life.clock.now)
    preferences.change(group, {"lead_days": [0, 1]}, life.clock.now)
    assert len(list(simulation.messages(dt.date(2026, 6, 1), 30))) == 3
    reminders.close(-100_5, "kicked")
    assert list(simulation.messages(dt.date(2026, 6, 1), 30)) == []


def test_while_400_days_of_1000_people_are_told_the_database_refuses_to_be_written(begin):
    life = begin("2026-01-01 00:00")
    life.change(lead_days=[0, 1, 7, 30], weekly_digest=0, monthly_digest=True)
    people = [
        {"calendar": life.calendar, "full_name": f"Person {number}", "search_text": "x",
         "year": 1950 + number % 60, "month": number % 12 + 1, "day": number % 28 + 1,
         "created_at": 0, "updated_at": 0}
        for number in range(1000)
    ]  # fmt: skip
    for start in range(0, 1000, 100):
        Birthday.insert_many(people[start : start + 100]).execute()
    found = simulation.messages(dt.date(2026, 2, 1), 400)
    first = next(found)
    with pytest.raises(models.Trouble, match="read-?only"):
        Birthday.update(full_name="Changed").execute()
    lines = [first, *found]
    assert len(lines) > 400
    Birthday.update(full_name="Changed").execute()


def operate(folder, *arguments):
    environment = {"VAR_DIR": str(folder), "ENV_FILE": "/dev/null", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "calendar_app", "simulate", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100
    )


def test_the_verb_prints_json_or_a_table_and_leaves_the_database_as_it_is(begin, tmp_path):
    life = begin("2028-02-20 00:00")
    group = busy(life)
    models.disconnect()
    with closing(sqlite3.connect(tmp_path / "calendar.db")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = hashlib.sha256((tmp_path / "calendar.db").read_bytes()).hexdigest()
    period = ("--from", "2028-02-27", "--days", "40")
    done = operate(tmp_path, *period, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert len({line["chat_id"] for line in lines}) == 2
    only = operate(tmp_path, *period, "--json", "--calendar", str(group))
    assert [json.loads(line)["chat_id"] for line in only.stdout.splitlines()] == [-1005]
    table = operate(tmp_path, *period)
    assert "2028-02-29" in table.stdout
    assert "🎂 Birthdays today, 29 February" in table.stdout
    wrong = operate(tmp_path, *period, "--calendar", "999")
    assert (wrong.returncode, wrong.stderr) == (1, "There is no calendar 999.\n")
    assert hashlib.sha256((tmp_path / "calendar.db").read_bytes()).hexdigest() == content
    assert at("2028-02-20 00:00") == life.clock.now
