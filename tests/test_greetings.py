"""Greetings: every text in both languages, its length, its plurals, and that it fits anybody."""

import itertools
import re
import tomllib
from string import Formatter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from calendar_app import greetings, texts
from calendar_app.greetings import Wish, compose

STYLES, LENGTHS = get_args(greetings.Style), get_args(greetings.Length)
NAMES = {"en": "Christopher Robinson", "ru": "Александра Мельникова"}
ALL = list(itertools.product(texts.LANGUAGES, STYLES, LENGTHS))
LIMITS = {"short": (50, 160), "medium": (200, 400), "long": (450, 700)}
CHOICES = range(12)
DATA = {
    language: tomllib.loads((texts.LOCALE / f"greetings.{language}.toml").read_text())
    for language in texts.LANGUAGES
}
TEXTS = [
    (language, style, kind, text)
    for language, styles in DATA.items()
    for style, kinds in styles.items()
    for kind, several in kinds.items()
    for text in several
]
SLOTS = {
    "short": {"name", "years", "wish"}, "medium": {"name", "years", "wish"},
    "long": {"name", "years", "wish"}, "round": {"n", "age"}, "round_short": {"n", "age"},
    "age": {"n", "age"}, "theme": {"theme"}, "theme_short": {"theme"},
}  # fmt: skip
# Words that say of somebody whether it is a man or a woman.
GENDERED = re.compile(
    r"\b(дорог(ой|ая)|уважаем(ый|ая)|мил(ый|ая)|любим(ый|ая)|рад|рада|счастлив|счастлива|готов|готова"
    r"|уверен|уверена|благодарен|благодарна|должен|должна|сам|сама|прав|права|умён|умна"
    r"|достоин|достойна|именинник|именинница|юбиляр|юбилярша|коллега|друг|подруга)\b"
    r"|\b(я|ты)(?: \w+)? \w{2,}(л|ла|лся|лась)\b|\b(поздравил|желал|хотел|подумал)а?\b",
    re.IGNORECASE,
)


def every(language, style, length, age=None, theme=""):
    wish = Wish(NAMES[language], age, style, length, theme)
    return [compose(language, wish, choice) for choice in CHOICES]


def test_both_languages_have_the_same_kinds_of_texts():
    assert {language: set(styles) for language, styles in DATA.items()} == dict.fromkeys(
        texts.LANGUAGES, set(STYLES)
    )
    for style in STYLES:
        assert set(DATA["en"][style]) == set(DATA["ru"][style]) == set(SLOTS)


@pytest.mark.parametrize(("language", "style", "kind", "text"), TEXTS)
def test_a_text_has_the_slots_of_its_kind(language, style, kind, text):
    slots = [name for _, name, _, _ in Formatter().parse(text) if name]
    assert set(slots) <= SLOTS[kind]
    needed = SLOTS[kind] if kind in (*LENGTHS, "theme", "theme_short") else set()
    assert set(slots) >= needed
    assert slots
    assert len(slots) == len(set(slots))


@pytest.mark.parametrize(("language", "style", "length"), ALL)
@pytest.mark.parametrize("age", [None, 1, 36, 50, 100])
def test_each_has_its_length(language, style, length, age):
    least, most = LIMITS[length]
    for text in every(language, style, length, age):
        assert least <= len(text) <= most, text


@pytest.mark.parametrize(("language", "style", "length"), ALL)
def test_a_short_theme_keeps_a_short_greeting_short(language, style, length):
    for text in every(language, style, length, theme="fly fishing"):
        assert len(text) <= LIMITS[length][1], text


@pytest.mark.parametrize(("language", "style", "length"), ALL)
def test_asking_again_gives_another_one_and_asking_the_same_gives_the_same(language, style, length):
    found = every(language, style, length)
    assert len(set(found)) >= 3
    assert all(one != other for one, other in itertools.pairwise(found))
    assert found == every(language, style, length)


@pytest.mark.parametrize(("language", "style", "length"), ALL)
def test_people_with_the_same_birthday_get_different_texts(language, style, length):
    said = {
        compose(language, Wish(name, None, style, length)).replace(name, "")
        for name in ("Ada", "Grace", "Alan", "Эмма", "Борис", "Вера", "Max", "Eve")
    }
    assert len(said) > 1


