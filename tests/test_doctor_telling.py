"""The doctor by its timer: the journal and the operators hear what changed, once."""

import json
import sqlite3
import subprocess
import time

import pytest

from calendar_app import alerts, models
from calendar_app.doctor import telling
from calendar_app.doctor.causes import CAUSES, error, ok, warning
from calendar_app.doctor.looking import Seen
from calendar_app.texts import N_
from tests.doctoring import run
from tests.world import PEOPLE, TOKEN, free_port, settings


class Operator:
    """An operator with Telegram, whom a doctor tells what it saw."""

    def __init__(self, telegram, folder, **person):
        telegram.add_bot(TOKEN)
        self.telegram, self.folder = telegram, folder
        self.person = telegram.add_user("Alice", PEOPLE["Alice"], **person)
        self.person.send("/start")
        self.path = folder / "told.json"
        self.languages = {}
        self.settings = settings(
            folder, ADMIN_TELEGRAM_IDS=PEOPLE["Alice"], TELEGRAM_API_URL=telegram.url
        )

    def look(self, *checks, alerts=()):
        """The journal's lines after a look that found this."""
        seen = Seen(list(checks), self.settings, frozenset(alerts), self.languages)
        return telling.tell(seen, self.path)

    def heard(self):
        """What arrived in Telegram, oldest first."""
        return [call.params["text"] for call in self.telegram.calls("sendMessage")]


@pytest.fixture
def alice(telegram, tmp_path):
    return Operator(telegram, tmp_path)


FULL = error("disk-full", "Only 3 MiB are free where /var is", "", "sudo du -xhd3 /var")
DOWN = error("web-not-running", "Nobody answers")
OPEN = ok("disk-full", "All is well")
BACKUP = warning("backup", "The last backup failed: no room", "sudo back up", alarm=True)
SELF_SIGNED = warning("certificate-expired", "It is self-signed", "sudo ./scripts/install.sh")


def test_an_error_is_told_once_with_its_remedy_and_once_when_it_is_over(alice):
    journal = [alice.look(FULL) for _ in range(3)] + [alice.look(OPEN) for _ in range(3)]
    begin, end = alice.heard()
    assert "disk-full" in begin
    assert "<code>sudo du -xhd3 /var</code>" in begin
    assert "Only 3 MiB are free" in begin
    assert "over" in end
    assert "disk-full" in end
    assert [len(lines) for lines in journal] == [1, 0, 0, 1, 0, 0]
    assert journal[0] == [
        "<3>disk-full: Only 3 MiB are free where /var is. To mend it: sudo du -xhd3 /var"
    ]
    assert journal[3] == ["<5>disk-full: this is over"]


def test_another_root_cause_is_told_anew(alice):
    for found in ([FULL], [FULL, DOWN], [error("database-corrupt", "damaged")]):
        alice.look(*found)
    assert ["disk-full" in text for text in alice.heard()] == [True, False]
    assert "database-corrupt" in alice.heard()[1]


@pytest.mark.parametrize("cause", [name for name in CAUSES if CAUSES[name].fleeting])
def test_what_often_passes_by_itself_is_told_only_at_the_second_look(alice, cause):
    assert len(alice.look(error(cause, "so it is"))) == 1
    assert alice.look() == [f"<5>{cause}: this is over"]
    assert alice.heard() == []
    alice.look(error(cause, "so it is"))
    alice.look(error(cause, "so it is"))
    assert len(alice.heard()) == 1


def test_what_passes_by_itself_is_what_the_operators_agreed_on():
    fleeting = {name for name in CAUSES if CAUSES[name].fleeting}
    assert fleeting == {
        "bot-stopped", "web-not-running", "upstream-timeout", "telegram-unreachable",
    }  # fmt: skip


def test_what_the_service_itself_tells_is_not_told_again(alice):
    alice.look(error("bot-conflict", "Another one polls"), alerts=["bot-conflict"])
    alice.look(FULL, alerts=["read-only"])
    alice.look(OPEN)
    assert alice.heard() == []


