"""Log files of any size and origin, as blocks of whole lines.

Opens plain, gzip, bzip2 and xz files, UTF-16, pipes and journal exports. Memory is bounded: a
line longer than a block is cut. `loglines` takes a line apart.
"""

import bz2
import gzip
import io
import lzma
import os
import select
import stat
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK = 1 << 20
# A pipe in which nothing comes for so long is not waited for any more.
SILENCE_SECONDS = 30
# Whoever writes to a named pipe may come a little later than we.
WRITER_SECONDS = 3
# Other compressions, and files that are not text, by their first bytes.
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
REFUSED = {
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it first: zstd -d FILE",
    b"PK\x03\x04": "is a ZIP archive; unpack it first: unzip FILE",
    b"LPKSHHRH": "is a journal file; export it first: journalctl --file FILE > FILE.log",
}
TORN = (EOFError, OSError, zlib.error, lzma.LZMAError)


class Unreadable(Exception):
    """A file that cannot be judged; the text is one sentence that says why."""


# --- from files to blocks ----------------------------------------------------------------


def check(name: str) -> None:
    """Raises Unreadable for what is no log file: missing, a folder, a device, not permitted."""
    try:
        kind = Path(name).stat().st_mode
        if stat.S_ISDIR(kind):
            raise Unreadable(f"{name} is a folder; name the log files in it.")
        if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
            raise Unreadable(f"{name} is no file of log lines.")
        if stat.S_ISREG(kind):
            os.close(_open(name))  # A pipe would lose its writer.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unreadable(f"{name} cannot be read: {reason}.") from None


def blocks(name: str) -> Iterator[bytes]:
    """The file (`-`: standard input) in blocks that end with a line; raises Unreadable.

    What a torn archive still gives is given.
    """
    try:
        descriptor = os.dup(0) if name == "-" else _open(name)
        with os.fdopen(descriptor, "rb", buffering=0) as raw:
            yield from _whole_lines(_decoded(name, raw))
    except Unreadable:
        raise
    except TORN as error:
        raise Unreadable(f"{name} could be read only in part: {error}.") from None


def _open(name: str) -> int:
    # Without O_NONBLOCK a named pipe that nobody writes to would hold us for ever.
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    os.set_blocking(descriptor, True)
    return descriptor


def _decoded(name: str, raw: io.FileIO) -> Iterator[bytes]:
    """The file's bytes as UTF-8 lines, whatever it is packed or encoded in."""
    source = io.BufferedReader(_Patient(raw), BLOCK)
    head = source.peek(16)[:16]
    for magic, why in REFUSED.items():
        if head.startswith(magic):
            raise Unreadable(f"{name} {why}.")
    for magic, unpack in PACKED.items():
        if head.startswith(magic):
            source = unpack(source)
            head = source.peek(16)[:16]
    if head.startswith(b"__CURSOR=") or head.startswith(b"__REALTIME"):
        return _exported(source)
    pieces = iter(lambda: source.read1(BLOCK), b"")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = io.TextIOWrapper(source, "utf-16", errors="replace")
        pieces = (piece.encode() for piece in iter(lambda: text.read(BLOCK), ""))
    return pieces


class _Patient(io.RawIOBase):
    """A file; a pipe that nobody writes to, or that stays silent for too long, has ended."""

    def __init__(self, raw: io.FileIO) -> None:
        self.raw = raw
        is_pipe = stat.S_ISFIFO(os.fstat(raw.fileno()).st_mode)
        self.writer_until = time.monotonic() + (WRITER_SECONDS if is_pipe else 0)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """As io.RawIOBase says."""
        ready, _, _ = select.select([self.raw], [], [], SILENCE_SECONDS)
        size = self.raw.readinto(buffer) if ready else 0
        while size == 0 and time.monotonic() < self.writer_until:
            time.sleep(0.05)  # Nobody has opened it to write yet.
            size = self.raw.readinto(buffer)
        self.writer_until = 0.0
        return size


def _whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        block, newline, rest = (rest + piece).rpartition(b"\n")
        if len(rest) > BLOCK:
            rest = rest[:BLOCK] + b"\n"
            block, newline, rest = block + newline + rest, b"", b""
        if block:
            yield block + newline
    if rest:
        yield rest


def _exported(source: io.BufferedIOBase) -> Iterator[bytes]:
    """A journal export as lines of `journalctl -o short-unix` (systemd: JOURNAL_EXPORT_FORMATS)."""
    entry: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    while line := source.readline(BLOCK):
        name, equals, value = line.rstrip(b"\n").partition(b"=")
        if equals:
            entry[name] = value
        elif name:
            size = int.from_bytes(source.read(8), "little")
            entry[name] = source.read(min(size, BLOCK))
            _skip(source, size + 1 - len(entry[name]))
        else:
            lines.append(short(entry))
            entry = {}
        if len(lines) >= 1000:
            yield b"".join(lines)
            lines = []
    yield b"".join([*lines, short(entry)])


def _skip(source: io.BufferedIOBase, size: int) -> None:
    while size > 0 and (got := len(source.read(min(size, BLOCK)))):
        size -= got


def short(entry: dict[bytes, bytes]) -> bytes:
    """One journal entry as lines: every line of its message gets the same stamp."""
    micros = entry.get(b"__REALTIME_TIMESTAMP", b"0")
    who = entry.get(b"SYSLOG_IDENTIFIER") or entry.get(b"_COMM", b"unknown")
    level = b"DEBUG: " if entry.get(b"PRIORITY") == b"7" else b""
    stamp = b"%s.%s host %s[1]: %s" % (micros[:-6] or b"0", micros[-6:], who, level)
    return b"".join(stamp + line + b"\n" for line in entry.get(b"MESSAGE", b"").split(b"\n"))
