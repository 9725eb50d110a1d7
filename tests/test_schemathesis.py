"""schemathesis against the app's own description: what it says is what is done, and all of it.

It makes requests that fit openapi.json and requests that do not, and judges every answer.
"""

import itertools

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from calendar_app import api, models, openapi
from tests import world
from tests.conftest import Person
from tests.world import init_data

DOCUMENT = openapi.describe(api.ROUTES, api.VERSION)
OPERATIONS = {
    operation["operationId"]: (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
BODIES = [name for name, (*_, operation) in OPERATIONS.items() if "requestBody" in operation]


def may_refuse_what_fits(operation):
    """Whether there is more to the input than a schema can say.

    Which days exist and are past, what a control character or a blank is, which zones there are,
    which pages the Link header has named. That the examples are taken is tested below.
    """
    names = {parameter["name"] for parameter in operation["parameters"]}
    return "requestBody" in operation or bool(names & {"after", "q"})


CONFIG = {
    "checks": {
        # A made-up If-Match fits the description too, and is refused with 412.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "304", "401", "403", "404", "409", "412"]
        },
    },
    "operations": [
        {
            "include-operation-id": name,
            "checks": {"positive_data_acceptance": {"enabled": False}},
        }
        for name, (*_, operation) in OPERATIONS.items()
        if may_refuse_what_fits(operation)
    ],
}
MODEST = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


class Current:
    """The app of the test that runs, as its clients meet it at the unix socket."""

    app = None

    def __call__(self, environ, start_response):
        return self.app(environ | {"REMOTE_ADDR": ""}, start_response)


current = Current()
schema = schemathesis.openapi.from_dict(DOCUMENT, config=SchemathesisConfig.from_dict(CONFIG))
schema.app = current


@pytest.fixture
def serving(app):
    """The app, where schemathesis finds it."""
    current.app = app
    return app


def fill(alice):
    """Give Alice one row of each kind, all with the id 1."""
    alice.add("Ada Lovelace", "1815-12-10")
    alice.post("/api/holidays", json={"name": "Party", "day": 1, "month": 2})
    alice.post("/api/panel/responsible", json={"full_name": "Bob"})


@pytest.fixture
def signed_in(serving, alice, clock):
    """Alice's headers; she has what `fill` gives her."""
    fill(alice)
    return {"X-Init-Data": init_data("Alice", clock.now)}


@schema.parametrize()
@settings(max_examples=8, **MODEST)
def test_who_is_signed_in_gets_what_is_described(case, signed_in):
    case.call_and_validate(headers=signed_in)


@schema.parametrize()
@settings(max_examples=3, **MODEST)
def test_who_is_not_signed_in_gets_what_is_described(case, serving):
    case.call_and_validate()


STORIES = ("/api/birthdays", "/api/holidays", "/api/panel/responsible", "/api/calendars")


def story_of(start):
    """A machine that follows what is made from route to route, below that address."""
    paths = DOCUMENT["paths"].items()
    # Revoking all invitations leaves an empty list, not a missing one.
    part = {p: item for p, item in paths if p.startswith(start) and not p.endswith("/invitations")}
    config = SchemathesisConfig.from_dict(CONFIG | {"generation": {"mode": "positive"}})
    found = schemathesis.openapi.from_dict(DOCUMENT | {"paths": part}, config=config)
    found.app = current
    return found.as_state_machine()


@pytest.mark.parametrize("start", STORIES)
def test_what_was_made_is_there_until_it_is_deleted_and_then_gone(app, clock, tmp_path, start):
    numbers, headers = itertools.count(), {"X-Init-Data": init_data("Alice", clock.now)}

    class Story(story_of(start)):
        def setup(self):
            # Each story begins with the same rows, else it could not be told again.
            models.disconnect()
            folder = tmp_path / f"story{next(numbers)}"
            folder.mkdir()
            current.app = api.create_app(world.settings(folder), clock)
            fill(Person(current.app, clock, "Alice"))

        def get_call_kwargs(self, case):
            return {"headers": headers}

        def validate_response(self, response, case, additional_checks=None, **kwargs):
            case.validate_response(response, headers=headers, recorder=self.recorder)

    Story.run(settings=settings(max_examples=8, stateful_step_count=10, **MODEST))


@pytest.mark.parametrize("start", STORIES)
def test_a_story_goes_on_from_what_was_made_to_what_deletes_it(start):
    routes = story_of(start)._transitions.operations
    after = {link.target.label for link in routes[f"POST {start}"].outgoing}
    assert any(label.startswith(f"DELETE {start}/{{") for label in after)


# They need initData of now, and somebody whose birthday it is.
OTHERS = ("verify", "correct_mention")


@pytest.mark.parametrize("name", [name for name in BODIES if name not in OTHERS])
def test_the_example_of_a_body_is_taken_as_it_stands(signed_in, alice, name):
    method, path, operation = OPERATIONS[name]
    user_id = alice.get("/api/me").json["user"]["telegram_id"]
    ids = {"row_id": 1, "birthday_id": 1, "calendar_id": 1, "user_id": user_id}
    address = path.format(**ids)
    example = operation["requestBody"]["content"]["application/json"]["example"]
    answer = getattr(alice, method)(address, json=example)
    assert 200 <= answer.status_code < 300, answer.text


def examples():
    """Every example of a body, of an answer and of an error, with its schema."""
    shared = DOCUMENT["components"]["examples"]
    for name, (*_, operation) in OPERATIONS.items():
        bodies = [("body", operation.get("requestBody", {})), *operation["responses"].items()]
        for part, described in bodies:
            for content in described.get("content", {}).values():
                if "example" in content:
                    yield f"{name} {part}", content["schema"], content["example"]
                for example in content.get("examples", {}).values():
                    value = shared[example["$ref"].rpartition("/")[2]]["value"]
                    yield f"{name} {part}", content["schema"], value


def test_every_example_fits_its_schema():
    found = 0
    for where, described, example in examples():
        whole = described | {"components": DOCUMENT["components"]}
        jsonschema.validate(example, whole, format_checker=jsonschema.FormatChecker())
        assert example not in ("text", ["text"]), where
        found += 1
    assert found > 300


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_json_body_answer_and_error_has_an_example_and_a_sentence(name):
    *_, operation = OPERATIONS[name]
    assert len({"401", "404", "422", "429", "503"} - set(operation["responses"])) <= 1
    for described in [operation.get("requestBody", {}), *operation["responses"].values()]:
        for kind, content in described.get("content", {}).items():
            assert "json" not in kind or "example" in content or "examples" in content
    for status, described in operation["responses"].items():
        assert described["description"].endswith("."), status
    for status in {"429", "503"} & set(operation["responses"]):
        assert "Retry-After" in operation["responses"][status]["headers"]
