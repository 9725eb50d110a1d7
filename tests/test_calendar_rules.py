"""What a calendar sets for all its members: it holds until a member sets something else."""

import shutil

import pytest
from playhouse import migrations

from calendar_app import calendars, embedded, models, reminders
from calendar_app.calendars import OWNER, Group
from calendar_app.models import Chat, ReminderRule
from calendar_app.reminders import Outcome
from tests.conftest import NOON
from tests.world import PEOPLE, settings

HOUR = 3600
SET = {
    "timezone": "Asia/Kolkata", "notification_time": "07:45", "lead_days": [7, 0],
    "weekly_digest": 2, "monthly_digest": True, "quiet_from": "22:00", "quiet_to": "08:00",
    "leap_day": "mar1",
}  # fmt: skip
IN_FORCE = SET | {"lead_days": [0, 7], "language": "en"}
OTHER = {
    "timezone": "Asia/Kathmandu", "notification_time": "21:15", "lead_days": [1],
    "weekly_digest": None, "monthly_digest": False, "quiet_from": "00:00", "quiet_to": "06:00",
    "leap_day": "feb28",
}  # fmt: skip
START = {
    "timezone": "UTC", "notification_time": "09:00", "lead_days": [0], "weekly_digest": None,
    "monthly_digest": False, "quiet_from": None, "quiet_to": None, "leap_day": "feb28",
}  # fmt: skip


@pytest.fixture
def family(alice, bob):
    """A calendar of Alice's in which Bob looks on; both can be written to."""
    calendar_id = alice.post("/api/calendars", json={"title": "Family"}).json["id"]
    join(alice, bob, calendar_id)
    return calendar_id


def join(owner, person, calendar_id):
    invitation = owner.post(f"/api/calendars/{calendar_id}/invitations", json={}).json
    assert person.post(f"/api/invitations/{invitation['code']}/accept").status_code == 200
    models.Chat.update(reachable=True).execute()


def set_all(person, calendar_id, **values):
    answer = person.patch(f"/api/calendars/{calendar_id}/settings", json=values)
    assert answer.status_code == 200, answer.text
    return answer.json


def own(person, calendar_id):
    return person.get(f"/api/settings?calendar={calendar_id}").json


def leads(person, calendar_id):
    """The lead times of the rules that remind that person."""
    mine = Chat.select(Chat.id).where(Chat.telegram_id == PEOPLE[person.name])
    rules = ReminderRule.select().where(
        ReminderRule.calendar == calendar_id, ReminderRule.recipient.in_(mine)
    )
    return sorted((rule.kind, rule.days_before) for rule in rules)


def test_a_new_calendar_sets_what_the_instance_starts_with(alice, family):
    assert alice.get(f"/api/calendars/{family}/settings").json == START | {"language": None}


def test_what_a_calendar_sets_holds_for_all_who_set_nothing(alice, bob, people, family):
    assert set_all(alice, family, **SET) == IN_FORCE | {"language": None}
    charlie = people[2]
    join(alice, charlie, family)
    for person in (alice, bob, charlie):
        assert own(person, family) == IN_FORCE
        assert leads(person, family) == [
            ("birthday", 0), ("birthday", 7), ("monthly", 0), ("weekly", 0)
        ]  # fmt: skip


def test_a_members_own_value_wins_and_stays(alice, bob, family):
    mine = f"/api/settings?calendar={family}"
    bob.patch(mine, json={"lead_days": [], "weekly_digest": 0, "quiet_from": "00:00",
                          "quiet_to": "06:00", "notification_time": "21:15"})  # fmt: skip
    set_all(alice, family, **SET)
    assert own(bob, family) == IN_FORCE | {
        "lead_days": [], "weekly_digest": 0, "quiet_from": "00:00", "quiet_to": "06:00",
        "notification_time": "21:15",
    }  # fmt: skip
    assert leads(bob, family) == [("monthly", 0), ("weekly", 0)]


def test_a_member_may_want_none_of_what_the_calendar_sets(alice, bob, family):
    set_all(alice, family, **SET)
    none = {"weekly_digest": None, "monthly_digest": False, "quiet_from": None, "quiet_to": None}
    answer = bob.patch(f"/api/settings?calendar={family}", json=none)
    assert answer.json == IN_FORCE | none
    assert leads(bob, family) == [("birthday", 0), ("birthday", 7)]
    set_all(alice, family, weekly_digest=5, quiet_from="20:00")
    assert own(bob, family) == IN_FORCE | none


