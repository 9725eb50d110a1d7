"""What input is taken, and what is said of the rest."""

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from calendar_app import fields, texts
from calendar_app.dates import birth_date
from calendar_app.errors import Invalid


class Person(fields.Input):
    """Every kind of field."""

    full_name: fields.Name
    born: fields.Date
    joined: fields.FullDate = "2000-01-01"
    company: fields.ShortText = ""
    responsible: fields.Responsible = ""
    comment: fields.Comment = ""


GOOD = {"full_name": "Ada", "born": "1815-12-10"}


def taken(**data):
    return fields.check(Person, GOOD | data)


def refused(data):
    """{field: English sentence} of everything that is refused."""
    with pytest.raises(Invalid) as caught:
        fields.check(Person, data)
    # Every message must be one that can be said, with the values that come with it.
    for found in caught.value.errors:
        assert texts.say("ru", found.message, **found.params) != found.message
    return {
        found.field: texts.say("en", found.message, **found.params) for found in caught.value.errors
    }


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Ada", "Ada"),
        ("  Ada Lovelace\t\n", "Ada Lovelace"),
        ("x" * 200, "x" * 200),
        ("🎂" * 200, "🎂" * 200),
        ("Анна-Мария", "Анна-Мария"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("%%%", "%%%"),
        ("<b>O'Neil</b>", "<b>O'Neil</b>"),
        ("שלום", "שלום"),
        ("0", "0"),
    ],
)
def test_a_name_is_taken_without_the_spaces_around_it(name, stored):
    assert taken(full_name=name).full_name == stored


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "must not be empty"),
        (" ", "must not be blank"),
        (" \t\n ", "must not be blank"),
        ("\u00a0\u2003", "must not be blank"),
        ("\u200b", "must not be blank"),
        ("\u200b\u200d \ufeff\u2060", "must not be blank"),
        ("\u0301", "must not be blank"),
        ("\u2800\u3164\u115f", "must not be blank"),
        ("A\0da", "contains control characters: leave them out"),
        ("A\nda", "contains control characters: leave them out"),
        ("A\x1b[31mda", "contains control characters: leave them out"),
        ("A\x85da", "contains control characters: leave them out"),
        ("A\u2028da", "contains control characters: leave them out"),
        ("A\ud800da", "contains characters that are not valid Unicode"),
        ("x" * 201, "must be at most 200 characters long"),
        (None, "must be text"),
        (5, "must be text"),
        (["Ada"], "must be text"),
        ({"a": 1}, "must be text"),
        (True, "must be text"),
        (b"Ada", "must be text"),
    ],
)
def test_a_name_that_cannot_be_seen_or_stored_is_refused(name, said):
    assert refused(GOOD | {"full_name": name}) == {"full_name": said}


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_optional_texts_may_be_left_out_null_or_empty(empty):
    assert taken(company=empty, responsible=empty, comment=empty) == taken()
    assert taken().company == ""


@pytest.mark.parametrize(
    ("field", "limit"), [("company", 200), ("responsible", 255), ("comment", 1000)]
)
def test_optional_texts_have_their_limits(field, limit):
    assert getattr(taken(**{field: "я" * limit}), field) == "я" * limit
    said = f"must be at most {limit} characters long"
    assert refused(GOOD | {field: "я" * (limit + 1)}) == {field: said}
    assert refused(GOOD | {field: 5}) == {field: "must be text"}
    control = "contains control characters: leave them out"
    assert refused(GOOD | {field: "a\0b"}) == {field: control}


def test_a_comment_may_have_lines():
    assert taken(comment=" Likes:\r\n\t- cake\n").comment == "Likes:\n\t- cake"
    assert taken(comment="one\u2028two\u2029three").comment == "one\ntwo\nthree"
    assert refused(GOOD | {"company": "a\nb"}).keys() == {"company"}


@pytest.mark.parametrize("born", ["1815-12-10", "--12-10", "--02-29", "2000-02-29", "0001-01-01"])
def test_dates_with_and_without_a_year_are_taken(born):
    assert taken(born=born).born == born


@pytest.mark.parametrize(
    ("born", "said"),
    [
        ("1815-02-29", "is not a day that exists"),
        ("--02-30", "is not a day that exists"),
        ("2026-13-01", "is not a day that exists"),
        ("0000-01-01", "is not a day that exists"),
        ("", "must be a date written YYYY-MM-DD, or --MM-DD without the year"),
        ("10.12.1815", "must be a date written YYYY-MM-DD, or --MM-DD without the year"),
        ("1815-12-1", "must be a date written YYYY-MM-DD, or --MM-DD without the year"),
        ("١٨١٥-١٢-١٠", "must be a date written YYYY-MM-DD, or --MM-DD without the year"),
        ("1815-12-10T00:00:00Z", "must be at most 10 characters long"),
        (None, "must be text"),
        (18151210, "must be text"),
        (["1815-12-10"], "must be text"),
    ],
)
def test_what_is_no_date_is_refused(born, said):
    assert refused(GOOD | {"born": born}) == {"born": said}


def test_where_a_year_is_needed_it_is_asked_for():
    assert taken(joined="2000-02-29").joined == "2000-02-29"
    assert refused(GOOD | {"joined": "--02-29"}) == {"joined": "must have a year: YYYY-MM-DD"}


@pytest.mark.parametrize("data", [[], ["Ada"], "Ada", "", 5, True, None, [GOOD]])
def test_what_is_no_object_is_refused_as_a_whole(data):
    assert refused(data) == {"body": "must be a JSON object"}


def test_all_wrong_fields_are_named_at_once():
    data = {"full_name": " ", "joined": "x", "company": 5, "comment": "x" * 1001}
    assert refused(data) == {
        "full_name": "must not be blank",
        "born": "is missing: it must be given",
        "joined": "must be a date written YYYY-MM-DD, or --MM-DD without the year",
        "company": "must be text",
        "comment": "must be at most 1000 characters long",
    }


def test_unknown_fields_are_ignored():
    assert taken(id=5, user={"x": []}, **{"": None}) == taken()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.text("\0\ud800 \u200b"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(
    ANYTHING
    | st.fixed_dictionaries(
        {}, optional={name: ANYTHING | st.just("2000-02-29") for name in Person.model_fields}
    )
)
@examples(deadline=None, max_examples=500)
def test_whatever_comes_is_taken_or_refused_and_what_is_taken_can_be_stored(data):
    try:
        found = fields.check(Person, data)
    except Invalid as refusal:
        for error in refusal.errors:
            assert texts.say("en", error.message, **error.params)
        return
    assert 1 <= len(found.full_name) <= 200
    assert found.full_name == found.full_name.strip()
    assert birth_date(found.born)
    for text in found.model_dump().values():
        assert "\0" not in text
        assert text.encode().decode() == text
