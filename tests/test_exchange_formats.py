"""Formats: what other programs write is understood, and what we write comes back unchanged."""

import csv
import datetime as dt
import io
import subprocess
import sys
from pathlib import Path

import icalendar
import pytest
import vobject
from hypothesis import given, settings
from hypothesis import strategies as st

from calendar_app import exchange
from calendar_app.birthdays import BirthdayInput
from calendar_app.dates import BirthDate
from calendar_app.errors import Invalid
from calendar_app.exchange import decoding, icalendars
from calendar_app.exchange.entries import TWO_WAYS, Refused
from calendar_app.fields import check

FILES = Path(__file__).parent / "exchange"
THIS_YEAR = 2026
MORE = ("company", "position", "comment")


def read(data, order=None):
    """The people of a file as (name, date, company, position, comment)."""
    data = data if isinstance(data, bytes) else data.encode()
    _, found = exchange.read(data, order, THIS_YEAR)
    return [
        (
            each.full_name,
            each.problem and "?" or each.date,
            each.company,
            each.position,
            each.comment,
        )
        for each in found
    ]


ADA = ("Ada Lovelace", "1815-12-10", "Analytical Engines", "Analyst", "Likes engines;\nand tea")
BOB = ("Bob Smith", "--02-29", "", "", "")
ЁЖ = ("Фёдор Ёжиков", "1990-05-06", "ООО «Рога, копыта»", "", "")
NOBODY = ("No Date", "?", "", "", "")
REAL = {
    "google-new.csv": [ADA, BOB, ЁЖ, NOBODY],
    "google-old.csv": [ADA, BOB, ЁЖ, NOBODY],
    "outlook.csv": [ADA, ("Bob Smith", "1980-02-29", "", "", ""), ЁЖ, NOBODY],
    "outlook-ru.csv": [ЁЖ, ("Анна Петрова", "1985-12-31", "", "Бухгалтер", "")],
    "apple.vcf": [ADA, BOB, ЁЖ, NOBODY],
    "nextcloud.vcf": [ADA, BOB, ЁЖ, NOBODY],
    "phone-2.1.vcf": [ЁЖ, ("Ada Lovelace", "1815-12-10", "", "", "")],
    "google-birthdays.ics": [("Ada Lovelace", "--12-10", "", "", ""), BOB],
    "apple-birthdays.ics": [("Ada Lovelace", "1815-12-10", "", "", ""), BOB],
    "nextcloud-birthdays.ics": [("Ada Lovelace", "1815-12-10", "", "", ""), BOB],
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_files_of_other_programs_are_understood(name):
    assert read((FILES / name).read_bytes()) == REAL[name]


def test_every_sample_file_is_tested():
    assert {path.name for path in FILES.iterdir()} == set(REAL)


LINES = "ФИО;Дата рождения\nФёдор Ёжиков;06.05.1990\nAda Lovelace;10.12.1815\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251"]
)
@pytest.mark.parametrize("sign", [";", ",", "\t", "|"])
def test_every_encoding_and_delimiter_is_understood(encoding, sign):
    assert [row[:2] for row in read(LINES.replace(";", sign).encode(encoding))] == [
        ("Фёдор Ёжиков", "1990-05-06"),
        ("Ada Lovelace", "1815-12-10"),
    ]


