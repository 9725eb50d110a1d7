"""Greetings by a language model: asked by the bot as a job, the template standing meanwhile."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bot import greeter
from calendar_app import greeting_jobs, models
from calendar_app.greetings import Wish
from tests.lives import ALICE, Life
from tests.world import init_data, wait_for

KEY = "sk-very-secret-key"


class Model(ThreadingHTTPServer):
    """An OpenAI-compatible endpoint; `says` is its answer, or what it does instead."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.says, self.status, self.wait = '"Many happy returns!"', 200, threading.Event()
        self.wait.set()
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        self.server.wait.wait(60)
        said = {"choices": [{"message": {"content": self.server.says}}]}
        answer = self.server.says if self.server.status != 200 else json.dumps(said)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def model():
    with Model() as model:
        yield model
        model.wait.set()
        model.shutdown()


@pytest.fixture
def running(service, model):
    more = {"GREETING_API_URL": model.url, "GREETING_API_KEY": KEY, "GREETING_MODEL": "small"}
    return service("web", "bot", **more)


class Alice:
    """Alice asks for greetings for Ada, who was born in 1815."""

    def __init__(self, service):
        self.service = service
        body = {"full_name": "Ada Lovelace", "birth_date": "1980-12-10", "comment": "a secret"}
        self.ada = self.call("POST", "/api/birthdays", json=body)["id"]

    def call(self, method, path, name="Alice", **more):
        headers = {"X-Init-Data": init_data(name, token=self.service.token)}
        answer = self.service.request(method, path, headers=headers, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def asks(self, **more):
        body = {"birthday_id": self.ada} | more
        return self.call("POST", "/api/panel/generate-greeting", json=body)

    def gets(self, job):
        path = f"/api/panel/greetings/{job}"
        return wait_for(
            lambda: (found := self.call("GET", path))["state"] != "waiting" and found, 40
        )


def test_the_template_stands_until_the_model_has_answered(running, model):
    alice = Alice(running)
    model.wait.clear()
    first = alice.asks()
    wait_for(lambda: model.asked)
    waiting = alice.call("GET", f"/api/panel/greetings/{first['job']}")
    assert waiting == {"state": "waiting", "greeting": first["greeting"]}
    assert "Ada Lovelace" in first["greeting"]
    model.wait.set()
    assert alice.gets(first["job"]) == {"state": "ready", "greeting": "Many happy returns!"}


def test_the_model_is_told_what_was_allowed_and_nothing_else(running, model):
    alice = Alice(running)
    model.says = "Dear {name}, all the best!"
    found = alice.gets(alice.asks(tell_name=False, tell_age=False, theme="sailing")["job"])
    assert found["greeting"] == "Dear Ada Lovelace, all the best!"
    path, authorization, body = model.asked[0]
    assert (path, authorization, body["model"]) == (
        "/v1/chat/completions", f"Bearer {KEY}", "small"
    )  # fmt: skip
    prompt = body["messages"][0]["content"]
    assert "sailing" in prompt
    assert not [word for word in ("Ada", "Lovelace", "secret", "age", "Alice") if word in prompt]
    alice.gets(alice.asks()["job"])
    assert "Ada Lovelace" in model.asked[1][2]["messages"][0]["content"]


@pytest.mark.parametrize("says", ["", "<html>", '{"choices": []}', "[]"])
def test_a_model_that_fails_leaves_the_template(running, model, says):
    alice = Alice(running)
    model.says, model.status = says, 200 if says == "" else 500
    first = alice.asks()
    assert alice.gets(first["job"]) == {"state": "failed", "greeting": first["greeting"]}


def test_nobody_waits_for_a_model_that_does_not_answer_and_no_secret_is_logged(running, model):
    alice = Alice(running)
    model.wait.clear()
    jobs = [alice.asks()["job"] for _ in range(6)]
    wait_for(lambda: len(model.asked) == 4)
    # Asked for as jobs, they hold neither a thread nor a connection of the API.
    for _ in range(20):
        assert alice.call("GET", "/api/birthdays")
    assert {alice.gets(job)["state"] for job in jobs[:4]} == {"failed"}
    for part in ("web", "bot"):
        assert KEY not in running.log(part)
        assert "Ada" not in running.log(part)


class Trickle(BaseHTTPRequestHandler):
    """An answer without an end, byte by byte: the headers at /headers/…, else the body."""

    def do_POST(self):
        self.server.asked.append(self.path)
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: ")
        if "headers" not in self.path:
            self.wfile.write(b"application/json\r\n\r\n")
        while not self.server.end.wait(0.05):
            self.wfile.write(b" ")

    def log_message(self, *_):
        pass


@pytest.fixture
def endless():
    with ThreadingHTTPServer(("127.0.0.1", 0), Trickle) as server:
        server.daemon_threads = True
        server.asked, server.end = [], threading.Event()
        server.handle_error = lambda *_: None  # It finds its connection cut.
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.end.set()
        server.shutdown()


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_model_that_trickles_for_ever_is_given_up(tmp_path, clock, endless, monkeypatch, part):
    monkeypatch.setattr(greeter, "SECONDS", 0.5)
    url = f"http://127.0.0.1:{endless.server_port}/{part}"
    life = Life.begin(tmp_path, clock, "2026-12-01 12:00", GREETING_API_URL=url)
    now, stop = int(time.time()), threading.Event()
    wish = Wish("Ada", None, "friendly", "short")
    job = greeting_jobs.ask(ALICE.telegram_id, greeting_jobs.Request(wish, "en", "Dear"), now)
    asking = threading.Thread(target=greeter.Greeter(life.config, stop).run)
    asking.start()
    try:
        wait_for(lambda: endless.asked)
        wait_for(lambda: greeting_jobs.look(ALICE.telegram_id, job, now)["state"] == "failed")
    finally:
        stop.set()
        asking.join()
        models.disconnect()


def test_a_job_is_its_askers_alone(running):
    alice = Alice(running)
    job = alice.asks()["job"]
    headers = {"X-Init-Data": init_data("Bob", token=running.token)}
    assert running.get(f"/api/panel/greetings/{job}", headers=headers).status_code == 404
    assert running.get("/api/panel/greetings/none", headers=headers).status_code == 404


def test_without_a_model_there_is_no_job(service):
    assert set(Alice(service("web")).asks()) == {"greeting"}
