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
    r"|янв(?:ар[ьяе])?|фев(?:р(?:ал[ьяе])?)?|мар(?:та?|те)?|апр(?:ел[ьяе])?|ма[йяе]|июн[ьяе]?"
    r"|июл[ьяе]?|авг(?:уста?|усте)?|сент?(?:ябр[ьяе])?|окт(?:ябр[ьяе])?|ноя(?:б(?:р[ьяе])?)?"
    r"|дек(?:абр[ьяе])?)"
)
YEAR = r"(?P<year>[0-9]{4}|'?[0-9]{2})"
# 1990 г., 1990 года, 1990 г.р., 1990 года рождения
YEAR_END = r"(?:\s*(?:г\.?|года?)(?:\s*(?:р\.?|рождения))?(?!\w))?"
# Not within a longer number: an address, a telephone, a time.
BEFORE, AFTER = r"(?<!\w)(?<![0-9][.,/:-])", r"(?![\w/-]|[.:][0-9])"
FORMS = tuple(
    re.compile(BEFORE + form + AFTER, re.IGNORECASE)
    for form in (
        r"(?P<iso>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})",
        r"(?P<iso>[0-9]{4})[./](?P<month>[0-9]{1,2})[./](?P<day>[0-9]{1,2})",
        r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th|-?о?го|-?о?е)?(?:\s+of)?[\s.-]*"
        rf"(?P<word>{MONTH_WORD})\b\.?(?:,?[\s-]*{YEAR}{YEAR_END})?",
        rf"(?P<word>{MONTH_WORD})\b\.?[\s-]*(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?"
        rf"(?:(?:,\s*|\s+|-(?=[0-9]{{4}})){YEAR})?",
        rf"(?P<day>[0-9]{{1,2}})\.\s?(?P<month>[0-9]{{1,2}})\.\s?(?P<year>[0-9]{{4}}){YEAR_END}",
        rf"(?P<day>[0-9]{{1,2}})\.(?P<month>[0-9]{{1,2}})(?:\.(?:{YEAR}{YEAR_END})?)?",
        rf"(?P<first>[0-9]{{1,2}})(?P<sep>[/-])(?P<second>[0-9]{{1,2}})(?:(?P=sep){YEAR})?",
        rf"(?<![0-9]\s)(?P<day>[0-9]{{1,2}})\s(?P<month>[0-9]{{1,2}})\s(?P<year>[0-9]{{4}}){YEAR_END}",
    )
)
EDGES = " \t,;:–—-•*"
# What is said of a date rather than of a name; Max Born is a name.
INTRODUCTION = re.compile(
    r"(?<!\w)(?:(?-i:born(?: on)?|the)|род\.?|родил(?:ся|ась)|др|д\.\s?р\.)[\s:.,–—-]*$",
    re.IGNORECASE,
)
EMPTY_BRACKETS = re.compile(r"\(\s*\)|\[\s*\]")
# A full stop, other than that of an abbreviation: Jr., А.С.
FULL_STOP = re.compile(r"(?<=\w\w\w)\.+$")


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
            name = _name(INTRODUCTION.sub("", line[: match.start()]), line[match.end() :])
            return _entry(name, match, this_year)
    return Entry(_name(line, ""))


def _name(before: str, after: str) -> str:
    """What stands around the date, without the signs between it and the date."""
    joined = f"{_trimmed(before)} {_trimmed(after)}"
    return " ".join(_trimmed(EMPTY_BRACKETS.sub("", joined)).split())


def _trimmed(text: str) -> str:
    return FULL_STOP.sub("", text.strip(EDGES).lstrip(EDGES + ".")).strip(EDGES)


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
    month = MONTHS[part["word"].casefold()[:3]] if part.get("word") else int(part["month"])
    return [BirthDate(year, month, int(part["day"]))]


def _year(text: str | None, this_year: int) -> int | None:
    if text is None:
        return None
    number = int(text.lstrip("'"))
    if len(text.lstrip("'")) == 4:
        return number
    century = this_year - this_year % 100
    return century + number if century + number <= this_year else century - 100 + number
