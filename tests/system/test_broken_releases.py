"""Scenario 4: a release that does not work is refused, and nobody notices."""

import pytest

from tests.system.load import Load

SCENARIO = 4
pytestmark = pytest.mark.full
DATABASE = "/var/lib/birthday-calendar/calendar.db"
NOTHING = "\nimport nothing_of_that_name\n"
# It works wherever it is tried, and fails where it counts.
ONLY_LIVE = """
if "birthday-calendar-{}.service" in open("/proc/self/cgroup").read():
    raise RuntimeError("broken on purpose")
"""
# What is added to which file, and a word that must stand in what install.sh says.
RELEASES = {
    "a web that cannot be imported": ("calendar_app/api.py", NOTHING, "nothing_of_that_name"),
    "a bot that cannot be imported": ("bot/__main__.py", NOTHING, "nothing_of_that_name"),
    "a migration that fails": (
        "calendar_app/migrations/0099_broken.py",
        '"""Broken on purpose."""\n\n\ndef up(_migrator, db):\n'
        '    db.execute_sql("CREATE TABLE half_done (id INTEGER)")\n'
        '    db.execute_sql("ALTER TABLE nothing_of_that_name ADD COLUMN a INTEGER")\n',
        "nothing_of_that_name",
    ),
    "an API that answers 500": (
        "calendar_app/api.py",
        "\n_create_app = create_app\n\n\ndef create_app(*args, **more):\n"
        "    app = _create_app(*args, **more)\n"
        "    app.before_request(lambda: 1 // 0)\n    return app\n",
        "500",
    ),
    "a calendar that answers 500": (
        "calendar_app/birthdays.py",
        "\n\ndef month(*args, **more):\n    return 1 // 0\n",
        "500",
    ),
    "a web that fails once it is live": (
        "calendar_app/api.py",
        ONLY_LIVE.format("web"),
        "broken on purpose",
    ),
    "a bot that fails once it is live": (
        "bot/updates.py",
        ONLY_LIVE.format("bot"),
        "broken on purpose",
    ),
}


@pytest.mark.parametrize("what", RELEASES)
def test_the_version_before_answers_throughout(running, measured, what):
    before = running.version()
    path, text, word = RELEASES[what]
    running.run("cp -a /root/birthday-calendar /root/kept")
    running.run(["tee", "-a", f"/root/birthday-calendar/{path}"], input=text)
    try:
        with Load(running) as load:
            refused = running.install(check=False)
    finally:
        running.run("rm -rf /root/birthday-calendar && mv /root/kept /root/birthday-calendar")
    said = (refused.stdout + refused.stderr).strip()
    told = said.splitlines()[-3:]
    measured(what=what, exit_status=refused.returncode, said=told, **load.summary())
    assert refused.returncode != 0
    assert running.version() == before
    assert load.failed == 0
    assert load.lost_and_doubled() == ([], [])
    assert running.answers()
    assert running.bot_greets()
    assert word in said


def test_the_next_good_release_is_taken(running):
    before = running.version()
    running.change()
    running.install()
    assert running.version() != before
    assert len(running.releases()) <= 3
    assert running.bot_greets()
    tables = "SELECT name FROM sqlite_master WHERE name = 'half_done'"
    look = f"import sqlite3; print(sqlite3.connect('{DATABASE}').execute(\"{tables}\").fetchall())"
    assert running.run(["python3", "-c", look]).stdout.strip() == "[]"
