"""/health and /health/ready: what a monitor sees when something is wrong."""

import pytest

from calendar_app import health, models
from calendar_app.models import BotState, Promise

CHECKS = {"database", "disk", "bot", "reminders"}


def ready(app):
    answer = app.test_client().get("/health/ready")
    assert set(answer.json["checks"]) == CHECKS
    assert all(set(check) == {"status", "summary"} for check in answer.json["checks"].values())
    return answer


@pytest.mark.parametrize("state", ["conflict", "unauthorized", "unreachable", "stopped"])
def test_the_bots_trouble_degrades_but_never_brings_down(app, clock, state):
    health.beat(state, "", clock.now)
    answer = ready(app)
    assert answer.status_code == 200
    assert answer.json["status"] == "degraded"
    assert answer.json["checks"]["bot"]["status"] == state


def test_all_is_well_when_the_bot_polls(app, clock):
    health.beat("ok", "", clock.now)
    assert ready(app).json["status"] == "ok"


def test_a_bot_that_is_switched_off_counts_as_well_for_ever(app, clock):
    health.beat("disabled", "", clock.now)
    clock.now += 10**6
    answer = ready(app).json
    assert answer["status"] == "ok"
    assert answer["checks"]["bot"]["status"] == "disabled"
    assert answer["checks"]["reminders"]["status"] == "paused"


def test_a_bot_that_shows_no_life_is_stopped(app, clock):
    assert ready(app).json["checks"]["bot"]["status"] == "stopped"
    health.beat("ok", "", clock.now)
    clock.now += health.BEAT_TIMEOUT + 1
    assert ready(app).json["checks"]["bot"]["status"] == "stopped"


def test_a_state_keeps_the_time_of_its_beginning(app, clock):
    health.beat("conflict", "", clock.now)
    begun = clock.now
    clock.now += 5
    health.beat("conflict", "", clock.now)
    row = BotState.get()
    assert (row.since, row.beat_at) == (begun, clock.now)


def test_reminders_that_should_have_gone_are_counted(app, alice, clock):
    alice.add("Ada", "1815-12-10")
    health.beat("ok", "", clock.now)
    Promise.insert(
        kind="birthday", subject_id=1, occurs_on="2026-09-22", days_before=0, recipient=1,
        calendar=1, due_at=clock.now - 3600, try_at=clock.now, state="planned",
    ).execute()  # fmt: skip
    check = ready(app).json["checks"]["reminders"]
    assert check["status"] == "late"
    assert check["summary"].startswith("1 ")


def test_a_broken_database_is_down_with_503_and_health_goes_on(app, tmp_path):
    models.disconnect()
    for path in tmp_path.glob("calendar.db*"):
        path.unlink()
    (tmp_path / "calendar.db").mkdir()
    answer = ready(app)
    assert answer.status_code == 503
    assert answer.json["status"] == "down"
    assert answer.json["checks"]["database"]["status"] == "unavailable"
    assert app.test_client().get("/health").status_code == 200


def test_a_damaged_database_is_named_too(app, tmp_path):
    models.disconnect()
    for path in tmp_path.glob("calendar.db*"):
        path.unlink()
    (tmp_path / "calendar.db").write_bytes(b"not a database at all" * 1000)
    answer = ready(app)
    assert (answer.status_code, answer.json["status"]) == (503, "down")


def test_the_api_says_503_when_the_database_cannot_be_used(app, alice, tmp_path):
    alice.add("Ada", "1815-12-10")
    models.disconnect()
    for path in tmp_path.glob("calendar.db*"):
        path.unlink()
    (tmp_path / "calendar.db").mkdir()
    answer = alice.get("/api/birthdays")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "Try again" in answer.json["detail"]
