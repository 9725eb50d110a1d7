"""Whoever is gone is hidden at once, back at once, and purged after 30 days if that is not much."""

import json
import logging
import sqlite3
from contextlib import closing

import peewee
import pytest

from calendar_app import alerts, calendars, me, models, quarantine, reminders, room
from calendar_app.calendars import OWNER, VIEWER, Account, Group
from calendar_app.models import Alert, Birthday, Calendar, Chat, Deletion, Member, User
from calendar_app.operation import ageing, backups, restoring
from tests.operating import NOW, operate
from tests.world import PEOPLE, settings

DAY = 24 * 3600
GROUP = Group(-100_200, "Runners")
ALICE = PEOPLE["Alice"]
BLOCKED = "Forbidden: bot was blocked by the user"
ADA = {"full_name": "Ada", "birth_date": "--12-10"}


def enter(app, clock, person, role=VIEWER):
    person.post("/api/auth/verify", json={})
    person.post("/api/calendars", json={"title": "x"})
    config = app.config["calendar"]
    return calendars.enter_group(PEOPLE[person.name], GROUP, role, config, clock.now).calendar_id


@pytest.fixture
def group(app, clock, alice, bob):
    """The id of a group's calendar of Alice's and Bob's with somebody in it."""
    calendar_id = enter(app, clock, alice, OWNER)
    enter(app, clock, bob)
    assert alice.post(f"/api/birthdays?calendar={calendar_id}", json=ADA).status_code == 201
    return calendar_id


def returned(app, clock, **more):
    account = Account(ALICE, "Alice", language_code="en", **more)
    calendars.register(account, app.config["calendar"], clock.now)


def test_a_group_that_removed_the_bot_is_hidden_from_everybody_until_it_is_back(
    app, clock, alice, bob, group
):
    address = f"/api/birthdays?calendar={group}"
    reminders.close(GROUP.chat_id, "Forbidden: bot was kicked from the group chat")
    for person in (alice, bob):
        assert person.get(address).status_code == 404
        assert all(row["id"] != group for row in person.get("/api/calendars").json)
    enter(app, clock, bob)
    for person in (alice, bob):
        assert [row["full_name"] for row in person.get(address).json] == ["Ada"]


def test_no_member_is_reminded_of_a_group_that_is_gone(app, clock, bob, group):
    config = app.config["calendar"]
    calendars.register(Account(PEOPLE["Bob"], "Bob", may_write=True), config, clock.now)
    bob.patch(f"/api/settings?calendar={group}", json={"lead_days": [0]})
    Birthday.update(month=9, day=23).execute()
    clock.now += DAY
    reminders.plan(clock.now)
    reminders.close(GROUP.chat_id, "kicked")
    sent = []
    while reminders.deliver(lambda m: sent.append(m) or reminders.Outcome("sent"), clock.now, "x"):
        pass
    assert sent == []
    reasons = {row.recipient.telegram_id: row.reason for row in models.Promise.select()}
    assert reasons.keys() == {GROUP.chat_id, PEOPLE["Bob"]}
    assert "hidden" in reasons[PEOPLE["Bob"]]


def test_who_blocked_the_bot_is_hidden_with_their_own_calendar_only(app, clock, alice, bob, group):
    alice.add(**ADA)
    own = alice.get("/api/calendars").json[0]["id"]
    made = alice.post(f"/api/calendars/{own}/invitations", json={}).json
    bob.post(f"/api/invitations/{made['code']}/accept")
    reminders.close(ALICE, BLOCKED)
    assert bob.get(f"/api/birthdays?calendar={own}").status_code == 404
    assert len(alice.get(f"/api/birthdays?calendar={group}").json) == 1
    returned(app, clock, may_write=True)
    assert len(alice.get("/api/birthdays").json) == 1
    assert len(bob.get(f"/api/birthdays?calendar={own}").json) == 1


