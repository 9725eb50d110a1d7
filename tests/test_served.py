"""What the journal says of requests and messages: a line each, no secrets, and never a flood."""

import re

from calendar_app import served
from tests.world import init_data, wait_for


def test_each_request_is_a_line_without_ids_names_and_secrets(service):
    web = service("web")
    headers = {"X-Init-Data": init_data("Alice", token=web.token)}
    ada = {"full_name": "Ada Lovelace", "birth_date": "1815-12-10"}
    made = web.request("POST", "/api/birthdays", json=ada, headers=headers).json()
    web.get(f"/api/birthdays/{made['id']}?secret=1", headers=headers)
    web.get("/feed/a-very-secret-name.ics")
    web.get("/health")
    web.get("/a-very-secret-path")
    wait_for(lambda: "(no such route) 404" in web.log("web"))
    lines = re.findall(r"INFO calendar_app.served: (.*) \d+ ms", web.log("web"))
    assert lines[0] == "POST /api/birthdays 201"
    assert re.fullmatch(r"GET /api/birthdays/<[a-z_:]*> 200", lines[1])
    assert lines[2] == "GET /feed/<secret>.ics 404"
    assert len(lines) == 4
    assert "very-secret" not in web.log("web")
    assert "Ada" not in web.log("web")


def test_the_bot_names_the_command_and_no_word_that_a_person_wrote(service, telegram):
    anna, running = telegram.add_user("Anna"), service("bot")
    anna.send("/start")
    anna.wait_for_message()
    anna.send("/Ada 10.12.1815")
    wait_for(lambda: running.log("bot").count("replies, ") == 2)
    assert "calendar_app.served: /start: " in running.log("bot")
    assert "calendar_app.served: message: " in running.log("bot")
    assert "Ada" not in running.log("bot")


def test_a_storm_leaves_few_lines_and_says_how_many_are_missing(caplog):
    caplog.set_level("INFO")
    journal = served.Served()
    for second in range(600):
        for _ in range(1000):
            journal.note("GET /nothing 404 0 ms", 1000.0 + second)
    lines = [record.getMessage() for record in caplog.records]
    shown = [line for line in lines if line.startswith("GET")]
    assert len(shown) <= served.BURST + 600 * served.LINES_A_SECOND
    counted = sum(int(line.split()[2]) for line in lines if "more" in line)
    journal.note("the last", 5000.0)
    counted += int(caplog.records[-2].getMessage().split()[2])
    assert len(shown) + counted == 600_000
