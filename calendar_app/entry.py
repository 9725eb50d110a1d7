"""A name and a date as people type them: `Ada Lovelace 10.12.1815`, `6 июня Пушкин`, `Ada, Dec 10`.

Pure; the bot asks, and imports of pasted lists will. A date that can be read in two ways is
given back as both, so that the person can be asked.
"""

import re
from dataclasses import dataclass

from . import dates
from .dates import BirthDate

MONTHS = {
    stem: number
    for number, stems in enumerate(
        (
            ("jan", "янв"),
            ("feb", "фев"),
            ("mar", "мар"),
            ("apr", "апр"),
            ("may", "май", "мая", "мае"),
            ("jun", "июн"),
            ("jul", "июл"),
            ("aug", "авг"),
            ("sep", "сен"),
            ("oct", "окт"),
            ("nov", "ноя"),
            ("dec", "дек"),
        ),
        start=1,
    )
    for stem in stems
}
# Whole words only, so that the names Marina, Мария, Августина and Jan-Erik stay names.
MONTH_WORD = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
    r"|янв(?:ар[ьяе])?|фев(?:рал[ьяе])?|мар(?:та?|те)?|апр(?:ел[ьяе])?|ма[йяе]|июн[ьяе]?"
    r"|июл[ьяе]?|авг(?:уста?|усте)?|сент?(?:ябр[ьяе])?|окт(?:ябр[ьяе])?|ноя(?:бр[ьяе])?"
    r"|дек(?:абр[ьяе])?)"
)
YEAR = r"(?P<year>[0-9]{4}|'?[0-9]{2})"
YEAR_END = r"(?:\s*(?:г\.?|года?)(?!\w))?"
BEFORE, AFTER = r"(?<![\w.,/-])", r"(?![\w/-]|\.\d)"
FORMS = tuple(
    re.compile(BEFORE + form + AFTER, re.IGNORECASE)
    for form in (
        r"(?P<iso>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})",
        r"(?P<iso>[0-9]{4})[./](?P<month>[0-9]{1,2})[./](?P<day>[0-9]{1,2})",
        r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th|-?го|-?е)?(?:\s+of)?[\s.-]*"
        rf"(?P<word>{MONTH_WORD})\b\.?(?:,?[\s-]*{YEAR}{YEAR_END})?",
        rf"(?P<word>{MONTH_WORD})\b\.?\s*(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?(?:,?\s+{YEAR})?",
        rf"(?P<day>[0-9]{{1,2}})\.(?P<month>[0-9]{{1,2}})(?:\.(?:{YEAR}{YEAR_END})?)?",
        rf"(?P<first>[0-9]{{1,2}})(?P<sep>[/-])(?P<second>[0-9]{{1,2}})(?:(?P=sep){YEAR})?",
    )
)
EDGES = " \t,;:.–—-"


@dataclass(frozen=True)
class Entry:
    """What was understood: the name (may be empty) and the dates it can be read as.

    `dates` is empty where there is none; two mean that day and month can be taken either way.
    `impossible` is the text of a date that does not exist, such as 31.02.
    """

    name: str
    dates: tuple[BirthDate, ...] = ()
    impossible: str = ""


def parse(text: str, this_year: int) -> Entry:
    """Find name and date in a line; `10.12.85` is the latest such year not after `this_year`."""
    line = " ".join(text.split())
    for form in FORMS:
        match = form.search(line)
        if match:
            name = f"{line[: match.start()].strip(EDGES)} {line[match.end() :].strip(EDGES)}"
            return _entry(name.strip(), match, this_year)
    return Entry(line.strip(EDGES))


def _entry(name: str, match: re.Match[str], this_year: int) -> Entry:
    found = tuple(date for date in _readings(match, this_year) if dates.exists(*date))
    unique = tuple(dict.fromkeys(found))
    return Entry(name, unique, "" if unique else match[0])


def _readings(match: re.Match[str], this_year: int) -> list[BirthDate]:
    part = match.groupdict()
    year = _year(part.get("iso") or part.get("year"), this_year)
    if "first" in part:
        first, second = int(part["first"]), int(part["second"])
        return [BirthDate(year, second, first), BirthDate(year, first, second)]
    month = MONTHS[part["word"].lower()[:3]] if part.get("word") else int(part["month"])
    return [BirthDate(year, month, int(part["day"]))]


def _year(text: str | None, this_year: int) -> int | None:
    if text is None:
        return None
    number = int(text.lstrip("'"))
    if len(text.lstrip("'")) == 4:
        return number
    century = this_year - this_year % 100
    return century + number if century + number <= this_year else century - 100 + number
