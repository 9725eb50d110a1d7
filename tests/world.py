"""What tests stand on: configurations, signed people, waiting."""

import socket
import time
from pathlib import Path

from calendar_app import config
from tests.telegram.initdata import signed

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "1234567890:TEST-only-not-a-real-token-aaaaaaaaaaa"
NAMES = ("Alice", "Bob", "Charlie", "Dave", "Eve")
PEOPLE = {name: 5_000_000_001 + number for number, name in enumerate(NAMES)}


def settings(folder, **more):
    """A Config for that state folder, with TOKEN, from nothing but what is given."""
    env = {"VAR_DIR": str(folder), "ENV_FILE": "/dev/null", "TELEGRAM_BOT_TOKEN": TOKEN}
    return config.load(env | {name: str(value) for name, value in more.items()})


def init_data(name, now=None, token=TOKEN, **user):
    """initData of Alice, Bob or Charlie, signed now."""
    person = {"id": PEOPLE[name], "first_name": name, "language_code": "en"} | user
    return signed(token, person, auth_date=int(time.time() if now is None else now))


def free_port():
    """A TCP port on loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, timeout=60, step=0.05):
    """Calls until it gives something true, and returns that; AssertionError when it never does."""
    until = time.monotonic() + timeout
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"waited {timeout} s in vain for {what}; last: {found!r}")
        time.sleep(step)