def test_who_writes_in_the_mini_app_is_back_though_the_bot_may_not_write_to_them(alice):
    alice.add(**ADA)
    reminders.close(ALICE, BLOCKED)
    assert alice.post("/api/birthdays", json=ADA | {"full_name": "Bob"}).status_code == 201
    assert len(alice.get("/api/birthdays").json) == 2
    chat = Chat.get(Chat.telegram_id == ALICE)
    assert (chat.reachable, chat.reason) == (False, "")


def test_who_only_reads_in_the_mini_app_is_back_too(alice, bob, clock):
    row = alice.add(**ADA)
    own = alice.get("/api/calendars").json[0]["id"]
    code = alice.post(f"/api/calendars/{own}/invitations", json={}).json["code"]
    bob.post(f"/api/invitations/{code}/accept")
    for path in ("/api/birthdays", f"/api/birthdays/{row['id']}", "/api/calendars", "/api/me"):
        reminders.close(ALICE, BLOCKED)
        quarantine.begin(clock.now)
        assert bob.get(f"/api/birthdays?calendar={own}").status_code == 404
        assert "Ada" in alice.get(path).text or path == "/api/calendars"
        assert len(bob.get(f"/api/birthdays?calendar={own}").json) == 1
    chat = Chat.get(Chat.telegram_id == ALICE)
    assert (chat.reachable, chat.reason, chat.quarantined_at) == (False, "", None)
    clock.now += 31 * DAY
    quarantine.purge(clock.now)
    assert len(alice.get("/api/birthdays").json) == 1


def test_who_asked_to_be_deleted_is_not_back_by_reading(app, clock, alice):
    alice.add(**ADA)
    returned(app, clock, may_write=True)
    alice.delete("/api/me")
    assert alice.get("/api/birthdays").json == []
    assert Chat.get(Chat.telegram_id == ALICE).reason == me.ASKED


def test_a_full_disk_does_not_keep_who_is_back_from_reading(alice, monkeypatch):
    alice.add(**ADA)
    reminders.close(ALICE, BLOCKED)

    def refuse(*_):
        raise peewee.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        # So full that not even what is essential can be written.
        patched.setattr(calendars, "_chat", refuse)
        answer = alice.get("/api/birthdays")
        assert (answer.status_code, answer.json) == (200, [])
    # While there is the room that is kept for it, their return is noted.
    monkeypatch.setattr(room, "shortage", lambda _folder: "full")
    assert len(alice.get("/api/birthdays").json) == 1
    assert alice.post("/api/birthdays", json=ADA).status_code == 507


def test_a_busy_database_does_not_keep_who_is_back_from_reading(app, alice):
    alice.add(**ADA)
    reminders.close(ALICE, BLOCKED)
    models.database.execute_sql("PRAGMA busy_timeout = 50")
    path = models.sqlite_path(app.config["calendar"].database_url)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = alice.get("/api/birthdays")
        assert (answer.status_code, answer.json) == (200, [])
    assert len(alice.get("/api/birthdays").json) == 1


def test_after_30_days_what_is_theirs_is_purged_and_nothing_else(app, clock, alice, bob, group):
    alice.add(**ADA)
    bob.add("Bob's", "--01-01")
    reminders.close(GROUP.chat_id, "kicked")
    ageing.drop_old(clock.now)
    clock.now += 30 * DAY - 1
    ageing.drop_old(clock.now)
    assert Calendar.select().where(Calendar.id == group).exists()
    clock.now += 1
    dropped = ageing.drop_old(clock.now)
    assert dropped["calendars"] == 1
    assert dropped["birthdays"] == 1
    assert dropped["members"] == 2
    assert not Chat.select().where(Chat.telegram_id == GROUP.chat_id).exists()
    assert sorted(row.full_name for row in Birthday.select()) == ["Ada", "Bob's"]
    assert {(row.kind, row.subject_id) for row in Deletion.select()} == {("calendar", group)}
    # The bot is added again: the group begins anew.
    enter(app, clock, alice)
    assert Calendar.select().where(Calendar.kind == "group").count() == 1


