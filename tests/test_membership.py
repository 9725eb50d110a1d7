"""Who is in a group is what Telegram says, lately; without it nobody gets in."""

import re
import shutil

import pytest

from calendar_app import calendars, database, membership, models, reminders
from calendar_app.calendars import EDITOR, OWNER, VIEWER, Group
from calendar_app.membership import Check
from calendar_app.models import Member, ReminderRule
from tests.world import PEOPLE

HOUR = 3600
GROUP = Group(-100_200, "Runners")
ADA = {"full_name": "Ada", "birth_date": "--12-10"}


def check_of(name):
    return Check(GROUP.chat_id, PEOPLE[name])


@pytest.fixture
def group(app, clock, people):
    """A group's calendar that Alice opened in the group; all are known to the bot."""
    for person in people:
        assert person.post("/api/birthdays", json=ADA).status_code == 201
    config = app.config["calendar"]
    return calendars.enter_group(PEOPLE["Alice"], GROUP, OWNER, config, clock.now)


@pytest.fixture
def address(group):
    return f"/api/birthdays?calendar={group.calendar_id}"


def test_a_link_only_lets_somebody_be_asked_about(group, address, people, clock):
    alice, bob, *_ = people
    key = membership.key(group)
    assert membership.key(group) == key
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", key)
    enter = f"/api/groups/{key}/enter"
    expected = {"id": group.calendar_id, "state": "checking"}
    assert bob.post(enter).json == expected
    refused = bob.get(address)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    assert "Telegram is being asked" in refused.json["detail"]
    assert bob.post(address, json=ADA).status_code == 503
    assert bob.get("/api/calendars").json == [
        row for row in bob.get("/api/calendars").json if row["kind"] == "personal"
    ]
    assert membership.due(clock.now, 10) == [check_of("Bob")]
    membership.checked(check_of("Bob"), VIEWER, clock.now)
    assert membership.due(clock.now, 10) == []
    assert bob.post(enter).json == expected | {"state": "member"}
    assert bob.get(address).json == []
    assert bob.post(address, json=ADA).status_code == 403


def test_whom_telegram_does_not_know_there_is_a_stranger_again(group, address, people, clock):
    bob = people[1]
    bob.post(f"/api/groups/{membership.key(group)}/enter")
    membership.checked(check_of("Bob"), None, clock.now)
    assert bob.get(address).status_code == 404
    assert membership.due(clock.now, 10) == []
    membership.checked(check_of("Bob"), VIEWER, clock.now)
    assert bob.get(address).status_code == 404


# --- groups that become supergroups --------------------------------------------------------

SUPERGROUP = Group(-100_1_000_000_200, "Runners")


def test_a_group_that_becomes_a_supergroup_keeps_its_calendar(group, address, people, clock):
    alice = people[0]
    alice.post(address, json=ADA)
    membership.follow(GROUP.chat_id, SUPERGROUP.chat_id)
    membership.follow(GROUP.chat_id, SUPERGROUP.chat_id)
    assert models.Chat.select().where(models.Chat.telegram_id == GROUP.chat_id).count() == 0
    assert [row["full_name"] for row in alice.get(address).json] == ["Ada"]
    rule = ReminderRule.get(ReminderRule.calendar == group.calendar_id)
    assert rule.recipient.telegram_id == SUPERGROUP.chat_id


def test_what_the_supergroup_got_before_we_knew_comes_along(group, address, app, people, clock):
    """Somebody wrote there, or Telegram told of it, before the group's move was heard of."""
    alice, bob, *_ = people
    config = app.config["calendar"]
    new = calendars.enter_group(PEOPLE["Bob"], SUPERGROUP, EDITOR, config, clock.now)
    there = f"?calendar={new.calendar_id}"
    for person, query, name in (
        (alice, address.partition("/birthdays")[2], "Old"),
        (bob, there, "New"),
    ):
        person.post(f"/api/birthdays{query}", json=ADA | {"full_name": name})
        person.post(f"/api/holidays{query}", json={"name": name, "day": 1, "month": 1})
        host = person.post(f"/api/panel/responsible{query}", json={"full_name": name}).json["id"]
        for date in ("2026-12-10", f"2026-12-1{len(name)}"):
            person.post(f"/api/panel/assign-responsible{query}",
                        json={"responsible_id": host, "date": date})  # fmt: skip
    membership.follow(GROUP.chat_id, SUPERGROUP.chat_id)
    assert sorted(row["full_name"] for row in alice.get(address).json) == ["New", "Old"]
    assert sorted(row["full_name"] for row in bob.get(address).json) == ["New", "Old"]
    query = address.partition("?")[2]
    assert {row["name"] for row in alice.get(f"/api/holidays?{query}").json} == {"New", "Old"}
    day = alice.get(f"/api/calendar/2026-12-10?{query}").json
    assert day["responsible"]["full_name"] == "Old"
    assert bob.get(f"/api/birthdays{there}").status_code == 404
    groups = models.Calendar.select().where(models.Calendar.kind == "group")
    assert [row.chat.telegram_id for row in groups] == [SUPERGROUP.chat_id]