def test_who_sets_one_end_of_the_quiet_hours_keeps_the_other(alice, bob, family):
    mine = f"/api/settings?calendar={family}"
    set_all(alice, family, **SET)
    answer = bob.patch(mine, json={"quiet_from": "21:00"})
    assert answer.json == IN_FORCE | {"quiet_from": "21:00"}
    assert bob.patch(mine, json={"quiet_to": "06:00"}).json["quiet_from"] == "21:00"


def test_who_forgets_their_own_settings_has_the_calendars_again(alice, bob, family):
    before = own(bob, family)
    bob.patch(f"/api/settings?calendar={family}", json=SET | {"lead_days": [3]})
    bob.patch(f"/api/settings?calendar={family}", json={"weekly_digest": None})
    assert bob.delete(f"/api/settings?calendar={family}").json == before
    set_all(alice, family, **SET)
    assert own(bob, family) == IN_FORCE


@pytest.mark.parametrize("name", SET)
def test_who_forgets_one_setting_has_the_calendars_for_that_one(alice, bob, family, name):
    mine = f"/api/settings?calendar={family}"
    before = bob.patch(mine, json=OTHER).json
    set_all(alice, family, **SET)
    assert own(bob, family) == before
    as_one = {"quiet_from", "quiet_to"} if name.startswith("quiet") else {name}
    theirs = {name: IN_FORCE[name] for name in as_one}
    assert bob.delete(f"{mine}&only={name}").json == before | theirs == own(bob, family)
    assert bob.delete(mine).json == IN_FORCE


def test_what_no_setting_is_called_is_not_forgotten(bob, family):
    answer = bob.delete(f"/api/settings?calendar={family}&only=lead_day")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["only"]


def test_only_members_have_settings_to_forget(people, clock, family, tmp_path):
    eve = people[4]
    assert eve.delete(f"/api/settings?calendar={family}").status_code == 404
    calendars.ensure_shared(
        settings(tmp_path, SHARED_CALENDAR="All", SHARED_CALENDAR_ACCESS="everyone"), clock.now
    )
    shared = next(row["id"] for row in eve.get("/api/calendars").json if row["kind"] == "shared")
    assert eve.get(f"/api/settings?calendar={shared}").json == START | {"language": "en"}
    assert eve.delete(f"/api/settings?calendar={shared}").status_code == 403


def test_what_cannot_be_set_is_refused_with_all_fields_at_once(alice, family):
    wrong = {"timezone": "Mars", "lead_days": [61], "weekly_digest": 7, "language": "xx"}
    answer = alice.patch(f"/api/calendars/{family}/settings", json=wrong)
    assert answer.status_code == 422
    assert {error["field"].partition(".")[0] for error in answer.json["errors"]} == set(wrong)


def test_a_reminder_comes_when_the_calendar_says(alice, bob, clock, family):
    set_all(alice, family, timezone="Asia/Kolkata", notification_time="07:45", lead_days=[1],
            quiet_from="22:00", quiet_to="08:10")  # fmt: skip
    alice.post(f"/api/birthdays?calendar={family}", json={"full_name": "Ada",
                                                          "birth_date": "--09-24"})  # fmt: skip
    sent = []
    for minute in range(48 * 60):
        now = NOON + minute * 60
        reminders.plan(now)
        while reminders.deliver(
            lambda m, at=now: sent.append((at, m)) or Outcome("sent"), now, "b"
        ):
            pass
    # 08:10 in Kolkata, the day before.
    assert [at - NOON for at, _ in sent] == [16 * HOUR + 40 * 60] * 2
    assert {message.chat_id for _, message in sent} == {PEOPLE["Alice"], PEOPLE["Bob"]}


# --- groups ------------------------------------------------------------------------------


@pytest.fixture
def group(app, alice, clock):
    alice.add("Somebody", "--01-01")
    config = app.config["calendar"]
    found = Group(-100_200, "Runners")
    return calendars.enter_group(PEOPLE["Alice"], found, OWNER, config, clock.now).calendar_id


