"""Configuration: where values come from, what is refused, and that no secret shows."""

import json
import os
import subprocess
import sys

import pytest
from dotenv import dotenv_values

from calendar_app import config
from tests.world import ROOT, TOKEN

OTHER_TOKEN = "987654321:" + "B" * 35
# The keys of the contract (section 2) and what stands there as the default.
DEFAULTS = {
    "TELEGRAM_BOT_TOKEN": "",
    "ENABLE_TELEGRAM_BOT": "true",
    "BOT_MODE": "polling",
    "TELEGRAM_API_URL": "https://api.telegram.org",
    "TELEGRAM_WEBAPP_URL": "",
    "DATABASE_URL": "",
    "TIMEZONE": "UTC",
    "NOTIFICATION_TIME": "09:00",
    "DEFAULT_LANGUAGE": "en",
    "ADMIN_TELEGRAM_IDS": "",
    "SHARED_CALENDAR": "",
    "SHARED_CALENDAR_ACCESS": "listed",
    "GREETING_API_URL": "",
    "GREETING_API_KEY": "",
    "GREETING_MODEL": "",
    "BALLAST_MIB": "64",
    "BACKUP_HOOK": "",
    "HEARTBEAT_URL": "",
    "WEB_WORKERS": "2",
    "WEB_THREADS": "4",
    "LOG_LEVEL": "INFO",
    "HTTP_PORT": "8080",
}
BAD = {
    "TELEGRAM_BOT_TOKEN": ["token", "123:", "123:a b", "١٢٣:" + "A" * 35, TOKEN + "/../getMe"],
    "ENABLE_TELEGRAM_BOT": ["yes", "1", "on", "truee"],
    "BOT_MODE": ["Polling", "both"],
    "TELEGRAM_API_URL": [
        "api.telegram.org",
        "ftp://x",
        "https://",
        "https://x:99999",
        "http://[::1",
    ],
    "TELEGRAM_WEBAPP_URL": ["http://example.org", "https://a b.org", "https://x:0", "javascript:1"],
    "DATABASE_URL": ["mysql://x/y", "calendar.db", "sqlite://x", "postgresql://h:port/name"],
    "TIMEZONE": ["Berlin", "localtime", "UTC+3", "europe/berlin", "../../etc/passwd"],
    "NOTIFICATION_TIME": ["9", "24:00", "09:60", "9am", "09:00:00", "٠٩:٠٠"],
    "DEFAULT_LANGUAGE": ["de", "EN", "русский"],
    "ADMIN_TELEGRAM_IDS": ["@ada", "1;2", "0", "-5", "1,2,x", "9" * 19],
    "SHARED_CALENDAR": ["x" * 201, "a\x07b"],
    "SHARED_CALENDAR_ACCESS": ["all", "Everyone"],
    "GREETING_API_URL": ["api.openai.com/v1", "file:///etc/passwd"],
    "BALLAST_MIB": ["-1", "64M", "1.5", "65537"],
    "HEARTBEAT_URL": ["hc-ping.com/x"],
    "WEB_WORKERS": ["0", "65", "two", "²"],
    "WEB_THREADS": ["0", "1000000000000"],
    "LOG_LEVEL": ["info", "TRACE"],
    "HTTP_PORT": ["0", "65536"],
}


@pytest.fixture
def load(tmp_path):
    """load("file's text", KEY="environment's value") from nothing else than these."""

    def load(text="", **env):
        file = tmp_path / "env"
        file.write_text(text)
        return config.load({"ENV_FILE": str(file), "VAR_DIR": str(tmp_path / "var"), **env})

    return load


def refusal(load, *file, **env):
    with pytest.raises(config.ConfigError) as caught:
        load(*file, **env)
    return str(caught.value)


def test_the_keys_and_their_defaults_are_those_of_the_contract():
    assert {name: key.default for name, key in config.KEYS.items()} == DEFAULTS


def test_the_example_file_lists_every_key_with_its_default_and_nothing_else():
    assert dotenv_values(ROOT / ".env.example", interpolate=False) == DEFAULTS


def test_the_example_file_as_it_is_changes_nothing(load):
    assert load((ROOT / ".env.example").read_text()) == load()


