"""Backups: made beside writers, proven, kept in number; restored so that nothing comes twice."""

import gzip
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from calendar_app import alerts, calendars, duties, holidays, me, models, reminders, rules
from calendar_app import birthdays as of_people
from calendar_app.calendars import Ref
from calendar_app.models import (
    Birthday,
    Deletion,
    Holiday,
    Promise,
    ReminderRule,
    ResponsiblePerson,
    Update,
    User,
)
from calendar_app.operation import backups, restoring
from calendar_app.operation.snapshots import Failed
from calendar_app.reminders import Outcome
from calendar_app.reminders.almanac import RESTORED
from tests.operating import ALICE, NOW, add, begin, command, environment, names, operate, works
from tests.world import ROOT, settings, wait_for

HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def state(tmp_path):
    """A state folder with a database that has Alice's calendar."""
    begin(tmp_path / "var")
    yield tmp_path / "var"
    models.disconnect()


def only_backup(state):
    (path,) = (state / "backups").glob("calendar-*")
    return path


def last(state):
    return json.loads((state / "backups" / "last.json").read_text())


def fill(state, number=20_000):
    """So many birthdays more that a backup takes a while."""
    with closing(sqlite3.connect(state / "calendar.db")) as database:
        database.executemany(
            "INSERT INTO birthdays (calendar_id, full_name, search_text, month, day, comment,"
            " created_at, updated_at) VALUES (1, ?, ?, 1, 2, ?, 0, 0)",
            ((f"P{n}", f"p{n}", os.urandom(300).hex()) for n in range(number)),
        )
        database.commit()


def damage(path):
    """Spoils pages in the middle of a database, so that it opens but does not hold."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(os.urandom(16 * 4096))


# --- making and proving ------------------------------------------------------------------


def test_a_backup_is_a_whole_database_that_was_proven(state):
    said = works(state, "backup")
    path = only_backup(state)
    assert said.startswith(f"proven: {path}, ")
    copy = state / "copy.db"
    copy.write_bytes(gzip.decompress(path.read_bytes()))
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = database.execute("SELECT full_name FROM birthdays ORDER BY id").fetchall()
    assert found == [("Ada",), ("Bob",)]
    assert (last(state)["verdict"], last(state)["file"]) == ("proven", path.name)
    assert last(state)["rows"]["birthdays"] == 2
    assert path.name in works(state, "backup", "--list")


def test_backups_are_open_to_their_user_only_and_nothing_else_is_left(state):
    works(state, "backup")
    assert {path.name for path in (state / "backups").iterdir()} == {
        only_backup(state).name, "last.json", ".lock"
    }  # fmt: skip
    for path in (state / "backups", *(state / "backups").iterdir()):
        assert path.stat().st_mode & 0o077 == 0


WRITE = """
import select, sys, time
from calendar_app import models
from tests.operating import ALICE, add
models.connect(sys.argv[1])
slowest = 0
print("begun", flush=True)
while not select.select([sys.stdin], [], [], 0.005)[0]:  # SQLite is fair to none who waits
    begin = time.monotonic()
    add("New")
    slowest = max(slowest, time.monotonic() - begin)
