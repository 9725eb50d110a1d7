"""Who may do what: every route of the API × nobody, stranger, viewer, editor, owner, removed."""

import re

import pytest
from peewee import fn

from calendar_app import api
from calendar_app.models import Invitation
from tests.world import PEOPLE

BIRTHDAY = {"full_name": "Ada", "birth_date": "1815-12-10"}
HOLIDAY = {"name": "Party", "day": 31, "month": 12}
PERSON = {"full_name": "Host"}
SEE, WRITE, OWN = "viewer", "editor", "owner"
RANK = {"viewer": 1, "editor": 2, "owner": 3}
# Each route of one calendar's content: what it takes, and the role that it needs.
CONTENT = {
    ("GET", "/api/calendar/<on>"): (None, SEE),
    ("GET", "/api/calendar/month/<year>/<month>"): (None, SEE),
    ("GET", "/api/birthdays"): (None, SEE),
    ("POST", "/api/birthdays"): (BIRTHDAY, WRITE),
    ("GET", "/api/birthdays/<row_id>"): (None, SEE),
    ("PUT", "/api/birthdays/<row_id>"): (BIRTHDAY, WRITE),
    ("PATCH", "/api/birthdays/<row_id>"): ({"comment": "x"}, WRITE),
    ("DELETE", "/api/birthdays/<row_id>"): (None, WRITE),
    ("GET", "/api/panel/birthdays"): (None, SEE),
    ("POST", "/api/panel/birthdays"): (BIRTHDAY, WRITE),
    ("GET", "/api/panel/birthdays/<row_id>"): (None, SEE),
    ("PUT", "/api/panel/birthdays/<row_id>"): (BIRTHDAY, WRITE),
    ("PATCH", "/api/panel/birthdays/<row_id>"): ({"comment": "x"}, WRITE),
    ("DELETE", "/api/panel/birthdays/<row_id>"): (None, WRITE),
    ("GET", "/api/holidays"): (None, SEE),
    ("POST", "/api/holidays"): (HOLIDAY, WRITE),
    ("GET", "/api/holidays/<row_id>"): (None, SEE),
    ("PUT", "/api/holidays/<row_id>"): (HOLIDAY, WRITE),
    ("PATCH", "/api/holidays/<row_id>"): ({"day": 30}, WRITE),
    ("DELETE", "/api/holidays/<row_id>"): (None, WRITE),
    ("GET", "/api/panel/responsible"): (None, SEE),
    ("POST", "/api/panel/responsible"): (PERSON, WRITE),
    ("PUT", "/api/panel/responsible/<row_id>"): (PERSON, WRITE),
    ("DELETE", "/api/panel/responsible/<row_id>"): (None, WRITE),
    ("POST", "/api/panel/assign-responsible"): (
        {"responsible_id": 1, "date": "2026-12-10"},
        WRITE,
    ),
    ("GET", "/api/panel/search"): (None, SEE),
    ("POST", "/api/panel/generate-greeting"): ({"birthday_id": 1}, SEE),
    ("POST", "/api/panel/create-card"): ({"birthday_id": 1, "greeting_text": "Hi"}, SEE),
    ("GET", "/api/panel/check-access"): (None, SEE),
    ("POST", "/api/import"): ({"text": "Ada 10.12.1815"}, WRITE),
    ("GET", "/api/import/<import_id>"): (None, WRITE),
    ("POST", "/api/import/<import_id>/undo"): (None, WRITE),
    ("GET", "/api/export"): (None, SEE),
    ("GET", "/api/feed"): (None, SEE),
    ("POST", "/api/feed/rotate"): (None, SEE),
    ("DELETE", "/api/feed"): (None, SEE),
    ("GET", "/api/reminders"): (None, SEE),
    ("GET", "/api/reminders/why"): (None, SEE),
    ("GET", "/api/settings"): (None, SEE),
    ("PATCH", "/api/settings"): ({"lead_days": [0, 3]}, SEE),
    ("DELETE", "/api/settings"): (None, SEE),
    ("GET", "/api/calendars/<calendar_id>/settings"): (None, SEE),
    ("PATCH", "/api/calendars/<calendar_id>/settings"): ({"lead_days": [0]}, WRITE),
    ("GET", "/api/calendars/<calendar_id>"): (None, SEE),
    ("PATCH", "/api/calendars/<calendar_id>"): ({"title": "New"}, OWN),
    ("DELETE", "/api/calendars/<calendar_id>"): (None, OWN),
    ("GET", "/api/calendars/<calendar_id>/members"): (None, SEE),
    ("PATCH", "/api/calendars/<calendar_id>/members/<user_id>"): ({"role": "editor"}, OWN),
    ("DELETE", "/api/calendars/<calendar_id>/members/<user_id>"): (None, OWN),
    ("POST", "/api/birthdays/<row_id>/link"): (None, WRITE),
    ("GET", "/api/calendars/<calendar_id>/invitations"): (None, WRITE),
    ("DELETE", "/api/calendars/<calendar_id>/invitations/<invitation_id>"): (None, WRITE),
    ("POST", "/api/calendars/<calendar_id>/invitations"): ({"role": "viewer"}, WRITE),
    ("DELETE", "/api/calendars/<calendar_id>/invitations"): (None, WRITE),
}
# Routes of the user's own, or of nobody's: any signed-in user may.
ANYBODY = {
    ("GET", "/api/calendars"),
    ("POST", "/api/calendars"),
    ("POST", "/api/invitations/<code>/accept"),
    ("GET", "/api/panel/greetings/<job>"),
    ("GET", "/api/archived"),
    ("POST", "/api/calendars/<calendar_id>/restore"),
    ("POST", "/api/groups/<key>/enter"),
    ("POST", "/api/links/<code>/accept"),
    ("GET", "/api/me"),
    ("POST", "/api/me/restore"),
    ("GET", "/api/me/mentions"),
    ("PATCH", "/api/me/mentions/<birthday_id>"),
    ("POST", "/api/me/mentions/<birthday_id>/confirm"),
    ("DELETE", "/api/me/mentions/<birthday_id>"),
    ("DELETE", "/api/me"),
}
PUBLIC = {("POST", "/api/auth/verify"), ("GET", "/api/openapi.json"), ("GET", "/api/docs")}