@pytest.mark.parametrize(("text", "found"), [
    ("Ada 10.12.1815\n\n• Bob — 5 May", [("Ada", "1815-12-10"), ("Bob", "--05-05")]),
    ("Ada, Dec 10, 1815\nBob, May 5, 1990", [("Ada", "1815-12-10"), ("Bob", "1990-05-05")]),
    ('"L, Ada",1815-12-10\nBob,--05-05', [("L, Ada", "1815-12-10"), ("Bob", "--05-05")]),
    ("sep=;\r\nname;birthday\r\nAda;1815-12-10 00:00:00", [("Ada", "1815-12-10")]),
    ("name,birthday\nAda,19851210\nBob,31.02.1990", [("Ada", "1985-12-10"), ("Bob", "?")]),
    ('[{"name":"Ada","birthday":"--12-10"},"Bob 5 May"]', [("Ada", "--12-10"), ("Bob", "--05-05")]),
    ('{"birthdays":[{"full_name":"Ada","birth_date":null}]}', [("Ada", "?")]),
    ("BEGIN:VCARD\nVERSION:4.0\nFN:Ada\nBDAY:--1210\nEND:VCARD", [("Ada", "--12-10")]),
    ("BEGIN:VCARD\nVERSION:4.0\nFN:Ada\nBDAY;VALUE=text:long ago\nEND:VCARD", [("Ada", "?")]),
    ("BEGIN:VCARD\nFN:Ada\nBDAY:1985-12-10T00:00:00Z\nEND:VCARD", [("Ada", "1985-12-10")]),
])  # fmt: skip
def test_what_people_write_is_understood(text, found):
    assert [row[:2] for row in read(text)] == found


@pytest.mark.parametrize("page", [
    "<table><tr><td>Ada</td><td>1.1.1990</td></tr></table>", "\n <div>Ada 1.1.1990</div>",
    "<meta charset=utf-8><table><tr><td>Ada</td><td>1.1.1990</td></tr></table>", "<br/>Ada 1990",
    "<!-- x --><!DOCTYPE html><html>Ada 1.1.1990", "<?xml version='1.0'?><p>Ada 1.1.1990</p>",
])  # fmt: skip
def test_a_page_or_a_piece_of_one_is_no_list(page):
    with pytest.raises(Refused) as refused:
        read(page)
    assert refused.value.message == decoding.HTML
    assert read("<3 Ada 1.1.1990")[0][1] == "1990-01-01"


@pytest.mark.parametrize(("text", "name", "company"), [
    ("1;Иванов Иван;01.02.1990\n2;Ким Ян;03.03", "Иванов Иван", ""),
    ("Иванов;Иван;Иванович;01.02.1990\nКим;Ян;;03.03", "Иванов Иван Иванович", ""),
    ("1\tИванов\tИван\t01.02.1990\tООО Рога", "Иванов Иван", "ООО Рога"),
    ("Иванов Иван;Рога;01.02.1990", "Иванов Иван", "Рога"),
    ("Отдел;ФИО сотрудника;Дата рождения\nИТ;Иванов Иван;01.02.1990", "Иванов Иван", ""),
    ("ФИО преподавателя;Дата рождения (ДД.ММ.ГГГГ)\nИванов Иван;01.02.1990", "Иванов Иван", ""),
    ("ID,Employee Name,Date of Birth\n1,Иванов Иван,1990-02-01", "Иванов Иван", ""),
    ("Company Name,Name of person,Birthday (all)\nРога,Иванов Иван,1990-02-01",
     "Иванов Иван", "Рога"),
    ("Имя сотрудника,Фамилия сотрудника,День рождения сотрудника\nИван,Иванов,1990-02-01",
     "Иван Иванов", ""),
    ("First Name,Last Name,Manager name,Birthday\nИван,Иванов,Рога,1990-02-01", "Иван Иванов", ""),
    ("1. Иванов Иван 01.02.1990", "Иванов Иван", ""),
    ("12) Иванов Иван, 01.02.1990", "Иванов Иван", ""),
    ("№3. 01.02.1990 Иванов Иван", "Иванов Иван", ""),
])  # fmt: skip
def test_a_name_is_told_from_what_stands_beside_it(text, name, company):
    first = read(text)[0]
    assert first[:3] == (name, "1990-02-01", company)


def test_the_order_is_taken_from_the_rows_that_show_it():
    assert [row[1] for row in read("A 10/11/1990\nB 25/12/1990")] == ["1990-11-10", "1990-12-25"]
    assert [row[1] for row in read("A 10/11/1990\nB 12/25/1990")] == ["1990-10-11", "1990-12-25"]
    assert [row[1] for row in read("A 10/11/1990\nB 12/25/1990\nC 25/12/1990")][0] == "?"
    assert [row[1] for row in read("A 10/11/1990", "mdy")] == ["1990-10-11"]
    _, [entry] = exchange.read(b"A 10/11/1990", None, THIS_YEAR)
    assert (entry.problem, entry.text) == (TWO_WAYS, "10/11/1990")


