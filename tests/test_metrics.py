"""GET /metrics: what Prometheus reads, read by Prometheus's own parser."""

import json
import os
import signal
import threading

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from calendar_app import counting, health, models
from calendar_app.models import Promise
from tests.service import children
from tests.world import init_data, wait_for

PREFIX = "birthday_calendar_"
HERE = {"REMOTE_ADDR": ""}
FAMILIES = {
    "build_info",
    "http_requests",
    "http_request_duration_seconds",
    "disk_free_bytes",
    "disk_free_inodes",
    "ballast_bytes",
    "read_only",
    "backup_age_seconds",
    "backup_proven",
    "database_up",
    "reminders_due",
    "reminders_late",
    "sends",
    "bot_state",
    "database_bytes",
}


def families(text):
    """The families by their name without the prefix; whoever breaks the format fails here."""
    found = {each.name: each for each in text_string_to_metric_families(text)}
    assert all(name.startswith(PREFIX) for name in found)
    assert all(each.documentation and each.type != "unknown" for each in found.values())
    return {name.removeprefix(PREFIX): each for name, each in found.items()}


def scrape(app):
    answer = app.test_client().get("/metrics", environ_base=HERE)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return families(answer.text)


def value(found, family, **labels):
    """The value of the one sample that has these labels."""
    (sample,) = (each for each in found[family].samples if each.labels == labels)
    return sample.value


def requests(found):
    """{(route, method, status): how many}."""
    return {
        (each.labels["route"], each.labels["method"], each.labels["status"]): each.value
        for each in found["http_requests"].samples
    }


def test_all_that_is_known_is_told(app, alice, clock, tmp_path):
    alice.add("Ada", "1815-12-10")
    health.beat("conflict", "", clock.now)
    due = {"kind": "birthday", "occurs_on": "2026-09-22", "days_before": 0, "recipient": 1}
    due |= {"calendar": 1, "state": "planned"}
    for subject, ago in ((1, 3600), (2, 60), (3, -60)):
        at = clock.now - ago
        Promise.insert(**due, subject_id=subject, due_at=at, try_at=at).execute()
    models.Counter.insert_many(
        [{"name": "sends_sent", "value": 5}, {"name": "sends_failed", "value": 2}]
    ).execute()
    (tmp_path / "backups").mkdir(exist_ok=True)
    last = {"verdict": "proven", "proven": {"at": clock.now - 7200, "file": "x"}}
    (tmp_path / "backups" / "last.json").write_text(json.dumps(last))
    found = scrape(app)
    assert set(found) == FAMILIES
    assert value(found, "build_info", release="development") == 1
    assert value(found, "database_up") == 1
    assert value(found, "database_bytes") > 4096
    assert value(found, "reminders_due") == 2
    assert value(found, "reminders_late") == 1
    assert value(found, "sends", outcome="sent") == 5
    assert value(found, "sends", outcome="failed") == 2
    assert value(found, "backup_age_seconds") == 7200
    assert value(found, "backup_proven") == 1
    assert value(found, "disk_free_bytes") > 0
    assert value(found, "read_only") == 0
    states = {each.labels["state"]: each.value for each in found["bot_state"].samples}
    assert states == dict.fromkeys(health.BOT_SUMMARY, 0) | {"conflict": 1}
    assert requests(found)[("/api/birthdays", "POST", "201")] == 1


def test_without_a_backup_there_is_no_age_and_nothing_is_proven(app):
    found = scrape(app)
    assert "backup_age_seconds" not in found
    assert value(found, "backup_proven") == 0


@pytest.mark.parametrize("said", ["", "[]", "{", '{"proven": 5, "verdict": []}', '{"proven": {}}'])
def test_whatever_stands_in_the_file_of_the_latest_backup_the_page_is_whole(app, tmp_path, said):
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "last.json").write_text(said)
    assert value(scrape(app), "backup_proven") == 0


def test_a_scrape_does_not_fail_with_the_database(app, alice, tmp_path):
    alice.add("Ada", "1815-12-10")
    models.disconnect()
    for path in tmp_path.glob("calendar.db*"):
        path.unlink()
    found = scrape(app)
    assert value(found, "database_up") == 0
    assert set(found) == FAMILIES - {
        *("reminders_due", "reminders_late", "sends", "bot_state", "database_bytes"),
        "backup_age_seconds",
    }
    assert not (tmp_path / "calendar.db").exists()


def test_times_are_counted_in_cumulative_buckets():
    counts = counting.Requests([("/a", "GET")])
    for seconds in (0.001, 0.005, 0.006, 3, 100):
        counts.count("/a", "GET", 200, seconds)
    _, (took,) = counts.read()
    assert took.seconds == pytest.approx(103.012)
    assert sum(took.buckets) == 5
    assert took.buckets[:2] == [2, 1]
    assert took.buckets[-1] == 1


