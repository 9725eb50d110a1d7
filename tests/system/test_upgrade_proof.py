"""Scenario 11: an upgrade after which other reminders would come is stopped, unless accepted."""

import datetime as dt
import time

import pytest

from tests.releasing import AN_HOUR_LATER
from tests.system.installation import OPTIONS
from tests.system.load import Load

SCENARIO = 11
pytestmark = pytest.mark.full
STATE = "/var/lib/birthday-calendar"
A_TABLE = '''"""Another table."""


def up(_migrator, db):
    db.execute_sql("CREATE TABLE another (id INTEGER)")
'''
TABLES = "SELECT count(*) FROM sqlite_master WHERE name = 'another'"
LOOK = f"import sqlite3; print(*sqlite3.connect('{STATE}/calendar.db').execute(\"{TABLES}\"))"


@pytest.fixture(scope="module")
def reminded(running):
    """A service with a reminder to come: Alice wrote to the bot, and noted a birthday."""
    assert running.bot_greets()
    day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=9)
    body = {"full_name": "Charlotte", "birth_date": f"--{day:%m-%d}"}
    assert running.request("POST", "/api/birthdays", "Alice", json=body).status_code == 201
    return running


def proof_is_gone(installation):
    return ".proof" not in installation.run(["ls", "-A", STATE]).stdout.split()


def test_an_upgrade_without_differences_passes_and_says_so(reminded, measured):
    before = reminded.version()
    reminded.change()
    done = reminded.install()
    assert "both versions would send the same 1 message." in done.stdout
    assert reminded.version() != before
    assert proof_is_gone(reminded)
    verb = f"/opt/birthday-calendar/current/.venv/bin/python -I -m calendar_app prove-upgrade \
        --before /opt/birthday-calendar/releases/{before}"
    began = time.monotonic()
    reminded.run(f"ENV_FILE=/etc/birthday-calendar/env STATE_DIRECTORY={STATE} {verb}")
    measured(seconds_of_the_proof=round(time.monotonic() - began, 1))
    assert reminded.run(f"find {STATE} ! -user birthday-calendar").stdout == ""


def test_other_reminders_stop_it_and_the_version_before_answers_throughout(reminded, measured):
    before = reminded.version()
    reminded.change("calendar_app/dates.py", AN_HOUR_LATER)
    reminded.change("calendar_app/migrations/0999_another.py", A_TABLE)
    with Load(reminded) as load:
        stopped = reminded.install(check=False)
    measured(exit_status=stopped.returncode, said=stopped.stderr.splitlines(), **load.summary())
    assert stopped.returncode == 1
    assert "- 1 would come at another time:\n" in stopped.stderr
    assert "--accept-changes\n" in stopped.stderr
    assert stopped.stderr.endswith(f"{before} goes on running.\n")
    assert "Charlotte" not in stopped.stdout + stopped.stderr
    assert reminded.version() == before
    assert reminded.run(["python3", "-c", LOOK]).stdout == "(0,)\n"
    assert load.failed == 0
    assert load.lost_and_doubled() == ([], [])
    assert reminded.bot_greets()
    assert proof_is_gone(reminded)


def test_accepted_it_is_listed_and_taken_and_the_next_one_compared_with_it(reminded):
    before = reminded.version()
    done = reminded.install(*OPTIONS, "--accept-changes")
    assert "- 1 would come at another time:\n" in done.stdout
    assert reminded.version() != before
    assert reminded.run(["python3", "-c", LOOK]).stdout == "(1,)\n"
    assert reminded.answers()
    assert reminded.bot_greets()
    reminded.change()
    assert "the same 1 message." in reminded.install().stdout


def test_the_way_back_is_not_compared(reminded):
    assert "Comparing" not in reminded.install("--rollback").stdout
    assert reminded.answers()
