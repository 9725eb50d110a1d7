"""The proof of an upgrade: two releases as real processes, on a copy of a real database.

How install.sh heeds it, on a booted machine: tests/system/test_upgrade_proof.py.
"""

import datetime as dt
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from calendar_app import calendars, models
from calendar_app.models import Birthday
from calendar_app.operation import dumps
from calendar_app.operation.proof import DAYS
from tests.operating import ALICE, NOW, add, begin, environment, operate, works
from tests.releasing import (
    AN_HOUR_LATER,
    CRASH,
    FOREVER,
    MORE_RULES,
    MUTED_OR_NOT,
    NO_NAMES,
    OTHER_WORDS,
    SUICIDE,
    Releases,
)
from tests.world import settings, wait_for


def today():
    """The day from which on releases are compared."""
    return dt.datetime.now(dt.UTC).date()


@pytest.fixture
def release(tmp_path):
    return Releases(tmp_path / "releases")


@pytest.fixture
def old(release):
    return release("1.0-old")


@pytest.fixture
def state(tmp_path):
    """A state with Alice's calendar; Ada's and Bob's birthday are to come, Charlie is muted."""
    begin(tmp_path / "var", names=())
    for name, days in (("Ada Lovelace", 3), ("Bob", 9)):
        add(name, date=born(days))
    muted = add("Charlie", date=born(5))
    Birthday.update(muted=True).where(Birthday.id == muted).execute()
    models.disconnect()
    yield tmp_path / "var"
    models.disconnect()


def born(days):
    """The birth date, without a year, of somebody whose birthday is in so many days."""
    return f"{today() + dt.timedelta(days=days):--%m-%d}"


def command(new, old, *more):
    python = new / ".venv" / "bin" / "python"
    return [python, "-I", "-m", "calendar_app", "prove-upgrade", "--before", old, *more]


