"""The doctor: who else on this machine polls with our token, and what Telegram itself says."""

import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from calendar_app.doctor import rivals
from calendar_app.doctor.causes import error
from calendar_app.doctor.machine import Place
from tests.doctoring import judged, statuses
from tests.world import TOKEN, settings

POLL = """
import http.client, sys, time
line = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
line.connect()
print("connected", flush=True)
time.sleep(600)
"""
HOLD = """
import socket, sys, time
door = socket.socket(socket.AF_UNIX)
door.bind("\\0" + open(sys.argv[1]).read())
print("held", flush=True)
time.sleep(600)
"""
IDLE = "print('idle', flush=True); import time; time.sleep(600)"


@pytest.fixture
def start(tmp_path):
    """Starts Python programs that belong to nobody here: `start(source, arguments…)`."""
    started = []

    def begin(source, *arguments, name="program.py"):
        path = tmp_path / name
        path.write_text(source)
        command = [sys.executable, path, *map(str, arguments)]
        started.append(subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE))
        assert started[-1].stdout.readline()
        return started[-1].pid

    yield begin
    for each in started:
        each.kill()
        each.wait()
        each.stdout.close()


def token():
    """One that no other test uses, at the same time on this machine either."""
    return f"1234567890:{secrets.token_hex(20)}"


def conflict(folder, **more):
    """What the doctor makes of a conflict here."""
    place = Place(settings(folder, **more), folder, installed=False)
    return rivals.named(error("bot-conflict", "so it is"), place, time.monotonic() + 5)


def test_a_program_that_is_connected_to_telegram_is_named_and_how_to_end_it(tmp_path, start):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        pid = start(POLL, port)
        api = f"http://127.0.0.1:{port}"
        found = conflict(tmp_path, TELEGRAM_API_URL=api, TELEGRAM_BOT_TOKEN=token())
    assert f"process {pid} " in found.details
    assert found.fix.startswith(f"sudo kill {pid} ") or "systemctl disable" in found.fix


def test_whoever_holds_the_lock_of_our_token_is_named(tmp_path, start):
    ours, other = token(), token()
    place = Place(settings(tmp_path, TELEGRAM_BOT_TOKEN=ours), tmp_path, installed=False)
    (tmp_path / "name").write_text(rivals._lock(place)[1:])
    pid = start(HOLD, tmp_path / "name")
    assert f"process {pid} " in conflict(tmp_path, TELEGRAM_BOT_TOKEN=ours).details
    assert f"process {pid} " not in conflict(tmp_path, TELEGRAM_BOT_TOKEN=other).details


def test_the_lock_has_the_name_that_the_bot_gives_it(tmp_path):
    from bot import lock
    from calendar_app import config

    ours = token()
    place = Place(settings(tmp_path, TELEGRAM_BOT_TOKEN=ours), tmp_path, installed=False)
    turn = lock.Turn(config.webapp_key(ours), tmp_path)
    assert turn.take() == ""
    names = [row.split()[-1] for row in Path("/proc/net/unix").read_text().splitlines()]
    assert rivals._lock(place) in names


@pytest.mark.parametrize("name", ["calendar_bot.py", "bot.py", "telegram-notify.py"])
def test_an_interpreter_with_such_a_script_looks_like_a_bot(start, name):
    assert rivals._looks_like_a_bot(start(IDLE, name=name))


@pytest.mark.parametrize("name", ["program.py", "bottle.py", "robots_txt.py", "abbott.py"])
def test_other_programs_do_not(start, name):
    assert not rivals._looks_like_a_bot(start(IDLE, name=name))
    assert not rivals._looks_like_a_bot(1)


def test_a_token_on_a_command_line_is_not_repeated(start):
    found = rivals._rival(start(IDLE, TOKEN, name="other_bot.py"))
    assert "other_bot.py" in found.name
    assert TOKEN not in found.name + found.fix


CGROUPS = {
    "0::/system.slice/old-bot.service\n": "old-bot.service",
    "0::/system.slice/system-bot.slice/bot@1.service\n": "bot@1.service",
    "1:name=systemd:/system.slice/old-bot.service/worker\n0::/\n": "old-bot.service",
    # Another machine's, seen from outside.
    "0::/machine.slice/machine-x.scope/payload/system.slice/birthday-calendar-bot.service\n": None,
    "0::/user.slice/user-0.slice/session-1.scope\n": None,
}