@pytest.mark.parametrize(("lines", "found"), [
    ('N:Lee;Ann\nBDAY;X="a;b";X-APPLE-OMIT-YEAR=1604:1604-12-10', ("Ann Lee", "--12-10")),
    ("N:Lee\\, Jr\\;x;Ann\\\nBDAY:1990-01-01", ("Ann\\ Lee, Jr;x", "1990-01-01")),
    ("N:;Ann;;;\nBDAY;;VALUE=date:1990-01-01", ("Ann", "1990-01-01")),
])  # fmt: skip
def test_signs_that_divide_are_told_from_those_that_do_not(lines, found):
    assert [row[:2] for row in read(f"BEGIN:VCARD\n{lines}\nEND:VCARD")] == [found]


@pytest.mark.parametrize("rest", ["", '"Ким";04.04\n'])
def test_a_quotation_mark_that_nobody_closed_takes_no_one_in(rest):
    text = f'ФИО;Дата рождения\nЛи;01.01\n"Иванов;01.02.1990\nПетров;02.02\n{rest}'
    with pytest.raises(Refused) as refused:
        read(text)
    assert refused.value.params["line"] == 3
    assert read('name,birthday,notes\nAda,--12-10,"a, ""b""\nc"\n')[0][4] == 'a, "b"\nc'


def calendar(*events):
    text = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\n{text}END:VCALENDAR"


def test_an_occurrence_that_was_moved_is_nobody_else():
    ann = "SUMMARY:Ann's Birthday\nDTSTART:19900301"
    moved = ann.replace("19900301", "20200302") + "\nRECURRENCE-ID:20200301"
    found = read(calendar(f"{ann}\nRRULE:FREQ=YEARLY", moved))
    assert [row[:2] for row in found] == [("Ann", "1990-03-01")]


@pytest.mark.parametrize(("more", "problem"), [
    ("RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=2SU", icalendars.MOVES),
    ("RRULE:FREQ=YEARLY\nCATEGORIES:Work,Holiday", icalendars.HOLIDAY),
    ("RRULE:FREQ=YEARLY;INTERVAL=2", icalendars.NO_RULE),
    ("RRULE:FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=12", ""),
])  # fmt: skip
def test_what_is_no_birthday_says_why(more, problem):
    text = calendar(f"SUMMARY:Mother's Day\nDTSTART:20190512\n{more}")
    [entry] = exchange.read(text.encode(), None, THIS_YEAR)[1]
    assert entry.problem == problem


def test_a_card_in_a_card_is_not_taken_for_it():
    agent = "AGENT:\nBEGIN:VCARD\nN:Helper;Small\nBDAY:19800202\nEND:VCARD\n"
    card = f"BEGIN:VCARD\nN:Boss;Big\n{agent}BDAY:19700101\nTITLE:Chief\nEND:VCARD\n"
    assert read(card) == [("Big Boss", "1970-01-01", "", "Chief", "")]


def test_a_rule_that_never_ends_is_not_expanded():
    event = (
        "BEGIN:VEVENT\nSUMMARY:Ada's birthday\nDTSTART:00010101\nRRULE:FREQ=SECONDLY\nEND:VEVENT\n"
    )
    text = f"BEGIN:VCALENDAR\n{event * 1000}END:VCALENDAR"
    assert len(read(text)) == 1000