def test_a_person_is_purged_whole_unless_they_are_in_other_calendars(app, clock, alice, bob):
    alice.add(**ADA)
    bob.add(**ADA)
    other = bob.post("/api/calendars", json={"title": "Family"}).json["id"]
    for name in ("Alice", "Bob"):
        reminders.close(PEOPLE[name], "Forbidden: user is deactivated")
    quarantine.begin(clock.now)
    clock.now += 30 * DAY
    quarantine.purge(clock.now)
    assert [row.telegram_id for row in User.select()] == [PEOPLE["Bob"]]
    assert Birthday.select().count() == 0
    assert [row.id for row in Calendar.select()] == [other]
    # Who comes back then finds a new, empty calendar of their own.
    for person in (alice, bob):
        assert person.get("/api/birthdays").json == []
        assert person.post("/api/birthdays", json=ADA).status_code == 201


def test_the_30_days_begin_anew_for_who_was_back(app, clock, alice):
    alice.add(**ADA)
    for _ in range(2):
        reminders.close(ALICE, BLOCKED)
        quarantine.begin(clock.now)
        clock.now += 20 * DAY
        returned(app, clock, may_write=True)
        assert Chat.get(Chat.telegram_id == ALICE).quarantined_at is None
    reminders.close(ALICE, BLOCKED)
    quarantine.begin(clock.now)
    quarantine.begin(clock.now + 29 * DAY)
    quarantine.purge(clock.now + 29 * DAY)
    assert Birthday.select().count() == 1
    quarantine.purge(clock.now + 30 * DAY)
    assert Birthday.select().count() == 0


def test_a_chat_that_never_allowed_writing_is_not_gone(clock, alice):
    alice.add(**ADA)
    assert not Chat.get(Chat.telegram_id == ALICE).reachable
    quarantine.begin(clock.now)
    quarantine.purge(clock.now + 400 * DAY)
    assert len(alice.get("/api/birthdays").json) == 1


def test_a_deleted_calendar_comes_back_for_30_days_and_goes_then(alice, bob, clock):
    made = alice.post("/api/calendars", json={"title": "Family"}).json
    address, query = f"/api/calendars/{made['id']}", f"?calendar={made['id']}"
    code = alice.post(f"{address}/invitations", json={"role": "editor"}).json["code"]
    bob.post(f"/api/invitations/{code}/accept")
    bob.patch(f"/api/settings{query}", json={"lead_days": [0, 5], "weekly_digest": 2})
    alice.post(f"/api/birthdays{query}", json=ADA)
    before = bob.get(f"/api/settings{query}").json
    alice.delete(address)
    assert bob.get("/api/archived").json == []
    assert bob.post(f"{address}/restore").status_code == 404
    (archived,) = alice.get("/api/archived").json
    assert (archived["title"], archived["until"]) == ("Family", clock.now + 30 * DAY)
    clock.now += 20 * DAY
    reminders.plan(clock.now)
    assert alice.post(f"{address}/restore").json == made
    assert alice.get("/api/archived").json == []
    assert bob.get(f"/api/settings{query}").json == before
    assert len(bob.get(f"/api/birthdays{query}").json) == 1
    due = [row.next_due_at for row in models.ReminderRule.select().where(
        models.ReminderRule.calendar == made["id"])]  # fmt: skip
    assert all(clock.now - DAY < at < clock.now + 8 * DAY for at in due)
    assert not Deletion.select().exists()
    alice.delete(address)
    clock.now += 30 * DAY
    assert alice.get("/api/archived").json == []
    assert alice.post(f"{address}/restore").status_code == 404
    assert ageing.drop_old(clock.now)["calendars"] == 1
    assert Birthday.select().count() == 0


# --- too much at once ---


def crowd(config, number, gone, now):
    """So many people with a birthday each; `gone` of them blocked the bot."""
    with models.writing():
        for telegram_id in range(1, number + 1):
            account = Account(telegram_id, "Somebody", may_write=True)
            user_id = calendars.register(account, config, now)
            own = Calendar.get(Calendar.user == user_id).id
            Birthday.create(calendar=own, full_name="x", search_text="x", month=1, day=1,
                            created_at=now, updated_at=now)  # fmt: skip
            if telegram_id <= gone:
                reminders.close(telegram_id, BLOCKED)
        quarantine.begin(now)


