"""The causes that log files tell of: how often, since when, until when, and whether it is over.

Streams files of gigabytes: a block in which no word of `symptoms` stands is passed over whole,
and of each cause only the first and the last line is kept.
"""

import datetime as dt
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from ..logs import mask
from . import logfiles, loglines, symptoms
from .causes import CAUSES, Check
from .logfiles import Unreadable
from .loglines import Line

READ_SECONDS = 120
# Clocks of unknown zones are apart by so much at most (UTC-12 to UTC+14).
ZONES_APART = 14 * 3600
# What comes back more often, and came back within the last hour of a log, is not over.
EPISODES, LATELY = 3, 3600
# The end of each file, where answered requests are counted.
TAIL = 1 << 18
ANSWERED = re.compile(
    rb'"(?P<method>[A-Z]+) /(?:api|health|feed|calendar|telegram)\S* HTTP/[\d.]+" [234]\d\d\b'
)
# These are over when the API answers again; those when it can write again.
OVER_WHEN_ANSWERED = {
    "web-not-running", "web-start-failed", "upstream-timeout", "socket-missing",
    "socket-permission", "nginx-down", "database-locked", "database-unreachable",
}  # fmt: skip
OVER_WHEN_WRITTEN = {"disk-full", "inodes-full"}
WRITES = {b"POST", b"PUT", b"PATCH", b"DELETE"}
KNOWN_LINES = 5000

# The cause that a line speaks of, and those that are over with it.
Verdict = tuple[str | None, tuple[str, ...]]


@dataclass
class _Spot:
    """A line and where in its file it stands."""

    offset: int
    raw: bytes

    @property
    def line(self) -> Line:
        """Its parts."""
        return loglines.parse(self.raw)


@dataclass
class _Trail:
    """The symptoms of one cause in one file."""

    first: _Spot
    last: _Spot
    count: int = 1
    episodes: int = 1


@dataclass
class _File:
    """What one file told."""

    trails: dict[str, _Trail] = field(default_factory=dict)
    ends: dict[str, _Spot] = field(default_factory=dict)
    tail: bytes = b""
    size: int = 0
    counts_inodes: bool = False
    hung: set[str] = field(default_factory=set)
    verdicts: dict[bytes, Verdict] = field(default_factory=dict)


# --- reading -----------------------------------------------------------------------------


def read(names: list[str], complain: Callable[[str], None]) -> list[Check]:
    """The causes found in these files (`-`: standard input), as checks; those over are ok.

    Raises Unreadable when a file cannot be read at all; `complain` is told of one that could be
    read only in part.
    """
    for name in names:
        if name != "-":
            logfiles.check(name)
    deadline = time.monotonic() + READ_SECONDS
    files = [_read(name, deadline, complain) for name in names]
    found = [cause for cause in CAUSES if any(cause in file.trails for file in files)]
    return [_check(cause, files) for cause in found]


def _read(name: str, deadline: float, complain: Callable[[str], None]) -> _File:
    file = _File()
    try:
        for block in logfiles.blocks(name):
            _look(file, block)
            if time.monotonic() > deadline:
                complain(f"{name} is too long: only its first {file.size >> 20} MiB were read.")
                break
    except Unreadable as error:
        if not file.size:
            raise
        complain(str(error))
    file.verdicts.clear()
    return file


def _look(file: _File, block: bytes) -> None:
    present = tuple(needle for needle in NEEDLES if needle in block)
    for begin, end in _lines_with(present, block) if present else ():
        _take(file, _Spot(file.size + begin, block[begin:end]), _reader(present))
    file.tail = (file.tail + block[-TAIL:])[-TAIL:]
    file.size += len(block)


DF_HEADER = b"Use%"
# A message that is no clean text stands in the journal's JSON as numbers.
NUMBERS = b'"MESSAGE":['
NEEDLES = (*symptoms.needles(), DF_HEADER, NUMBERS)


@cache
def _pattern(present: tuple[bytes, ...]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, present)))


def _lines_with(present: tuple[bytes, ...], block: bytes) -> Iterator[tuple[int, int]]:
    """Where the lines that have one of the words begin and end."""
    pattern, end = _pattern(present), 0
    while match := pattern.search(block, end):
        begin = block.rfind(b"\n", 0, match.start()) + 1
        end = block.find(b"\n", match.end()) + 1 or len(block)
        yield begin, end


@cache
def _reader(present: tuple[bytes, ...]) -> symptoms.Reader:
    return symptoms.Reader(present)


def _take(file: _File, spot: _Spot, reader: symptoms.Reader) -> None:
    if DF_HEADER in spot.raw:
        file.counts_inodes = b"IUse%" in spot.raw
        return
    if NUMBERS in spot.raw:
        reader = _reader(NEEDLES)
    cause, ends = _verdict(file, spot, reader)
    for name in ends:
        file.ends[name] = spot
    if cause is None:
        return
    if cause not in file.trails:
        file.trails[cause] = _Trail(spot, spot)
        return
    trail = file.trails[cause]
    end = file.ends.get(cause)
    trail.episodes += end is not None and end.offset > trail.last.offset
    trail.count += 1
    trail.last = spot


