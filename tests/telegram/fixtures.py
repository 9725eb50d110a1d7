"""Fixtures of the simulator's own tests: a simulator with one bot, a raw client, Anna.

tests/telegram/ has them by its conftest.py, tests/test_telegram_simulator.py by name.
"""

import pytest

from .probes import Raw, token
from .simulator import Simulator

PACE = 0.1  # of Telegram's pauses, everywhere but in the test that proves the true ones


@pytest.fixture
def sim():
    with Simulator(pace=PACE) as simulator:
        simulator.add_bot(username="echo_bot", name="Echo")
        yield simulator


@pytest.fixture
def bot(sim):
    return Raw(sim, token(sim))


@pytest.fixture
def anna(sim):
    return sim.add_user("Anna", language_code="en", birthdate={"day": 14, "month": 3})


@pytest.fixture
def started(anna, bot):
    """Anna after she started the bot, with the update already confirmed."""
    anna.send("/start")
    updates = bot.ok("getUpdates")
    bot.ok("getUpdates", offset=updates[-1]["update_id"] + 1)
    return anna