def test_a_group_is_told_of_the_day_alone(alice, group):
    refused = alice.patch(
        f"/api/calendars/{group}/settings", json={"lead_days": [3], "monthly_digest": True}
    )
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json["errors"]] == ["lead_days", "monthly_digest"]
    set_all(alice, group, timezone="Asia/Tokyo", leap_day="mar1", language="ru")
    rules = ReminderRule.select().where(ReminderRule.calendar == group)
    assert [(rule.kind, rule.days_before) for rule in rules] == [("birthday", 0)]


def test_a_member_of_a_group_is_reminded_in_private_only_by_choice(alice, group):
    mine = f"/api/settings?calendar={group}"
    alice.post(f"/api/birthdays?calendar={group}", json={
        "full_name": "Ada", "birth_date": "--12-10", "lead_days": [30]})  # fmt: skip
    assert alice.patch(mine, json={"timezone": "Asia/Tokyo"}).json["lead_days"] == []
    assert leads(alice, group) == []
    alice.patch(mine, json={"lead_days": [5]})
    assert leads(alice, group) == [("birthday", 5), ("birthday", 30)]
    alice.patch(mine, json={"lead_days": []})
    assert leads(alice, group) == []


def test_a_groups_quiet_hours_hold_its_message_back(alice, clock, group):
    set_all(alice, group, quiet_from="08:00", quiet_to="11:30")
    alice.post(f"/api/birthdays?calendar={group}", json={"full_name": "Ada",
                                                         "birth_date": "--09-23"})  # fmt: skip
    rule = ReminderRule.get(ReminderRule.calendar == group)
    assert rule.next_due_at % (24 * HOUR) == 11.5 * HOUR


# --- a database of before ----------------------------------------------------------------

BEFORE = """
INSERT INTO chats (id, telegram_id, kind, reachable, created_at)
    VALUES (1, 1, 'private', TRUE, 0), (2, 2, 'private', TRUE, 0), (3, 3, 'private', TRUE, 0),
        (4, -4, 'group', TRUE, 0);
INSERT INTO users (id, telegram_id, chat_id, created_at)
    VALUES (1, 1, 1, 0), (2, 2, 2, 0), (3, 3, 3, 0);
INSERT INTO calendars (id, kind, title, timezone, notification_minute, created_at, chat_id)
    VALUES (1, 'other', 'x', 'UTC', 540, 0, NULL), (2, 'group', 'x', 'UTC', 540, 0, 4);
INSERT INTO members (calendar_id, user_id, role, created_at)
    VALUES (1, 1, 'owner', 0), (1, 2, 'viewer', 0), (1, 3, 'viewer', 0),
        (2, 1, 'viewer', 0), (2, 2, 'viewer', 0);
INSERT INTO reminder_rules
    (calendar_id, recipient_id, kind, days_before, next_date, next_due_at, own_only)
    VALUES (1, 1, 'birthday', 0, '2026-12-10', 0, FALSE),
        (1, 2, 'birthday', 0, '2026-12-10', 0, FALSE),
        (1, 2, 'birthday', 3, '2026-12-10', 0, FALSE),
        (1, 2, 'birthday', 9, '2026-12-10', 0, TRUE), (1, 3, 'weekly', 0, '2026-12-10', 0, FALSE),
        (2, 2, 'birthday', 5, '2026-12-10', 0, FALSE)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_members_chose_before_stays_their_own(kind, request, tmp_path):
    """Until then it stood in their rules alone; who has the usual ones follows the calendar."""
    url = f"sqlite:///{tmp_path}/before.db"
    if kind == "sqlite":
        embedded.make(tmp_path / "before.db")
    else:
        url = request.getfixturevalue("postgres")()
    models.connect(url)
    older = tmp_path / "older"
    older.mkdir()
    for path in models.MIGRATIONS.glob("000[1-7]_*.py"):
        shutil.copy(path, older)
    migrations.Runner(models.database.obj, str(older)).up()
    for statement in BEFORE.split(";"):
        models.database.execute_sql(statement)
    assert models.migrate()[0] == "0008_rules"
    chosen = models.rows("SELECT calendar_id, user_id, lead_days FROM members ORDER BY 1, 2")
    assert chosen.fetchall() == [
        (1, 1, None), (1, 2, "[0, 3]"), (1, 3, "[]"), (2, 1, None), (2, 2, "[5]")
    ]  # fmt: skip
    models.disconnect()
