"""Years of reminders, with kills, refusals, moves and edits, against an oracle of its own.

FULL=1: ten thousand people through five years. YEARS_SEED sets another seed. See tests/years.
"""

import ast
import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from calendar_app import models
from tests.world import ROOT
from tests.years import sizes, walls
from tests.years.facts import Attempt, Killed
from tests.years.fate import WEIGHTS
from tests.years.judge import Judge
from tests.years.play import Play
from tests.years.report import Report, report
from tests.years.walls import HOUR

SEED = int(os.environ.get("YEARS_SEED", "1"))
PARTS = (0, 1)
IN_FLIGHT = 12
# So much of what is wrong is told, each with its time and place.
TELL = 20
HAPPENED = (
    "kills", "blind kills", "outages", "doubles",
    "answer: 403", "answer: 429", "answer: unreachable", "answer: moved",
    "in the end sent", "in the end missed", "in the end failed",
    "told: day", "told: lead", "told: weekly", "told: monthly", "told: holiday",
    "told: responsible", "told: again", "told: belated", "told: 29 February",
    "told: at a time that the clock skips", "told: at a time that comes twice",
)  # fmt: skip
# In a small world it may not come to that.
SELDOM = ("died", "in the end withdrawn", "given up")
# The side that judges knows nothing of the product, nor of what drives it.
JUDGING = {
    "facts", "walls", "feasts", "letters", "uptime", "demands", "oracle", "changes", "words",
    "findings", "course", "judge",
}  # fmt: skip
LIBRARIES = {"dateutil", "icalendar"}


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory(dir=sizes.folder()) as place:
        yield Path(place)


def test_nothing_is_lost_or_comes_at_a_wrong_time_whatever_happens(folder, capfd):
    with capfd.disabled():
        print(f"\nyears, seed {SEED}")
        done = whole() if "FULL" in os.environ else small(folder)
        print(f"years, seed {SEED}: {done.line()}", *done.findings[:TELL], sep="\n")
    assert done.findings == []
    assert max(done.doubles) <= IN_FLIGHT
    assert done.numbers["zones unseen"] == 0
    wanted = [*HAPPENED, *(f"act: {act.__name__}" for act in WEIGHTS)]
    wanted += SELDOM if "FULL" in os.environ else ()
    assert [what for what in wanted if not done.numbers[what]] == []


def small(folder):
    return report(Play(folder / "small", sizes.SIZES["small"], SEED), lambda _: None)


def whole():
    """Two worlds side by side, each with its sender; their logs stay where something is wrong."""
    command = [sys.executable, "-m", "tests.years", "--size", "whole", "--seed", str(SEED)]
    kept = Path(tempfile.mkdtemp(prefix="years-"))
    print(f"reports and logs: {kept}")
    paths = {part: kept / f"{part}.json" for part in PARTS}
    started = [
        subprocess.Popen([*command, "--part", str(part), str(path)], cwd=ROOT)
        for part, path in paths.items()
    ]
    for process in started:
        process.wait()
    one, other = (Report.read(path) for path in paths.values())
    done = one.beside(other)
    if not done.findings:
        shutil.rmtree(kept)
    return done


# --- is the judge awake? -----------------------------------------------------------------


@pytest.fixture(scope="module")
def walk(folder):
    """Six weeks of three people and a group in which nothing goes wrong: the log, and its end."""
    play = Play(folder / "walk", sizes.SIZES["walk"], SEED)
    play.run(lambda _: None)
    models.disconnect()
    return play.world.log, play.end


def judged(log, end):
    """The kinds of what is wrong with a log."""
    return sorted({finding.what for finding in Judge(log).judge(end)})