@pytest.mark.parametrize("group", CGROUPS)
def test_a_unit_is_named_only_where_it_is_one_of_this_machine(group):
    service = rivals.SERVICE.search(group)
    assert (service and service[1]) == CGROUPS[group]


def test_our_own_processes_are_not_our_rivals(service):
    started = service()
    started.wait_for_bot("ok")
    place = Place(settings(started.folder, TELEGRAM_BOT_TOKEN=started.token), started.folder, False)
    found = rivals.named(error("bot-conflict", "so it is"), place, time.monotonic() + 5)
    assert f"process {started.processes['bot'].pid} " not in found.details


@pytest.mark.parametrize(
    ("row", "address"),
    [
        ("0100007F:1F90", ("127.0.0.1", 8080)),
        ("A7F09A95:01BB", ("149.154.240.167", 443)),
        ("0000000000000000FFFF00000100007F:0050", ("127.0.0.1", 80)),
        ("B80D01200000000067452301EFCDAB89:01BB", ("2001:db8::123:4567:89ab:cdef", 443)),
    ],
)
@pytest.mark.skipif(sys.byteorder != "little", reason="the kernel writes its own byte order")
def test_addresses_of_the_kernels_tables_are_read(row, address):
    assert rivals._address(row) == address


def test_a_real_address_of_telegram_is_known_as_one():
    assert rivals._is_telegram(("149.154.167.220", 443), set())
    assert not rivals._is_telegram(("149.154.240.167", 443), set())


# --- what Telegram itself says ------------------------------------------------------------


@pytest.fixture
def beside(service):
    """A web with no bot, whose socket stands where run.sh has it."""
    started = service("web")
    (started.folder / "run").mkdir()
    (started.folder / "run" / "web.sock").symlink_to(started.socket)
    return started


def look(started, **more):
    return judged(environment=started.environment | more)


def check(answer, name):
    return next(check for check in answer["checks"] if check["id"] == name)


def test_a_revoked_token_is_named_with_the_bot_down(beside, telegram):
    telegram.revoke()
    answer = look(beside)
    assert check(answer, "bot-unauthorized")["status"] == "error"
    assert "set-token" in check(answer, "bot-unauthorized")["fix"]


def test_a_good_token_is_named_with_the_bots_name(beside):
    assert beside.bot_account.username in check(look(beside), "bot-unauthorized")["summary"]


def test_telegram_away_is_named_with_the_reason(beside, telegram):
    telegram.go_down()
    found = check(look(beside), "telegram-unreachable")
    assert (found["status"], "refused" in found["summary"]) == ("error", True)


def test_a_page_instead_of_an_answer_is_no_good_answer(beside, telegram):
    telegram.fail("getMe", html=True)
    assert "no JSON" in check(look(beside), "telegram-unreachable")["summary"]


def set_webhook(started, telegram, url):
    address = f"{telegram.url}/bot{started.token}/setWebhook"
    assert requests.post(address, json={"url": url}, timeout=10).json()["ok"]


def test_a_foreign_webhook_is_mended_by_taking_over(beside, telegram):
    set_webhook(beside, telegram, "https://other.example.org/hook")
    found = check(look(beside), "webhook-set")
    assert "other.example.org" in found["summary"]
    assert found["fix"].startswith("sudo birthday-calendar take-over")


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_our_own_webhook_is_no_trouble(beside, telegram, mode):
    set_webhook(beside, telegram, "https://calendar.example.org/telegram/webhook")
    answer = look(beside, TELEGRAM_WEBAPP_URL="https://calendar.example.org", BOT_MODE=mode)
    assert check(answer, "webhook-set")["status"] == "ok"


def test_a_webhook_that_is_not_set_although_it_should_be_is_a_warning(beside):
    answer = look(beside, TELEGRAM_WEBAPP_URL="https://c.example.org", BOT_MODE="webhook")
    assert statuses(answer)["webhook"] == "warning"


def test_a_switched_off_bot_means_that_telegram_is_not_asked(beside, telegram):
    before = len(telegram.calls())
    answer = look(beside, ENABLE_TELEGRAM_BOT="false")
    assert statuses(answer)["webhook-set"] == "skipped"
    assert len(telegram.calls()) == before
