"""What the journal shows: never a secret, always the ordinary line."""

import json
import logging
import logging.config
import subprocess
import sys
from urllib.parse import parse_qsl, quote, unquote

import pytest
import requests
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from calendar_app import auth, config, logs
from calendar_app.calendars import Account
from tests.world import ROOT, TOKEN, init_data

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
INIT_DATA = init_data(
    "Alice", now=1_790_000_000, last_name="Secretova} Secretova", username="secretova"
)
HASH = INIT_DATA.rpartition("hash=")[2]
FIELDS = dict(parse_qsl(INIT_DATA, keep_blank_values=True))
FRAGMENT = f"#tgWebAppData={quote(INIT_DATA, safe='')}&tgWebAppVersion=8.0"
SESSION, _ = auth.open_session(Account(5, "Alice"), config.webapp_key(TOKEN), 1_790_000_000)
LONG_SESSION, _ = auth.open_session(Account(5, "A" * 255), config.webapp_key(TOKEN), 0)
FEED = "Zk3vJ9q_2LxT-w0pQ1"
# Parts of which none may be seen, whatever stands around them.
SECRETS = (
    TOKEN.partition(":")[2], HASH, FIELDS["signature"], FIELDS["query_id"], "Secretova",
    "secretova", "5000000001", SESSION, SESSION[-30:], LONG_SESSION[-30:], FEED,
)  # fmt: skip
TOLD = {
    "a token": TOKEN,
    "an address with a token": f"https://api.telegram.org/bot{TOKEN}/getMe",
    "a token, percent-encoded": f"url=https%3A%2F%2Fx%2Fbot{TOKEN.replace(':', '%3A')}%2FgetMe",
    "a token, encoded in lower case": TOKEN.replace(":", "%3a"),
    "a token, encoded twice": TOKEN.replace(":", "%253A"),
    "a token behind a line break in a repr": repr(f"first\n{TOKEN}"),
    "a file's address": f"/file/bot{TOKEN}/photos/1.jpg",
    "initData": INIT_DATA,
    "initData, decoded": unquote(INIT_DATA),
    "initData in JSON": json.dumps({"init_data": INIT_DATA}),
    "initData, decoded, in JSON": json.dumps({"initData": unquote(INIT_DATA)}),
    "JSON in JSON": json.dumps(json.dumps({"init_data": INIT_DATA})),
    "decoded JSON in JSON": json.dumps(json.dumps({"init_data": unquote(INIT_DATA)})),
    "initData in a header": f"X-Init-Data: {INIT_DATA}",
    "initData as authorization": f"Authorization: tma {INIT_DATA}",
    "headers as pairs": repr([("X-Init-Data", INIT_DATA), ("Authorization", f"tma {INIT_DATA}")]),
    "headers as a dictionary": repr({"HTTP_X_INIT_DATA": INIT_DATA, "HTTP_HOST": "x"}),
    "bytes": repr(f"X-Init-Data: {INIT_DATA}\r\n".encode()),
    "the fields": repr(FIELDS),
    "the fields as pairs": repr(list(FIELDS.items())),
    "the fields as JSON": json.dumps(FIELDS),
    "the string that is signed": repr("\n".join(f"{k}={v}" for k, v in sorted(FIELDS.items()))),
    "the address of the Mini App": f"https://example.org/{FRAGMENT}",
    "that address in another": f"/log?from={quote(f'https://example.org/{FRAGMENT}', safe='')}",
    "encoded initData": quote(INIT_DATA, safe=""),
    "the unsafe object": repr({"user": json.loads(FIELDS["user"]), "hash": HASH}),
    "a session as authorization": f"Authorization: Bearer {SESSION}",
    "a session in lower case": f"authorization: bearer {SESSION}",
    "the answer with a session": json.dumps({"valid": True, "session": SESSION}),
    "a session alone": f"bad session {SESSION}",
    "a long session alone": f"bad session '{LONG_SESSION}'",
    "a feed": f"GET /feed/{FEED}.ics",
    "a feed's address, encoded": f"https%3A%2F%2Fexample.org%2Ffeed%2F{FEED}.ics",
}  # fmt: skip
ORDINARY = [
    "backup took 12:34:56, done at 2026-05-06T07:08:09.123456+03:00",
    "connect to [2001:db8::8a2e:370:7334]:8080 failed, 127.0.0.1:65535 too",
    "user=5 rows=91", "user: ada", "user 279058397 in chat -1001234567890", "hash=none",
    "signature=missing", "update 987654321: handled in 0.5 s", "the bearer of news", "tma",
    "GET /api/feed/rotate 200", "GET /feed/ 404", "user=5 chat=7",
    'File "/opt/birthday-calendar/current/bot/updates.py", line 57, in run',
    "sqlite3.OperationalError: database is locked", "postgresql:///calendar?host=/run",
    "release 20261123145735:main", "pid 12345: exited", "Ада, 10 декабря 1815",
]  # fmt: skip


