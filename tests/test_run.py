"""scripts/run.sh as a person starts it, behind nginx and without; nginx's own answers."""

import hashlib
import hmac
import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

from calendar_app import health
from scripts import probe
from scripts.front import MINIAPP, render_nginx
from tests.running import CLONE, READY, Run, all_pids, ask, proc, wait_until
from tests.telegram.initdata import signed

REAL_TOKEN = "7000000001:" + "R" * 35
ALICE = {"id": 1001, "first_name": "Alice", "language_code": "en"}
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
# Without nginx test.sh says that this half is left out, and fails with CI=true.
FRONTS = ["nginx", "gunicorn"] if NGINX else ["gunicorn"]


def refused(tmp_path, **variables):
    """(exit status, output) of a run.sh that must not start."""
    with Run(tmp_path / "refused", **variables) as run:
        status = run.process.wait(60)
        assert "Traceback" not in run.output()
        assert READY not in run.output()
        return status, run.output()


@pytest.fixture(scope="module", params=FRONTS)
def running(request, tmp_path_factory):
    with Run(tmp_path_factory.mktemp("run") / "var", request.param) as run:
        yield run.ready()


def test_the_printed_address_shows_the_simulator(running):
    address = re.search(r"Open http://127.0.0.1:(\d+)(/simulator/)  ", running.output())
    assert int(address[1]) == running.port
    status, headers, _ = running.get(address[2])
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")


def test_health_is_the_same_at_the_address_and_at_the_socket(running):
    for status, _, body in (running.get("/health"), running.get_from_socket("/health")):
        assert (status, body) == (200, health.ALIVE)


def test_the_mini_app_is_served_always_revalidated_and_framed_by_telegram_alone(running):
    status, headers, body = running.get("/")
    assert (status, body) == (200, (MINIAPP / "index.html").read_bytes())
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] is None
    assert "script-src 'self';" in headers["Content-Security-Policy"]
    assert headers["Content-Security-Policy"].endswith(
        "frame-ancestors 'self' https://web.telegram.org https://*.telegram.org"
    )


def test_every_file_of_the_mini_app_is_served_with_a_type_that_browsers_take(running):
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    files = [path for path in (MINIAPP / "static").rglob("*") if path.suffix in types]
    assert files
    for path in files:
        status, headers, body = running.get(f"/{path.relative_to(MINIAPP)}")
        assert (status, body) == (200, path.read_bytes())
        assert headers["Content-Type"].partition(";")[0] == types[path.suffix]


@pytest.mark.parametrize("path", ["/metrics", "/nothing", "/static/", "/static/../config.py"])
def test_what_is_not_for_the_address_is_a_404_problem(running, path):
    status, headers, body = running.get(path)
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(body)["status"] == 404


def test_the_front_is_the_one_that_was_asked_for(running):
    wanted = "gunicorn" if running.env["RUN_WITHOUT_NGINX"] == "1" else "nginx"
    assert running.get("/")[1]["Server"] == wanted
    assert bool(running.children("nginx")) == (wanted == "nginx")


def test_the_bot_talks_to_the_simulator_and_offers_the_mini_app_of_this_run(running):
    (bot,) = running.children("-m\0bot")
    assert re.search(r"TELEGRAM_API_URL=http://127\.0\.0\.1:\d+\0", proc(bot, "environ"))
    assert f"TELEGRAM_WEBAPP_URL=http://127.0.0.1:{running.port}/\0" in proc(bot, "environ")


def test_no_process_has_the_simulators_token_in_its_environment_or_arguments(running):
    token = (running.state / "simulator-token").read_text()
    assert re.fullmatch(r"[0-9]{10}:[A-Za-z0-9_-]{35}", token)
    for pid in running.pids():
        assert token not in proc(pid, "environ") + proc(pid, "cmdline")
    assert token not in running.output()


def test_the_state_is_for_its_owner_alone(running):
    for path in [running.state, *running.state.rglob("*")]:
        mode = stat.S_IMODE(path.lstat().st_mode)
        inside = running.state / "run" in path.parents
        assert inside or mode & 0o077 == 0, f"{path} {mode:o}"


@pytest.mark.parametrize("front", FRONTS)
def test_a_real_token_goes_to_the_bot_alone_and_no_simulator_starts(tmp_path, front):
    real = {"TELEGRAM_BOT_TOKEN": REAL_TOKEN, "TELEGRAM_API_URL": "http://127.0.0.1:9"}
    with Run(tmp_path / "var", front, **real) as run:
        run.ready()
        assert "simulator" not in run.output()
        assert run.get("/simulator/")[0] == 404
        children = [pid for pid in run.pids() if pid != run.process.pid]
        assert len(children) >= 3
        for pid in children:
            assert REAL_TOKEN not in proc(pid, "environ") + proc(pid, "cmdline")
            assert "TELEGRAM_BOT_TOKEN" not in proc(pid, "environ")
        folder = run.state / "run" / "credentials"
        key = hmac.new(b"WebAppData", REAL_TOKEN.encode(), hashlib.sha256).hexdigest()
        assert (folder / "bot" / "bot-token").read_text() == REAL_TOKEN
        assert [path.name for path in (folder / "web").iterdir()] == ["webapp-key"]
        assert (folder / "web" / "webapp-key").read_text() == key
        assert run.end()[0] == 0
        assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("front", FRONTS)