def test_a_clean_up_that_takes_too_much_stops_before_anything_and_asks(app, clock, caplog):
    crowd(app.config["calendar"], 100, 21, clock.now)
    clock.now += 30 * DAY
    with caplog.at_level(logging.WARNING):
        assert "calendars" not in ageing.drop_old(clock.now)
    assert Birthday.select().count() == 100
    (alert,) = alerts.unsent()
    assert alert.key == "purge"
    assert "birthdays 21/100" in json.loads(alert.params)["rows"]
    assert "birthday-calendar purge" in alerts.html("en", alert)
    ageing.drop_old(clock.now + DAY)
    assert len(alerts.unsent()) == 1
    with caplog.at_level(logging.WARNING):
        assert quarantine.purge(clock.now, agreed=True)["birthdays"] == 21
    assert "birthdays 21/100" in caplog.text
    assert Birthday.select().count() == 79
    assert Alert.select().where(Alert.key == "purge", Alert.cleared_at.is_null()).count() == 0


@pytest.mark.parametrize(("number", "gone"), [(20, 20), (420, 21)])
def test_a_handful_or_a_small_part_goes_by_itself(app, clock, number, gone):
    crowd(app.config["calendar"], number, gone, clock.now)
    clock.now += 30 * DAY
    assert ageing.drop_old(clock.now)["birthdays"] == gone
    assert alerts.unsent() == []


def test_one_kind_of_row_is_enough_to_stop(app, clock):
    crowd(app.config["calendar"], 100, 1, clock.now)
    own = Calendar.select().join(User).where(User.telegram_id == 1).get().id
    for day in range(1, 26):
        models.Holiday.create(calendar=own, name="x", month=1, day=day)
    clock.now += 30 * DAY
    assert "birthdays" not in ageing.drop_old(clock.now)
    assert len(alerts.unsent()) == 1


def test_the_operator_lets_a_clean_up_through_by_a_verb_that_asks(tmp_path):
    config = settings(tmp_path)
    models.connect(config.database_url)
    models.migrate()
    crowd(config, 30, 25, NOW - 400 * DAY)
    models.disconnect()
    status, out, err = operate(tmp_path, "purge")
    assert (status, "--yes" in err) == (1, True)
    assert "birthdays 25/30" in out
    status, out, err = operate(tmp_path, "purge", "--yes")
    assert status == 0, err
    assert "25 of birthdays" in out
    assert operate(tmp_path, "purge")[1] == "There is nothing to purge.\n"
    models.connect(config.database_url)
    assert Birthday.select().count() == 5
    models.disconnect()


def test_a_restored_backup_does_not_bring_back_what_was_purged(tmp_path):
    config = settings(tmp_path)
    models.connect(config.database_url)
    models.migrate()
    crowd(config, 5, 2, NOW)
    calendars.enter_group(5, GROUP, OWNER, config, NOW)
    report = backups.make(config, "one", NOW)
    reminders.close(GROUP.chat_id, "kicked")
    quarantine.begin(NOW)
    quarantine.purge(NOW + 31 * DAY)
    assert (User.select().count(), Birthday.select().count()) == (3, 3)
    Deletion.update(at=NOW + 31 * DAY).execute()
    models.disconnect()
    path = backups.folder(config) / report["file"]
    with path.open("rb") as file:
        restoring.replace(config, file, NOW + 32 * DAY)
    models.connect(config.database_url)
    assert Birthday.select().count() == 3
    assert Calendar.select().where(Calendar.kind == "group").count() == 0
    # Who was purged the day before is hidden, for a day to think again, and goes then.
    me.purge_due(NOW + 34 * DAY)
    assert User.select().count() == 3
    assert Member.select().count() == 3
    models.disconnect()
