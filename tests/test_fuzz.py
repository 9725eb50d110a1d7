"""Anything at all may come in: it is answered, never with a 500, and refused as problem JSON."""

import json
import re
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Response

from calendar_app import api, models, openapi
from tests import world
from tests.conftest import NOON
from tests.telegram.initdata import digest
from tests.world import PEOPLE, TOKEN, init_data

fuzzed = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
BODIES = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in openapi.describe(api.ROUTES, api.VERSION)["paths"].items()
    for method, operation in item.items()
    if "requestBody" in operation
}
SCHEMAS = openapi.describe(api.ROUTES, api.VERSION)["components"]["schemas"]
ADA = {"full_name": "Ada Lovelace", "birth_date": "1815-12-10"}


class Anyone:
    """Sends what no well-behaved client would: any bytes as path, query, headers and body."""

    def __init__(self, app, init):
        self.app = app
        self.init = init

    def __call__(self, method, path, query=b"", headers=(), body=None):
        environ = EnvironBuilder(method=method, data=body).get_environ()
        environ |= {
            "PATH_INFO": path.decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "REMOTE_ADDR": "",
            "HTTP_X_INIT_DATA": self.init,
        }
        if body is not None:
            environ["CONTENT_TYPE"] = "application/json"
        for name, value in dict(headers).items():
            prefix = "" if name == "Content-Type" else "HTTP_"
            environ[prefix + name.upper().replace("-", "_")] = value
        answer = Response(*run_wsgi_app(self.app, environ, buffered=True))
        judge(answer, has_body=method != "HEAD")
        return answer


def judge(answer, has_body):
    """What holds for every answer."""
    assert answer.status_code < 500, answer.get_data(as_text=True)
    if answer.status_code >= 400 and has_body:
        assert answer.mimetype == "application/problem+json"
        assert answer.json["status"] == answer.status_code
        assert answer.json["type"] == "about:blank"
        assert answer.json["title"]
        assert answer.json["detail"].strip()


@pytest.fixture
def app(request, tmp_path, clock):
    """The app on SQLite, or on what `both` says."""
    more = {}
    if getattr(request, "param", "sqlite") == "postgresql":
        more["DATABASE_URL"] = request.getfixturevalue("postgres")()
    yield api.create_app(world.settings(tmp_path, **more), clock)
    models.disconnect()


# What reaches the database as it came may mean something to one of the two alone.
both = pytest.mark.parametrize("app", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def send(app, alice, clock):
    """Alice as somebody who sends anything; she has one row of each kind, all with the id 1."""
    alice.add(**ADA)
    alice.post("/api/holidays", json={"name": "Party", "day": 1, "month": 2})
    alice.post("/api/panel/responsible", json={"full_name": "Bob"})
    return Anyone(app, init_data("Alice", clock.now))


# --- who is asking -----------------------------------------------------------------------


@st.composite
def mutations(draw):
    """A function that changes a text here and there."""
    places = draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4))
    pieces = st.sampled_from(["", "&", "=", "%", "%00", "%ff", "+", "\x00", "ü", "&hash=", "&&"])
    new = draw(st.lists(pieces | st.text(max_size=5), min_size=len(places), max_size=len(places)))
    eaten = draw(st.integers(0, 9))

    def change(text):
        for place, piece in zip(places, new, strict=True):
            at = int(place * len(text))
            text = text[:at] + piece + text[at + eaten :]
        return text

    return change


