"""CSV in the dialects of spreadsheets and address books; also what we export ourselves."""

import csv
import io
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from .. import entry as typed
from ..texts import N_
from .entries import Entry, Refused, one_line, yearless

BROKEN = N_("Line {line} is broken ({said}): mend it, or save the list again.")

DELIMITERS = ",;\t|"
NAMES = {"full_name", "first", "last"}
FIELDS = ("full_name", "birth_date", "company", "position", "responsible", "comment")
# Headings in lower case, by what they mean, the surest first: our own, Google's, Outlook's, and
# what people write.
HEADINGS = {
    "full_name": (
        *("full_name", "full name", "name", "display name", "person", "employee", "employee name"),
        *("фио", "ф.и.о.", "полное имя", "имя и фамилия", "фамилия и имя", "сотрудник"),
        *("фамилия имя", "имя фамилия", "фамилия имя отчество", "фамилия, имя, отчество"),
    ),
    "first": ("first name", "given name", "firstname", "vorname", "имя"),
    "middle": ("middle name", "additional name", "отчество"),
    "last": ("last name", "family name", "surname", "lastname", "nachname", "фамилия"),
    "file_as": ("file as", "nickname"),
    "date": (
        *("birth_date", "birthday", "birth date", "date of birth", "birthdate", "dob", "born"),
        *("дата рождения", "день рождения", "родился", "др", "д.р.", "geburtstag", "geburtsdatum"),
        *("date", "дата"),
    ),
    "company": (
        *("company", "organization name", "organization 1 - name", "organization", "employer"),
        *("company name", "organisation", "organisation name"),
        *("компания", "организация", "место работы"),
    ),
    # In Outlook "Title" is Mr or Dr: it is a position only where there is no "Job Title".
    "position": (
        *("position", "job title", "organization title", "organization 1 - title"),
        *("должность", "title"),
    ),
    "responsible": ("responsible", "ответственный"),
    "comment": (
        *("comment", "comments", "notes", "note", "заметки", "заметка", "комментарий"),
        *("комментарии", "примечание", "примечания"),
    ),
}
MEANING = {
    heading: (rank, meaning)
    for meaning, named in HEADINGS.items()
    for rank, heading in enumerate(named)
}
# For what these leave open: words that tell what a column means whatever else stands in its
# heading, the surest first; and what of the meanings makes them needless.
CONTAINED = (
    ("date", {"date"}, ("date of birth", "birth date", "birthdate", "birthday", "dob")),
    ("date", {"date"}, ("дата рождения", "день рождения", "др", "д.р", "geburtstag")),
    ("full_name", NAMES, ("фио", "ф.и.о", "full name", "полное имя", "employee name")),
    ("last", {"full_name", "last"}, ("last name", "family name", "surname", "фамилия")),
    ("first", {"full_name", "first"}, ("first name", "given name", "имя")),
    ("middle", {"full_name", "middle"}, ("middle name", "отчество")),
    ("full_name", NAMES, ("name",)),
)
HEADING_WORD = re.compile(r"\w+(?:\.\w+)*")
LONGEST_HEADING = 60
SAMPLE = 20
# So many cells of a line are looked at to find out what they mean.
WIDEST = 100
LONGEST_CELL = 100_000
# Excel's own first line, which says what stands between the cells.
SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
YEAR = re.compile(r"\s*[0-9]{4}\s*")
# The number of a row in a list, with what stands between it and the name.
NUMBER = re.compile(r"(?:№|#)?\s*[0-9]{1,5}\s*[.)]\s*(?=[^\s0-9])")
ONE_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[-'’.])*")
# A spreadsheet runs a cell that begins so; what stands behind a sign that divides cells begins one
# where it expects another delimiter. An apostrophe keeps it text, and is taken away again.
RUNS = "'*[=+\\-@\\t\\r＝＋－＠]"
RISKY = re.compile(f'(^|[,;|\\t\\n"])(?={RUNS})')
GUARDED = re.compile(f"(^|[,;|\\t\\n\"])'(?={RUNS})")

Cells = list[str]


def looks_like(text: str) -> bool:
    """Whether these lines are a table: they have headings, or a date in a cell of its own."""
    sign = _delimiter(text)
    rows = [cells for _, cells in islice(_rows(text, sign), SAMPLE)] if sign else []
    if not rows:
        return False
    dated = sum(_date_place(cells) is not None for cells in rows)
    return bool(headings(rows[0])) or dated * 2 > len(rows)


def read(text: str) -> Iterator[Entry]:
    """The people of a table, in order; headings say what stands where, else the cells do."""
    sign = _delimiter(text)
    rows = _rows(text, sign, strict=True)
    line, first = next(rows, (1, []))
    columns = headings(first)
    own = {"full_name", "birth_date"} <= set(first)
    if columns:
        for line, cells in rows:
            yield entry(line, [_unguarded(cell, own) for cell in cells], columns, own)
        return
    sample = [cells for _, cells in islice(_rows(text, sign), SAMPLE)]
    date = _usual_date_place(sample)
    columns = _guessed([_joined(cells, date) for cells in sample], date)
    for number, cells in chain([(line, first)], rows):
        found = entry(
            number, [_unguarded(cell, own=False) for cell in _joined(cells, date)], columns
        )
        yield replace(found, full_name=unnumbered(found.full_name))


def unnumbered(name: str) -> str:
    """The name without the number that its row has in a list."""
    number = NUMBER.match(name)
    return name[number.end() :] if number else name


def _delimiter(text: str) -> str:
    """The sign that splits the first lines into equally many cells, the most; "" if none does."""
    named = SEPARATOR.match(text)
    if named:
        return named[1]
    found = {}
    for sign in DELIMITERS:
        widths = [len(cells) for _, cells in islice(_rows(text[:LONGEST_CELL], sign), SAMPLE)]
        if widths and max(widths) > 1 and widths[0] > 1:
            found[sign] = (widths.count(widths[0]) / len(widths), widths[0])
    return max(found, key=found.__getitem__, default="")


def _rows(text: str, sign: str, strict: bool = False) -> Iterator[tuple[int, Cells]]:
    """Lines that have something, each with the number of its first line in the file.

    `strict`: raises Refused where a quotation mark that nobody closed takes in the lines behind.
    """
    csv.field_size_limit(LONGEST_CELL)
    named = SEPARATOR.match(text)
    page = io.StringIO(text[named.end() :] if named else text, newline="")
    taken: list[str] = []
    reader = csv.reader(_noted(page, taken), delimiter=sign, skipinitialspace=True)
    before = 1 if named else 0
    line = 1 + before
    while True:
        taken.clear()
        try:
            cells = next(reader, None)
            if strict and len(taken) > 1:
                next(csv.reader(taken, delimiter=sign, skipinitialspace=True, strict=True))
        except csv.Error as error:
            raise Refused(BROKEN, line=line, said=str(error)) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1 + before


def _noted(lines: Iterable[str], notes: list[str]) -> Iterator[str]:
    for line in lines:
        notes.append(line)
        yield line


def headings(cells: Cells) -> dict[int, str]:
    """What each column means; empty where these are no headings."""
    best: dict[str, tuple[int, int]] = {}
    for place, cell in enumerate(cells):
        rank, meaning = MEANING.get(" ".join(cell.casefold().split()).rstrip(":*"), (0, ""))
        if meaning:
            best[meaning] = min(best.get(meaning, (rank, place)), (rank, place))
    found = {place: meaning for meaning, (_, place) in best.items()}
    for meaning, needless, phrases in CONTAINED:
        if not needless & set(found.values()):
            found |= dict.fromkeys(_containing(phrases, cells, found), meaning)
    meanings = set(found.values())
    return found if "date" in meanings and NAMES & meanings else {}


def _containing(phrases: Iterable[str], cells: Cells, taken: Container[int]) -> list[int]:
    """Where the first of these phrases stands that any heading has, as a list of one or none."""
    shown = [_heading_words(cell) for cell in cells[:WIDEST]]
    places = (
        place
        for phrase in phrases
        for place, words in enumerate(shown)
        if place not in taken and f" {phrase} " in words
    )
    return list(islice(places, 1))


def _heading_words(cell: str) -> str:
    """The words of what may be a heading, with a space around each; a date or a text is none."""
    if len(cell) > LONGEST_HEADING or any(map(str.isdigit, cell)):
        return ""
    return f" {' '.join(HEADING_WORD.findall(cell.casefold()))} "


def _usual_date_place(rows: list[Cells]) -> int:
    places = Counter(place for place in map(_date_place, rows) if place is not None)
    return places.most_common(1)[0][0] if places else 1


def _guessed(rows: list[Cells], date: int) -> dict[int, str]:
    """Without headings: around the date the columns that have letters, the name first.

    A name may be divided into several columns of one word each; they stay in their order.
    """
    columns = {
        place: [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
        for place in range(min(WIDEST, max(map(len, rows), default=0)))
        if place != date
    }
    lettered = [place for place, cells in columns.items() if any(map(_has_letter, cells))]
    name = lettered[:1]
    for place in lettered[1:3]:
        if place == name[-1] + 1 and all(_is_one_word(columns[each]) for each in (name[0], place)):
            name.append(place)
    parts = {1: ("full_name",), 2: ("first", "last")}.get(len(name), ("first", "middle", "last"))
    others = zip(lettered[len(name) :], ("company", "position"), strict=False)
    return {date: "date"} | dict(zip(name, parts, strict=False)) | dict(others)


def _has_letter(cell: str) -> bool:
    return any(map(str.isalpha, cell))


def _is_one_word(cells: Cells) -> bool:
    """Whether most of a column are words of their own."""
    return sum(ONE_WORD.fullmatch(cell) is not None for cell in cells) * 2 > len(cells)


def _date_place(cells: Cells) -> int | None:
    """The first cell that is a date and nothing else."""
    for place, cell in enumerate(cells[:WIDEST]):
        found = typed.parse(cell, 2000) if len(cell) <= 40 and any(map(str.isdigit, cell)) else None
        # Programs write an unknown year with two dashes, which people do not.
        if found and not found.name and (found.dates or found.impossible) or cell[:2] == "--":
            return place
    return None


def _joined(cells: Cells, date: int) -> Cells:
    """`Ada, Dec 10, 1815` is a name and one date, though a comma stands in it."""
    if date + 1 < len(cells) and YEAR.fullmatch(cells[date + 1]):
        return [*cells[:date], f"{cells[date]}, {cells[date + 1]}", *cells[date + 2 :]]
    return cells


def entry(line: int, cells: Cells, columns: dict[int, str], own: bool = False) -> Entry:
    """One row; `own`: it was written by `write`, whose dates mean what they say."""
    known = {
        columns[place]: _cleaned(columns[place], cell)
        for place, cell in enumerate(cells)
        if place in columns
    }
    parts = (known.pop(name, "") for name in ("first", "middle", "last"))
    spelled = " ".join(filter(None, parts))
    name = known.pop("full_name", "") or spelled
    other = known.pop("file_as", "")
    if not own and "date" in known:
        known["date"] = yearless(known["date"])
    return Entry(line, name or other, **known)


def _cleaned(meaning: str, cell: str) -> str:
    return cell.strip().replace("\r\n", "\n") if meaning == "comment" else one_line(cell)


def write(people: Iterable[dict[str, Any]]) -> Iterator[str]:
    """People as CSV with our own headings; with the mark by which Excel knows UTF-8.

    Every cell is quoted, so that none is divided where Excel expects another delimiter.
    """
    yield "\ufeff" + _row(FIELDS)
    for person in people:
        yield _row(_guard(person[name]) for name in FIELDS)


def _guard(text: str) -> str:
    return RISKY.sub(r"\1'", text)


def _unguarded(cell: str, own: bool) -> str:
    """Others guard the beginning only."""
    return GUARDED.sub(r"\1", cell, count=0 if own else 1) if own or cell[:1] == "'" else cell


def _row(cells: Iterable[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n"
