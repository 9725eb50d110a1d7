"""A long import by real processes: killed in the middle, and it goes on where it was."""

import os
import signal

from tests.service import children
from tests.world import init_data, wait_for

ROWS = 6000


def test_a_killed_import_goes_on_and_writes_each_row_once(service):
    web = service("web")
    signed = {"X-Init-Data": init_data("Alice", token=web.token)}

    def state():
        return web.get("/api/import/1", headers=signed).json()

    text = "name,birthday\n" + "".join(f"P{n},2000-01-01\n" for n in range(ROWS))
    answer = web.request("POST", "/api/import", json={"text": text}, headers=signed, timeout=60)
    assert answer.json()["state"] == "waiting", answer.text
    wait_for(lambda: state()["done"] > 0, 60)
    master = web.processes["web"].pid
    for pid in [master, *children(master)]:
        os.kill(pid, signal.SIGKILL)
    web.processes["web"].wait()
    web.socket.unlink(missing_ok=True)
    web.start("web")
    wait_for(lambda: state()["state"] == "done", 90, 0.5)
    assert state()["counts"] == {"same": 0, "new": ROWS}
    exported = web.get("/api/export?format=json", headers=signed, timeout=60).json()["birthdays"]
    assert len(exported) == len({row["full_name"] for row in exported}) == ROWS
    assert "Traceback" not in web.log("web")