print(round(slowest * 1000))
"""


def test_four_who_write_meanwhile_lose_nothing_and_the_backup_is_of_one_moment(state):
    fill(state)
    url = f"sqlite:///{state}/calendar.db"
    started = [
        subprocess.Popen(
            [*command()[:1], "-c", WRITE, url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        process.stdout.readline()
    works(state, "backup")
    rows = last(state)["rows"]["birthdays"]
    models.connect(url)
    wait_for(lambda: Birthday.select().count() > rows)
    slowest = [int(process.communicate()[0]) for process in started]
    print(f"slowest write of four processes beside a backup: {max(slowest)} ms")
    assert 20_002 < rows < Birthday.select().count()
    assert [process.returncode for process in started] == [0] * 4


def test_a_damaged_database_gives_no_backup_but_a_sentence_an_alert_and_the_evidence(state):
    works(state, "backup")
    good = only_backup(state)
    fill(state, 2000)
    models.disconnect()
    damage(state / "calendar.db")
    status, _, said = operate(state, "backup")
    assert status == 1
    assert "damaged" in said
    assert only_backup(state) == good
    assert last(state)["verdict"] == "failed"
    assert last(state)["proven"]["file"] == good.name
    (alert,) = alerts.unsent()
    assert "damaged" in alerts.html("en", alert)
    assert "LAST GOOD" not in works(state, "status")
    assert "FAILED" in works(state, "status")


def test_when_a_backup_succeeds_again_the_operators_are_told_once(state):
    config = settings(state)
    Path(state / "backups").mkdir()
    alerts.tell("backup", backups.FAILED, NOW, reason="x")
    for _ in range(2):
        backups.make(config, "one", NOW)
    assert [alert.over for alert in alerts.unsent()] == [False, True]
    assert "over" in alerts.html("en", alerts.unsent()[1])


def test_without_room_for_two_there_is_no_backup_and_it_is_said(state, monkeypatch):
    monkeypatch.setattr("calendar_app.operation.snapshots.RESERVE", 2**60)
    with pytest.raises(Failed, match="free some space"):
        backups.make(settings(state), "one", NOW)
    assert last(state)["verdict"] == "no room"
    assert list((state / "backups").glob("calendar-*")) == []


def test_the_newest_fourteen_are_kept(state):
    for day in range(20):
        backups.make(settings(state), "one", NOW + day * DAY)
    found = backups.listed(state / "backups")
    assert len(found) == backups.KEPT
    assert found[0].taken == time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(NOW + 19 * DAY))


def test_where_they_take_too_much_only_the_newest_is_kept(state, monkeypatch):
    monkeypatch.setattr(backups, "SHARE", 2**60)
    for day in range(3):
        backups.make(settings(state), "one", NOW + day * DAY)
    assert len(backups.listed(state / "backups")) == 1


def test_two_at_once_are_one_and_a_sentence(state):
    with backups.alone(state / "backups"):
        status, _, said = operate(state, "backup")
    assert (status, said) == (
        1,
        "Another backup or restore is running: try again when it is done.\n",
    )


def test_where_nothing_is_installed_yet_a_backup_makes_no_database(tmp_path):
    status, _, said = operate(tmp_path / "var", "backup")
    assert (status, said) == (1, f"There is no database at {tmp_path}/var/calendar.db.\n")
    assert not (tmp_path / "var" / "calendar.db").exists()


def kill_when(state, arguments, condition):
    """Start a verb and kill it with -9 at that moment; False if it was done before."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(
        command(*arguments), cwd=ROOT, env=environment(state), start_new_session=True, **quiet
    )
    while process.poll() is None and not condition():
        time.sleep(0.001)
    killed = process.poll() is None
    if killed:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return killed


@pytest.mark.parametrize("name", [".new.db.gz.copy", ".new.db.gz", ".new.db.gz.scratch"])
def test_a_backup_killed_in_the_middle_leaves_nothing_that_the_next_does_not_remove(state, name):
    fill(state)
    assert kill_when(state, ["backup"], (state / "backups" / name).exists)
    assert list((state / "backups").glob("calendar-*")) == []
    works(state, "backup")
    assert list((state / "backups").glob(".new*")) == []
    assert only_backup(state).exists()


# --- the hook ----------------------------------------------------------------------------


