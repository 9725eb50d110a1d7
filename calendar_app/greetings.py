"""Greetings from templates, at once and without a language model; for the API and the bot.

`locale/greetings.*.toml` has the texts: four styles in three lengths, several of each. Nothing
here knows whether a person is a man or a woman, and the texts must not either.
"""

import datetime as dt
import re
import tomllib
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from . import texts
from .dates import birth_date

Style = Literal["formal", "friendly", "humorous", "warm"]
Length = Literal["short", "medium", "long"]
# Other ages are unknown, a mistake, or those of somebody who is not alive.
AGES = range(1, 121)


@dataclass(frozen=True)
class Wish:
    """Who is congratulated and how; `age` is the one reached on the day, None if unknown.

    A `theme` goes into the greeting as it is, in quotation marks, on one line.
    """

    full_name: str
    age: int | None
    style: Style
    length: Length
    theme: str = ""


def wish(
    person: dict[str, Any], on: dt.date, style: Style, length: Length, theme: str = ""
) -> Wish:
    """The wish for a birthday (as `birthdays` gives it) that is kept on that day."""
    born = birth_date(person["birth_date"])
    age = None if born.year is None else on.year - born.year
    return Wish(person["full_name"], age or None, style, length, theme)


def compose(language: str, wish: Wish, choice: int = 0) -> str:
    """The greeting as plain text, 2000 characters at most where name and theme have 200.

    The same wish and `choice` give the same text, and the next choice gives another one.
    """
    said = _templates(texts.language_of(language))[wish.style]
    number = zlib.crc32(wish.full_name.encode("utf-8", "replace")) + choice
    theme = _one_line(wish.theme)
    variants = said[wish.length]
    turn, variant = divmod(number, len(variants))
    values = {
        "name": _one_line(wish.full_name),
        "years": _years(language, wish, said, turn),
        "wish": _sentence(said, "theme", wish, turn).format(theme=theme) if theme else "",
    }
    template = variants[variant].strip()
    # Where a sentence was left out, a space too many remains.
    return re.sub(r" +(?=[ \n]|$)|(?<=\n) +", "", template.format(**values))


def _years(language: str, wish: Wish, said: dict[str, list[str]], turn: int) -> str:
    """The sentence on the age: always for a round one, else where there is room for it."""
    if wish.age not in AGES or (wish.length == "short" and wish.age % 10):
        return ""
    age = texts.count(language, "{n} year old", "{n} years old", wish.age)
    kind = "age" if wish.age % 10 else "round"
    return _sentence(said, kind, wish, turn).format(n=wish.age, age=age)


def _sentence(said: dict[str, list[str]], kind: str, wish: Wish, turn: int) -> str:
    sentences = said[f"{kind}_short" if wish.length == "short" else kind]
    return sentences[turn % len(sentences)]


def _one_line(text: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f]+", " ", text).strip()


@cache
def _templates(language: str) -> dict[str, Any]:
    with (texts.LOCALE / f"greetings.{language}.toml").open("rb") as file:
        return tomllib.load(file)
