"""A client that a public generator makes from openapi.json, used against the real web process."""

import importlib
import itertools
import json
import subprocess
import sys
from types import SimpleNamespace

import httpx
import pytest

from calendar_app import api, openapi
from tests.service import Service
from tests.telegram.simulator import Simulator
from tests.world import init_data

# The generator knows no pictures; nothing else may be beyond it (--fail-on-warning).
GENERATOR = {"content_type_overrides": {"image/png": "application/octet-stream"}, "post_hooks": []}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The generated package; its modules are imported by name."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(openapi.describe(api.ROUTES, api.VERSION)))
    (folder / "config.json").write_text(json.dumps(GENERATOR))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--path", "openapi.json", "--config", "config.json", "--fail-on-warning"]
    done = subprocess.run(
        [*command, "--output-path", "birthday_client"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("birthday_client")
    sys.path.remove(str(folder))


@pytest.fixture
def calls(package):
    """The operations by their names: `calls.create_birthday.sync(…)`."""
    names = [
        operation["operationId"]
        for item in openapi.describe(api.ROUTES, api.VERSION)["paths"].values()
        for operation in item.values()
    ]
    module = f"{package.__name__}.api.default"
    return SimpleNamespace(**{n: importlib.import_module(f"{module}.{n}") for n in names})


@pytest.fixture
def models(package):
    return importlib.import_module(f"{package.__name__}.models")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with Simulator(pace=0.05) as telegram:
        web = Service(tmp_path_factory.mktemp("web"), telegram, ["web"], {})
        yield web
        web.http.close()
        web.stop()


@pytest.fixture
def reach(package, web):
    """Makes a client that reaches the web process: `reach(package.Client, headers=…)`."""
    made = []

    def make(kind, **more):
        transport = httpx.HTTPTransport(uds=str(web.socket))
        made.append(kind(base_url="http://localhost", httpx_args={"transport": transport}, **more))
        return made[-1]

    yield make
    for client in made:
        client.get_httpx_client().close()


@pytest.fixture
def init(web):
    """initData of somebody who has nothing yet."""
    return init_data("Alice", token=web.token, id=next(newcomers))


@pytest.fixture
def alice(package, reach, init):
    return reach(package.Client, headers={"X-Init-Data": init})


newcomers = itertools.count(6_000_000_000)


def test_a_birthday_is_created_listed_edited_and_deleted(alice, calls, models):
    ada = models.BirthdayInput(full_name="Ada Lovelace", birth_date="1815-12-10", company="Engines")
    made = calls.create_birthday.sync(client=alice, body=ada, idempotency_key="once")
    assert isinstance(made, models.Birthday)
    assert calls.create_birthday.sync(client=alice, body=ada, idempotency_key="once") == made
    assert calls.list_birthdays.sync(client=alice) == [made]
    changed = calls.amend_birthday.sync(
        made.id, client=alice, body=models.BirthdayPatch(comment="hi")
    )
    assert (changed.full_name, changed.company, changed.comment) == (
        "Ada Lovelace",
        "Engines",
        "hi",
    )
    replaced = calls.replace_birthday.sync(made.id, client=alice, body=ada)
    assert replaced == made
    assert calls.delete_birthday.sync(made.id, client=alice).status == "deleted"
    assert calls.list_birthdays.sync(client=alice) == []


def test_a_patch_of_settings_leaves_the_others_as_they_are(alice, calls, models):
    first = models.SettingsPatch(timezone="Europe/Berlin", lead_days=[0, 7])
    calls.change_settings.sync(client=alice, body=first)
    changed = calls.change_settings.sync(client=alice, body=models.SettingsPatch(weekly_digest=0))
    assert (changed.timezone, changed.lead_days) == ("Europe/Berlin", [0, 7])
    assert changed.weekly_digest == 0


def test_what_is_wrong_arrives_as_the_documented_problem(alice, calls, models):
    body = models.BirthdayInput(full_name=" ", birth_date="1815-02-31")
    refused = calls.create_birthday.sync_detailed(client=alice, body=body)
    assert refused.status_code == 422
    assert isinstance(refused.parsed, models.Problem)
    assert [wrong.field for wrong in refused.parsed.errors] == ["full_name", "birth_date"]
    gone = calls.get_birthday.sync(99, client=alice)
    assert isinstance(gone, models.Problem)
    assert (gone.status, gone.title) == (404, "Not found")


def test_a_change_of_what_somebody_else_changed_is_refused(alice, calls, models):
    body = models.BirthdayInput(full_name="Ada", birth_date="--12-10")
    made = calls.create_birthday.sync(client=alice, body=body)
    tag = calls.get_birthday.sync_detailed(made.id, client=alice).headers["ETag"]
    patch = models.BirthdayPatch(comment="1")
    first = calls.amend_birthday.sync(made.id, client=alice, body=patch, if_match=tag)
    assert first.comment == "1"
    second = calls.amend_birthday.sync(made.id, client=alice, body=patch, if_match=tag)
    assert (second.status, second.title) == (412, "Changed meanwhile")
    fresh = calls.get_birthday.sync_detailed(made.id, client=alice)
    again = calls.get_birthday.sync_detailed(
        made.id, client=alice, if_none_match=fresh.headers["ETag"]
    )
    assert (again.status_code, again.parsed) == (304, None)


def test_the_pages_of_a_list_are_followed(alice, calls, models):
    for day in range(10, 15):
        body = models.BirthdayInput(full_name=f"Day {day}", birth_date=f"--05-{day}")
        calls.create_birthday.sync(client=alice, body=body)
    page = calls.list_birthdays.sync_detailed(client=alice, limit=3)
    rest = httpx.URL(page.headers["Link"].partition(">")[0].lstrip("<")).params["after"]
    more = calls.list_birthdays.sync_detailed(client=alice, limit=3, after=rest)
    assert page.parsed + more.parsed == calls.list_birthdays.sync(client=alice)
    assert len(more.parsed) == 2
    assert "Link" not in more.headers


def test_a_session_and_nothing_sign_in_as_described(package, reach, init, calls, models):
    nobody = reach(package.Client)
    refused = calls.list_birthdays.sync(client=nobody)
    assert (refused.status, refused.title) == (401, "Sign-in needed")
    session = calls.verify.sync(client=nobody, body=models.SignIn(init_data=init))
    assert session.user.first_name == "Alice"
    bob = reach(package.AuthenticatedClient, token=session.session)
    assert calls.check_access.sync(client=bob).has_access is True
    assert calls.day.sync("2026-12-10", client=bob).birthdays == []
