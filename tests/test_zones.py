"""A new edition of the time zones: what is due follows it; nothing is lost, nothing comes twice."""

import shutil
import zoneinfo
from pathlib import Path

import pytest

from calendar_app import calendars, health, models, zones
from calendar_app.models import BotState, ReminderRule
from calendar_app.zones import Zones
from tests.lives import Life, at

SYSTEM = tuple(zoneinfo.TZPATH)
TOKYO = "Asia/Tokyo"


@pytest.fixture
def begin(tmp_path, clock):
    """A life in Tokyo, in a process that has looked at the zones; the bot has run before."""

    def begin(text, **environment):
        life = Life.begin(tmp_path / "state", clock, text, **environment)
        health.introduce("bot", clock.now)
        known = Zones()
        known.follow()
        return life, known

    yield begin
    models.disconnect()


@pytest.fixture
def publish(tmp_path):
    """`publish(TOKYO, "Asia/Seoul")`: from now on the files say of one zone what they said of
    another; `publish(TOKYO)` what they said before."""
    folder = tmp_path / "zoneinfo"

    def publish(name, as_in=None):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        source = next(path for base in SYSTEM if (path := Path(base, as_in or name)).is_file())
        shutil.copy(source, target)

    publish(TOKYO)
    zoneinfo.reset_tzpath([str(folder), *SYSTEM])
    zoneinfo.ZoneInfo.clear_cache()
    yield publish
    zoneinfo.reset_tzpath(SYSTEM)
    zoneinfo.ZoneInfo.clear_cache()


def test_an_edition_is_known_by_what_the_files_say(publish):
    before = zones.edition()
    assert zones.edition() == before
    publish(TOKYO, "Europe/Berlin")
    assert zones.edition() != before
    publish(TOKYO)
    assert zones.edition() == before


def test_rules_come_due_when_the_new_edition_says(begin, publish):
    life, known = begin("2026-12-01 12:00", TIMEZONE=TOKYO)
    life.add("Ada", "--12-02")
    life.change(lead_days=[0, 5], weekly_digest=2, monthly_digest=True)
    assert not known.refresh()
    assert known.follow() == 0
    publish(TOKYO, "Europe/Berlin")
    assert known.refresh()
    assert known.follow() == ReminderRule.select().count() == 4
    assert known.follow() == 0
    life.until("2026-12-04 00:00", step=600)
    assert [time for time, text in zip(life.post.times, life.post.texts, strict=True)
            if "Ada" in text and "today" in text] == [at("2026-12-02 08:00")]  # fmt: skip


def test_what_was_sent_by_the_old_edition_does_not_come_again(begin, publish):
    life, known = begin("2026-12-01 12:00", TIMEZONE=TOKYO)
    life.add("Ada", "--12-02")
    life.until("2026-12-02 03:00", step=600)
    assert life.post.times == [at("2026-12-02 00:00")]
    publish(TOKYO, "America/New_York")
    known.refresh()
    known.follow()
    life.until("2026-12-05 00:00", step=600)
    assert life.post.times == [at("2026-12-02 00:00")]


def test_a_day_that_the_new_edition_has_behind_it_already_is_told_at_once(begin, publish):
    life, known = begin("2026-12-01 12:00", TIMEZONE="America/New_York")
    life.change(timezone=TOKYO)
    publish(TOKYO, "America/New_York")
    known.refresh()
    known.follow()
    life.add("Ada", "--12-02")
    life.until("2026-12-02 12:00", step=600)
    assert life.post.sent == []
    publish(TOKYO)
    known.refresh()
    known.follow()
    life.until("2026-12-02 13:00", step=600)
    assert life.post.times == [at("2026-12-02 12:10")]


def test_calendars_that_were_put_away_stay_away(begin, publish):
    life, known = begin("2026-12-01 12:00", TIMEZONE=TOKYO)
    with models.writing():
        calendars.archive(life.calendar, life.clock.now)
    publish(TOKYO, "Europe/Berlin")
    known.refresh()
    assert known.follow() == 0
    assert ReminderRule.get().next_due_at == calendars.NEVER


def test_a_process_that_starts_with_the_new_edition_follows_it_too(begin, publish):
    life, _ = begin("2026-12-01 12:00", TIMEZONE=TOKYO)
    life.add("Ada", "--12-02")
    edition = BotState.get().zones
    publish(TOKYO, "Europe/Berlin")
    zoneinfo.ZoneInfo.clear_cache()  # as in a process that has read none yet
    assert Zones().follow() == 1
    assert BotState.get().zones != edition
    assert ReminderRule.get().next_due_at == at("2026-12-02 08:00")
