"""A clock that jumps: reminders go by Telegram's, so that nothing comes early, late or twice."""

import datetime as dt
import subprocess
import time

import pytest

from bot.clock import PATIENCE_SECONDS, TRUSTED_SECONDS, Clock
from tests.system.faults.clocks import SOURCE
from tests.test_bot_process import ask
from tests.test_bot_reminders import asked
from tests.world import wait_for

DAY = 24 * 3600


class Time:
    """A machine's two clocks: the one on the wall, which jumps, and one that only goes on."""

    def __init__(self):
        self.wall, self.steady = 1_800_000_000.0, 50.0
        self.clock = Clock(lambda: self.wall, lambda: self.steady)

    def passes(self, seconds):
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def machine():
    return Time()


def test_a_clock_that_is_right_is_followed_to_the_second(machine):
    machine.clock.heard(machine.wall - 2)
    machine.passes(1000)
    assert machine.clock.now() == machine.wall
    assert machine.clock.ahead == 2


@pytest.mark.parametrize("jump", [DAY, -DAY, 61, -61, 400 * DAY])
def test_one_that_jumps_is_not_followed_and_the_seconds_are_counted_on(machine, jump):
    machine.clock.heard(machine.wall)
    machine.passes(100)
    machine.wall += jump
    machine.passes(7)
    assert machine.clock.ahead == jump
    assert machine.clock.now() == 1_800_000_107


def test_a_small_step_as_of_ntp_is_followed(machine):
    machine.clock.heard(machine.wall)
    machine.wall += TRUSTED_SECONDS - 1
    assert machine.clock.now() == machine.wall


def test_once_it_is_right_again_it_is_followed_again(machine):
    machine.wall += DAY
    machine.clock.heard(machine.wall - DAY)
    assert machine.clock.now() == 1_800_000_000
    machine.wall -= DAY
    assert machine.clock.now() == machine.wall


def test_a_machine_that_was_asleep_hears_the_time_at_telegrams_next_answer(machine):
    machine.clock.heard(machine.wall)
    machine.wall += 5 * 3600  # the other clock stood still too, as in a suspended guest
    machine.clock.heard(machine.wall)
    assert machine.clock.now() == machine.wall


def test_before_telegram_has_told_the_time_nothing_is_decided_by_it_for_a_while(machine):
    assert not machine.clock.is_known()
    machine.passes(PATIENCE_SECONDS + 1)
    assert machine.clock.is_known()
    assert machine.clock.now() == machine.wall
    other = Time()
    other.clock.heard(other.wall)
    assert other.clock.is_known()


# --- the process -------------------------------------------------------------------------

# Anna's reminder comes due at that many seconds from now, for a birthday on that day.
DUE = """
import datetime as dt, sys, time
from calendar_app import birthdays, calendars, config, models
from calendar_app.models import ReminderRule, User
settings = config.load()
models.connect(settings.database_url)
person, seconds, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
now = int(time.time())
day = dt.datetime.fromtimestamp(now + seconds, dt.UTC).date().isoformat()
with models.writing():
    birthdays.create(person, None, {"full_name": name, "birth_date": "-" + day[4:]}, now)
    ReminderRule.update(next_date=day, next_due_at=now + seconds).execute()
"""


@pytest.fixture
def moved(tmp_path):
    """(library, file): a process that loads it has a wall clock that is off by what it says."""
    library, offset = tmp_path / "moved.so", tmp_path / "offset"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True)
    offset.write_text("0")
    return library, offset


def test_a_clock_that_jumps_a_day_ahead_sends_nothing_early_and_all_in_time(
    service, telegram, moved
):
    library, offset = moved
    anna = telegram.add_user("Anna", language_code="en")
    running = service("web")
    right = running.environment
    running.environment = right | {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(offset)}
    running.start("bot")
    running.environment = right
    running.wait_for_bot("ok")
    ask(anna, "/start")
    running.wait_for_zones()
    running.python(DUE, str(anna.id), str(20 * 3600), "Tomorrow")
    offset.write_text(str(DAY))
    wait_for(lambda: "clock: this machine's is +864" in running.log("bot"))
    today = dt.datetime.now(dt.UTC).date()
    assert f"{today.year}-" in asked(anna, "/why Tomorrow")
    time.sleep(3)  # the bot looks every second
    assert not [m for m in anna.messages() if "Birthdays" in m.text]
    running.python(DUE, str(anna.id), "1", "Now")
    assert "Now" in anna.wait_for_message("Birthdays today").text
    offset.write_text("0")
    wait_for(lambda: "clock is right again" in running.log("bot"), timeout=60)
    assert len([m for m in anna.messages() if "Birthdays" in m.text]) == 1