def some(log):
    """Where in the log a message came that is neither its first nor its last, and it."""
    came = [at for at, entry in enumerate(log) if isinstance(entry, Attempt)]
    at = next(at for at in came[len(came) // 2 :] if log[at].letter.kind == "birthday")
    return at, log[at]


def moved(log, at, seconds):
    """The log with one message that came so much later."""
    late = replace(log[at], at=log[at].at + seconds)
    rest = log[:at] + log[at + 1 :]
    return sorted([*rest, late], key=lambda entry: entry.at)


def test_the_judge_finds_nothing_where_nothing_is_wrong(walk):
    log, end = walk
    assert judged(log, end) == []
    assert len([entry for entry in log if isinstance(entry, Attempt)]) > 20


def test_the_judge_misses_a_message_that_did_not_come(walk):
    log, end = walk
    at, _ = some(log)
    assert judged(log[:at] + log[at + 1 :], end) == ["lost"]


@pytest.mark.parametrize("seconds", [60, HOUR, 24 * HOUR])
def test_the_judge_sees_a_message_that_comes_too_late(walk, seconds):
    log, end = walk
    at, _ = some(log)
    assert "wrong time" in judged(moved(log, at, seconds), end)


@pytest.mark.parametrize("seconds", [-60, -24 * HOUR])
def test_the_judge_sees_a_message_that_comes_before_its_time(walk, seconds):
    log, end = walk
    at, _ = some(log)
    assert judged(moved(log, at, seconds), end) == ["lost", "not demanded"]


def test_the_judge_sees_a_message_that_comes_twice(walk):
    log, end = walk
    at, message = some(log)
    again = replace(message, at=message.at + 120, message=-1)
    assert judged(moved([*log, again], len(log), 0), end) == ["double"]
    # After a kill that its sender did not survive it may; after one that it noted before, not.
    unnoted = replace(message, kill=0, noted=False)
    torn = [*log[:at], unnoted, Killed(message.at, 0, False), *log[at + 1 :], again]
    assert judged(sorted(torn, key=lambda entry: entry.at), end) == []
    torn[at] = message
    assert judged(sorted(torn, key=lambda entry: entry.at), end) == ["double"]


def test_the_judge_sees_a_message_to_somebody_else(walk):
    log, end = walk
    at, message = some(log)
    chats = {entry.chat for entry in log if isinstance(entry, Attempt)}
    other = replace(message, chat=min(chats - {message.chat}))
    assert judged([*log[:at], other, *log[at + 1 :]], end) == ["lost", "not demanded"]


def test_the_judge_reads_what_a_message_says(walk):
    log, end = walk
    at, message = some(log)
    line = min(message.letter.lines, key=lambda line: line.name)
    older = message.letter.lines - {line} | {replace(line, age=(line.age or 0) + 1)}
    for letter in (
        replace(message.letter, lines=older),
        replace(message.letter, said="belated" if message.letter.said == "today" else "today"),
    ):
        wrong = replace(message, letter=letter)
        assert judged([*log[:at], wrong, *log[at + 1 :]], end) == ["wrong words"]
    unreadable = replace(message, letter=None)
    assert judged([*log[:at], unreadable, *log[at + 1 :]], end) == ["lost", "unreadable"]


@pytest.mark.parametrize(
    ("day", "time", "zone", "utc"),
    [
        ("2028-03-26", "02:30", "Europe/Berlin", "2028-03-26 01:00"),
        ("2028-10-29", "02:30", "Europe/Berlin", "2028-10-29 00:30"),
        ("2028-03-12", "02:00", "America/New_York", "2028-03-12 07:00"),
        ("2028-04-02", "01:45", "Australia/Lord_Howe", "2028-04-01 14:45"),
        ("2028-10-01", "02:10", "Australia/Lord_Howe", "2028-09-30 15:30"),
        ("2028-06-01", "09:00", "Asia/Kathmandu", "2028-06-01 03:15"),
    ],
)
def test_the_oracles_clock_is_right_by_hand(day, time, zone, utc):
    minute = int(time[:2]) * 60 + int(time[3:])
    found = walls.instant(dt.date.fromisoformat(day), minute, zone)
    assert found == int(dt.datetime.fromisoformat(f"{utc}+00:00").timestamp())


@pytest.mark.parametrize("module", sorted(JUDGING))
def test_the_judging_side_knows_nothing_of_the_product(module):
    tree = ast.parse((ROOT / "tests" / "years" / f"{module}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = {alias.name.split(".")[0] for alias in node.names}
            assert found <= set(sys.stdlib_module_names) | LIBRARIES
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module.split(".")[0] in set(sys.stdlib_module_names) | LIBRARIES
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            assert node.level == 1
            assert (names if node.module is None else {node.module}) <= JUDGING