@pytest.fixture
def family(people):
    """A calendar of Alice's with Bob as editor, Charlie as viewer, Dave removed; Eve a stranger."""
    alice, bob, charlie, dave, eve = people
    calendar_id = alice.post("/api/calendars", json={"title": "Family"}).json["id"]
    invitations = f"/api/calendars/{calendar_id}/invitations"
    for person, role in ((bob, "editor"), (charlie, "viewer"), (dave, "editor")):
        code = alice.post(invitations, json={"role": role}).json["code"]
        assert person.post(f"/api/invitations/{code}/accept").json["role"] == role
    removed = alice.delete(f"/api/calendars/{calendar_id}/members/{PEOPLE['Dave']}")
    assert removed.json == {"status": "deleted"}
    query = f"?calendar={calendar_id}"
    assert alice.post(f"/api/birthdays{query}", json=BIRTHDAY).json["id"] == 1
    assert alice.post(f"/api/holidays{query}", json=HOLIDAY).json["id"] == 1
    assert alice.post(f"/api/panel/responsible{query}", json=PERSON).json["id"] == 1
    alice.post(invitations, json={"role": "viewer"})
    assert alice.post(f"/api/import{query}", json={"text": "Bob 5 May"}).json["import_id"] == 1
    eve.post("/api/birthdays", json=BIRTHDAY)
    return calendar_id


def declared():
    return {
        (route.method, re.sub(r"<\w+:", "<", path)) for route in api.ROUTES for path in route.paths
    }


def test_every_route_is_in_the_matrix():
    assert declared() == set(CONTENT) | ANYBODY | PUBLIC


def ask(person, calendar_id, method, path, body):
    """Ask for the family's calendar, wherever the route names it."""
    for name, value in {
        "<on>": "2026-12-10",
        "<year>": "2026",
        "<month>": "12",
        "<row_id>": "1",
        "<import_id>": "1",
        "<invitation_id>": str(Invitation.select(fn.MIN(Invitation.id)).scalar()),
        "<calendar_id>": str(calendar_id),
        "<user_id>": str(PEOPLE["Charlie"]),
    }.items():
        path = path.replace(name, value)
    query = f"?calendar={calendar_id}" + ("&q=ada&format=csv")
    query += "&birthday_id=1" if path.endswith("why") else ""
    more = {} if body is None else {"json": body}
    return getattr(person, method.lower())(path + query, **more)


@pytest.mark.parametrize("route", sorted(CONTENT), ids=" ".join)
def test_the_matrix(app, people, family, route):
    alice, bob, charlie, dave, eve = people
    body, need = CONTENT[route]
    nobody = ask(app.test_client(), family, *route, body)
    assert nobody.status_code == 401
    for outsider in (dave, eve):
        answer = ask(outsider, family, *route, body)
        assert answer.status_code == 404, outsider.name
        assert "Family" not in answer.text
    for person, role in ((charlie, "viewer"), (bob, "editor"), (alice, "owner")):
        leaves = person is charlie and route[1].endswith("<user_id>") and route[0] == "DELETE"
        answer = ask(person, family, *route, body)
        if leaves:
            # Charlie may always remove Charlie; so the others find nobody any more.
            assert answer.status_code == 200
            assert ask(bob, family, *route, body).status_code == 403
            assert ask(alice, family, *route, body).status_code == 404
            return
        allowed = RANK[role] >= RANK[need]
        assert (answer.status_code < 300) is allowed, (role, answer.text)
        if not allowed:
            assert answer.status_code == 403
        elif route == ("DELETE", "/api/calendars/<calendar_id>"):
            return
        elif route[0] == "DELETE" and "<row_id>" in route[1]:
            # What one was allowed to delete is gone for the next.
            assert ask(alice, family, *route, body).status_code == 404
            return


@pytest.mark.parametrize("route", sorted(ANYBODY), ids=" ".join)
def test_own_routes_need_sign_in_and_show_nothing_of_others(app, people, family, route):
    method, path = route
    body = {"title": "Mine"} if route == ("POST", "/api/calendars") else None
    path = re.sub(r"<(code|job|key)>", "nonsense", path)
    # The family's, which is none of Eve's.
    path = path.replace("<calendar_id>", str(family)).replace("<birthday_id>", "1")
    body = {"full_name": "Eve"} if method == "PATCH" else body
    more = {} if body is None else {"json": body}
    assert getattr(app.test_client(), method.lower())(path, **more).status_code == 401
    answer = getattr(people[4], method.lower())(path, **more)
    named = "nonsense" in path or re.search("[0-9]", path)
    is_refused = answer.status_code == 404 if named else path == "/api/me/restore"
    assert (answer.status_code < 300) is not is_refused, answer.text
    assert "Family" not in answer.text