def test_warnings_stand_in_the_journal_once_and_only_alarms_are_told(alice):
    journal = [alice.look(SELF_SIGNED, BACKUP) for _ in range(2)] + [alice.look() for _ in range(2)]
    assert [len(lines) for lines in journal] == [2, 0, 2, 0]
    begin, end = alice.heard()
    assert "(backup)" in begin
    assert "The last backup failed: no room" in begin
    assert "over" in end


def test_what_could_not_be_sent_is_sent_at_a_later_look_and_never_twice(alice):
    alice.telegram.go_down()
    assert "trying again" in alice.look(FULL)[-1]
    assert TOKEN not in "".join(alice.look(FULL))
    alice.telegram.come_back()
    for _ in range(3):
        alice.look(FULL)
    assert len(alice.heard()) == 1


@pytest.mark.parametrize("fault", [{"retry_after": 300}, {"status": 500}, {"html": True}])
def test_what_telegram_does_not_take_is_sent_later(alice, fault):
    alice.telegram.fail("sendMessage", **fault)
    alice.look(FULL)
    alice.look(FULL)
    alice.look(FULL)
    assert len(alice.person.received()) == 1


def test_a_message_that_may_have_arrived_is_not_sent_again(alice):
    alice.telegram.fail("sendMessage", drop="after")
    alice.look(FULL)
    alice.look(FULL)
    assert len(alice.person.received()) == 1


def test_trouble_that_is_over_before_it_could_be_told_is_not_told(alice):
    alice.telegram.go_down()
    alice.look(FULL)
    alice.telegram.come_back()
    alice.look()
    assert alice.heard() == []


def test_an_operator_who_has_blocked_the_bot_does_not_keep_others_from_hearing(alice):
    bob = alice.telegram.add_user("Bob", PEOPLE["Bob"])
    bob.send("/start")
    alice.person.block()
    ids = f"{PEOPLE['Alice']},{PEOPLE['Bob']}"
    alice.settings = settings(
        alice.folder, ADMIN_TELEGRAM_IDS=ids, TELEGRAM_API_URL=alice.telegram.url
    )
    alice.look(FULL)
    alice.look(FULL)
    assert len(bob.received()) == 1
    assert len(alice.telegram.calls("sendMessage")) == 2


def test_a_switched_off_bot_means_that_nothing_is_sent_to_telegram(alice):
    alice.settings = settings(
        alice.folder,
        ADMIN_TELEGRAM_IDS=PEOPLE["Alice"],
        TELEGRAM_API_URL=alice.telegram.url,
        ENABLE_TELEGRAM_BOT="false",
    )
    assert len(alice.look(FULL)) == 1
    assert alice.telegram.calls() == []


def test_operators_are_told_in_their_own_language(alice):
    alice.languages = {PEOPLE["Alice"]: "ru"}
    alice.look(FULL)
    alice.look()
    begin, end = alice.heard()
    assert "Диск переполнен" in begin
    assert "Как исправить:" in begin
    assert "позади" in end


def test_what_a_check_says_is_shown_as_it_is(alice):
    alice.look(error("web-start-failed", "SyntaxError: 1 < 2 & <b>", "", "a <b>"))
    assert "1 &lt; 2 &amp; &lt;b&gt;" in alice.heard()[0]
    assert alice.person.received()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"root": 5, "more": 1}', b"\xff"])
def test_a_memory_that_cannot_be_read_is_an_empty_one(alice, damage):
    alice.path.write_bytes(damage)
    alice.look(FULL)
    alice.look(FULL)
    assert len(alice.heard()) == 1


def test_the_memory_is_written_in_place_and_keeps_its_size(alice):
    alice.look()
    before = alice.path.stat()
    alice.look(FULL, DOWN, BACKUP)
    after = alice.path.stat()
    assert (before.st_ino, before.st_size) == (after.st_ino, after.st_size)
    assert after.st_blocks * 512 >= after.st_size
    assert after.st_mode & 0o777 == 0o600


