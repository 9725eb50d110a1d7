"""Reads a message as its reader does: what it tells, of whom, of which day."""

import html
import re

from .facts import Letter, Line

MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]  # fmt: skip
DAY = rf"(\d+) ({'|'.join(MONTHS)})"
HEADLINES = {
    ("birthday", "today"): rf"🎂 <b>Birthdays today, {DAY}</b>",
    ("birthday", "belated"): rf"🎂 <b>Belated: birthdays on {DAY}</b>",
    ("birthday", "ahead"): rf"⏰ <b>Birthdays in (?:1 day|(?!1 )\d+ days), {DAY}</b>",
    ("holiday", "today"): rf"🎊 <b>Today, {DAY}</b>",
    ("holiday", "on"): rf"🎊 <b>Holidays on {DAY}</b>",
    ("responsible", "today"): rf"📌 <b>Responsible today, {DAY}</b>",
    ("responsible", "on"): rf"📌 <b>Responsible on {DAY}</b>",
    ("digest", "from"): rf"🗓 <b>Birthdays from {DAY} to {DAY}</b>",
}
HEADING = re.compile(rf"<b>(\w{{3}}), {DAY}</b>")
LINE = re.compile(
    r'• (?:<a href="tg://user\?id=(?P<linked>\d+)">)?(?P<name>[^<]+?)(?:</a>)?'
    r"(?: — (?:1 year|(?P<age>\d+) years) old(?P<round> 🎉 round)?)?"
)


def read(text: str) -> Letter:
    """The message as a Letter; ValueError for one that cannot be understood."""
    headline, *lines = text.split("\n")
    for (kind, said), pattern in HEADLINES.items():
        if found := re.fullmatch(pattern, headline):
            days = [_day(*found.groups()[at : at + 2]) for at in range(0, len(found.groups()), 2)]
            if kind == "digest":
                return Letter(kind, days[1], days[0], _digest(lines))
            ahead = re.search(r"in (\d+) day", headline)
            return Letter(kind, int(ahead[1]) if ahead else said, days[0], _lines(lines))
    raise ValueError(f"an unknown headline: {headline}")


def _day(day: str, month: str) -> tuple[int, int]:
    return MONTHS.index(month) + 1, int(day)


def _lines(lines: list[str]) -> frozenset[Line]:
    found = frozenset(_line(line) for line in lines)
    if len(found) != len(lines) or not found:
        raise ValueError(f"nobody, or somebody twice: {lines}")
    return found


def _line(text: str) -> Line:
    found = LINE.fullmatch(text)
    if not found:
        raise ValueError(f"an unknown line: {text}")
    age = found["age"] and int(found["age"])
    if " — 1 year old" in text:
        age = 1
    linked = found["linked"] and int(found["linked"])
    return Line(html.unescape(found["name"]), age, bool(found["round"]), linked)


def _digest(lines: list[str]) -> tuple:
    """For each day its weekday, itself and its lines."""
    days: list[tuple[str, tuple[int, int], list[str]]] = []
    for line in lines:
        if found := HEADING.fullmatch(line):
            days.append((found[1], _day(found[2], found[3]), []))
        else:
            days[-1][2].append(line)
    return tuple((weekday, day, _lines(found)) for weekday, day, found in days)