def test_a_signal_stops_everything_and_leaves_no_process(tmp_path, front, number):
    with Run(tmp_path / "var", front) as run:
        run.ready()
        status, seconds = run.end(number)
        print(f"stopped in {seconds:.1f} s")
        assert status == 0, run.output()
        assert run.pids() == []
        assert "Traceback" not in run.output()


def test_a_second_start_finds_what_the_first_one_kept(tmp_path):
    person = {"full_name": "Ada Lovelace", "birth_date": "1815-12-10"}
    with Run(tmp_path / "var") as run:
        run.ready()
        headers = sign_in(run) | {"Content-Type": "application/json"}
        assert run.get("/api/birthdays", "POST", json.dumps(person), headers)[0] == 201
        assert run.end()[0] == 0
    begin = time.monotonic()
    with Run(tmp_path / "var") as run:
        run.ready()
        print(f"second start: {time.monotonic() - begin:.1f} s to the printed address")
        (found,) = json.loads(run.get("/api/birthdays", headers=sign_in(run))[2])
        assert found["full_name"] == "Ada Lovelace"


def sign_in(run):
    return {"X-Init-Data": signed((run.state / "simulator-token").read_text(), ALICE)}


def test_a_second_run_on_the_same_state_is_refused(running):
    with Run(running.state) as second:
        assert second.process.wait(60) == 1
        assert f"already runs on {running.state}" in second.output()
    assert running.get("/health")[0] == 200


def test_a_port_in_use_is_said_with_what_to_do(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, output = refused(tmp_path, port=port)
    assert status == 1
    assert re.fullmatch(rf"Port {port} is in use .*HTTP_PORT=\d+ \./scripts/run\.sh\n", output)


def test_a_bad_configuration_ends_with_78_and_one_message_naming_every_bad_key(tmp_path):
    status, output = refused(
        tmp_path, HTTP_PORT="none", TIMEZONE="Mars/Olympus", TELEGRAM_BOT_TOKEN="oops-secret"
    )
    assert status == 78
    for key in ("HTTP_PORT", "TIMEZONE", "TELEGRAM_BOT_TOKEN"):
        assert output.count(f"{key}: found") == 1
    assert "oops-secret" not in output


def test_a_state_directory_that_is_a_file_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "refused").write_text("a file")
    status, output = refused(tmp_path)
    assert (status, output.count("\n")) == (1, 1)
    assert "VAR_DIR" in output


def test_a_relative_state_directory_counts_from_where_the_user_stands(tmp_path):
    with Run("here", cwd=tmp_path) as run:
        run.ready()
        assert (tmp_path / "here" / "run" / "web.sock").is_socket()


def test_webhook_mode_needs_no_public_address_with_the_simulator(tmp_path):
    with Run(tmp_path / "var", BOT_MODE="webhook") as run:
        run.ready()


def test_the_web_goes_on_when_the_bot_is_killed(tmp_path):
    with Run(tmp_path / "var") as run:
        run.ready()
        (bot,) = run.children("-m\0bot")
        os.kill(bot, signal.SIGKILL)
        run.says("The bot ended (killed by SIGKILL); the web goes on.")
        assert run.get("/health")[0] == 200
        assert run.end()[0] == 0


@pytest.mark.parametrize("word", ["tests.telegram", "gunicorn", "nginx"])
def test_everything_stops_when_another_process_dies(tmp_path, word):
    with Run(tmp_path / "var", FRONTS[0]) as run:
        run.ready()
        for pid in run.children(word if NGINX else "gunicorn"):
            os.kill(pid, signal.SIGKILL)
        assert run.process.wait(60) == 1
        assert re.search(r"The \w+ process ended \(killed by SIGKILL\)", run.output())
        assert run.pids() == []


@pytest.mark.parametrize("front", FRONTS)
def test_a_killed_supervisor_leaves_nothing_and_the_next_start_works(tmp_path, front):
    with Run(tmp_path / "var", front) as run:
        run.ready()
        run.end(signal.SIGKILL)
        wait_until(lambda: run.pids() == [])
    (tmp_path / "var" / "run" / "web.sock").unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "var" / "run" / "web.sock"))
    with Run(tmp_path / "var", front) as run:
        assert run.ready().get_from_socket("/health")[0] == 200


# The .venv: a clone of scripts and requirements alone, and a PATH of few commands.


COMMANDS = ["bash", "dirname", "find", "flock", "grep", "mkdir", "mv", "readlink", "realpath"]
COMMANDS += ["sha256sum", "sleep", "touch"]


