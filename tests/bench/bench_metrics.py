"""What counting costs a request, and a scrape: CPU of the app itself.

    python -m tests.bench.bench_metrics [requests]

The same app is asked in turns with and without counting, in this one process; trust the
difference. Before the scrape, every route was asked for with many outcomes.
"""

import sys
import tempfile
import time
from pathlib import Path

from calendar_app import api, models
from tests.bench.bench_api import cost
from tests.world import init_data, settings

ROUNDS = 7


def main(count):
    with tempfile.TemporaryDirectory() as folder:
        app = api.create_app(settings(Path(folder)))
        client, signed = app.test_client(), {"X-Init-Data": init_data("Alice")}
        counts = app.config["counts"]
        for path in ("/health", "/api/settings"):
            taken = {None: [], counts: []}
            for used in [None, counts] * ROUNDS:
                app.config["counts"] = used
                taken[used].append(cost(client, path, signed, count))
            without, with_it = (min(each) for each in taken.values())
            print(f"{path:15} {without:6.1f} µs, counted {with_it:6.1f} µs", end="")
            print(f" ({with_it - without:+.1f} µs)")
        begun = time.process_time()
        for _ in range(100 * count):
            counts.count("/api/settings", "GET", 200, 0.01)
        print(f"counting alone  {(time.process_time() - begun) / count * 1e4:6.2f} µs")
        for rule in list(app.url_map.iter_rules()):
            for method in rule.methods:
                for status in (200, 400, 404, 503):
                    counts.count(rule.rule, method, status, 0.01)
        print(f"a full scrape   {cost(client, '/metrics', {}, 20):6.0f} µs")
        models.disconnect()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