def test_with_nothing_said_the_defaults_hold(load, tmp_path):
    found = load()
    assert (found.enable_telegram_bot, found.bot_mode, found.timezone) == (True, "polling", "UTC")
    assert (found.notification_minute, found.default_language) == (540, "en")
    assert (found.bot_token, found.webapp_key, found.admin_telegram_ids) == (None, None, set())
    assert found.database_url == f"sqlite:///{tmp_path}/var/calendar.db"
    assert (found.web_workers, found.web_threads, found.ballast_mib) == (2, 4, 64)


def test_no_file_at_all_is_fine(tmp_path):
    assert config.load({"ENV_FILE": str(tmp_path / "none")}).timezone == "UTC"


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(load):
    assert load("TIMEZONE=Asia/Tokyo").timezone == "Asia/Tokyo"
    assert load("TIMEZONE=Asia/Tokyo", TIMEZONE="Europe/Berlin").timezone == "Europe/Berlin"


@pytest.mark.parametrize("text", ["TIMEZONE=", "TIMEZONE=''", "TIMEZONE", "TIMEZONE=  # later"])
def test_a_key_left_empty_takes_its_default(load, text):
    assert load(text).timezone == "UTC"


def test_an_empty_variable_takes_the_default_whatever_the_file_says(load):
    assert load(f"TELEGRAM_BOT_TOKEN={TOKEN}", TELEGRAM_BOT_TOKEN="").bot_token is None


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("SHARED_CALENDAR=Our $HOME ${HOME}", "Our $HOME ${HOME}"),
        ('SHARED_CALENDAR="Our team"', "Our team"),
        ("SHARED_CALENDAR='Our # team'", "Our # team"),
        ("SHARED_CALENDAR=Our team # the company's", "Our team"),
        ("export SHARED_CALENDAR = Наши\r\n", "Наши"),
        ("# SHARED_CALENDAR=no\nSHARED_CALENDAR=yes", "yes"),
    ],
)
def test_the_file_is_dotenv_without_interpolation(load, line, title):
    assert load(line).shared_calendar == title


@pytest.mark.parametrize(
    ("env", "field", "value"),
    [
        ({"ENABLE_TELEGRAM_BOT": "False"}, "enable_telegram_bot", False),
        ({"NOTIFICATION_TIME": "7:05"}, "notification_minute", 425),
        ({"ADMIN_TELEGRAM_IDS": " 5, 6 ,5,"}, "admin_telegram_ids", {5, 6}),
        ({"TELEGRAM_API_URL": "http://127.0.0.1:8081/"}, "telegram_api_url", "http://127.0.0.1:8081"),
        ({"TELEGRAM_WEBAPP_URL": "http://localhost:8080"}, "telegram_webapp_url", "http://localhost:8080"),
        ({"DATABASE_URL": "postgresql:///a?host=/run"}, "database_url", "postgresql:///a?host=/run"),
    ],
)  # fmt: skip
def test_good_values_are_read(load, env, field, value):
    assert getattr(load(**env), field) == value


@pytest.mark.parametrize(("name", "value"), [(name, bad) for name in BAD for bad in BAD[name]])
def test_a_bad_value_is_named_with_what_was_found_and_what_is_expected(load, name, value):
    [line] = refusal(load, **{name: value}).splitlines()[1:]
    assert line.startswith(f"  {name}: found ")
    assert ", expected " in line
    shown = f"{len(value)} characters" if config.KEYS[name].secret else repr(value[:100])
    assert f"found {shown}, " in line


def test_all_bad_values_are_named_in_one_message(load):
    message = refusal(load, **{name: values[0] for name, values in BAD.items()})
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == list(BAD)


def test_a_file_that_cannot_be_read_is_named(load, tmp_path):
    (tmp_path / "latin").write_bytes(b"SHARED_CALENDAR=\xff\n")
    assert "latin cannot be read" in refusal(load, ENV_FILE=str(tmp_path / "latin"))


def test_no_secret_shows_in_the_configuration_or_in_a_refusal(load):
    secrets = {
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "DATABASE_URL": "postgresql://me:Passw0rd@host/name",
        "GREETING_API_KEY": "sk-Passw0rd",
        "HEARTBEAT_URL": "https://hc-ping.com/Passw0rd",
        "BACKUP_HOOK": "curl -u me:Passw0rd sftp://host",
    }
    found = load(**secrets)
    assert found.heartbeat_url.endswith("Passw0rd")
    bad = {name: "Passw0rd\x00" + value for name, value in secrets.items()}
    for text in (repr(found), str(found), refusal(load, TIMEZONE="x", **bad)):
        assert "Passw0rd" not in text
        assert TOKEN not in text
        assert str(found.webapp_key) not in text


