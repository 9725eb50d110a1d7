"""A name and a date as people type them, in English and Russian."""

import calendar
import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from calendar_app import dates, entry

more = examples(deadline=None, max_examples=500)
UNDERSTOOD = """
    Ada Lovelace 10.12.1815          | Ada Lovelace | 1815-12-10
    10.12.1815 Ada Lovelace          | Ada Lovelace | 1815-12-10
    6 июня Пушкин                    | Пушкин | --06-06
    Ada, Dec 10                      | Ada | --12-10
    Ada Lovelace, 10 December 1815   | Ada Lovelace | 1815-12-10
    Ada December 10, 1815            | Ada | 1815-12-10
    Ada December 10th, 1815          | Ada | 1815-12-10
    Ada Dec 10,1815                  | Ada | 1815-12-10
    Ada Dec. 10 '85                  | Ada | 1985-12-10
    Ada Dec-10-1985                  | Ada | 1985-12-10
    Ada 10-Dec-1985                  | Ada | 1985-12-10
    Ada the 10th of December         | Ada | --12-10
    ADA 10 DEC                       | ADA | --12-10
    Ada 10dec                        | Ada | --12-10
    Ada 2nd May 1990                 | Ada | 1990-05-02
    Ada Sept 1st                     | Ada | --09-01
    10 Dec: Ada                      | Ada | --12-10
    10.12 - Ada Lovelace             | Ada Lovelace | --12-10
    10.12.1815 — Ada                 | Ada | 1815-12-10
    Ada — 10.12.1815                 | Ada | 1815-12-10
    Ada: 10.12.1815                  | Ada | 1815-12-10
    Ada,10.12.1815                   | Ada | 1815-12-10
    Ada;10.12.1815                   | Ada | 1815-12-10
    Ada-10.12.1815                   | Ada | 1815-12-10
    Ada (10.12.1815)                 | Ada | 1815-12-10
    (10.12.1815) Ada                 | Ada | 1815-12-10
    Ada [Dec 10]                     | Ada | --12-10
    Ada (mum) 10.12.1955             | Ada (mum) | 1955-12-10
    Ada (born 10 Dec 1815)           | Ada | 1815-12-10
    Ada, born 10 December 1815       | Ada | 1815-12-10
    Ada, born on December 10, 1815   | Ada | 1815-12-10
    Max Born 11.12.1882              | Max Born | 1882-12-11
    Ada 10.12                        | Ada | --12-10
    Ada 10.12.                       | Ada | --12-10
    Ada 1.2.                         | Ada | --02-01
    Ada 10. 12. 1815                 | Ada | 1815-12-10
    Ada 10 12 1815                   | Ada | 1815-12-10
    Ada 10.12.85                     | Ada | 1985-12-10
    Ada 10.12.26                     | Ada | 2026-12-10
    Ada 10.12.27                     | Ada | 1927-12-10
    Ada 10.12.00                     | Ada | 2000-12-10
    Ada 1815-12-10                   | Ada | 1815-12-10
    Ada 1815/12/10                   | Ada | 1815-12-10
    1815-12-10, Ada                  | Ada | 1815-12-10
    Ada 1815.12.10                   | Ada | 1815-12-10
    Ada 29.02                        | Ada | --02-29
    Ada 29 February 2000             | Ada | 2000-02-29
    Ada 31/12                        | Ada | --12-31
    Ada 12/31                        | Ada | --12-31
    Ada 12/31/1990                   | Ada | 1990-12-31
    Ada 31-12-1990                   | Ada | 1990-12-31
    Ada 05/05                        | Ada | --05-05
    05/03                            | | --03-05 --05-03
    Ada 10/12/1815                   | Ada | 1815-12-10 1815-10-12
    Ada 5-3-90                       | Ada | 1990-03-05 1990-05-03
    10.12.1815                       | | 1815-12-10
    Dec 10                           | | --12-10
    Саша 5 мая 1990                  | Саша | 1990-05-05
    Саша, 5 мая 1990 г.              | Саша | 1990-05-05
    Саша 5 мая 1990г                 | Саша | 1990-05-05
    Саша 5 мая 1990 года             | Саша | 1990-05-05
    Саша 5.05.1990 г.р.              | Саша | 1990-05-05
    Саша 5 мая 1990 г. р.            | Саша | 1990-05-05
    Саша 5 мая 1990 года рождения    | Саша | 1990-05-05
    Саша, 5 мая, 1990                | Саша | 1990-05-05
    Саша 5-го мая                    | Саша | --05-05
    Саша 5го мая                     | Саша | --05-05
    Саша 5ого мая                    | Саша | --05-05
    Саша 1-е мая                     | Саша | --05-01
    Саша 5 МАЯ                       | Саша | --05-05
    Саша 5 май                       | Саша | --05-05
    Саша 5мая                        | Саша | --05-05
    Пушкин А.С. 6 июня 1799          | Пушкин А.С. | 1799-06-06
    6.06.1799 Пушкин А. С.           | Пушкин А. С. | 1799-06-06
    10.12 Ada.                       | Ada | --12-10
    Саша 5 янв                       | Саша | --01-05
    Саша 5 сент. 1990                | Саша | 1990-09-05
    Саша 5 нояб                      | Саша | --11-05
    Саша 5 нояб. 1990                | Саша | 1990-11-05
    Саша 5 февр. 1990                | Саша | 1990-02-05
    Саша 5 марта                     | Саша | --03-05
    Саша декабря 5                   | Саша | --12-05
    Саша род. 5.05.1990              | Саша | 1990-05-05
    Саша родилась 5 мая              | Саша | --05-05
    Саша родился 5 мая               | Саша | --05-05
    Саша др 5 мая                    | Саша | --05-05
    Саша, д.р. 5.05.1990             | Саша | 1990-05-05
    Саша ДР: 5.05                    | Саша | --05-05
    Мария 5.05.1990                  | Мария | 1990-05-05
    Мария 5 марта                    | Мария | --03-05
    Марта 8 марта 1990               | Марта | 1990-03-08
    Марта 5.06                       | Марта | --06-05
    Майя 7 мая                       | Майя | --05-07
    Майя 05.05.1990                  | Майя | 1990-05-05
    Мая 05.06.1990                   | Мая | 1990-06-05
    Августина 1 августа              | Августина | --08-01
    Августина 1.08                   | Августина | --08-01
    1 августа Августина              | Августина | --08-01
    Юлия 3 июля                      | Юлия | --07-03
    Юлий Цезарь 12.07                | Юлий Цезарь | --07-12
    Апрелев 1 апреля                 | Апрелев | --04-01
    Декабрина Мартова 3 дек 90       | Декабрина Мартова | 1990-12-03
    Нояна 3.11                       | Нояна | --11-03
    May Parker 5 June 1950           | May Parker | 1950-06-05
    May Parker 5.6.1950              | May Parker | 1950-06-05
    May 5.6.1950                     | May | 1950-06-05
    May 1950-06-05                   | May | 1950-06-05
    June Carter 23 June 1929         | June Carter | 1929-06-23
    June Carter, June 23             | June Carter | --06-23
    April O'Neil Apr 1               | April O'Neil | --04-01
    April 12 May 2000                | April | 2000-05-12
    Jan-Erik 5.05                    | Jan-Erik | --05-05
    Jan-Erik 5 Jan                   | Jan-Erik | --01-05
    Jan 5.6.1990                     | Jan | 1990-06-05
    Marina Mayer 3 Mar               | Marina Mayer | --03-03
    Augustus 23 Sep                  | Augustus | --09-23
    Mark Decker Dec 1                | Mark Decker | --12-01
    🎂 Ада 10.12                     | 🎂 Ада | --12-10
    Ada 👩‍💻 10.12.1985                 | Ada 👩‍💻 | 1985-12-10
    🎂10.12 Ада                      | 🎂 Ада | --12-10
    R2D2 4 мая                       | R2D2 | --05-04
    C-3PO 25.05.1977                 | C-3PO | 1977-05-25
    50 Cent 6 July 1975              | 50 Cent | 1975-07-06
    2 Chainz 12.09.1977              | 2 Chainz | 1977-09-12
    Blink 182 5.08                   | Blink 182 | --08-05
    Жан-Поль Д'Артаньян 5 мая        | Жан-Поль Д'Артаньян | --05-05
    王小明 1990-05-06                  | 王小明 | 1990-05-06
    O’Neil Jr. 5 May                 | O’Neil Jr. | --05-05
    Ada Jr., 5 May                   | Ada Jr. | --05-05
    • Ada 10.12                      | Ada | --12-10
    Ada Dec 10 15:00                 | Ada 15:00 | --12-10
    Ada 10 Dec 15:00                 | Ada 15:00 | --12-10
    +7 912 345-12-10 Ada 5.05        | +7 912 345-12-10 Ada | --05-05
"""
NO_DATE = [
    "", " ", "Ada", "Мария", "May Parker", "June", "12:30", "в 12:30", "Ada 1815", "R2D2",
    "+7 912 345-12-10", "8 (912) 345-12-10", "555-12-10", "+49 30 12-10-55-3", "2026", "1.2.3.4",
    "192.168.10.12", "May the 4th be with you", "v1.10.12", "10.12.185", "1815-12-10T00:00",
    "Dec 1990", "1/2/3/4", "🎂", "спасибо", "/help",
]  # fmt: skip
IMPOSSIBLE = {
    "Ada 31.02.": "31.02.", "Ada 31.02": "31.02", "Ada 29.02.2023": "29.02.2023",
    "30 февраля Ада": "30 февраля", "Ada 32 May": "32 May", "Ada 0 May": "0 May",
    "Ada June 31": "June 31", "Ada 13/13": "13/13", "Ada 2023-02-29": "2023-02-29",
    "Ada 10.00.1990": "10.00.1990", "Ada 10.12.0000": "10.12.0000",
}  # fmt: skip