def test_the_buckets_are_as_prometheus_wants_them(app, alice):
    for _ in range(5):
        alice.get("/api/birthdays")
    samples = [
        each
        for each in scrape(app)["http_request_duration_seconds"].samples
        if each.labels["route"] == "/api/birthdays"
    ]
    buckets = [each.value for each in samples if each.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert [each.labels["le"] for each in samples if "le" in each.labels][-1] == "+Inf"
    (count,) = (each.value for each in samples if each.name.endswith("_count"))
    assert buckets[-1] == count == 5
    (seconds,) = (each.value for each in samples if each.name.endswith("_sum"))
    assert seconds > 0


def test_no_client_can_make_new_names(app, people):
    client = app.test_client()
    before = len(requests(scrape(app)))
    for number in range(200):
        client.open(f"/nothing/{number}", method="GET", environ_base=HERE)
        client.open(f"/api/birthdays/{number}", method="GET", environ_base=HERE)
        client.open("/api/birthdays", method=f"BREW{number}", environ_base=HERE)
        client.open(f"/feed/secret-{number}.ics", environ_base=HERE)
    text = client.get("/metrics", environ_base=HERE).text
    assert "BREW" not in text
    assert "secret-" not in text
    after = requests(families(text))
    assert len(after) - before <= 5
    assert after[(counting.NO_ROUTE, "GET", "404")] >= 200
    assert after[(counting.NO_ROUTE, counting.OTHER, "405")] == 200


def test_an_odd_status_is_counted_as_other():
    counts = counting.Requests([("/a", "GET")])
    counts.count("/a", "GET", 418, 0)
    counts.count("/b", "GET", 200, 0)
    answered, _ = counts.read()
    assert {tuple(each) for each in answered} == {
        ("/a", "GET", counting.OTHER, 1),
        (counting.NO_ROUTE, counting.OTHER, "200", 1),
    }


@pytest.mark.parametrize(
    "elsewhere",
    [{"environ_base": {"REMOTE_ADDR": "127.0.0.1"}}, {"headers": {"X-Real-IP": "203.0.113.7"}}],
    ids=["tcp", "nginx"],
)
def test_from_elsewhere_there_is_no_such_page(app, elsewhere):
    answer = app.test_client().get("/metrics", **({"environ_base": HERE} | elsewhere))
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert PREFIX not in answer.text


def test_the_page_is_for_programs_and_not_in_the_journal(app, caplog):
    caplog.set_level("INFO")
    scrape(app)
    assert not [line for line in caplog.messages if "metrics" in line]


# --- over all workers --------------------------------------------------------------------

ASKED = ("/api/settings", "GET", "200")


def get(web, path, headers=()):
    """A request on a connection of its own: any worker may get it."""
    transport = httpx.HTTPTransport(uds=str(web.socket))
    with httpx.Client(transport=transport, base_url="http://localhost", timeout=60) as client:
        return client.get(path, headers=dict(headers))


def workers(web):
    return set(children(web.processes["web"].pid))


def count(web):
    return requests(families(get(web, "/metrics").text)).get(ASKED, 0)


def ask(web, times, headers):
    """Ask so often, in four threads; returns how many were answered."""
    answered = []

    def some():
        for _ in range(times // 4):
            answer = get(web, "/api/settings", headers)
            assert answer.status_code == 200
            answered.append(answer)

    threads = [threading.Thread(target=some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(answered)


def test_counts_are_exact_over_all_workers_and_outlive_each_of_them(service):
    web = service("web", WEB_WORKERS=3)
    headers = {"X-Init-Data": init_data("Alice", token=web.token)}
    asked = ask(web, 200, headers)
    assert asked == 200
    assert {count(web) for _ in range(20)} == {200}
    for _ in range(3):
        before = workers(web)
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        wait_for(lambda gone=before: len(workers(web) - gone) == 3)
        asked += ask(web, 40, headers)
        assert {count(web) for _ in range(20)} == {asked}
    assert "Traceback" not in web.log("web")


def test_a_process_for_which_no_part_is_left_counts_all_the_same(monkeypatch):
    monkeypatch.setattr(counting, "PARTS", 1)
    counts = counting.Requests([("/a", "GET")])
    counts.count("/a", "GET", 200, 0)
    child = os.fork()
    if not child:
        counts.count("/a", "GET", 200, 0)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    (answered,), _ = counts.read()
    assert answered.number == 2