def test_on_a_full_disk_it_still_remembers(telegram, tmp_path):
    """On a file system of its own; only root can make one."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path]).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        alice = Operator(telegram, tmp_path)
        alice.look()
        filled = subprocess.run(["dd", "if=/dev/zero", f"of={tmp_path}/fill", "status=none"])
        assert filled.returncode
        alice.look(FULL)
        alice.look(FULL)
        assert len(alice.heard()) == 1
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_who_cannot_remember_tells_the_journal_only(alice):
    alice.path = alice.folder / "missing" / "told.json"
    for _ in range(2):
        assert "cannot be written" in alice.look(FULL)[-1]
    assert alice.heard() == []


# --- as the timer starts it ---------------------------------------------------------------


def tell(service, **more):
    """One run of the timer on a service; its exit status and what it printed."""
    environment = service.environment | {"ADMIN_TELEGRAM_IDS": str(PEOPLE["Alice"])} | more
    code, out, err = run("--tell", service.folder / "told.json", environment=environment)
    assert err == ""
    return code, out.splitlines()


def test_with_the_bot_down_and_the_database_locked_the_operators_are_told(service, telegram):
    started = service("web")
    alice = telegram.add_user("Alice", PEOPLE["Alice"])
    alice.send("/start")
    (started.folder / "run").mkdir()
    (started.folder / "run" / "web.sock").symlink_to(started.socket)
    connection = sqlite3.connect(started.folder / "calendar.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    code, lines = tell(started)
    assert code == 2
    assert lines[0].startswith("database-locked: ")
    assert "database-locked" in alice.wait_for_message().text
    connection.close()
    _, journal = tell(started, JOURNAL_STREAM="1:2")
    assert journal[0].startswith("<3>bot-stopped: ")
    tell(started)
    assert "bot-stopped" in alice.wait_for_message().text
    assert started.token not in json.dumps(lines)


def test_the_languages_and_the_alerts_of_the_service_are_known(service, telegram):
    started = service("web", "bot", ADMIN_TELEGRAM_IDS=PEOPLE["Alice"])
    alice = telegram.add_user("Alice", PEOPLE["Alice"], language_code="ru")
    started.wait_for_bot("ok")
    alice.send("/start")
    alice.wait_for_message()
    started.terminate("bot")
    models.connect(f"sqlite:///{started.folder}/calendar.db")
    alerts.tell("database-corrupt", N_("The database file is damaged"), int(time.time()))
    models.disconnect()
    started.terminate("web")
    tell(started)
    tell(started)
    assert "работает" in alice.wait_for_message().text
    models.connect(f"sqlite:///{started.folder}/calendar.db")
    assert alerts.clear("database-corrupt", int(time.time()))
    models.disconnect()


def test_a_bad_configuration_is_told_to_the_operators_of_before(service, telegram):
    started = service("web")
    alice = telegram.add_user("Alice", PEOPLE["Alice"])
    alice.send("/start")
    tell(started)
    before = len(alice.received())
    folder = started.folder / "etc"
    folder.mkdir()
    (folder / "bot-token").write_text(started.token)
    (folder / "env").write_text("TIMEZONE=Mars/Olympus\n")
    code, lines = tell(started, ENV_FILE=str(folder / "env"), TELEGRAM_BOT_TOKEN="")
    assert code == 2
    assert "TIMEZONE" in lines[0]
    assert len(alice.received()) == before + 1
    assert "web-start-failed" in alice.last_message().text


def test_telegram_in_a_black_hole_does_not_hold_the_timer_up_for_long(service):
    started = service("web", TELEGRAM_API_URL=f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    tell(started, TELEGRAM_API_URL="http://192.0.2.1:8081")
    assert time.monotonic() - began < 40
    assert (started.folder / "told.json").exists()