def _verdict(file: _File, spot: _Spot, reader: symptoms.Reader) -> Verdict:
    """What the line means; storms repeat one line but for its numbers, so that is remembered."""
    head, client, _ = spot.raw[:1000].partition(b", client: ")
    key = head[:100].translate(None, b"0123456789") + head[100:]
    if client or not any(word in spot.raw for word in NUMBERS_MATTER):
        known = file.verdicts.get(key)
        if known:
            return known
    line = loglines.parse(spot.raw)
    verdict = _in_context(file, spot.raw, reader.cause(line)), reader.ended(line)
    if len(file.verdicts) >= KNOWN_LINES:
        file.verdicts.clear()
    file.verdicts[key] = verdict
    return verdict


NUMBERS_MATTER = (b"exit", b'" 50', b"pid:", b"100%", b"status=", b"rror code", b"inodes", b"MiB")


def _in_context(file: _File, raw: bytes, cause: str | None) -> str | None:
    """What lines before this one say about it."""
    if cause == "disk-full" and b"100% /" in raw and file.counts_inodes:
        return "inodes-full"  # It is df -i that says so.
    worker = symptoms.WORKER.search(raw.decode("utf-8", "replace")) if b"pid:" in raw else None
    if worker and worker[1] and len(file.hung) < KNOWN_LINES:
        file.hung.add(worker[1])
    if worker and worker[2] in file.hung:
        return "upstream-timeout"  # gunicorn itself killed it, because it hung.
    return cause


# --- judging -----------------------------------------------------------------------------


def _check(cause: str, files: list[_File]) -> Check:
    trails = [(file, file.trails[cause]) for file in files if cause in file.trails]
    firsts = sorted((trail.first.line for _, trail in trails), key=_by_time)
    lasts = sorted((trail.last.line for _, trail in trails), key=_by_time)
    count = sum(trail.count for _, trail in trails)
    times = "once" if count == 1 else f"{count} times"
    seen = f"{times}{_period(firsts[0], lasts[-1])}"
    since = firsts[0].at if firsts[0].at is not None else float("inf")
    example = "example: " + mask(_printable(trails[0][1].first.raw))
    if all(_is_over(cause, file, files) for file, _ in trails):
        return Check(cause, "ok", f"It was there, {seen}; it is over", example, "", since)
    known = CAUSES[cause]
    return Check(cause, "error", f"{known.says} ({seen})", example, known.fix, since)


def _by_time(line: Line) -> float:
    return line.at if line.at is not None else float("inf")


def _period(first: Line, last: Line) -> str:
    if first.at is None:
        return ""
    begin, end = _clock(first), _clock(last)
    return f", at {begin}" if end in (begin, "") else f", from {begin} to {end}"


def _clock(line: Line) -> str:
    if line.at is None:
        return ""
    moment = dt.datetime.fromtimestamp(line.at, dt.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S") + (" UTC" if line.zoned else "")


def _printable(raw: bytes) -> str:
    text = loglines.ANSI.sub("", raw.decode("utf-8", "replace")).strip()[:400]
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _is_over(cause: str, file: _File, files: list[_File]) -> bool:
    """Whether a line after the last symptom in `file` says that it is over."""
    trail = file.trails[cause]
    last = trail.last.line
    if trail.episodes > EPISODES and _is_lately(last, file):
        return False
    for other in files:
        end = other.ends.get(cause)
        if end and _is_after(end, other is file, trail.last):
            return True
    return sum(_answers(cause, trail.last, other, other is file) for other in files) >= max(
        3, min(trail.count, 20)
    )


def _is_lately(last: Line, file: _File) -> bool:
    ending = loglines.parse(file.tail.rstrip(b"\n").rpartition(b"\n")[2])
    if last.at is None or ending.at is None or last.zoned != ending.zoned:
        return True
    return ending.at - last.at < LATELY


def _is_after(spot: _Spot, same_file: bool, last: _Spot) -> bool:
    """Whether a line stands after another one, by their times where they have comparable ones."""
    ours, theirs = spot.line, last.line
    if ours.at is None or theirs.at is None or ours.at == theirs.at:
        return same_file and spot.offset > last.offset
    apart = 0 if ours.zoned == theirs.zoned else ZONES_APART
    if same_file and apart:
        return spot.offset > last.offset
    return ours.at - theirs.at > apart


def _answers(cause: str, last: _Spot, file: _File, same_file: bool) -> int:
    """How many requests were answered after the last symptom, as far as the file's end tells."""
    if cause not in OVER_WHEN_ANSWERED | OVER_WHEN_WRITTEN:
        return 0
    begin, count = file.size - len(file.tail), 0
    for match in ANSWERED.finditer(file.tail):
        if cause in OVER_WHEN_WRITTEN and match["method"] not in WRITES:
            continue
        start = file.tail.rfind(b"\n", 0, match.start()) + 1
        spot = _Spot(begin + start, file.tail[start : match.end()])
        count += _is_after(spot, same_file, last)
    return count