# What a reading that tries again from every place would need hours for.
SLOW = {
    "spaces in a title": "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:a" + " " * 500_000 + "b\n"
    "DTSTART:19900101\nRRULE:FREQ=YEARLY\nEND:VEVENT\nEND:VCALENDAR",
    "parameters": "BEGIN:VCARD\nFN:A\nBDAY" + ";a" * 500_000 + ":1990-01-01\nEND:VCARD",
    "a lone backslash": "BEGIN:VCARD\nN:" + "a" * 500_000 + "\\\nBDAY:1990-01-01\nEND:VCARD",
    "soft line breaks": "BEGIN:VCARD\nFN:A\nNOTE;ENCODING=QUOTED-PRINTABLE:" + "a" * 500_000
    + "=\n" * 500_000 + "\nBDAY:1990-01-01\nEND:VCARD",
    "cards in cards": "BEGIN:VCARD\n" * 50_000 + "FN:A\n" * 50_000 + "END:VCARD\n" * 50_000,
}  # fmt: skip
READ = (
    "import sys; from calendar_app import exchange; exchange.read(sys.stdin.buffer.read(), None, 1)"
)


@pytest.mark.parametrize("name", SLOW)
def test_no_text_takes_for_ever(name):
    """In a process of its own: a search of `re` is not to be interrupted."""
    subprocess.run([sys.executable, "-c", READ], input=SLOW[name].encode(), check=True, timeout=60)


# --- round trips -------------------------------------------------------------------------


def tidy(field, **more):
    """Texts as the API keeps them."""
    base = {"full_name": "x", "birth_date": "2000-01-01"}

    def kept(text):
        try:
            return getattr(check(BirthdayInput, base | {field: text}), field)
        except Invalid:
            return None

    return text_of(**more).map(kept).filter(lambda text: text is not None)


def text_of(**more):
    odd = st.sampled_from(
        [
            "=",
            "+",
            "-",
            "@",
            "'",
            '"',
            ";",
            ",",
            "\\",
            "\t",
            "\n",
            "|",
            "ё",
            "\u00a0",
            "🎂",
            "ِ",
            "＝",
        ]
    )
    plain = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))
    return st.lists(st.one_of(odd, plain), max_size=20, **more).map("".join)


DATES = st.one_of(
    st.dates().map(lambda day: f"{day.year:04}-{day.month:02}-{day.day:02}"),
    st.dates(dt.date(2000, 1, 1), dt.date(2000, 12, 31)).map(lambda day: f"--{day:%m-%d}"),
    st.sampled_from(
        ["--02-29", "1604-02-29", "1604-01-01", "0001-01-01", "9999-12-31", "2000-02-29"]
    ),
)
PERSON = st.fixed_dictionaries(
    {
        "full_name": tidy("full_name", min_size=1),
        "birth_date": DATES,
        "company": tidy("company"),
        "position": tidy("position"),
        "responsible": tidy("responsible"),
        "comment": tidy("comment"),
    }
)


@pytest.mark.parametrize("name", exchange.FORMATS)
@given(people=st.lists(PERSON, min_size=1, max_size=4))
@settings(deadline=None, max_examples=150)
def test_what_is_written_comes_back_unchanged(name, people):
    rows = [row | {"id": number, "leap_day": None} for number, row in enumerate(people)]
    found_name, found = exchange.read(exchange.write(name, rows), None, THIS_YEAR)
    assert found_name == name
    assert [each.values() for each in found] == people
    assert not any(each.problem for each in found)


@given(people=st.lists(PERSON, min_size=1, max_size=4))
@settings(deadline=None, max_examples=100)
def test_no_cell_is_run_by_a_spreadsheet(people):
    text = exchange.write("csv", people).decode("utf-8-sig")
    for sign in (",", ";", "\t"):
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=sign):
            for cell in cells:
                assert not cell.startswith(("=", "+", "-", "@", "＝"))


@given(person=PERSON)
@settings(deadline=None, max_examples=100)
def test_other_programs_read_our_cards_and_events(person):
    row = person | {"id": 1, "leap_day": None}
    card = vobject.readOne(exchange.write("vcf", [row]).decode())
    assert card.fn.value == person["full_name"]
    assert card.bday.value[-5:] == person["birth_date"][-5:]
    [event] = icalendar.Calendar.from_ical(exchange.write("ics", [row])).walk("VEVENT")
    assert str(event["SUMMARY"]) == f"🎂 {person['full_name']}"
    assert (
        str(BirthDate(None, event["DTSTART"].dt.month, event["DTSTART"].dt.day))[-5:]
        == (person["birth_date"][-5:])
    )