@pytest.fixture
def credentials(tmp_path):
    """A folder as systemd gives it: credentials(name=content)."""

    def write(**files):
        folder = tmp_path / "credentials"
        folder.mkdir()
        for name, content in files.items():
            (folder / name.replace("_", "-")).write_text(content)
        return str(folder)

    return write


def test_the_web_has_only_the_key_and_the_bot_only_the_token(load, credentials, tmp_path):
    key = config.webapp_key(TOKEN)
    web = load(CREDENTIALS_DIRECTORY=credentials(webapp_key=f"{key.hex()}\n"))
    assert (web.bot_token, web.webapp_key) == (None, key)
    tmp_path.joinpath("credentials").rename(tmp_path / "web")
    bot = load(CREDENTIALS_DIRECTORY=credentials(bot_token=f"{TOKEN}\n"))
    assert (bot.bot_token, bot.webapp_key) == (TOKEN, None)


@pytest.mark.parametrize("files", [{}, {"bot_token": "", "webapp_key": "\n"}])
def test_beside_credentials_a_token_in_the_environment_counts_for_nothing(load, credentials, files):
    found = load(CREDENTIALS_DIRECTORY=credentials(**files), TELEGRAM_BOT_TOKEN=OTHER_TOKEN)
    assert (found.bot_token, found.webapp_key) == (None, None)


def test_bad_credentials_are_named_with_everything_else_and_not_shown(load, credentials):
    folder = credentials(bot_token="Passw0rd", webapp_key="Passw0rd" * 8)
    message = refusal(load, CREDENTIALS_DIRECTORY=folder, TIMEZONE="Berlin")
    assert [line.split(":")[0] for line in message.splitlines()[1:]] == [
        "  TIMEZONE",
        "  bot-token",
        "  webapp-key",
    ]
    assert "Passw0rd" not in message


def test_the_key_is_the_one_that_telegram_describes():
    # openssl dgst -sha256 -mac HMAC -macopt key:WebAppData
    given = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", "WebAppData", "-binary"],
        input=TOKEN.encode(), capture_output=True, check=True,
    )  # fmt: skip
    assert config.webapp_key(TOKEN) == given.stdout


@pytest.mark.parametrize("port", ["", ":443", ":88", ":8443"])
def test_a_webhook_is_fine_on_the_ports_that_telegram_calls(load, port):
    assert load(BOT_MODE="webhook", TELEGRAM_WEBAPP_URL=f"https://example.org{port}")


@pytest.mark.parametrize("address", ["https://example.org:9443", ""])
def test_a_webhook_that_telegram_cannot_call_is_refused(load, address):
    message = refusal(load, BOT_MODE="webhook", TELEGRAM_WEBAPP_URL=address)
    assert "BOT_MODE: found 'webhook'" in message
    assert address in message
    assert "8443" in message


def test_a_webhook_on_any_port_is_fine_with_a_local_bot_api_server(load):
    env = {"BOT_MODE": "webhook", "TELEGRAM_WEBAPP_URL": "https://example.org:9443"}
    assert load(**env, TELEGRAM_API_URL="http://127.0.0.1:8081").bot_mode == "webhook"


PROGRAMS = {
    "bot": [sys.executable, "-m", "bot"],
    "web": [
        sys.executable, "-m", "gunicorn", "-c", "python:calendar_app.gunicorn_config",
        "calendar_app.api:create_app()",
    ],
}  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_process_with_bad_values_says_so_once_and_ends_with_78(program, tmp_path):
    bad = {"TIMEZONE": "Berlin", "WEB_WORKERS": "many", "TELEGRAM_BOT_TOKEN": "Passw0rd"}
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null", "VAR_DIR": str(tmp_path), **bad}
    ended = subprocess.run(
        PROGRAMS[program], cwd=ROOT, env=env, capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 78
    said = ended.stdout + ended.stderr
    assert [line.split(":")[0] for line in said.splitlines()] == [
        "The configuration has 3 bad value(s)",
        "  TELEGRAM_BOT_TOKEN",
        "  TIMEZONE",
        "  WEB_WORKERS",
    ], json.dumps(said)
    assert "Passw0rd" not in said