def cases():
    lines = [line.split("|") for line in UNDERSTOOD.strip().splitlines()]
    return [pytest.param(*map(str.strip, line), id=line[0].strip()) for line in lines]


@pytest.mark.parametrize(("text", "name", "found"), cases())
def test_what_people_type_is_understood(text, name, found):
    read = entry.parse(text, 2026)
    assert (read.name, " ".join(map(str, read.dates))) == (name, found)
    assert not read.impossible


@pytest.mark.parametrize("text", NO_DATE)
def test_where_there_is_no_date_none_is_found(text):
    found = entry.parse(text, 2026)
    assert (found.dates, found.impossible) == ((), "")
    assert found.name in text


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_a_day_that_does_not_exist_is_told_as_it_was_typed(text):
    found = entry.parse(text, 2026)
    assert (found.dates, found.impossible) == ((), IMPOSSIBLE[text])
    assert found.name in ("Ada", "Ада")


@pytest.mark.parametrize("space", ["  ", "\t", "\n", "\u00a0", "\u2009", " \r\n "])
def test_any_space_will_do(space):
    found = entry.parse("Ada Lovelace 10 December 1815".replace(" ", space), 2026)
    assert found == entry.Entry("Ada Lovelace", (dates.BirthDate(1815, 12, 10),))


