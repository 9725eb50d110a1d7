"""What a request costs: CPU of the app itself, against a bare Flask route in the same run.

    python -m tests.bench.bench_api [requests]

Both are asked in turns in this one process, without network, so that a slow machine slows both;
trust the ratio. The table has 100 calendars of 1,000 birthdays.
"""

import sys
import tempfile
import time
from pathlib import Path

from flask import Flask

from calendar_app import api, calendars, models, search
from calendar_app.calendars import Account
from tests.world import PEOPLE, init_data, settings

CALENDARS, EACH, ROUNDS = 100, 1000, 5


def fill(config):
    """The calendars of 100 people; Alice's is among them."""
    for number in range(CALENDARS):
        telegram_id = PEOPLE["Alice"] if number == 50 else 10_000 + number
        calendars.register(Account(telegram_id, "Somebody"), config, 0)
    with models.writing():
        for calendar in models.Calendar.select():
            rows = [birthday(calendar.id, number) for number in range(EACH)]
            models.Birthday.insert_many(rows).execute()


def birthday(calendar_id, number):
    person = {"full_name": f"Person {number}", "company": "Engines", "position": "Analyst"}
    return {
        **person,
        "search_text": search.search_text(person),
        "calendar": calendar_id,
        "year": 1950 + number % 60,
        "month": 1 + number % 12,
        "day": 1 + number % 28,
        "created_at": 0,
        "updated_at": 0,
    }


def cost(client, path, headers, count):
    """Microseconds of CPU for one request."""
    begun = time.process_time()
    for _ in range(count):
        answer = client.get(path, headers=headers, environ_base={"REMOTE_ADDR": ""})
        assert answer.status_code == 200, answer.text
    return (time.process_time() - begun) / count * 1e6


def main(count):
    bare = Flask("bare")
    bare.add_url_rule("/", view_func=lambda: {"hello": "world"})
    with tempfile.TemporaryDirectory() as folder:
        config = settings(Path(folder))
        app = api.create_app(config)
        fill(config)
        signed = {"X-Init-Data": init_data("Alice")}
        body = {"init_data": signed["X-Init-Data"]}
        session = app.test_client().post("/api/auth/verify", json=body).json["session"]
        bearer = {"Authorization": f"Bearer {session}"}
        cases = {
            "bare Flask": (bare, "/", {}),
            "health": (app, "/health", {}),
            "a day": (app, "/api/calendar/2026-05-06", bearer),
            "a month, 84 rows": (app, "/api/calendar/month/2026/5", bearer),
            "a month, by initData": (app, "/api/calendar/month/2026/5", signed),
            "the list's first 50": (app, "/api/birthdays?limit=50", bearer),
            "a search": (app, "/api/panel/search?q=person+99", bearer),
        }
        best = dict.fromkeys(cases, 1000000000000.0)
        for _ in range(ROUNDS):
            for name, (wsgi, path, headers) in cases.items():
                best[name] = min(best[name], cost(wsgi.test_client(), path, headers, count))
        for name, microseconds in best.items():
            print(f"{name:24} {microseconds:8.0f} µs {microseconds / best['bare Flask']:6.1f} ×")
        models.disconnect()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
