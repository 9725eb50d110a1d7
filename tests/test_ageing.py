"""What grows is dropped when it is old enough, and nothing else; alerts are told once."""

import json

import pytest

from calendar_app import alerts, models, texts
from calendar_app.models import (
    Alert,
    Calendar,
    Chat,
    Deletion,
    Dialog,
    IdempotencyKey,
    Invitation,
    Promise,
    Quota,
    Update,
    User,
)
from calendar_app.operation import ageing
from calendar_app.texts import N_
from tests.operating import NOW, begin, works

DAY = 24 * 3600


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request, tmp_path):
    """A database of each kind with Alice's calendar."""
    if request.param == "sqlite":
        begin(tmp_path)
    else:
        models.connect(request.getfixturevalue("postgres")())
        models.migrate()
        chat = Chat.create(telegram_id=1, kind="private", reachable=True, created_at=NOW)
        user = User.create(telegram_id=1, chat=chat, created_at=NOW)
        Calendar.create(kind="personal", title="A", user=user, timezone="UTC",
                        notification_minute=0, created_at=NOW)  # fmt: skip
    yield
    models.disconnect()


def promise(number, state, days):
    Promise.create(
        kind="birthday", subject_id=number, occurs_on="2026-01-01", days_before=0, recipient=1,
        calendar=1, due_at=NOW - days * DAY, try_at=0, state=state,
    )  # fmt: skip


def fill(days):
    """A row of everything that ages, so many days old."""
    at = NOW - days * DAY
    for number, state in enumerate(("sent", "late", "skipped", "failed")):
        promise(number + 10 * days, state, days)
    Deletion.create(kind="user", subject_id=days, at=at)
    Update.create(bot_id=1, update_id=days, received_at=at)
    Dialog.create(chat_id=days + 1, user_id=1, step="x", draft="{}", started_at=at)
    IdempotencyKey.create(user=1, request=str(days), body_hash="", answer="", created_at=at)
    Invitation.create(calendar=1, code_hash=str(days), role="viewer", expires_at=at, uses_left=1,
                      created_by=1)  # fmt: skip


TABLES = (Promise, Deletion, Update, Dialog, IdempotencyKey, Invitation)


def counts():
    return {table._meta.table_name: table.select().count() for table in TABLES}


def test_what_is_young_is_kept(world):
    fill(1)
    before = counts()
    assert ageing.drop_old(NOW) == {}
    assert counts() == before


def test_what_is_days_old_is_dropped_but_for_the_ledger_and_the_deletions(world):
    fill(3)
    ageing.drop_old(NOW)
    assert counts() == {"ledger": 4, "deletions": 1, "updates": 0, "dialogs": 0,
                        "idempotency_keys": 0, "invitations": 0}  # fmt: skip


def test_the_ledger_and_the_deletions_go_after_400_days(world):
    fill(399)
    fill(401)
    dropped = ageing.drop_old(NOW)
    assert (dropped["ledger"], dropped["deletions"]) == (4, 1)
    assert (counts()["ledger"], counts()["deletions"]) == (4, 1)


def test_what_is_still_to_be_sent_is_never_dropped(world):
    promise(1, "planned", 500)
    ageing.drop_old(NOW)
    assert Promise.select().count() == 1


def test_invitations_used_up_and_quotas_of_past_days_go(world):
    Invitation.create(calendar=1, code_hash="x", role="viewer", expires_at=NOW + DAY, uses_left=0,
                      created_by=1)  # fmt: skip
    Quota.create(user=1, kind="card", day="2020-01-01", used=5)
    Quota.create(user=1, kind="greeting", day="2026-09-22", used=5)
    ageing.drop_old(NOW)
    assert Invitation.select().count() == 0
    assert [row.kind for row in Quota.select()] == ["greeting"]


def test_more_than_one_transaction_takes_is_dropped_too(world):
    number = 2 * ageing.AT_ONCE + 7
    rows = [{"kind": "user", "subject_id": n, "at": 0} for n in range(number)]
    Deletion.insert_many(rows).execute()
    assert ageing.drop_old(NOW) == {"deletions": number}
    assert Deletion.select().count() == 0


def test_a_backup_ages_first(tmp_path):
    begin(tmp_path / "var")
    Deletion.create(kind="user", subject_id=1, at=0)
    models.disconnect()
    said = works(tmp_path / "var", "backup")
    assert "Dropped what is too old: 1 of deletions" in said
    assert "proven" in said


BROKEN = N_("The backup failed: {reason}")


def test_an_alert_is_told_once_until_it_is_over_and_then_again(world):
    assert alerts.tell("backup", BROKEN, NOW, reason="x")
    assert not alerts.tell("backup", BROKEN, NOW + 1, reason="y")
    assert alerts.tell("disk", BROKEN, NOW, reason="z")
    assert alerts.clear("backup", NOW + 2)
    assert not alerts.clear("backup", NOW + 3)
    assert not alerts.clear("never told", NOW)
    assert alerts.tell("backup", BROKEN, NOW + 4, reason="again")
    told = [(a.key, a.over, json.loads(a.params)["reason"]) for a in alerts.unsent()]
    assert told == [("backup", False, "x"), ("disk", False, "z"), ("backup", True, "x"),
                    ("backup", False, "again")]  # fmt: skip


def test_an_alert_that_was_sent_is_not_sent_again(world):
    alerts.tell("a", BROKEN, NOW, reason="x")
    alerts.tell("b", BROKEN, NOW, reason="x")
    alerts.sent(alerts.unsent()[0].id, NOW)
    assert [alert.key for alert in alerts.unsent()] == ["b"]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_an_alert_is_html_in_the_language_of_its_reader(world, language):
    alerts.tell("a", BROKEN, NOW, reason="<disk> & {co}")
    alerts.clear("a", NOW)
    begun, over = (alerts.html(language, alert) for alert in alerts.unsent())
    for said in (begun, over):
        assert "&lt;disk&gt; &amp; {co}" in said
    assert begun != over
    assert ("failed" in begun) == (language == "en")


def test_old_alerts_go_but_not_those_that_hold_or_were_not_sent(world):
    for key in ("sent", "unsent", "open"):
        alerts.tell(key, BROKEN, 0, reason="x")
    Alert.update(cleared_at=1).where(Alert.key != "open").execute()
    Alert.update(sent_at=1).where(Alert.key != "unsent").execute()
    ageing.drop_old(NOW)
    assert sorted(alert.key for alert in Alert.select()) == ["open", "unsent"]
