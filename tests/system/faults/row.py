"""Plays one fault under load and chat traffic, and says what people saw of it and what was lost."""

import collections
import json
import signal
import sys
import tempfile
import time
from contextlib import ExitStack

import httpx

from tests.system.faults.chat import Chat
from tests.system.faults.fault import take
from tests.system.faults.recipients import AS_THE_SERVICE, Recipients
from tests.system.installation import URL
from tests.system.load import Generator
from tests.world import TOKEN, wait_for

WELL_BEFORE, WELL_AFTER = 2, 2  # seconds of traffic
REMINDERS = 24
DOCTOR_PATIENCE, HEALING_PATIENCE = 25, 120
WHOLE = """
import sqlite3
db = sqlite3.connect("file:/var/lib/birthday-calendar/calendar.db?mode=ro", uri=True)
print(*(row for check in ("integrity_check", "foreign_key_check")
        for row in db.execute("PRAGMA " + check)))
"""


class Traffic:
    """Everybody at once, while the `with` block runs; `people.found` after it."""

    def __init__(self, at, fault):
        self.at, self.fault = at, fault
        self.chat = Chat(at)

    def __enter__(self):
        with ExitStack() as stack:
            token = stack.enter_context(tempfile.NamedTemporaryFile("w"))
            token.write(TOKEN)
            token.flush()
            command = (sys.executable, "-m", "tests.system.faults.people", URL, token.name)
            refusals = map(str, self.fault.refusals)
            self.people = Generator(self.at, [*command, *refusals], signal.SIGTERM)
            stack.enter_context(self.people)
            self.chat.start()
            stack.callback(self.chat.end)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def pause_writers(self):
        """People write nothing until `go_on`; what they began is done when this returns."""
        self.chat.paused.set()
        self.people.signal(signal.SIGUSR1)
        time.sleep(2)

    def go_on(self):
        self.chat.paused.clear()
        self.people.signal(signal.SIGUSR1)


def play(fault, at):
    """What happened, as the columns of the table and what a judge wants to know."""
    at.recipients = Recipients(at)
    began = time.time()
    whole_row = WELL_BEFORE + fault.seconds + WELL_AFTER
    dues = [int(began) + 5 + n * whole_row // REMINDERS for n in range(REMINDERS)]
    at.recipients.promise(dues)
    take(fault.before, at)
    with Traffic(at, fault) as at.traffic:
        time.sleep(WELL_BEFORE)
        told = _break_and_mend(fault, at)
        time.sleep(WELL_AFTER)
    at.traffic.chat.settle()
    at.recipients.settle()
    take(fault.afterwards, at)
    said = {"doctor": told["doctor"]}
    return said | _seen(at, told) | _lost(at) | {"log_lines": _log_lines(fault, at, began)}


def _break_and_mend(fault, at):
    """What the doctor said; when it ended (or, healing by itself, began), and all was well."""
    began, said = time.time(), ""
    try:
        take(fault.begin, at)
        if fault.cause != "":
            said = _doctors_word(fault, at)
        take(fault.while_it_lasts, at)
        time.sleep(max(0, fault.seconds - (time.time() - began)) if fault.mend else 0)
    finally:
        mended = time.time() if fault.mend else began
        take(fault.mend, at)
    is_well_again = _until_well(at)
    ended = time.time()
    time.sleep(0 if fault.mend else max(0, fault.seconds - (ended - began)))
    return {"doctor": said, "mended": mended, "well": ended if is_well_again else None}


def _doctors_word(fault, at):
    """The root cause that it names, the expected one if it comes to name that in time."""
    until = time.monotonic() + DOCTOR_PATIENCE
    while True:
        report = json.loads(at.run(fault.doctor, check=False, timeout=30).stdout)
        if report["root_cause"] == fault.cause or time.monotonic() > until:
            return report["root_cause"]
        time.sleep(1)


def is_well(at):
    """Whether everything works, in the service's own words."""
    try:
        answer = at.request("GET", "/health/ready", timeout=5)
        return answer.status_code == 200 and answer.json()["status"] == "ok"
    except (httpx.HTTPError, ValueError):
        return False


def _until_well(at):
    try:
        wait_for(lambda: is_well(at), HEALING_PATIENCE, step=0.25)
    except AssertionError:
        return False
    return True


def _seen(at, told):
    people, chat = at.traffic.people.found, at.traffic.chat
    # It is well when /health/ready says so and nobody at the API had trouble any more.
    last = max(told["well"] or 0, people["last_trouble"])
    return {
        "well_after": round(last - told["mended"], 1) if told["well"] else None,
        "requests": people["requests"],
        "refused": people["refused"],
        "failed": len(people["failed"]),
        "failures": people["failed"][:5],
        "missed_health": people["missed_health"],
        "slowest": people["slowest"],
        "gaps": people["gaps"],
        "messages": chat.messages,
        "slowest_answer": chat.slowest,
        "unanswered": chat.unanswered,
        "answered_twice": chat.answered_twice,
        "reminders": len(at.recipients.waiting),
        "reminders_missing": len(at.recipients.missing),
        "reminders_skipped": len(at.recipients.skipped),
        "reminders_doubled": len(at.recipients.doubled),
        "reminders_waited": at.recipients.waited,
    }


def _log_lines(fault, at, began):
    """How many lines our units wrote since then; for a failing row they are kept on the host."""
    # All that users ask for is told too, whatever happens, up to a number each second.
    shown = at.run(f"journalctl -q -u 'birthday-calendar*' --since=@{began:.0f}").stdout
    (at.machine.scratch / f"{fault.name.replace('/', '')}.log").write_text(shown)
    return sum("served:" not in line for line in shown.splitlines())


def _lost(at):
    """What somebody was told is written, and is not there, or there twice."""
    lost, doubled, written = [], [], at.traffic.people.found["acknowledged"]
    told = {int(who): names for who, names in written.items()} | at.traffic.chat.saved()
    for who, names in told.items():
        rows = collections.Counter(at.names(who))
        lost += [name for name in names if name not in rows]
        doubled += [name for name, count in rows.items() if count > 1]
    whole = at.run([*AS_THE_SERVICE, WHOLE]).stdout.strip()
    return {
        "writes": sum(map(len, told.values())),
        "writes_lost": len(lost),
        "which": (lost + doubled)[:5],
        "writes_doubled": len(doubled),
        "database": whole,
    }