@fuzzed
@given(change=mutations())
def test_changed_init_data_is_refused_or_still_says_the_same_user(send, change):
    changed = change(send.init)
    body = json.dumps({"init_data": changed}).encode()
    answer = send("POST", b"/api/auth/verify", body=body)
    assert answer.status_code in (200, 401)
    if answer.status_code == 200:
        assert answer.json["user"]["id"] == PEOPLE["Alice"]
    wire = changed.encode("utf-8", "replace").decode("latin-1")
    for headers in ({"X-Init-Data": wire}, {"X-Init-Data": "", "Authorization": f"tma {wire}"}):
        assert send("GET", b"/api/me", headers=headers).status_code in (200, 401)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["", " ", "\0", "\ud800", "0000-00-00", "--02-30", "99:99", "%", "x" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@both
@fuzzed
@given(
    user=st.dictionaries(
        st.sampled_from(
            ["id", "first_name", "last_name", "username", "language_code", "allows_write_to_pm"]
        ),
        anything,
    ),
    with_id=st.booleans(),
)
@example(user={"first_name": "\ud800\0", "language_code": "x" * 5000}, with_id=True)
def test_users_of_any_shape_that_telegram_vouches_for_are_taken_or_refused(send, user, with_id):
    whole = {"id": PEOPLE["Bob"]} if with_id else {}
    fields = {"auth_date": str(NOON), "user": json.dumps(user | whole)}
    init = urlencode({**fields, "hash": digest(TOKEN, fields)}, quote_via=quote)
    body = json.dumps({"init_data": init}).encode()
    verified = send("POST", b"/api/auth/verify", body=body)
    assert verified.status_code in (200, 401)
    if verified.status_code == 200:
        session = {"X-Init-Data": "", "Authorization": f"Bearer {verified.json['session']}"}
        made = send("POST", b"/api/birthdays", headers=session, body=json.dumps(ADA).encode())
        assert made.status_code == 201
        assert send("GET", b"/api/me", headers=session).status_code == 200


# --- addresses ---------------------------------------------------------------------------

IDS = {"row_id": 1, "birthday_id": 1, "calendar_id": 1, "user_id": PEOPLE["Alice"]}
PATHS = st.sampled_from(
    [b"/api/calendar/%s", b"/api/calendar/month/%s/1", b"/api/calendar/month/2026/%s"]
    + [b"/api/birthdays/%s", b"/api/calendars/%s/members", b"/api/calendars/1/members/%s"]
    + [b"/api/invitations/%s/accept", b"/api/panel/responsible/%s", b"/api/%s", b"/%s"]
)
PIECES = (
    st.binary(max_size=30)
    | st.text(max_size=20).map(str.encode)
    | st.from_regex(re.compile(rb"[-0-9]{1,12}"), fullmatch=True)
    | st.sampled_from([b"9" * 5000, b"0" * 5000 + b"1", b"-0", b"1.0", b"1e9", "١".encode(), b"//"])
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "X"])


@fuzzed
@given(method=METHODS, path=PATHS, piece=PIECES)
@example(method="GET", path=b"/api/birthdays/%s", piece=b"9" * 5000)
@example(method="DELETE", path=b"/api/calendars/1/members/%s", piece=b"9" * 5000)
@example(method="GET", path=b"/api/calendar/month/%s/1", piece=b"9" * 5000)
def test_any_address_is_answered(send, method, path, piece):
    send(method, path % piece)


@both
@fuzzed
@given(
    path=st.sampled_from([b"/api/birthdays", b"/api/panel/search", b"/api/calendar/2026-05-06"]),
    query=st.binary(max_size=40)
    | st.tuples(st.sampled_from([b"q=%s", b"limit=%s", b"after=%s", b"calendar=%s"]), PIECES).map(
        lambda parts: parts[0] % parts[1]
    )
    | st.text(max_size=220).map(lambda q: b"q=" + quote(q, errors="replace").encode()),
)
@example(path=b"/api/panel/search", query=b"q=%00")
@example(path=b"/api/panel/search", query=b"q=%")
@example(path=b"/api/birthdays", query=b"calendar=" + b"9" * 5000)
@example(path=b"/api/birthdays", query=b"limit=1&after=2026-01-01.1.1&\xff\xfe=1")
def test_any_query_is_answered(send, path, query):
    send("GET", path, query)
    key = {"Idempotency-Key": "k"}
    body = json.dumps({"full_name": ""}).encode()
    send("POST", b"/api/birthdays", query, headers=key, body=body)


