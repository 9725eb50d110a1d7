"""The iCalendar feed: what calendar programs make of it, and who gets it."""

import calendar
import datetime as dt
from urllib.parse import urlsplit

import icalendar
import pytest
import recurring_ical_events
import vobject

YEARS = range(2026, 2033)


def fetch(app, url, **more):
    return app.test_client().get(urlsplit(url).path, **more)


@pytest.fixture
def url(alice):
    alice.add("Ada Lovelace", "1815-12-10", comment="a secret", company="Engines", position="Boss")
    return alice.get("/api/feed").json["url"]


def days_of_months(person):
    """All that the API shows in these years: (day, title)."""
    found = set()
    for year in YEARS:
        for month in range(1, 13):
            shown = person.get(f"/api/calendar/month/{year}/{month}").json
            for day, rows in shown["birthdays_by_date"].items():
                found |= {(day, "🎂 " + row["full_name"]) for row in rows}
            for day, rows in shown["holidays_by_date"].items():
                found |= {(day, row["name"]) for row in rows}
    return found


def days_by_icalendar(text):
    """What python's icalendar and recurring-ical-events make of it."""
    events = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(
        dt.date(YEARS.start, 1, 1), dt.date(YEARS.stop, 1, 1)
    )
    return {(event["DTSTART"].dt.isoformat(), str(event["SUMMARY"])) for event in events}


def days_by_vobject(text):
    """What vobject reads, its rules expanded by dateutil."""
    found = set()
    begin, end = dt.datetime(YEARS.start, 1, 1), dt.datetime(YEARS.stop, 1, 1)
    for event in vobject.readOne(text).vevent_list:
        for day in event.getrruleset().between(begin - dt.timedelta(1), end):
            if begin <= day < end:
                found.add((day.date().isoformat(), event.summary.value))
    return found


@pytest.mark.parametrize("leap_day", ["feb28", "mar1"])
def test_programs_see_the_days_that_the_months_show(app, alice, leap_day):
    alice.patch("/api/settings", json={"leap_day": leap_day})
    for number in range(1, 13):
        alice.add(f"First of {number}", f"--{number:02}-01")
        last = calendar.monthrange(1999, number)[1]
        alice.add(f"Last of {number}", f"1999-{number:02}-{last}")
    alice.add("Leap", "2004-02-29")
    alice.add("Leap, unknown", "--02-29")
    alice.add("Ancient; and odd\\", "0001-01-01")
    alice.post("/api/holidays", json={"name": "Leap day", "day": 29, "month": 2})
    alice.post("/api/holidays", json={"name": "Ёлка, " * 30, "day": 31, "month": 12})
    text = fetch(app, alice.get("/api/feed").json["url"]).text
    shown = days_of_months(alice)
    assert len(shown) == 7 * 28 + 2
    assert days_by_icalendar(text) == shown
    assert days_by_vobject(text) == shown


def test_a_feed_is_what_calendar_programs_take(app, alice, url):
    answer = fetch(app, url)
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert "secret" not in answer.text
    assert all(len(line) <= 75 for line in answer.data.split(b"\r\n"))
    assert b"\n" not in answer.data.replace(b"\r\n", b"")
    feed = icalendar.Calendar.from_ical(answer.data)
    assert feed["X-WR-CALNAME"] == "Alice"
    assert feed["REFRESH-INTERVAL"].dt == dt.timedelta(hours=6)
    [event] = feed.walk("VEVENT")
    assert event["DTSTART"].dt == dt.date(1815, 12, 10)
    assert event["TRANSP"] == "TRANSPARENT"
    assert not feed.errors
    assert not event.errors


def test_events_keep_their_names(app, alice, url):
    def uid():
        [event] = icalendar.Calendar.from_ical(fetch(app, url).data).walk("VEVENT")
        return event["UID"], event["SUMMARY"]

    before = uid()
    [row] = alice.get("/api/birthdays").json
    alice.patch(f"/api/birthdays/{row['id']}", json={"full_name": "Ada King"})
    assert uid() == (before[0], "🎂 Ada King")


def test_an_unchanged_feed_is_not_sent_again(app, alice, url):
    tag = fetch(app, url).headers["ETag"]
    again = fetch(app, url, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    alice.add("Bob", "--05-06")
    assert fetch(app, url, headers={"If-None-Match": tag}).status_code == 200


def test_a_renewed_or_revoked_feed_ends_the_address_before(app, alice, url):
    renewed = alice.post("/api/feed/rotate").json["url"]
    assert renewed != url
    assert fetch(app, url).status_code == 404
    assert fetch(app, renewed).status_code == 200
    assert alice.delete("/api/feed").json == {"url": None}
    assert alice.get("/api/feed").json == {"url": None}
    assert fetch(app, renewed).status_code == 404
    third = alice.post("/api/feed/rotate").json["url"]
    assert third not in (url, renewed)
    assert fetch(app, third).status_code == 200


def test_a_guessed_address_is_none(app, alice, url):
    name = url.rpartition("/")[2]
    for other in (
        "x.ics",
        f"{name[:-5]}{'1' if name[-5] == '0' else '0'}.ics",
        name.replace("-", "-f", 1),
        f"{'f' * 16}-1-{'0' * 40}.ics",
        "1-1-é.ics",
        f"1-1-{'0' * 40}.ics",
    ):
        answer = app.test_client().get(f"/feed/{other}")
        assert answer.status_code == 404, other
        assert answer.content_type == "application/problem+json"


def test_who_leaves_loses_the_feed(app, alice, bob):
    family = alice.post("/api/calendars", json={"title": "Family"}).json["id"]
    code = alice.post(f"/api/calendars/{family}/invitations", json={"role": "viewer"}).json["code"]
    bob.post(f"/api/invitations/{code}/accept")
    mine = alice.get(f"/api/feed?calendar={family}").json["url"]
    his = bob.get(f"/api/feed?calendar={family}").json["url"]
    assert mine != his
    assert fetch(app, his).status_code == 200
    members = f"/api/calendars/{family}/members"
    [member] = [row for row in alice.get(members).json if row["first_name"] == "Bob"]
    alice.delete(f"{members}/{member['user_id']}")
    assert fetch(app, his).status_code == 404
    assert fetch(app, mine).status_code == 200


def test_who_is_not_known_yet_has_no_feed(bob):
    assert bob.get("/api/feed").json == {"url": None}


def test_the_secret_is_in_no_log(app, alice, url, caplog):
    with caplog.at_level("DEBUG"):
        fetch(app, url)
        fetch(app, url.replace("-1-", "-2-"))
    secret = url.rpartition("-")[2][:20]
    assert "/feed/" in caplog.text
    assert secret not in caplog.text
