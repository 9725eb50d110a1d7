"""How people are found by words: without case, ё as е, in one Unicode form, parts of words too."""

import unicodedata
from typing import Any


def fold(text: str) -> str:
    """The text as it is searched: without case, ё as е, in one Unicode form."""
    return unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")


def search_text(person: dict[str, Any]) -> str:
    """What a person is found by: name, company and position."""
    return fold("\n".join(person[name] for name in ("full_name", "company", "position")))


def matches(table: Any, text: str) -> list[Any]:
    """Conditions for rows of a table with `search_text` that have each word of the text in it."""
    return [table.search_text.contains(word) for word in fold(text).split()]