@both
@fuzzed
@given(name=st.text(min_size=1, max_size=200))
@example(name="İstanbul ẞ ﬁ ё")
@example(name="% _ \\ ' \"")
def test_whoever_was_taken_is_found_by_name(send, name):
    body = json.dumps(ADA | {"full_name": name}).encode()
    made = send("POST", b"/api/birthdays", body=body)
    assert made.status_code in (201, 422)
    if made.status_code == 201:
        kept = made.json["full_name"]
        found = send("GET", b"/api/panel/search", b"q=" + quote(kept).encode())
        assert made.json["id"] in [row["id"] for row in found.json]
        send("DELETE", f"/api/birthdays/{made.json['id']}".encode())


# --- headers -----------------------------------------------------------------------------

NAMES = ["If-Match", "If-None-Match", "Idempotency-Key", "Accept-Language", "Accept", "Cookie"]
NAMES += ["Authorization", "X-Init-Data", "Content-Type", "Host", "X-Real-IP", "Range"]
NAMES += ["If-Modified-Since", "X-Forwarded-For", "X-Forwarded-Proto", "Origin", "User-Agent"]
VALUES = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)
VALUES |= st.sampled_from(
    ['"1"', 'W/"1"', "*", '"', ",", "ru;q=x", "*;q=1e999", "Bearer ", "tma ", "x" * 5000, "[::1"]
)


@both
@fuzzed
@given(headers=st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=1))
def test_any_headers_are_answered(send, headers):
    send("GET", b"/api/birthdays", b"limit=1", headers=headers)
    send("GET", b"/api/birthdays/1", headers=headers)
    send("PUT", b"/api/birthdays/1", headers=headers, body=json.dumps(ADA).encode())
    send("POST", b"/api/holidays", headers=headers, body=b'{"name": "x", "day": 1, "month": 1}')
    send("DELETE", b"/api/holidays/99", headers=headers)


# --- bodies ------------------------------------------------------------------------------

RAW = st.binary(max_size=60) | st.sampled_from(
    [
        b"",
        b"null",
        b"[" * 10_000,
        b'{"a":' * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"full_name": NaN, "day": Infinity, "days": -Infinity}',
        b'{"full_name": "a", "full_name": "b", "birth_date": "x", "birth_date": "1815-12-10"}',
        b'{"birthday_id": ' + b"9" * 5000 + b', "day": ' + b"9" * 4000 + b"}",
        b'{"birthday_id": 1e400, "responsible_id": 1e30, "day": 1e1, "days": 1.5}',
        b'{"birthday_id": -0.0, "day": 1E+2, "uses": 1e308}',
        b'{"full_name": "\\ud800", "title": "\\udfff", "name": "\\u0000"}',
        '\ufeff{"full_name": "Ada"}'.encode(),
        '{"full_name": "Ada"}'.encode("utf-16"),
        '{"full_name": "Ada"}'.encode("utf-32"),
    ]
)


def bodies_of(operation):
    """Bodies that have the declared fields, with anything in them, or what fits in some."""
    described = operation["requestBody"]["content"]["application/json"]
    names = list(SCHEMAS[described["schema"]["$ref"].rpartition("/")[2]]["properties"])
    wrong = st.dictionaries(st.sampled_from(names) | st.text(max_size=5), anything)
    mended = wrong.map(lambda some: described["example"] | some)
    return (wrong | mended | anything).map(lambda value: json.dumps(value).encode()) | RAW


@pytest.mark.parametrize("name", BODIES)
def test_any_body_is_answered_as_described(send, name):
    method, path, operation = BODIES[name]
    address = path.format(**IDS).encode()

    @settings(fuzzed, max_examples=40)
    @given(body=bodies_of(operation))
    def fuzz(body):
        answer = send(method, address, body=body)
        assert str(answer.status_code) in operation["responses"]

    fuzz()
