"""What systemd is told, over the real datagram socket that it would listen on."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from bot.status import TURN_SECONDS, Status
from tests.service import children
from tests.world import ROOT, wait_for


class Systemd:
    """Listens as systemd does; remembers what it was told."""

    def __init__(self, path):
        self.path = str(path)
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.channel.bind(self.path)
        self.channel.setblocking(False)
        self.told = []

    def hear(self):
        """All assignments so far, in order."""
        while True:
            try:
                self.told += self.channel.recv(65536).decode().split("\n")
            except BlockingIOError:
                return self.told

    def status(self):
        return next((line for line in reversed(self.hear()) if line.startswith("STATUS=")), "")

    def pinged(self):
        return "WATCHDOG=1" in self.hear()


@pytest.fixture
def systemd(tmp_path):
    found = Systemd(tmp_path / "notify")
    yield found
    found.channel.close()


def run(systemd, *command, **environment):
    """Run a module under `calendar_app.notify`, as the units do."""
    return subprocess.run(
        [sys.executable, "-m", "calendar_app.notify", *command],
        cwd=environment.pop("cwd", ROOT),
        env={"NOTIFY_SOCKET": systemd.path, "ENV_FILE": "/dev/null", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def watched(service, systemd, *parts):
    return service(*parts, NOTIFY_SOCKET=systemd.path, WATCHDOG_USEC="20000000")


def test_a_module_that_is_not_there_is_named_in_the_status(systemd):
    ended = run(systemd, "no_such_module")
    assert ended.returncode == 1
    assert "no_such_module" in systemd.status()
    assert "Traceback" in ended.stderr


@pytest.mark.parametrize("module", ["bot", "gunicorn -c python:calendar_app.gunicorn_config x:y"])
def test_a_bad_configuration_is_named_in_the_status_without_its_secrets(systemd, tmp_path, module):
    env = {"TIMEZONE": "Mars/Olympus", "TELEGRAM_BOT_TOKEN": "123456:not/a/token"}
    ended = run(systemd, *module.split(), VAR_DIR=str(tmp_path), **env)
    assert ended.returncode == 78
    assert "cannot start" in systemd.status()
    assert "Mars/Olympus" in systemd.status()
    assert "not/a/token" not in systemd.status() + ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_gunicorn_ends_for_is_in_the_status_too(systemd, tmp_path):
    (tmp_path / "broken_app.py").write_text("raise RuntimeError('broken on purpose')")
    command = "gunicorn -c python:calendar_app.gunicorn_config broken_app:app"
    ended = run(systemd, *command.split(), VAR_DIR=str(tmp_path), PYTHONPATH=str(tmp_path))
    assert ended.returncode
    assert "RuntimeError: broken on purpose" in systemd.status()


def test_a_token_in_an_error_is_masked(systemd, tmp_path):
    (tmp_path / "broken.py").write_text("raise ValueError('123456789:AAAAAAAAAAAAAAAAAAAAAAAAAAA')")
    run(systemd, "broken", PYTHONPATH=str(tmp_path))
    assert "ValueError: <token>" in systemd.status()


def test_without_systemd_the_module_just_runs(tmp_path):
    command = [sys.executable, "-m", "calendar_app.notify", "this"]
    ended = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    assert "Beautiful" in ended.stdout


def test_the_web_is_ready_and_pings_while_requests_are_answered(service, systemd):
    web = watched(service, systemd, "web")
    wait_for(systemd.pinged)
    assert "READY=1" in systemd.hear()
    assert systemd.status().startswith("STATUS=answering requests since ")
    # gunicorn is ready, and pings, before it has all its workers.
    workers = wait_for(lambda: len(found := children(web.processes["web"].pid)) == 2 and found)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    wait_for(lambda: any("not answering" in line for line in systemd.hear()), timeout=60)
    # gunicorn replaces workers that give no sign of life, one after the other.
    wait_for(lambda: "STATUS=answering" in systemd.status(), timeout=60)
    wait_for(lambda: not set(workers) & set(children(web.processes["web"].pid)), timeout=180)


def test_the_bot_says_that_it_polls_and_pings_while_both_loops_move(service, systemd):
    bot = watched(service, systemd, "bot")
    wait_for(lambda: systemd.status() == "STATUS=polling")
    assert "READY=1" in systemd.hear()
    wait_for(systemd.pinged)
    bot.terminate("bot")
    assert "STOPPING=1" in systemd.hear()


def test_the_bot_says_who_else_polls_and_since_when(service, systemd, telegram):
    bot = watched(service, systemd, "bot")
    telegram.second_poller(bot=bot.bot_account)
    wait_for(lambda: "conflict: another program polls" in systemd.status())
    assert re.search(r" since [0-9]{2}:[0-9]{2}", systemd.status())


@pytest.mark.parametrize(
    ("setting", "said"),
    [("ENABLE_TELEGRAM_BOT=false", "disabled by ENABLE"), ("TELEGRAM_BOT_TOKEN=", "no token")],
)
def test_a_bot_with_nothing_to_do_is_ready_says_why_and_pings(service, systemd, setting, said):
    name, _, value = setting.partition("=")
    idle = service("bot", NOTIFY_SOCKET=systemd.path, WATCHDOG_USEC="20000000", **{name: value})
    wait_for(systemd.pinged)
    assert "READY=1" in systemd.hear()
    assert said in systemd.status()
    assert idle.processes["bot"].poll() is None


def test_a_loop_that_hangs_ends_the_pings(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr("bot.status.time.monotonic", lambda: clock[0])
    status = Status()
    status.moved("updates", pause=60)
    status.moved("reminders")
    clock[0] += TURN_SECONDS + 1
    assert not status.moves()
    status.moved("reminders")
    assert status.moves()
