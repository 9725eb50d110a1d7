"""Bytes of a file as text: UTF-8, UTF-16 with or without its mark, Windows-1251, Windows-1252."""

import codecs
import re
import unicodedata
from contextlib import suppress

from ..texts import N_
from .entries import Refused

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE = 4096
REPLACED = "\ufffd"
SPACES = "\t\r\n\f\v\x1a\x85"
# What begins so is not a list of people, whatever it is called.
OTHERS = (
    (b"PK\x03\x04", N_("This is a packed or Excel file: unpack it, or save it as CSV.")),
    (b"\x1f\x8b", N_("This is a packed file: unpack it first.")),
    (b"%PDF", N_("This is a PDF: save the list as CSV or text.")),
    (b"\xd0\xcf\x11\xe0", N_("This is an old Excel file: save it as CSV.")),
    (b"{\\rtf", N_("This is a document of a word processor: save it as plain text.")),
    (b"SQLite format 3\0", N_("This is a database: export it as CSV first.")),
)
TAG = re.compile(r"\s*<(?:[!?]|/?[a-z][a-z0-9:-]*(?:[\s/>]|$))", re.IGNORECASE)
HTML = N_("This is a web page, not a list: look for a download or an export there.")
BINARY = N_("This is not text: save the list as CSV, vCard, iCalendar or JSON.")
EMPTY = N_("The file is empty.")


def text(data: bytes) -> str:
    """The text of a file; raises Refused, with what to do, for what cannot be a list."""
    for begin, said in OTHERS:
        if data.startswith(begin):
            raise Refused(said)
    found = _decoded(data).lstrip("\ufeff").rstrip("\x1a")
    if "\0" in found or _is_binary(found):
        raise Refused(BINARY)
    if not found.strip():
        raise Refused(EMPTY)
    # A piece of a page too, which begins with any tag or a comment.
    if TAG.match(found):
        raise Refused(HTML)
    return found


def _is_binary(text: str) -> bool:
    """Whether there is more in it that nobody types than a slip here and there."""
    sample = text[:SAMPLE]
    controls = [char for char in sample if unicodedata.category(char) == "Cc"]
    return sum(char not in SPACES for char in controls) * 50 > len(sample)


def _decoded(data: bytes) -> str:
    for mark, name in MARKS:
        if data.startswith(mark):
            return data.decode(name, errors="replace")
    wide = _wide(data)
    if wide:
        return data.decode(wide, errors="replace")
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8")
    read = data.decode("utf-8", errors="replace")
    bad = read.count(REPLACED)
    # One slip does not make a file something else.
    if bad * 10 <= sum(not char.isascii() for char in read) - bad:
        return read
    return data.decode(_narrow(data), errors="replace")


def _wide(data: bytes) -> str:
    """The byte order of UTF-16 without a mark: its line breaks and commas have a zero byte."""
    sample = data[:SAMPLE]
    for name, at in (("utf-16-le", 1), ("utf-16-be", 0)):
        if len(sample) >= 4 and sample[at::2].count(0) > len(sample) // 20 > 0:
            return name
    return ""


def _narrow(data: bytes) -> str:
    """Windows-1251 where letters beyond ASCII stand in words, 1252 where they stand alone."""
    runs = re.findall(rb"[\x80-\xff]+", data)
    return "cp1251" if sum(map(len, runs)) >= 2 * len(runs) else "cp1252"
