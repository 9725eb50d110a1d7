"""Fixtures: an app in this process for the API's tests, real processes for the others."""

import io
import itertools
import logging.config
import sys

import pytest
from playwright.sync_api import expect

from calendar_app import api, logs, models
from tests.postgres import as_new, migrated, postgres  # noqa: F401 - fixtures
from tests.service import Service
from tests.telegram.simulator import Simulator
from tests.world import NAMES, init_data, settings

expect.set_options(timeout=60_000)  # as patient as wait_for: a busy machine is no fault of the page

# 10:00 UTC on a day that is nothing special.
NOON = 1_790_071_200


class Clock:
    """A clock that tests turn; starts at `NOON`."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


class Person:
    """Somebody as a client of the API, signed in with initData."""

    def __init__(self, app, clock, name):
        self.name, self.clock = name, clock
        self.client = app.test_client()

    def __getattr__(self, method):
        def call(path, headers=(), **more):
            signed = {"X-Init-Data": init_data(self.name, self.clock.now)}
            # As at the unix socket: requests from there are not counted against a limit.
            more = {"environ_base": {"REMOTE_ADDR": ""}} | more
            return getattr(self.client, method)(path, headers=signed | dict(headers), **more)

        return call

    def add(self, full_name, birth_date, **more):
        """Adds a birthday and returns it."""
        body = {"full_name": full_name, "birth_date": birth_date, **more}
        answer = self.post("/api/birthdays", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def app(tmp_path, clock):
    """The WSGI app on an empty database of its own."""
    yield api.create_app(settings(tmp_path), clock)
    models.disconnect()


@pytest.fixture
def people(app, clock):
    """Alice, Bob, Charlie, Dave and Eve."""
    return [Person(app, clock, name) for name in NAMES]


@pytest.fixture
def alice(people):
    return people[0]


@pytest.fixture
def bob(people):
    return people[1]


@pytest.fixture
def journal(monkeypatch):
    """journal() is all that was logged with the settings of the processes, details too."""
    stream, root = io.StringIO(), logging.getLogger()
    monkeypatch.setattr(sys, "stderr", stream)
    before = root.handlers[:], root.level
    logging.config.dictConfig(logs.settings("DEBUG"))
    yield stream.getvalue
    root.handlers[:], root.level = before


@pytest.fixture
def telegram():
    """Telegram as a server of this process, its pauses shortened."""
    with Simulator(pace=0.05) as simulator:
        yield simulator


@pytest.fixture
def service(tmp_path, telegram):
    """Starts web and bot as real processes: `service(TIMEZONE="Europe/Berlin")`."""
    numbers, started = itertools.count(), []

    def start(*parts, **environment):
        folder = tmp_path / f"service{next(numbers)}"
        started.append(Service(folder, telegram, parts or ("web", "bot"), environment))
        return started[-1]

    yield start
    for each in started:
        each.stop()