def assert_no_secret(text):
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("form", TOLD)
def test_no_secret_is_logged_in_any_form(form, journal):
    log = logging.getLogger("calendar_app.any")
    assert any(secret in TOLD[form] for secret in SECRETS)
    log.info(TOLD[form])
    log.info("before %s after", TOLD[form])
    log.info("%r", TOLD[form])
    log.info("two of them: %s, %s", TOLD[form], TOLD[form])
    assert journal().count("\n") >= 4
    assert_no_secret(journal())


@pytest.mark.parametrize("form", TOLD)
def test_no_secret_is_logged_with_an_exception(form, journal):
    try:
        try:
            raise ValueError(TOLD[form])
        except ValueError as error:
            raise RuntimeError({"because": TOLD[form]}) from error
    except RuntimeError:
        logging.getLogger("bot").exception("it failed")
    assert "Traceback" in journal()
    assert_no_secret(journal())


def test_what_requests_says_of_a_connection_that_failed_has_no_token(journal):
    try:
        requests.get(f"http://127.0.0.1:9/bot{TOKEN}/getUpdates", timeout=5)
    except requests.ConnectionError:
        logging.getLogger("bot.updates").exception("no connection")
    assert "/bot<token>/getUpdates" in journal()
    assert_no_secret(journal())


@pytest.mark.parametrize("name", ["gunicorn.error", "urllib3", "TeleBot", "werkzeug", ""])
def test_other_peoples_loggers_are_masked_too_and_say_things_once(name, journal):
    logging.getLogger(name).error("got %s", TOKEN)
    assert journal().count("got <token>") == 1


def test_gunicorn_writes_no_access_log_of_its_own(journal):
    logging.getLogger("gunicorn.access").info("GET /health")
    assert journal() == ""


def test_a_password_in_the_address_of_a_database_is_masked():
    said = logs.mask("no connection to postgresql://me:Passw0rd@host:5432/name")
    assert said == "no connection to postgresql://me:<masked>@host:5432/name"


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_lines_stay_as_they_are(line):
    assert logs.mask(line) == line


def test_what_is_no_secret_beside_one_stays_readable():
    assert logs.mask(f"409 for bot{TOKEN} since 12:34:56") == "409 for bot<token> since 12:34:56"
    assert logs.mask(f"GET /feed/{FEED}.ics 404") == "GET /feed/<masked>.ics 404"
    assert logs.mask(f"auth_date=1790000000&hash={HASH}, code 401").endswith(", code 401")


@given(st.text(), st.sampled_from(sorted(TOLD)), st.text(alphabet=" '\"\n:,()[]{}<>/=\\"))
@examples(deadline=None, max_examples=200)
def test_no_text_around_a_secret_uncovers_it(before, form, after):
    assert_no_secret(logs.mask(f"{before} {TOLD[form]}{after}"))


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("level", LEVELS)
def test_the_level_is_the_one_that_is_configured(level, capsys):
    logging.config.dictConfig(logs.settings(level))
    for name in LEVELS:
        logging.getLogger("bot").log(getattr(logging, name), "said")
    said = [line.split()[-3] for line in capsys.readouterr().err.splitlines()]
    assert said == list(LEVELS[LEVELS.index(level) :])


def test_only_the_journal_stamps_lines_itself(monkeypatch):
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    assert "%(asctime)s" in logs.settings("INFO")["formatters"]["plain"]["format"]
    monkeypatch.setenv("JOURNAL_STREAM", "8:1234")
    assert "%(asctime)s" not in logs.settings("INFO")["formatters"]["plain"]["format"]


@pytest.mark.parametrize("where", ["raise Exception(TOKEN)", "threading.Thread(target=f).start()"])
def test_what_nobody_catches_is_printed_without_its_secrets(where):
    source = (
        "import threading\nfrom calendar_app import logs\nfrom tests.world import TOKEN\n"
        f"logs.mask_exceptions()\ndef f(): raise Exception(TOKEN)\n{where}"
    )
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True)
    assert "Exception: <token>" in done.stderr
    assert TOKEN not in done.stderr
