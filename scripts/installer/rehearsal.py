"""Asking a web service whether it works: a new version before the switch, the live one after it.

The rehearsal is the release's own web units under other names, in /run, so that it runs with
every limit of the real ones beside the version that serves. Used by install.py.
"""

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from scripts.installer import host, units
from scripts.installer.options import Options
from scripts.installer.releases import CURRENT

FOLDER = Path("/run/systemd/system")
NAME = "birthday-calendar-rehearsal"
UNITS = (f"{NAME}.socket", f"{NAME}.service")
SOCKET = Path("/run") / f"{NAME}.sock"
LIVE_SOCKET = Path("/run/birthday-calendar-web.sock")
# It tries once, and ends by itself where nobody is left to end it.
ONCE = "\n[Service]\nRestart=no\nTimeoutStartSec=90\nRuntimeMaxSec=15min\n"
ALIVE = {
    "status": "ok",
    "service": "Telegram Birthday Calendar API",
    "message": "API is running",
}
# Telegram's ids are far below: nobody has this one, so his calendar is empty.
NOBODY = 2**62
ASK_SECONDS = 10

Connect = Callable[[], socket.socket]


class Question(NamedTuple):
    """A request, and what makes its answer (status, body) a good one."""

    path: str
    headers: Mapping[str, str]
    is_good: Callable[[int, bytes], bool]


def rehearse(release: Path, key: bytes | None) -> None:
    """Start a release's web service beside the live one and ask it; raises Failed."""
    clear()
    try:
        texts = unit_texts(release).items()
        host.place({FOLDER / unit: host.File(text.encode()) for unit, text in texts})
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "start", UNITS[0])
        units.restart(UNITS[1])
        ask("the new version", lambda: on_socket(SOCKET), questions(key))
    finally:
        clear()


def unit_texts(release: Path) -> dict[str, str]:
    """The rehearsal's units: the release's own web units, which touch nothing of the live ones."""
    found = {}
    for unit in UNITS:
        kind = unit.rpartition(".")[2]
        text = (release / "systemd" / f"birthday-calendar-web.{kind}").read_text()
        text = text.replace("birthday-calendar-web", NAME).replace(str(CURRENT), str(release))
        found[unit] = text.replace("PartOf=birthday-calendar.target\n", "")
    return {**found, UNITS[1]: found[UNITS[1]] + ONCE}


def clear() -> None:
    """Remove the rehearsal's units, also those of a run that was killed."""
    there = [path for unit in UNITS if (path := FOLDER / unit).exists()]
    if there:
        host.attempt("systemctl", "stop", *UNITS)
        host.place(dict.fromkeys(there))
        host.attempt("systemctl", "daemon-reload")
        host.attempt("systemctl", "reset-failed", *UNITS)


def questions(key: bytes | None) -> list[Question]:
    """What any working version answers, without and with a sign-in."""
    asked = [
        Question("/health", {}, lambda status, body: status == 200 and json.loads(body) == ALIVE),
        Question("/health/ready", {}, lambda _, body: _database(body) == "ok"),
        Question("/api/openapi.json", {}, lambda status, body: status == 200 and bool(body)),
        Question("/api/birthdays", {}, lambda status, _: status == (401 if key else 503)),
    ]
    if key:
        headers = {"X-Init-Data": init_data(key, int(time.time()))}
        empty = Question("/api/birthdays", headers, lambda s, body: (s, body) == (200, b"[]"))
        asked += [empty, Question("/api/calendar/month/2024/2", headers, lambda s, _: s == 200)]
    return asked


def _database(body: bytes) -> str:
    return json.loads(body)["checks"]["database"]["status"]


def init_data(key: bytes, now: int) -> str:
    """Telegram's vouching for NOBODY (core.telegram.org/bots/webapps), signed by ourselves."""
    fields = {"auth_date": str(now), "user": json.dumps({"id": NOBODY, "first_name": "Nobody"})}
    checked = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    signature = hmac.new(key, checked.encode(), hashlib.sha256).hexdigest()
    return urlencode({**fields, "hash": signature})


def through_nginx(options: Options) -> list[Question]:
    """What the public address answers: the Mini App, and the API behind it."""
    host_header = {"Host": options.address.removeprefix("https://").rstrip("/")}
    page = CURRENT / "calendar_app" / "miniapp" / "index.html"
    return [
        Question(
            "/health", host_header, lambda status, body: status == 200 and json.loads(body) == ALIVE
        ),
        Question("/", host_header, lambda status, body: (status, body) == (200, page.read_bytes())),
        Question(
            "/api/openapi.json", host_header, lambda status, body: status == 200 and bool(body)
        ),
    ]


def ask(who: str, connect: Connect, asked: list[Question]) -> None:
    """Ask until all answers are good, each within the deadline; raises Failed with the worst."""
    deadline = time.monotonic() + ASK_SECONDS
    for question in asked:
        while (fault := _fault(connect, question)) is not None:
            if time.monotonic() > deadline:
                raise host.Failed(f"{who} does not answer {question.path} as it should: {fault}")
            time.sleep(0.25)


def _fault(connect: Connect, question: Question) -> str | None:
    connection = http.client.HTTPConnection("localhost")
    try:
        connection.sock = connect()
        connection.request("GET", question.path, headers=dict(question.headers))
        answer = connection.getresponse()
        body = answer.read()
        if question.is_good(answer.status, body):
            return None
        return f"{answer.status} {body[:300].decode(errors='replace')}"
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def on_socket(path: Path) -> socket.socket:
    """A connection to a web service's unix socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(path))
    return connection


def on_nginx(options: Options) -> ssl.SSLSocket:
    """A connection to our site, whoever signed its certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", int(options.https_port)), timeout=10)
    return context.wrap_socket(plain, server_hostname=options.domain)
