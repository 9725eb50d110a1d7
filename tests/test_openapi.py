"""openapi.json: it is valid, complete, and what the API answers fits it."""

import json
import re

import jsonschema
import pytest
from openapi_spec_validator import validate

from calendar_app import api
from calendar_app.birthdays import BirthdayInput


@pytest.fixture
def document(app):
    return app.test_client().get("/api/openapi.json").json


def test_the_description_is_valid_openapi(document):
    validate(document)


def test_every_route_of_the_app_is_described(app, document):
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/")
    }
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert served == described
    assert len(served) > 10


def test_everything_but_sign_in_and_the_description_needs_sign_in(document):
    for path, item in document["paths"].items():
        for operation in item.values():
            public = path in ("/api/auth/verify", "/api/openapi.json", "/api/docs")
            assert bool(operation["security"]) is not public, path


def test_what_validates_the_input_is_what_is_described(document):
    described = document["components"]["schemas"]["BirthdayInput"]
    assert set(described["properties"]) == set(BirthdayInput.model_fields)
    assert set(described["required"]) == {"full_name", "birth_date"}
    assert described["properties"]["full_name"]["maxLength"] == 200
    assert described["properties"]["comment"]["maxLength"] == 1000


def fits(document, path, method, answer):
    """Whether the answer is one that the description promises."""
    content = document["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    schema = content[answer.mimetype]["schema"]
    closed = json.loads(json.dumps(document["components"]))
    for component in closed["schemas"].values():
        # A field that is answered but not described is an error too.
        component["additionalProperties"] = False
    jsonschema.validate(answer.json, {**schema, "components": closed})


def test_answers_and_errors_fit_their_description(document, alice):
    ada = alice.post("/api/birthdays", json={"full_name": "Ada", "birth_date": "1815-12-10"})
    fits(document, "/api/birthdays", "post", ada)
    fits(document, "/api/birthdays", "post", alice.post("/api/birthdays", json={}))
    fits(document, "/api/birthdays", "post", alice.post("/api/birthdays", data="{"))
    fits(document, "/api/birthdays", "get", alice.get("/api/birthdays"))
    one = "/api/birthdays/{row_id}"
    address = f"/api/birthdays/{ada.json['id']}"
    fits(document, one, "get", alice.get(address))
    fits(document, one, "get", alice.get("/api/birthdays/99"))
    fits(document, one, "patch", alice.patch(address, json={"company": "Engines"}))
    stale = alice.put(address, json=ada.json, headers={"If-Match": '"0"'})
    fits(document, one, "put", stale)
    fits(document, "/api/calendar/{on}", "get", alice.get("/api/calendar/2026-12-10"))
    month = "/api/calendar/month/{year}/{month}"
    fits(document, month, "get", alice.get("/api/calendar/month/2026/12"))
    fits(document, month, "get", alice.get("/api/calendar/month/2026/13"))
    fits(document, one, "delete", alice.delete(address))


def test_everything_that_is_answered_is_described(document, alice):
    holiday = {"name": "Party", "day": 1, "month": 5}
    fits(document, "/api/holidays", "post", alice.post("/api/holidays", json=holiday))
    fits(document, "/api/holidays", "get", alice.get("/api/holidays"))
    person = alice.post("/api/panel/responsible", json={"full_name": "Bob"})
    fits(document, "/api/panel/responsible", "post", person)
    assign = {"responsible_id": person.json["id"], "date": "2026-12-10"}
    path = "/api/panel/assign-responsible"
    fits(document, path, "post", alice.post(path, json=assign))
    fits(document, "/api/panel/search", "get", alice.get("/api/panel/search?q=b"))
    fits(document, "/api/settings", "get", alice.get("/api/settings"))
    fits(document, "/api/settings", "patch", alice.patch("/api/settings", json={}))
    made = alice.post("/api/calendars", json={"title": "Family"})
    fits(document, "/api/calendars", "post", made)
    one = f"/api/calendars/{made.json['id']}"
    many = "/api/calendars/{calendar_id}"
    fits(document, f"{many}/members", "get", alice.get(f"{one}/members"))
    invitation = alice.post(f"{one}/invitations", json={})
    fits(document, f"{many}/invitations", "post", invitation)
    fits(document, "/api/me", "get", alice.get("/api/me"))
    ada = {"full_name": "Ada", "birth_date": "1815-12-10"}
    greet = {"birthday_id": alice.post("/api/birthdays", json=ada).json["id"]}
    path = "/api/panel/generate-greeting"
    fits(document, path, "post", alice.post(path, json=greet))
    path = "/api/panel/check-access"
    fits(document, path, "get", alice.get(path))


def test_every_view_says_what_it_does():
    for route in api.ROUTES:
        assert route.summary.endswith("."), route.paths