@pytest.mark.parametrize("key", ["nonsense", "x" * 100, "%00", "None"])
def test_a_wrong_key_leads_nowhere(group, people, key):
    membership.key(group)
    assert people[1].post(f"/api/groups/{key}/enter").status_code == 404
    assert Member.select().where(Member.checked_at.is_null()).count() == len(people)


def test_members_are_asked_about_after_a_day_the_longest_unasked_first(group, app, people, clock):
    config = app.config["calendar"]
    clock.now += HOUR
    calendars.enter_group(PEOPLE["Bob"], GROUP, VIEWER, config, clock.now)
    people[2].post(f"/api/groups/{membership.key(group)}/enter")
    assert membership.due(clock.now, 10) == [check_of("Charlie")]
    clock.now += 24 * HOUR
    assert membership.due(clock.now, 10) == [check_of(n) for n in ("Charlie", "Alice", "Bob")]
    assert membership.due(clock.now, 2) == [check_of(n) for n in ("Charlie", "Alice")]
    membership.checked(check_of("Alice"), OWNER, clock.now)
    assert membership.due(clock.now, 10) == [check_of(n) for n in ("Charlie", "Bob")]


def test_what_could_not_be_asked_for_two_days_lets_nobody_in(group, address, people, clock):
    alice = people[0]
    clock.now += 48 * HOUR - 1
    assert alice.get(address).status_code == 200
    clock.now += 1
    assert alice.get(address).status_code == 503
    assert alice.get(f"/api/calendars/{group.calendar_id}").status_code == 503
    assert alice.get("/api/birthdays").status_code == 200
    assert membership.due(clock.now, 10) == [check_of("Alice")]
    membership.checked(check_of("Alice"), EDITOR, clock.now)
    assert alice.get(address).status_code == 200
    assert alice.get(f"/api/calendars/{group.calendar_id}").json["role"] == "editor"


def test_a_feed_ends_with_the_membership_too(group, app, people, clock):
    url = people[0].get(f"/api/feed?calendar={group.calendar_id}").json["url"]
    feed, client = "/feed/" + url.partition("/feed/")[2], app.test_client()
    assert client.get(feed).status_code == 200
    clock.now += 48 * HOUR
    assert client.get(feed).status_code == 503
    membership.checked(check_of("Alice"), None, clock.now)
    assert client.get(feed).status_code == 404


def test_with_who_left_the_group_go_their_reminders_of_it(group, app, people, clock):
    bob = people[1]
    calendars.enter_group(PEOPLE["Bob"], GROUP, VIEWER, app.config["calendar"], clock.now)
    bob.patch(f"/api/settings?calendar={group.calendar_id}", json={"lead_days": [3]})
    mine = (ReminderRule.calendar == group.calendar_id) & (ReminderRule.days_before == 3)
    assert ReminderRule.select().where(mine).exists()
    membership.checked(check_of("Bob"), None, clock.now)
    assert not ReminderRule.select().where(mine).exists()
    assert len(bob.get("/api/birthdays").json) == 1


def test_of_a_group_that_is_gone_nobody_is_asked_and_its_link_is_dead(group, people, clock):
    key = membership.key(group)
    reminders.close(GROUP.chat_id, "kicked")
    assert membership.due(clock.now + 100 * HOUR, 10) == []
    assert people[1].post(f"/api/groups/{key}/enter").status_code == 404


def test_roles_in_a_group_are_telegrams(group, people):
    alice = people[0]
    calendar = f"/api/calendars/{group.calendar_id}"
    invite = alice.post(f"{calendar}/invitations", json={"role": "viewer"})
    change = alice.patch(f"{calendar}/members/{PEOPLE['Alice']}", json={"role": "editor"})
    for refused in (invite, change):
        assert refused.status_code == 409
        assert "Telegram" in refused.json["detail"]


def test_who_was_in_a_group_before_there_were_checks_is_asked_about_first(tmp_path, monkeypatch):
    old = tmp_path / "migrations"
    old.mkdir()
    for path in models.MIGRATIONS.glob("000[1-5]_*.py"):
        shutil.copy(path, old)
    monkeypatch.setattr(database, "MIGRATIONS", old)
    models.connect(f"sqlite:///{tmp_path}/calendar.db")
    models.migrate()
    for sql in BEFORE.strip().split("\n"):
        models.rows(sql)
    monkeypatch.undo()
    models.migrate()
    assert membership.due(25 * HOUR, 10) == [Check(-6, 5)]
    assert len(calendars.accessible(5)) == 1
    membership.lapse(5, 49 * HOUR)
    assert calendars.accessible(5) == []
    models.disconnect()


BEFORE = """
INSERT INTO chats (telegram_id, kind, reachable, created_at) VALUES (5, 'private', TRUE, 0)
INSERT INTO chats (telegram_id, kind, reachable, created_at) VALUES (-6, 'group', TRUE, 0)
INSERT INTO users (telegram_id, chat_id, created_at) VALUES (5, 1, 0)
INSERT INTO calendars (kind, title, chat_id, timezone, notification_minute, created_at) VALUES ('group', 'x', 2, 'UTC', 0, 0)
INSERT INTO members (calendar_id, user_id, role, created_at) VALUES (1, 1, 'viewer', 0)
"""  # noqa: E501
