"""CSV in the dialects of spreadsheets and address books; also what we export ourselves."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from .. import entry as typed
from ..texts import N_
from .entries import Entry, Refused, one_line, yearless

BROKEN = N_("Line {line} is broken ({said}): mend it, or save the list again.")

DELIMITERS = ",;\t|"
FIELDS = ("full_name", "birth_date", "company", "position", "responsible", "comment")
# Headings in lower case, by what they mean, the surest first: our own, Google's, Outlook's, and
# what people write.
HEADINGS = {
    "full_name": (
        *("full_name", "full name", "name", "display name", "person", "employee"),
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
SAMPLE = 20
LONGEST_CELL = 100_000
# Excel's own first line, which says what stands between the cells.
SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
YEAR = re.compile(r"\s*[0-9]{4}\s*")
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
    rows = _rows(text, sign)
    line, first = next(rows, (1, []))
    columns = headings(first)
    own = {"full_name", "birth_date"} <= set(first)
    if not columns:
        columns = _guessed([cells for _, cells in islice(_rows(text, sign), SAMPLE)])
        yield entry(line, [_unguarded(cell, own) for cell in _joined(first, columns)], columns)
        rows = ((line, _joined(cells, columns)) for line, cells in rows)
    for line, cells in rows:
        yield entry(line, [_unguarded(cell, own) for cell in cells], columns, own)


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


def _rows(text: str, sign: str) -> Iterator[tuple[int, Cells]]:
    """Lines that have something, each with the number of its first line in the file."""
    csv.field_size_limit(LONGEST_CELL)
    named = SEPARATOR.match(text)
    page = io.StringIO(text[named.end() :] if named else text, newline="")
    reader = csv.reader(page, delimiter=sign, skipinitialspace=True)
    before = 1 if named else 0
    line = 1 + before
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise Refused(BROKEN, line=line, said=str(error)) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1 + before


def headings(cells: Cells) -> dict[int, str]:
    """What each column means; empty where these are no headings."""
    best: dict[str, tuple[int, int]] = {}
    for place, cell in enumerate(cells):
        rank, meaning = MEANING.get(" ".join(cell.casefold().split()).rstrip(":*"), (0, ""))
        if meaning:
            best[meaning] = min(best.get(meaning, (rank, place)), (rank, place))
    if "date" in best and {"full_name", "first", "last"} & set(best):
        return {place: meaning for meaning, (_, place) in best.items()}
    return {}


def _guessed(rows: list[Cells]) -> dict[int, str]:
    """Without headings: where most rows have a date is the date, the others follow."""
    places = Counter(place for place in map(_date_place, rows) if place is not None)
    date = places.most_common(1)[0][0] if places else 1
    others = [place for place in range(max(map(len, rows), default=0)) if place != date]
    return {date: "date"} | dict(zip(others, ("full_name", "company", "position"), strict=False))


def _date_place(cells: Cells) -> int | None:
    """The first cell that is a date and nothing else."""
    for place, cell in enumerate(cells):
        found = typed.parse(cell, 2000) if len(cell) <= 40 and any(map(str.isdigit, cell)) else None
        # Programs write an unknown year with two dashes, which people do not.
        if found and not found.name and (found.dates or found.impossible) or cell[:2] == "--":
            return place
    return None


def _joined(cells: Cells, columns: dict[int, str]) -> Cells:
    """`Ada, Dec 10, 1815` is a name and one date, though a comma stands in it."""
    date = next(place for place, meaning in columns.items() if meaning == "date")
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
