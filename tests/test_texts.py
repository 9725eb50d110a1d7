"""Every sentence in both languages: translated, with its plurals, and safe in HTML."""

import datetime as dt
import re
import zoneinfo
from string import Formatter

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from calendar_app import dates, texts
from tests.messages import sentences

SAID = sentences()
with (texts.LOCALE / "ru.po").open("rb") as source:
    RUSSIAN = {message.id: message for message in read_po(source, locale="ru") if message.id}
SINGULAR = {key if isinstance(key, str) else key[0]: message for key, message in RUSSIAN.items()}
PLURALS = sorted({(one, many) for one, (_, many) in SAID.items() if many})


def placeholders(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def tags(sentence):
    return sorted(re.findall(r"</?\w+[^>]*>", sentence))


def translations(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)


def test_there_are_sentences_of_the_app_and_of_the_bot():
    files = {where.partition(":")[0] for where, _ in SAID.values()}
    assert {"calendar_app/fields.py", "calendar_app/web.py", "bot/commands.py"} <= files
    assert PLURALS


@pytest.mark.parametrize("sentence", sorted(SAID))
def test_every_sentence_is_translated_with_all_its_forms(sentence):
    where, plural = SAID[sentence]
    assert sentence in SINGULAR, f"{where} says what locale/ru.po does not have: {sentence!r}"
    found = translations(SINGULAR[sentence])
    assert len(found) == (3 if plural else 1), where
    assert not plural or SINGULAR[sentence].id == (sentence, plural), where
    for translation in found:
        assert translation.strip(), where
        assert placeholders(translation) == placeholders(sentence), where
        assert tags(translation) == tags(sentence), where


def test_no_translation_is_left_over():
    assert sorted(set(SINGULAR) - set(SAID)) == []
    assert not [message.id for message in RUSSIAN.values() if message.fuzzy]


@pytest.mark.parametrize(("number", "form"), [
    (0, 2), (1, 0), (2, 1), (4, 1), (5, 2), (11, 2), (12, 2), (14, 2), (21, 0), (22, 1), (25, 2),
    (61, 0), (101, 0), (111, 2), (112, 2), (211, 2), (1001, 0),
])  # fmt: skip
@pytest.mark.parametrize(("one", "many"), PLURALS)
def test_russian_has_its_own_form_for_each_number(one, many, number, form):
    values = dict.fromkeys(placeholders(one) - {"n"}, "x")
    expected = SINGULAR[one].string[form].format(n=number, **values)
    assert texts.count("ru", one, many, number, **values) == expected


@pytest.mark.parametrize(("number", "said"), [
    (1, "1 год"), (2, "2 года"), (5, "5 лет"), (11, "11 лет"), (21, "21 год"), (61, "61 год"),
    (111, "111 лет"),
])  # fmt: skip
def test_nobody_is_61_лет_old(number, said):
    assert texts.count("ru", "{n} year old", "{n} years old", number) == said


@pytest.mark.parametrize(
    ("number", "said"), [(1, "1 year old"), (0, "0 years old"), (2, "2 years old")]
)
def test_english_plurals(number, said):
    assert texts.count("en", "{n} year old", "{n} years old", number) == said


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("name", ["<b>Ada</b>", "a & b", "{day}", "%s", "</b>", 'O\'Neil "x"'])
def test_what_people_typed_is_shown_as_it_is(language, name):
    said = texts.html(language, "✅ Saved: <b>{name}</b>, {day}", name=name, day="1 < 2")
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f"<b>{escaped}</b>, 1 &lt; 2" in said
    plain = texts.say(language, "✅ Saved: <b>{name}</b>, {day}", name=name, day="x")
    assert f"<b>{name}</b>" in plain


def test_an_unknown_sentence_or_language_falls_back_to_english():
    assert texts.say("ru", "Nobody says this.") == "Nobody says this."
    assert texts.say("de", "today") == "today"


@pytest.mark.parametrize(
    ("code", "language"),
    [("ru", "ru"), ("ru-RU", "ru"), ("RU", "ru"), ("en-GB", "en"), ("", "en"), ("uk", "en")],
)
def test_the_language_of_telegram_is_ours_where_we_speak_it(code, language):
    assert texts.language_of(code) == language


def test_another_default_language_is_for_those_whose_language_we_do_not_speak():
    assert [texts.language_of(code, "ru") for code in ("", "de", "en")] == ["ru", "ru", "en"]


@pytest.mark.parametrize(
    ("language", "day", "said"),
    [
        ("en", (12, 10, 1815), "10 December 1815"),
        ("ru", (12, 10, 1815), "10 декабря 1815"),
        ("en", (2, 29), "29 February"),
        ("ru", (5, 5), "5 мая"),
    ],
)
def test_days_are_written_as_the_language_does(language, day, said):
    assert texts.day(language, *day) == said


def test_weekdays_are_written_as_the_language_does():
    monday = dt.date(2026, 5, 4)
    assert [texts.weekday(language, monday) for language in texts.LANGUAGES] == ["Mon", "пн"]


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Berlin", "Europe/Berlin"),
        ("берлин", "Europe/Berlin"),
        ("  BERLIN ", "Europe/Berlin"),
        ("Москва", "Europe/Moscow"),
        ("moscow", "Europe/Moscow"),
        ("new york", "America/New_York"),
        ("New_York", "America/New_York"),
        ("Нью-Йорк", "America/New_York"),
        ("europe/paris", "Europe/Paris"),
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("Владивосток", "Asia/Vladivostok"),
        ("Катманду", "Asia/Kathmandu"),
        ("Киев", "Europe/Kyiv"),
        ("kiev", "Europe/Kyiv"),
        ("Калькутта", "Asia/Kolkata"),
        ("Буэнос-Айрес", "America/Argentina/Buenos_Aires"),
        ("buenos aires", "America/Argentina/Buenos_Aires"),
        ("utc", "UTC"),
        ("UTC", "UTC"),
    ],
)
def test_a_zone_is_found_by_its_city(place, zone):
    assert texts.zones(place) == [zone]


@pytest.mark.parametrize(
    "place", ["", " ", "xyzzy", "/", "Berlin2", "../../etc/passwd", "🎂", "localtime"]
)
def test_for_nonsense_no_zone_is_found(place):
    assert texts.zones(place) == []


def test_the_beginning_of_a_name_finds_all_that_begin_so():
    assert {"America/Santiago", "America/Santo_Domingo"} <= set(texts.zones("Sant"))


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_each_zone_is_found_by_the_city_it_is_shown_as(language):
    zones = zoneinfo.available_timezones() - {"localtime"}
    shown = [zone for zone in zones if re.match(r"(Europe|Asia|America|Africa)/", zone)]
    assert len(shown) > 300
    for zone in shown:
        found = texts.zones(texts.city(language, zone))
        assert found
        assert set(found) <= zones
        assert texts.zones(zone) == [zone]
        assert not set("/_") & set(texts.city(language, zone))


@given(st.text(max_size=20))
@examples(deadline=None, max_examples=200)
def test_any_place_gives_names_of_iana_or_nothing(place):
    assert set(texts.zones(place)) <= dates.zone_names()
