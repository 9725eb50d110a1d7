"""vCard 2.1, 3.0 and 4.0 (RFC 2426, RFC 6350) in; 3.0 out, which every address book reads."""

from collections.abc import Iterable, Iterator

from . import contentlines
from .contentlines import Component, escaped, folded
from .entries import NO_YEAR, Entry, one_line, yearless

# Before vCard 4.0 there is no date without a year: Apple, and all who learned from it, write so.
OMIT_YEAR = "X-APPLE-OMIT-YEAR"
# Our own: somebody was born in the very year that stands for "unknown".
YEAR_KNOWN = "X-YEAR-KNOWN"
PROPERTIES = {
    "TITLE": "position",
    "X-RESPONSIBLE": "responsible",
    "NOTE": "comment",
}
WANTED = frozenset({"FN", "N", "BDAY", "ORG", *PROPERTIES})


def looks_like(text: str) -> bool:
    """Whether it is a file of vCards."""
    return text[:11].upper() == "BEGIN:VCARD"


def read(text: str) -> Iterator[Entry]:
    """The people of the cards, in order; raises Refused for a file that is broken."""
    for line, card in contentlines.components(text, "VCARD", WANTED):
        more = {
            field: card[name].text.strip() for name, field in PROPERTIES.items() if name in card
        }
        company = ", ".join(filter(None, card["ORG"].parts)) if "ORG" in card else ""
        yield Entry(line, _name(card), _date(card), one_line(company), **_one_lined(more))


def _one_lined(fields: dict[str, str]) -> dict[str, str]:
    return {name: text if name == "comment" else one_line(text) for name, text in fields.items()}


def _name(card: Component) -> str:
    """The name as it is shown; of a card that has only its parts these, the family name last."""
    shown = one_line(card["FN"].text) if "FN" in card else ""
    if shown or "N" not in card:
        return shown
    family, given, additional, *_ = [*card["N"].parts, "", "", ""]
    return one_line(" ".join(filter(None, (given, additional, family))))


def _date(card: Component) -> str:
    """The birthday as it is written; without the year where the card says to leave it out."""
    if "BDAY" not in card:
        return ""
    text, params = card["BDAY"].text.strip(), card["BDAY"].params
    if YEAR_KNOWN in params:
        return text
    if text[:4] == params.get(OMIT_YEAR, NO_YEAR):
        text = "--" + text[4:].lstrip("-")
    return yearless(text)


def write(people: Iterable[dict[str, str]]) -> Iterator[str]:
    """People as cards; a year that is unknown as Apple writes it."""
    for person in people:
        name = escaped(person["full_name"])
        company = [f"ORG:{escaped(person['company'])}"] if person["company"] else []
        more = [
            f"{name}:{escaped(person[field])}"
            for name, field in PROPERTIES.items()
            if person[field]
        ]
        lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:;{name};;;", f"FN:{name}"]
        lines += [_birthday(person["birth_date"]), *company, *more, "END:VCARD"]
        yield "".join(map(folded, lines))


def _birthday(date: str) -> str:
    if date.startswith("-"):
        return f"BDAY;{OMIT_YEAR}={NO_YEAR}:{NO_YEAR}{date[1:]}"
    return f"BDAY;{YEAR_KNOWN}=1:{date}" if date.startswith(NO_YEAR) else f"BDAY:{date}"