@pytest.fixture
def bare_clone(tmp_path):
    clone = tmp_path / "clone"
    shutil.copytree(CLONE / "scripts", clone / "scripts")
    shutil.copy(CLONE / "requirements.txt", clone)
    (clone / "bin").mkdir()
    for command in COMMANDS:
        (clone / "bin" / command).symlink_to(shutil.which(command))
    return clone


def start_bare(clone, python=None):
    """(exit status, output) of run.sh where python3 is the given shell script, or missing."""
    if python is not None:
        script = clone / "bin" / "python3"
        script.write_text(f"#!/usr/bin/env bash\n{python}\n")
        script.chmod(0o755)
    env = {"PATH": str(clone / "bin"), "VAR_DIR": str(clone / "var")}
    command = [clone / "scripts" / "run.sh"]
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


PYTHON = shlex.quote(sys.executable)
OLD = """[[ $1 = -V ]] && echo "Python 3.9.2"; [[ $2 != *version_info* ]]"""
NO_VENV = f'[[ $2 = *ensurepip* ]] && exit 1; exec {PYTHON} "$@"'
SLOW = f'[[ $1 = -m ]] && touch started && exec sleep 300; exec {PYTHON} "$@"'


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        (None, r"Python is missing: install python3 .* and python3-venv\."),
        (OLD, r"Python 3\.9\.2 is too old: install Python 3\.11 or newer .*"),
        (NO_VENV, r"Python 3\.\S+ has no venv module: install the package python3-venv .*"),
    ],
)
def test_a_python_that_cannot_make_a_venv_is_named_in_a_sentence(bare_clone, python, sentence):
    started = start_bare(bare_clone, python)
    output, _ = started.communicate(timeout=60)
    assert started.returncode == 1
    assert re.fullmatch(sentence, output.splitlines()[-1])
    assert "Traceback" not in output


def test_an_install_that_is_ended_leaves_no_process_and_is_done_anew(bare_clone):
    with start_bare(bare_clone, f'cd "${{0%/*}}/.."; {SLOW}') as started:
        wait_until((bare_clone / "started").exists)
        started.terminate()
        started.wait(60)
    wait_until(lambda: not [p for p in all_pids() if str(bare_clone) in proc(p, "environ")])
    assert (bare_clone / ".venv" / "stamp").read_text() == ""
    output, _ = start_bare(bare_clone, NO_VENV).communicate(timeout=60)
    assert "Installing requirements.txt" in output


# nginx by itself, with nothing behind it.


@pytest.fixture
def lonely_nginx(tmp_path):
    port = probe.free_port()
    conf = render_nginx(tmp_path, port, None)
    command = [NGINX, "-e", "stderr", "-p", f"{tmp_path}/", "-c", conf]
    with (tmp_path / "error.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, stderr=log)
    wait_until(lambda: probe.bind_error(port))
    yield lambda *request: ask(http.client.HTTPConnection("127.0.0.1", port), *request)
    process.terminate()
    process.wait()


PROBLEMS = [
    ("GET", "/api/birthdays", b"", 503),
    ("GET", "/health", b"", 503),
    ("POST", "/telegram/webhook", b"{}", 503),
    ("POST", "/api/import", b"x" * 1_000_000, 503),
    ("POST", "/api/birthdays", b"x" * 300_000, 413),
    ("POST", "/api/import", b"x" * 9_000_000, 413),
    ("GET", "/metrics", b"", 404),
    ("POST", "/", b"", 405),
    ("GET", "/%", b"", 400),
    ("GET", "/" + "a" * 20_000, b"", 414),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), PROBLEMS if NGINX else [])
def test_errors_of_nginx_itself_are_problems_too(lonely_nginx, method, path, body, status):
    found, headers, answer = lonely_nginx(method, path, body)
    assert (found, headers["Content-Type"]) == (status, "application/problem+json")
    assert json.loads(answer).keys() == {"type", "title", "status", "detail"}
    assert json.loads(answer)["status"] == status
    assert (headers["Retry-After"] is not None) == (status == 503)


@pytest.mark.parametrize("path", ["/feed/a-secret-address.ics", "/health"] if NGINX else [])
def test_neither_feeds_nor_health_checks_stand_in_the_access_log(lonely_nginx, tmp_path, path):
    for asked in (path, "/api/birthdays"):
        assert lonely_nginx("GET", asked)[0] == 503
    log = tmp_path / "nginx-access.log"
    wait_until(lambda: "/api/birthdays" in log.read_text())
    assert path not in log.read_text()
    assert "a-secret-address" not in (tmp_path / "error.log").read_text()


@pytest.mark.parametrize("limited", ["/api/birthdays"] if NGINX else [])
def test_too_many_requests_are_refused_with_the_time_to_wait(lonely_nginx, limited):
    answers = [lonely_nginx("GET", limited) for _ in range(400)]
    refusals = [headers for status, headers, _ in answers if status == 429]
    assert refusals
    assert {headers["Retry-After"] for headers in refusals} == {"1"}
    assert all(lonely_nginx("GET", "/health")[0] == 503 for _ in range(300))
