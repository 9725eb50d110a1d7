"""The simulator as a process, for scripts/run.sh: `python -m tests.telegram --port N …`.

One bot, a few sample people, a sample group, and the page under /simulator/. It prints nothing but
errors and ends at once on SIGTERM or SIGINT.
"""

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path

from .simulator import Simulator
from .updates import UpdateQueue, fresh_id

ANNA = {
    "id": 279058397,
    "first_name": "Anna",
    "last_name": "Ivanova",
    "username": "anna_i",
    "birthdate": {"day": 14, "month": 3, "year": 1994},
}
OTHERS = (
    {"id": 5410027711, "first_name": "Boris", "last_name": "Petrov", "username": "boris_p"},
    {"id": 6920043822, "first_name": "Chen", "last_name": "Wei", "language_code": "en"},
)
GROUP_ID = -4210044556
_MOST_IN_A_RUN = 10_000  # ids; the clock is ahead of them after ten minutes


def main(arguments=None):
    options = _options(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))  # also with polls held open
    # Populated before it listens: a bot that comes first must not be told 401.
    _start_above_the_last_run(options.token_file)
    simulator = Simulator(options.port, webapp_url=options.webapp_url, listening=False)
    _populate(simulator, _token(options), options.user_language)
    try:
        simulator.come_back()
    except OSError as error:
        sys.exit(f"telegram simulator: port {options.port}: {error.strerror}")
    while True:
        signal.pause()


def _options(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.telegram", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--token-file", type=Path, help="the bot's token; random without")
    parser.add_argument("--webapp-url", default="", help="address of the Mini App")
    parser.add_argument("--user-language", default="en", help="of the sample user: en, ru")
    return parser.parse_args(arguments)


def _token(options):
    if options.token_file is None:
        return None
    try:
        return options.token_file.read_text().strip()
    except OSError as error:
        sys.exit(f"telegram simulator: {options.token_file}: {error.strerror}")


def _start_above_the_last_run(token_file):
    """Keeps beside the token how far ids may have come, for restarts too quick for the clock."""
    if token_file is None:
        return  # another token each time: no bot knows of earlier ids
    kept = token_file.with_name(token_file.name + ".ids")
    with contextlib.suppress(OSError, ValueError):
        UpdateQueue.highest = int(kept.read_text())
    with contextlib.suppress(OSError):
        kept.write_text(str(fresh_id() + _MOST_IN_A_RUN))


def _populate(simulator, token, language):
    simulator.add_bot(token, "birthday_calendar_bot", "Birthday Calendar")
    anna = simulator.add_user(**ANNA, language_code=language)
    others = [simulator.add_user(**other) for other in OTHERS]
    simulator.add_group("Ivanov family", anna, *others, id=GROUP_ID)


if __name__ == "__main__":
    main()
