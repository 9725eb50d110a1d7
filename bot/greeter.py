"""Asks a language model for greetings, at any OpenAI-compatible endpoint (POST …/chat/completions).

In threads of its own, with nothing of the database held meanwhile: the web and the reminders never
wait for it. Key, prompt and answer are never logged.
"""

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from calendar_app import greeting_jobs, models
from calendar_app.config import Config

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
AT_ONCE = 4
# All of a question, from the first byte out to the last byte in.
SECONDS = 20
LARGEST = 256 * 1024
LONGEST_TOKENS = 1000


class Greeter:
    """Works the jobs off, in threads of its own, until `stop` is set."""

    def __init__(self, config: Config, stop: threading.Event) -> None:
        base = config.greeting_api_url.rstrip("/")
        path = "/chat/completions"
        self.url = base if base.endswith(path) else base + path
        self.key, self.model = config.greeting_api_key, config.greeting_model
        self.stop = stop
        self._free = threading.Semaphore(AT_ONCE)

    def run(self) -> None:
        """Look for jobs twice a second; several are asked for at once."""
        while not self.stop.wait(LOOK_SECONDS):
            try:
                while self._begin():
                    pass
            except models.Trouble as error:
                log.warning("greetings wait for the database: %s", error)

    def _begin(self) -> bool:
        """Begin with a job, in a thread that nobody waits for at the end; False if none can be."""
        if not self._free.acquire(blocking=False):
            return False
        job = None
        try:
            job = greeting_jobs.claim(int(time.time()))
        finally:
            if job is None:
                self._free.release()
        if job is not None:
            threading.Thread(target=self._work_off, args=job, name="greeter", daemon=True).start()
        return job is not None

    def _work_off(self, job_id: int, prompt: str) -> None:
        try:
            said = self._ask(prompt)
        except (requests.RequestException, ValueError, LookupError, TypeError) as error:
            # The text of the error may have the address, and so a key, in it.
            log.warning("a greeting failed: %s", type(error).__name__)
            said = None
        finally:
            self._free.release()
        try:
            greeting_jobs.answer(job_id, said)
        except models.Trouble as error:
            log.warning("a greeting could not be kept: %s", error)

    def _ask(self, prompt: str) -> str:
        question = {
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": LONGEST_TOKENS,
        }
        with (
            _limited(SECONDS) as session,
            session.post(
                self.url,
                json=question | ({"model": self.model} if self.model else {}),
                headers={"Authorization": f"Bearer {self.key}"} if self.key else {},
                timeout=(5, SECONDS),
                # The key goes nowhere else.
                allow_redirects=False,
                stream=True,
            ) as answer,
        ):
            if answer.status_code != HTTPStatus.OK:
                raise ValueError(f"HTTP status {answer.status_code}")
            return str(json.loads(_read(answer))["choices"][0]["message"]["content"])


def _read(answer: requests.Response) -> bytes:
    """The body; raises ValueError for one that is too long."""
    body = b""
    for part in answer.iter_content(4096):
        body += part
        if len(body) > LARGEST:
            raise ValueError("the answer is too long")
    return body


@contextmanager
def _limited(seconds: float) -> Iterator[requests.Session]:
    """A session whose connections are cut after so many seconds, whatever they wait for."""
    line = _Line()
    timer = threading.Timer(seconds, line.cut)
    timer.daemon = True
    with requests.Session() as session:
        session.mount("https://", line)
        session.mount("http://", line)
        timer.start()
        try:
            yield session
        finally:
            timer.cancel()


class _Line(HTTPAdapter):
    """Connections that another thread can cut.

    A timeout is not enough: it begins anew with every byte that comes, in the headers too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sockets: list[socket.socket] = []
        self._is_cut = False

    def get_connection_with_tls_context(self, *args: Any, **more: Any) -> Any:
        """A pool that tells of the connections it makes; the pool is this question's alone."""
        pool = super().get_connection_with_tls_context(*args, **more)
        kind: Any = pool.ConnectionCls
        line = self

        class Told(kind):
            """Such a connection."""

            def connect(self) -> None:
                super().connect()
                line.keep(self.sock)

        pool.ConnectionCls = Told
        return pool

    def keep(self, connected: socket.socket) -> None:
        """Cut that one too, at once if it is time."""
        self._sockets.append(connected)
        if self._is_cut:
            self.cut()

    def cut(self) -> None:
        """End all connections: whoever waits for one finds it closed."""
        self._is_cut = True
        for each in self._sockets:
            with suppress(OSError):
                # Not TLS's own, which must not be called beside one that reads.
                socket.socket.shutdown(each, socket.SHUT_RDWR)