def prove(new, old, state, *more, **variables):
    """(exit status, standard output, standard error), as install.sh's step gets them."""
    done = subprocess.run(
        command(new, old, *more),
        env=environment(state, **variables),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert not (state / ".proof").exists()
    return done.returncode, done.stdout, done.stderr


def stopped(new, old, state, **variables):
    """What is told of an upgrade that is stopped; nobody is named in it, and nothing changed."""
    before = content(state)
    status, out, said = prove(new, old, state, **variables)
    assert (status, out) == (1, "")
    assert content(state) == before
    for personal in ("Ada", "Bob", "Charlie", "irthdays today", str(ALICE.telegram_id)):
        assert personal not in said
    return said


def passed(new, old, state, **variables):
    """The one line that is told of an upgrade that is not stopped."""
    status, out, said = prove(new, old, state, **variables)
    assert (status, said) == (0, "")
    assert out.count("\n") == 1
    return out


def content(state):
    database = state / "calendar.db"
    return hashlib.sha256(database.read_bytes()).digest() if database.exists() else None


# --- two releases ------------------------------------------------------------------------


def test_two_that_do_the_same_are_one_line(release, old, state):
    said = passed(release("2.0-new"), old, state)
    assert said == (
        f"In the {DAYS} days from {today()} on both versions would send the same 2 messages.\n"
    )


def test_reminders_an_hour_later_stop_the_upgrade_and_are_listed_by_numbers(release, old, state):
    said = stopped(release("2.0-new", "dates.py", AN_HOUR_LATER), old, state)
    day = today() + dt.timedelta(days=3)
    assert said.splitlines()[:3] == [
        f"In the {DAYS} days from {today()} on 2.0-new would not send what 1.0-old would "
        "(2 messages):",
        "- 2 would come at another time:",
        f"  {day} 09:00 +00:00, day {day}, to recipient 1, birthday 1 of calendar 1: "
        f"at {day} 10:00 +00:00",
    ]
    assert said.splitlines()[-2:] == [
        "What 1.0-old would send, with names: "
        f"birthday-calendar simulate --from {today()} --days {DAYS}",
        "If it shall be so, upgrade with these changes: install.sh … --accept-changes",
    ]


def test_what_is_accepted_is_listed_too_and_lets_it_pass(release, old, state):
    new = release("2.0-new", "dates.py", AN_HOUR_LATER)
    status, out, said = prove(new, old, state, "--accept-changes")
    assert (status, said) == (0, "")
    assert "- 2 would come at another time:" in out
    assert out.endswith("Going on with these changes, as asked.\n")


def test_messages_about_somebody_who_is_muted_come_in_addition(release, old, state):
    said = stopped(release("2.0-new", "reminders/almanac.py", MUTED_OR_NOT), old, state)
    assert "- 1 would come in addition:\n" in said
    assert "birthday 3 of calendar 1\n" in said


def test_the_other_way_round_they_would_no_longer_come(release, state):
    old = release("1.0-old", "reminders/almanac.py", MUTED_OR_NOT)
    said = stopped(release("2.0-new"), old, state)
    assert "- 1 would no longer come:\n" in said


def test_other_words_alone_are_counted_and_stop_nothing(release, old, state):
    said = passed(release("2.0-new", "reminders/wording.py", OTHER_WORDS), old, state)
    assert said.endswith("the same 2 messages, 2 of them in other words.\n")


def test_words_that_leave_out_a_name_stop_the_upgrade(release, old, state):
    said = stopped(release("2.0-new", "reminders/wording.py", NO_NAMES), old, state)
    assert "- 2 would no longer name somebody:\n" in said


def test_a_migration_that_makes_rules_is_tried_on_the_copy_alone(release, old, state):
    new = release("2.0-new", "migrations/0999_more.py", MORE_RULES)
    said = stopped(new, old, state)
    assert "- 2 would come in addition:\n" in said
    assert f", lead {today() + dt.timedelta(days=9)}, to recipient 1, birthday 2 " in said


def test_a_migration_that_fails_stops_the_upgrade(release, old, state):
    broken = '"""Broken."""\n\n\ndef up(_migrator, db):\n    db.execute_sql("DROP TABLE a_table")\n'
    said = stopped(release("2.0-new", "migrations/0999_broken.py", broken), old, state)
    assert said == "Migration 0999_broken failed and changed nothing: no such table: a_table\n"


def test_a_new_release_that_cannot_simulate_is_stopped_even_with_changes_accepted(
    release, old, state
):
    new = release("2.0-new", "simulation.py", CRASH)
    said = stopped(new, old, state)
    assert said.startswith("2.0-new cannot tell what it would send: KeyError in ")
    assert "/2.0-new/calendar_app/simulation.py" in said
    assert prove(new, old, state, "--accept-changes")[0] == 1


@pytest.mark.parametrize(
    ("changed", "text", "why"),
    [
        ("simulation.py", CRASH, "KeyError in "),
        ("simulation.py", "\n\ndef run(*args):\n    print('{}')\n", "cannot be understood"),
        ("simulation.py", "\n\ndef run(*args):\n    return 3\n", "it ended with 3"),
        ("simulation.py", SUICIDE, "signal 9"),
        ("config.py", "\nraise SystemExit('The configuration is bad.')\n", "The configuration is"),
    ],
)  # fmt: skip
def test_an_old_release_that_cannot_tell_is_not_compared_and_stops_nothing(
    release, state, changed, text, why
):
    said = passed(release("2.0-new"), release("1.0-old", changed, text), state)
    assert said.startswith(
        f"The next {DAYS} days were not compared: 1.0-old does not tell what it would send: "
    )
    assert why in said
    assert "Ada" not in said


def test_an_old_release_without_the_verb_is_not_compared(release, old, state):
    main = old / "calendar_app" / "__main__.py"
    main.write_text(main.read_text().replace('"simulate": Verb(', '"foretell": Verb('))
    assert passed(release("2.0-new"), old, state).endswith(": it has no `simulate` like ours.\n")


def test_an_old_release_that_is_gone_is_not_compared(release, old, state):
    shutil.rmtree(old / ".venv")
    assert "not found" in passed(release("2.0-new"), old, state)


def test_neither_may_take_for_ever(release, old, state):
    slow = release("1.1-slow", "simulation.py", FOREVER)
    new = release("2.0-new", "operation/proof.py", "\nSECONDS_OLD = 1\n")
    said = passed(new, slow, state)
    assert said.endswith("1.1-slow does not tell what it would send: it did not end within 1 s.\n")
    with (slow / "calendar_app" / "operation" / "proof.py").open("a") as file:
        file.write("\nSECONDS_NEW = 1\n")
    said = stopped(slow, old, state)
    assert said == "1.1-slow cannot tell what it would send: it did not end within 1 s.\n"


def test_a_database_that_wants_newer_code_stops_the_upgrade_in_its_own_words(release, old, state):
    models.connect(f"sqlite:///{state}/calendar.db")
    models.CodeFloor.create(id=1, migration=99)
    models.disconnect()
    assert "install the newer release" in stopped(release("2.0-new"), old, state)


def test_without_room_for_the_copy_it_is_not_compared(release, old, state):
    new = release("2.0-new", "operation/snapshots.py", "\nRESERVE = 2**60\n")
    assert "not compared: it needs" in passed(new, old, state)


def test_when_the_room_ends_while_messages_are_written_it_is_not_compared(release, old, state):
    ends = "\n\ndef keep(*args):\n    raise OSError(28, 'No space left on device')\n"
    new = release("2.0-new", "operation/differences.py", ends)
    assert passed(new, old, state).endswith("The disk is full: free some space, then try again.\n")


def test_where_there_is_no_data_nothing_is_said_and_none_is_made(release, old, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert prove(release("2.0-new"), old, empty) == (0, "", "")
    assert list(empty.iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next(release, old, state):
    new = release("2.0-new")
    slow = release("1.1-slow", "simulation.py", FOREVER)
    process = subprocess.Popen(command(new, slow), env=environment(state), start_new_session=True)
    wait_for((state / ".proof" / "old").exists)
    busy = subprocess.run(
        command(new, old), env=environment(state), capture_output=True, text=True, timeout=100
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert busy.stderr == "Another run compares already: try again when it is done.\n"
    assert (state / ".proof" / "data" / "calendar.db").stat().st_mode & 0o077 == 0
    assert "the same 2" in passed(new, old, state)


def test_it_ends_with_the_install_sh_that_started_it(release, state):
    slow = release("1.1-slow", "simulation.py", FOREVER)
    starter = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen(sys.argv[1:]).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    new = release("2.0-new")
    install = subprocess.Popen(
        [sys.executable, "-c", starter, *command(new, slow)],
        env=environment(state),
        stdout=subprocess.PIPE,
        text=True,
    )
    verb = Path("/proc") / install.stdout.readline().strip()
    wait_for((state / ".proof" / "old").exists)
    (asked,) = wait_for((verb / "task" / verb.name / "children").read_text).split()
    install.kill()
    install.communicate()
    for process in (verb, verb.with_name(asked)):
        wait_for(lambda process=process: has_ended(process))


def has_ended(process):
    try:
        return (process / "stat").read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return True


def test_the_verb_is_for_install_sh_alone(tmp_path):
    assert "prove-upgrade" not in works(tmp_path, "--help")
    assert operate(tmp_path, "prove-upgrade")[0] == 2


# --- PostgreSQL --------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path, postgres):
    """A state, and the address of its database on PostgreSQL."""
    url = postgres()
    config = settings(tmp_path / "var", DATABASE_URL=url)
    (tmp_path / "var").mkdir()
    models.connect(url)
    models.migrate()
    calendars.register(ALICE, config, NOW)
    add("Ada", date=born(3))
    models.disconnect()
    return tmp_path / "var", url


def test_on_postgresql_a_scratch_database_is_compared(release, old, served):
    state, url = served
    assert "same 1 message." in passed(release("2.0-new"), old, state, DATABASE_URL=url)
    new = release("2.1-new", "migrations/0999_more.py", MORE_RULES)
    with psycopg.connect(url, autocommit=True) as connection:
        # As a killed run leaves it, with a process that has not noticed yet.
        connection.execute(f"CREATE DATABASE {dumps.COPY}")
        left = psycopg.connect(url, dbname=dumps.COPY)
        said = stopped(new, old, state, DATABASE_URL=url)
        left.close()
        assert "- 1 would come in addition:\n" in said
        names = connection.execute("SELECT datname FROM pg_database").fetchall()
        rules = connection.execute("SELECT count(*) FROM reminder_rules").fetchone()
    assert (dumps.COPY,) not in names
    assert rules == (1,)


def test_where_the_role_may_create_no_database_that_is_said_and_stops_nothing(release, old, served):
    state, url = served
    models.connect(url)
    models.rows("CREATE ROLE modest LOGIN PASSWORD 'se:cr\\et'")
    models.rows("GRANT postgres TO modest")
    models.disconnect()
    mine = url.replace("user=postgres", "user=modest&password=se:cr%5Cet")
    said = passed(release("2.0-new"), old, state, DATABASE_URL=mine)
    assert said == (
        f"The next {DAYS} days were not compared: "
        "PostgreSQL makes no copy of the database: permission denied to create database.\n"
    )
