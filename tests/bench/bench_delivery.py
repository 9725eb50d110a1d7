"""How fast due reminders go out while each answer of Telegram takes 300 ms.

`python -m tests.bench.bench_delivery [RECIPIENTS [EVERY]]`: against the simulator with Telegram's
limits; prints messages a second from the first to the last, and how many were refused with 429.
The limit is 30 a second. EVERY: every so manyth recipient's message is refused once besides.
"""

import gc
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.service import Service
from tests.telegram.simulator import Simulator
from tests.test_delivery import promise_all


def main(recipients=1000, every=0):
    with Simulator(pace=0.05) as telegram, tempfile.TemporaryDirectory() as folder:
        crowd = [telegram.add_user(f"User {number}") for number in range(recipients)]
        running = Service(Path(folder) / "service", telegram, ("web",), {})
        promise_all(running, crowd)
        telegram.limit_sending()
        telegram.fail("sendMessage", delay_ms=300, times=None)
        unlucky = {person.id for person in crowd[::every]} if every else set()
        for chat in unlucky:
            telegram.fail("sendMessage", chat=chat, retry_after=2)
        # Telegram lives in this process: it must not pause while it counts.
        gc.disable()
        running.start("bot")
        time.sleep(recipients / 30)
        sent = []
        while len(sent) < recipients:
            time.sleep(5)
            calls = telegram.calls("sendMessage")
            sent = [call.time for call in calls if call.status == 200]
        running.stop()
        seconds = max(sent) - min(sent)
        refused = [call for call in calls if call.status == 429]
        mine = [call for call in refused if int(call.chat) in unlucky]
        when = [round(call.time - min(sent), 1) for call in refused if call not in mine]
        once = Counter(Counter(call.chat for call in calls if call.status == 200).values())
        print(f"{recipients} reminders: {(recipients - 1) / seconds:.1f} a second")
        print(f"refused with 429 by the limits, seconds after the first: {when}")
        print(f"refused on purpose: {len(mine)}; messages a recipient: {dict(once)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
