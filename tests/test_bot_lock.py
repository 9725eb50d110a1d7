"""One bot at a time: on a state folder, and on this machine with a token; whoever starts it."""

import os
import re
import secrets
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bot.lock import Taken, Turn, hold
from calendar_app import config
from tests.operating import USER
from tests.service import Service
from tests.test_bot_process import api_works, ask
from tests.test_bot_trouble import come_due, remember, rows
from tests.world import ROOT, TOKEN, wait_for

# Nobody else's: the lock reaches all over the machine, other tests included.
KEY, OTHER_KEY = secrets.token_bytes(32), secrets.token_bytes(32)
# Holds the turn as another user, says so, and waits to be ended.
OTHER_USER = f"""
import os, sys
from pathlib import Path
from bot.lock import Turn
os.setgroups([]), os.setresgid({USER}, {USER}, {USER}), os.setresuid({USER}, {USER}, {USER})
turn = Turn(bytes.fromhex(sys.stdin.readline().strip()), Path("/home/anna/var"))
print(repr(turn.take()), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def anna(telegram):
    return telegram.add_user("Anna")


@pytest.fixture
def started(tmp_path, telegram):
    """Starts a service on a state folder of the test's choice."""
    all_of_them = []

    def start(folder, token, *parts):
        env = {"TELEGRAM_BOT_TOKEN": token}
        all_of_them.append(Service(tmp_path / folder, telegram, parts, env))
        return all_of_them[-1]

    yield start
    for each in all_of_them:
        each.stop()


def test_a_second_bot_on_a_state_folder_is_refused_and_the_first_is_named(service, started, anna):
    first = service()
    first.wait_for_bot("ok")
    pid = first.processes["bot"].pid
    # Also with another token: it is the same ledger.
    second = started(first.folder, TOKEN, "bot")
    assert second.processes["bot"].wait(timeout=30) == 1
    said = f"Another bot works on {first.folder} already: process {pid} of user "
    assert said in first.log("bot")
    assert f"started in {ROOT}" in first.log("bot")
    assert "Traceback" not in first.log("bot")
    assert "Hello" in ask(anna, "/start").text
    first.kill("bot")
    first.start("bot")
    assert "Hello" in ask(anna, "/start").text


def test_a_second_bot_with_the_same_token_waits_for_its_turn_and_sends_its_own_reminders(
    service, started, telegram, anna
):
    first = service()
    remember(first, anna, "Ada")
    # What it has not confirmed yet would come to the other one too.
    wait_for(lambda: telegram.state()["bots"][0]["pending_updates"] == 0)
    first.terminate("bot")
    second = started("second", first.token, "web", "bot")
    remember(second, anna, "Grace")
    first.start("bot")
    first.wait_for_bot("conflict")
    [(detail,)] = rows(first, "SELECT detail FROM bot_state")
    pid = second.processes["bot"].pid
    assert re.match(rf"on this machine: process {pid} of user \S+, working on ", detail)
    assert detail.endswith(str(second.folder))
    api_works(first)
    come_due(first)
    assert "Ada" in anna.wait_for_message().text
    second.wait_for_bot("ok")
    # Telegram was never asked by both.
    assert [call for call in telegram.calls("getUpdates") if call.status == 409] == []
    second.kill("bot")
    first.wait_for_bot("ok")
    assert "Ada" in ask(anna, "/list").text
    log = first.log("bot")
    assert log.count("conflict: another program") == 1
    assert log.count("the conflict is over; polling for updates") == 1


def test_the_token_cannot_be_read_from_the_lock(service):
    running = service()
    running.wait_for_bot("ok")
    names = Path("/proc/net/unix").read_text()
    assert "@birthday-calendar-bot-" in names
    assert running.token.partition(":")[2] not in names
    assert running.token.partition(":")[0] not in re.findall(r"@birthday\S+", names)
    assert config.webapp_key(running.token).hex() not in names


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as another user")
def test_the_turn_is_held_across_users_and_free_when_its_process_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", OTHER_USER], cwd=ROOT, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    with holder:
        holder.stdin.write(KEY.hex() + "\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "''\n"
        turn = Turn(KEY, tmp_path)
        assert turn.take() == f"process {holder.pid} of user {USER}, working on /home/anna/var"
        assert Turn(OTHER_KEY, tmp_path).take() == ""
        holder.kill()
        holder.wait()
        wait_for(lambda: turn.take() == "")


def test_a_stranger_who_only_holds_the_name_does_not_stop_the_bot(tmp_path, caplog):
    turn = Turn(secrets.token_bytes(32), tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.bind(turn._name)
        stranger.listen()
        stranger.settimeout(30)

        def lie():
            for _ in range(2):
                asking, _ = stranger.accept()
                asking.recv(32)
                asking.sendall(b"\0" * 32 + b"/nowhere")
                asking.close()

        liar = threading.Thread(target=lie)
        liar.start()
        assert [turn.take(), turn.take()] == ["", ""]
        liar.join()
    assert caplog.text.count("does not know its token: ignored") == 1


def test_a_folder_that_belongs_to_somebody_else_is_told_so(tmp_path):
    (tmp_path / "file").touch()
    assert hold(tmp_path / "state") is not None
    with pytest.raises(Taken, match="Another bot works on"):
        hold(tmp_path / "state")