LIKE_DATES = st.lists(
    st.sampled_from(
        [*"0123456789 .,-/':()\n", "10", "1815", "19", "мая", "May", "ſep", "Dec", "İ", "th", "го"]
    )
).map("".join)


@more
@given(st.text() | LIKE_DATES, st.integers(1, 9999))
@example("5 ſep", 2026)
@example("5 ſept 1990", 2026)
def test_no_text_is_too_odd(text, this_year):
    found = entry.parse(text, this_year)
    assert len(found.dates) <= 2
    assert all(dates.exists(*date) for date in found.dates)
    assert not (found.dates and found.impossible)
    assert found.name == " ".join(found.name.split())


EN = calendar.month_name[1:]
RU = [
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
]  # fmt: skip
FORMS = {
    "dots": lambda d: f"{d.day:02}.{d.month:02}.{d.year:04}",
    "short dots": lambda d: f"{d.day}.{d.month}.{d.year:04}",
    "iso": lambda d: f"{d.year:04}-{d.month:02}-{d.day:02}",
    "english": lambda d: f"{d.day} {EN[d.month - 1]} {d.year:04}",
    "english, short": lambda d: f"{d.day} {EN[d.month - 1][:3]} {d.year:04}",
    "american": lambda d: f"{EN[d.month - 1]} {d.day}, {d.year:04}",
    "russian": lambda d: f"{d.day} {RU[d.month - 1]} {d.year:04}",
    "russian, long": lambda d: f"{d.day} {RU[d.month - 1].upper()} {d.year:04} г.",
}
LETTERS = st.characters(categories=["Lu", "Ll", "Lo"])
WORDS = st.text(LETTERS, min_size=1, max_size=12).filter(
    lambda word: word.casefold() not in {"г", "года", "др", "born", "род", "th", "of", "the"}
)
WORD = WORDS | st.sampled_from(
    ["May", "June", "Jan-Erik", "Марта", "Мая", "Августина", "R2D2", "O'Neil", "Жан-Поль", "🎂"]
)


@more
@given(
    st.lists(WORD, min_size=1, max_size=3).map(" ".join),
    st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)),
    st.sampled_from(sorted(FORMS)),
    st.sampled_from([" ", ", ", " - ", " — ", ": ", "\n"]),
    st.booleans(),
)
@example("Мая", dt.date(1990, 6, 5), "short dots", " ", False)
@example("May", dt.date(1990, 6, 5), "iso", " - ", False)
def test_a_name_and_a_date_are_read_back(name, born, form, between, date_first):
    date = FORMS[form](born)
    found = entry.parse(between.join([date, name] if date_first else [name, date]), 2026)
    assert found == entry.Entry(name, (dates.BirthDate(born.year, born.month, born.day),))


@more
@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from("/-"))
def test_where_day_and_month_can_be_swapped_both_are_given(first, second, sign):
    found = entry.parse(f"Ada {first}{sign}{second:02}", 2026).dates
    both = {(None, second, first), (None, first, second)}
    assert set(found) == both
    assert len(found) == len(both)


@more
@given(st.integers(0, 99), st.integers(100, 9999))
def test_two_digits_are_the_latest_such_year_that_is_not_to_come(year, this_year):
    [found] = entry.parse(f"Ada 1.1.{year:02}", this_year).dates or [None]
    latest = next(y for y in range(this_year, 0, -1) if y % 100 == year) if year else None
    assert found is None or found.year == (latest or this_year - this_year % 100)