@pytest.mark.parametrize(("language", "style", "length"), ALL)
def test_a_greeting_is_tidy(language, style, length):
    for age, theme in itertools.product((None, 36, 40), ("", "chess")):
        for text in every(language, style, length, age, theme):
            assert text == text.strip()
            assert not re.search(r"  | \n|\n |\n{3}|[{}]| [,.!?]|\.\.", text), text
            assert NAMES[language] in text


@pytest.mark.parametrize(("language", "style", "length"), ALL)
def test_an_unknown_age_is_not_mentioned(language, style, length):
    for age in (None, 0, -3, 121, 1990):
        for text in every(language, style, length, age):
            assert not re.search(r"\d+ (лет|год|years)|\{|None", text), text
            assert not re.search(rf"\b{age}\b", text)


@pytest.mark.parametrize(("language", "style", "length"), ALL)
@pytest.mark.parametrize("age", [10, 30, 50, 80])
def test_a_round_birthday_is_mentioned(language, style, length, age):
    for text in every(language, style, length, age):
        assert str(age) in text
        assert language == "en" or f"{age} лет" in text


@pytest.mark.parametrize(("age", "said"), [
    (1, "1 год"), (2, "2 года"), (5, "5 лет"), (11, "11 лет"), (14, "14 лет"), (21, "21 год"),
    (22, "22 года"), (61, "61 год"), (101, "101 год"), (111, "111 лет"), (112, "112 лет"),
])  # fmt: skip
@pytest.mark.parametrize("style", STYLES)
def test_russian_years_have_their_plural(style, age, said):
    for text in every("ru", style, "medium", age):
        assert re.search(rf"\b{said}\b", text), text


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("age", "wrong"), [(80, "a 80"), (18, "a 18"), (1, "1 years"), (11, "a 11")]
)
def test_english_numbers_are_right(style, age, wrong):
    for length in LENGTHS:
        for text in every("en", style, length, age):
            assert wrong not in text.lower()


def test_one_year_is_one_year():
    found = [text for style in STYLES for text in every("en", style, "medium", 1)]
    assert any("1 year old" in text for text in found)


@pytest.mark.parametrize(("language", "style", "kind", "text"), TEXTS)
def test_no_russian_text_says_whether_it_is_a_man_or_a_woman(language, style, kind, text):
    found = GENDERED.search(text)
    assert language == "en" or not found, found


def test_the_search_for_such_words_finds_them():
    for text in ("Дорогой друг!", "как я рада", "ты сделал это", "Уважаемая", "поздравила", "сам"):
        assert GENDERED.search(text), text


@pytest.mark.parametrize(("language", "style", "length"), ALL)
def test_a_theme_is_quoted_as_it_was_typed_on_one_line(language, style, length):
    quoted = {"en": "“{}”", "ru": "«{}»"}[language]
    for typed, shown in [
        ("горы и море", "горы и море"),
        ("{name} & %s <b>", "{name} & %s <b>"),
        ("a\n\tb \u2028 c\x07", "a b c"),
    ]:
        for text in every(language, style, length, theme=typed):
            assert quoted.format(shown) in text


@pytest.mark.parametrize("theme", ["", "  ", "\n\t"])
def test_no_theme_leaves_no_trace(theme):
    assert every("en", "warm", "long", theme=theme) == every("en", "warm", "long")


def test_another_language_gets_english():
    wish = Wish("Ada", None, "formal", "short")
    assert compose("de", wish) == compose("en", wish)


@pytest.mark.parametrize(("language", "style", "length"), ALL)
def test_none_is_too_long_for_a_card(language, style, length):
    wish = Wish("Ж" * 200, 100, style, length, "я" * 200)
    assert all(len(compose(language, wish, choice)) <= 2000 for choice in CHOICES)


@given(
    st.sampled_from(texts.LANGUAGES),
    st.builds(
        Wish,
        st.text(min_size=1, max_size=200),
        st.none() | st.integers(-10_000, 10_000),
        st.sampled_from(STYLES),
        st.sampled_from(LENGTHS),
        st.text(max_size=200),
    ),
    st.integers(0, 2**40),
)
@examples(deadline=None, max_examples=300)
def test_any_wish_gets_a_greeting(language, wish, choice):
    text = compose(language, wish, choice)
    assert 30 <= len(text) <= 2000
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