def test_the_hook_gets_the_path_last_and_none_of_our_secrets(state, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nenv\necho 1234567890:' + "A" * 35 + "\n")
    hook.chmod(0o755)
    said = works(state, "backup", BACKUP_HOOK=f"{hook} 'two words'", GREETING_API_KEY="sk-secret")
    lines = [line for line in said.splitlines() if line.startswith("BACKUP_HOOK: ")]
    assert lines[0] == "BACKUP_HOOK: two words"
    assert lines[1] == f"BACKUP_HOOK: {only_backup(state)}"
    assert lines[-1] == "BACKUP_HOOK: <token>"
    assert "sk-secret" not in said


@pytest.mark.parametrize(
    ("hook", "why"),
    [("false", "ended with 1"), ("/nowhere/hook", "No such file"), ("'", "cannot be read"),
     ("sh -c 'echo no room; exit 3'", "ended with 3: no room")],
)  # fmt: skip
def test_a_hook_that_fails_is_told_and_the_backup_stands(state, hook, why):
    status, _, said = operate(state, "backup", BACKUP_HOOK=hook)
    assert status == 1
    assert why in said
    assert only_backup(state).exists()
    assert [alert.key for alert in alerts.unsent()] == ["backup-hook"]
    works(state, "backup", BACKUP_HOOK="true")
    assert [alert.over for alert in alerts.unsent()] == [False, True]


# --- restoring ---------------------------------------------------------------------------


@pytest.fixture
def backed_up(state):
    """A state with a backup of Ada and Bob, after which Eve was added."""
    works(state, "backup")
    add("Eve", int(time.time()) + 1)
    models.disconnect()
    return state


def test_a_restore_tells_what_it_costs_and_keeps_what_was_there(backed_up):
    said = works(backed_up, "restore", only_backup(backed_up).name, "--yes")
    assert "with 2 birthdays" in said
    assert "The database now has 3 birthdays" in said
    assert "1 birthdays" in said
    assert names() == ["Ada", "Bob"]
    (kept,) = backed_up.glob("before-restore-*.db")
    models.disconnect()
    works(backed_up, "restore", kept, "--yes")
    assert names() == ["Ada", "Bob", "Eve"]


def test_without_an_answer_nothing_is_changed(backed_up):
    status, _, said = operate(backed_up, "restore", only_backup(backed_up))
    assert status == 1
    assert "Nothing was changed" in said
    assert names() == ["Ada", "Bob", "Eve"]


def test_what_is_no_whole_backup_changes_nothing(backed_up, tmp_path):
    good = only_backup(backed_up).read_bytes()
    broken = tmp_path / "broken.db"
    broken.write_bytes(gzip.decompress(good))
    damage(broken)
    stranger = tmp_path / "stranger.db"
    with closing(sqlite3.connect(stranger)) as database:
        database.execute("CREATE TABLE x (y)")
    files = {
        "cut": (good[: len(good) // 2], "damaged"),
        "spoilt": (good[:2000] + os.urandom(500) + good[2500:], "damaged"),
        "text": (b"Dear diary", "no backup"),
        "empty": (b"", "no backup"),
        "broken": (broken.read_bytes(), "damaged"),
        "stranger": (stranger.read_bytes(), "not one of the calendar"),
        "postgresql": (b"PGDMP\1\2\3", "PostgreSQL"),
    }
    for name, (content, why) in files.items():
        (tmp_path / name).write_bytes(content)
        status, _, said = operate(backed_up, "restore", tmp_path / name, "--yes")
        assert (status, why in said) == (1, True), (name, said)
    assert names() == ["Ada", "Bob", "Eve"]
    assert list(backed_up.glob("before-*")) + list(backed_up.glob(".restoring*")) == []


def test_a_backup_of_a_database_that_wants_newer_code_is_refused(state):
    models.CodeFloor.create(id=1, migration=99)
    works_anyway = backups.make(settings(state), "tomorrow", NOW)
    models.CodeFloor.delete().execute()
    models.disconnect()
    status, _, said = operate(state, "restore", works_anyway["file"], "--yes")
    assert status == 1
    assert "install the newer release" in said
    assert list(state.glob("before-restore-*")) == []


@pytest.mark.parametrize("how", [damage, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_database_that_is_damaged_or_gone_is_replaced(backed_up, how):
    fill(backed_up, 2000)
    how(backed_up / "calendar.db")
    works(backed_up, "restore", only_backup(backed_up).name, "--yes")
    assert names() == ["Ada", "Bob"]


def test_a_database_in_use_is_not_replaced(backed_up):
    with closing(sqlite3.connect(backed_up / "calendar.db")) as database:
        database.execute("SELECT count(*) FROM birthdays").fetchone()
        status, _, said = operate(backed_up, "restore", only_backup(backed_up).name, "--yes")
    assert (status, said) == (1, f"{restoring.IN_USE}\n")
    assert names() == ["Ada", "Bob", "Eve"]


MOMENTS = {
    "unpacking": lambda state: (state / ".restoring-calendar.db").exists(),
    "adapting": lambda state: (state / ".restoring-calendar.db-wal").exists(),
    "keeping": lambda state: any(state.glob("before-restore-*")),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_restore_killed_at_any_moment_leaves_one_of_both_and_can_be_repeated(state, moment):
    fill(state)
    works(state, "backup")
    add("Eve", int(time.time()))
    models.disconnect()
    arguments = ["restore", only_backup(state).name, "--yes"]
    kill_when(state, arguments, lambda: MOMENTS[moment](state))
    with closing(sqlite3.connect(state / "calendar.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = database.execute("SELECT count(*) FROM birthdays").fetchone()[0]
    assert found in (20_002, 20_003)
    works(state, *arguments)
    assert Birthday.select().count() == 20_002
    assert list(state.glob(".restoring*")) == []


class Sent(list):
    """A place to send to that takes everything."""

    def __call__(self, message):
        self.append(message)
        return Outcome("sent")


def look(now, post):
    reminders.plan(now)
    while reminders.deliver(post, now, "bot/1"):
        pass


def replace_with(state, path, now):
    models.disconnect()
    with path.open("rb") as file:
        return restoring.replace(settings(state), file, now)


@pytest.fixture
def morning(tmp_path):
    """The evening before Ada's and Bob's birthday, with a backup of that moment."""
    evening = 1_796_839_200
    assert time.strftime("%m-%d %H:%M", time.gmtime(evening)) == "12-09 18:00"
    config = begin(tmp_path / "var", now=evening)
    report = backups.make(config, "one", evening)
    yield tmp_path / "var", evening, tmp_path / "var" / "backups" / report["file"]
    models.disconnect()


def test_what_was_sent_since_the_backup_is_not_sent_again(morning):
    state, evening, path = morning
    post = Sent()
    look(evening + 15 * HOUR, post)
    assert len(post) == 1
    assert replace_with(state, path, evening + 16 * HOUR).problems == []
    for hour in range(16, 48):
        look(evening + hour * HOUR, post)
    assert len(post) == 1
    assert {row.state for row in Promise.select()} == {"sent"}
    # Nor when the time of day is put to later on the same day.
    rules.follow_calendar(1, evening + 16 * HOUR)
    look(evening + 24 * HOUR, post)
    assert len(post) == 1


@pytest.mark.parametrize("days", [0, 3, 400])
def test_what_was_due_before_a_restore_is_skipped_and_says_why_and_what_comes_is_sent(
    morning, days
):
    state, evening, path = morning
    now = evening + 16 * HOUR + days * DAY
    models.disconnect()
    (state / "calendar.db").unlink()
    replace_with(state, path, now)
    post = Sent()
    look(now, post)
    assert post == []
    assert {row.state for row in Promise.select()} <= {"skipped"}
    assert {row.reason for row in Promise.select()} <= {RESTORED}
    assert ReminderRule.select().where(ReminderRule.next_due_at <= now).count() == 0
    tomorrow = time.strftime("--%m-%d", time.gmtime(now + DAY))
    add("Tomorrow", now, tomorrow)
    for hour in range(0, 48):
        look(now + hour * HOUR, post)
    assert len(post) == 1


def test_what_users_deleted_since_the_backup_stays_deleted(morning):
    state, evening, path = morning
    of_people.delete(Ref(ALICE.telegram_id, 1))
    replace_with(state, path, evening + HOUR)
    assert names() == ["Bob"]
    assert (Deletion.get().kind, Deletion.get().subject_id) == ("birthday", 1)


def test_deleted_holidays_and_responsible_people_stay_deleted_too(morning):
    state, evening, path = morning
    alice = ALICE.telegram_id
    fools = holidays.create(alice, None, {"name": "Fools", "day": 1, "month": 4}, evening)
    eve = duties.create(alice, None, {"full_name": "Eve"})
    report = backups.make(settings(state), "two", evening + HOUR)
    holidays.delete(Ref(alice, fools["id"]), evening)
    duties.delete(Ref(alice, eve["id"]))
    replace_with(state, path.with_name(report["file"]), evening + 2 * HOUR)
    assert (Holiday.select().count(), ResponsiblePerson.select().count()) == (0, 0)


def test_a_user_who_left_for_good_does_not_come_back(morning):
    state, evening, path = morning
    me.delete(ALICE.telegram_id, evening)
    Deletion.update(at=evening - DAY).execute()
    replace_with(state, path, evening + HOUR)
    assert (User.select().count(), names()) == (0, [])


def test_who_thinks_again_is_still_hidden_after_a_restore(morning):
    state, evening, path = morning
    me.delete(ALICE.telegram_id, evening)
    Deletion.update(at=evening).execute()
    replace_with(state, path, evening + HOUR)
    assert calendars.accessible(ALICE.telegram_id) == []
    me.restore(ALICE.telegram_id)
    assert names() == ["Ada", "Bob"]
    assert len(calendars.accessible(ALICE.telegram_id)) == 1


def test_updates_worked_off_and_ids_given_since_the_backup_are_not_forgotten(morning):
    state, evening, path = morning
    Update.create(bot_id=1, update_id=77, received_at=evening)
    eve = add("Eve")
    replace_with(state, path, evening + HOUR)
    assert [row.update_id for row in Update.select()] == [77]
    assert add("Charlie") > eve


def test_from_a_damaged_database_comes_what_can_be_read_and_the_rest_is_said(morning):
    state, evening, path = morning
    models.disconnect()
    (state / "calendar.db").write_bytes(b"not a database, but long enough to be one" * 100)
    done = replace_with(state, path, evening + HOUR)
    assert names() == ["Ada", "Bob"]
    assert done.damaged
    assert any("deletions" in problem for problem in done.problems)
    assert Path(done.kept).read_bytes().startswith(b"not a database")


def test_run_sh_and_a_restore_keep_off_each_other(backed_up):
    import fcntl

    (backed_up / "run").mkdir()
    with (backed_up / "run" / "run.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, _, said = operate(backed_up, "restore", only_backup(backed_up).name, "--yes")
    assert status == 1
    assert "stop it (Ctrl-C)" in said
    assert names() == ["Ada", "Bob", "Eve"]


def test_replaced_databases_go_after_a_month(state):
    old = state / "before-restore-20200101T000000Z.db"
    new = state / "before-restore-20990101T000000Z.db"
    for path in (old, new):
        shutil.copy(state / "calendar.db", path)
    os.utime(old, (0, 0))
    works(state, "backup")
    assert (old.exists(), new.exists()) == (False, True)


# --- PostgreSQL --------------------------------------------------------------------------


def test_a_backup_of_postgresql_is_proven_in_a_scratch_database(tmp_path, postgres):
    url = postgres()
    config = settings(tmp_path, DATABASE_URL=url)
    models.connect(url)
    try:
        begin_on(config)
        report = backups.make(config, "one", NOW)
    finally:
        models.disconnect()
    assert (report["verdict"], report["rows"]["birthdays"]) == ("proven", 1)
    assert (tmp_path / "backups" / report["file"]).read_bytes().startswith(b"PGDMP")


def test_where_the_role_may_create_no_database_the_backup_is_said_to_be_listed(tmp_path, postgres):
    url = postgres()
    models.connect(url)
    models.database.execute_sql("CREATE ROLE plain LOGIN PASSWORD 'se:cr\\et'")
    models.database.execute_sql("GRANT ALL ON SCHEMA public TO plain")
    models.disconnect()
    mine = url.replace("user=postgres", "user=plain&password=se:cr%5Cet")
    config = settings(tmp_path, DATABASE_URL=mine)
    models.connect(mine)
    try:
        begin_on(config)
        report = backups.make(config, "one", NOW)
    finally:
        models.disconnect()
    assert (report["verdict"], report["rows"]["birthdays"]) == ("listed", 1)


def test_restoring_postgresql_is_explained(tmp_path):
    (tmp_path / "file").write_bytes(b"PGDMP")
    status, _, said = operate(
        tmp_path, "restore", tmp_path / "file", "--yes", DATABASE_URL="postgresql:///nowhere"
    )
    assert status == 1
    assert "pg_restore" in said


def begin_on(config):
    from calendar_app import calendars

    models.migrate()
    calendars.register(ALICE, config, NOW)
    add("Ada")
