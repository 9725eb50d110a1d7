"""The operator's command as a person types it, as root and as others, and a world to operate on."""

import os
import subprocess
import sys

from calendar_app import birthdays, calendars, models
from calendar_app.calendars import Account
from tests.world import ROOT, settings

ALICE = Account(5_000_000_001, "Alice", language_code="en", may_write=True)
BOB = Account(5_000_000_002, "Bob", language_code="en", may_write=True)
NOW = 1_790_071_200
# Nobody's: a user only has to have a number.
USER = 54_321
# Everything is imported before: another user may not read the interpreter's own folder.
AS_USER = """
import os, sys
from calendar_app import __main__, openapi
import encodings.idna, zoneinfo
os.setgroups([]), os.setresgid({user}, {user}, {user}), os.setresuid({user}, {user}, {user})
sys.exit(__main__.main(sys.argv[1:]))
"""


def command(*arguments, user=None):
    """The command line of a verb."""
    start = ["-m", "calendar_app"] if user is None else ["-c", AS_USER.format(user=user)]
    return [sys.executable, *start, *map(str, arguments)]


def environment(state, **more):
    """What run.sh's processes would have, from nothing but what is given."""
    given = {name: str(value) for name, value in more.items()}
    return {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null", "VAR_DIR": str(state)} | given


def operate(state, *arguments, user=None, root=ROOT, typed="", **more):
    """(exit status, standard output, standard error) of a verb."""
    done = subprocess.run(
        command(*arguments, user=user),
        cwd=root,
        env=environment(state, **more),
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def works(state, *arguments, **more):
    """The standard output of a verb that ends well."""
    status, out, err = operate(state, *arguments, **more)
    assert (status, err) == (0, ""), (status, out, err)
    return out


def begin(state, names=("Ada", "Bob"), now=NOW):
    """A database with Alice's calendar in it; returns the Config, the tables connected."""
    config = settings(state)
    models.connect(config.database_url)
    models.migrate()
    calendars.register(ALICE, config, now)
    for name in names:
        add(name, now)
    return config


def add(name, now=NOW, date="--12-10"):
    """Adds a birthday of Alice's; returns its id."""
    body = {"full_name": name, "birth_date": date}
    return birthdays.create(ALICE.telegram_id, None, body, now)["id"]


def names():
    """The names of all birthdays, in the order in which they came."""
    query = models.Birthday.select(models.Birthday.full_name).order_by(models.Birthday.id)
    return [name for (name,) in query.tuples()]
