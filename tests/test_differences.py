"""What is a difference between two releases' messages, and how it is told; no process is needed."""

import datetime as dt
import json

import pytest

from calendar_app import duties, holidays, models
from calendar_app.models import Chat
from calendar_app.operation import differences
from tests.operating import ALICE, BOB, NOW, add, begin

DAY = dt.date(2026, 12, 10)


@pytest.fixture
def compared(tmp_path):
    """Compares two lists of messages; of Ada (birthday 1), Bob and Charlie in Alice's calendar."""
    begin(tmp_path, names=("Ada Lovelace", "Bob", "Charlie"))
    numbers = iter(range(100))

    def compare(before, after):
        folders = [tmp_path / f"kept{next(numbers)}" for _ in range(2)]
        for folder, messages in zip(folders, (before, after), strict=True):
            differences.keep((json.dumps(each).encode() + b"\n" for each in messages), folder)
        found = differences.between(*folders)
        assert (found.before, found.after) == (len(before), len(after))
        return {kind: number for kind, number in found.numbers.items() if number}, found.listed

    yield compare
    models.disconnect()


def message(text="Ada Lovelace", hour=9, **more):
    """A line of `simulate`, of Ada's birthday unless more is given."""
    return {
        "at": f"{DAY}T{hour:02}:00:00Z",
        "local": f"{DAY}T{hour:02}:00:00+00:00",
        "chat_id": ALICE.telegram_id,
        "kind": "day",
        "birthday_ids": [1],
        "occurs_on": DAY.isoformat(),
        "days_before": 0,
        "text": text,
    } | more


def test_the_order_of_messages_and_of_birthdays_in_one_is_no_difference(compared):
    both = [message(birthday_ids=[1, 2]), message(chat_id=7), message(hour=10, kind="lead")]
    turned = [message(hour=10, kind="lead"), message(chat_id=7), message(birthday_ids=[2, 1])]
    assert compared(both, turned) == ({}, {})


def test_what_another_release_tells_besides_is_no_difference(compared):
    assert compared([message()], [message(buttons=["done"])]) == ({}, {})


def test_a_message_that_comes_twice_is_one_too_many(compared):
    assert compared([message()], [message(), message()])[0] == {"new": 1}


def test_a_message_about_one_more_is_told_as_that(compared):
    numbers, listed = compared([message()], [message(birthday_ids=[1, 2])])
    assert numbers == {"others": 1}
    assert listed["others"][0].endswith(", to recipient 1, also birthday 2 of calendar 1")


def test_a_message_that_moved_to_another_day_is_no_other_message(compared):
    moved = message() | {"at": "2026-12-09T09:00:00Z", "local": "2026-12-09T09:00:00+00:00"}
    assert compared([message()], [moved])[0] == {"moved": 1}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("Today: Ada Lovelace", "Ada Lovelace has her birthday", "reworded"),
        ("Ada Lovelace\nBob", "Bob\nAda Lovelace", "reworded"),
        ("Ada Lovelace and Bob", "Ada Lovelace", "unnamed"),
        # What was cut off before is not missed.
        ("Bob and 1 more", "Bob and another", "reworded"),
        ("Somebody", "Nobody", "reworded"),
    ],
)
def test_other_words_are_a_difference_only_where_a_name_is_missing(compared, before, after, kind):
    two = {"birthday_ids": [1, 2]}
    assert compared([message(before, **two)], [message(after, **two)])[0] == {kind: 1}


def test_a_name_within_another_is_missed_too(compared):
    add("Bobby")
    both = {"birthday_ids": [2, 4]}
    assert compared([message("Bob, Bobby", **both)], [message("Bobby", **both)])[0] == {
        "unnamed": 1
    }
    assert compared([message("Bob! • Bob", birthday_ids=[2])],
                    [message("• Bob", birthday_ids=[2])])[0] == {"reworded": 1}  # fmt: skip


def test_holidays_and_who_is_responsible_are_missed_by_their_names(compared):
    body = {"name": "Day of Foo", "day": DAY.day, "month": DAY.month}
    holidays.create(ALICE.telegram_id, None, body, NOW)
    host = duties.create(ALICE.telegram_id, None, {"full_name": "The Host"})["id"]
    duties.assign(ALICE.telegram_id, None, {"responsible_id": host, "date": DAY.isoformat()}, NOW)
    for kind, name in (("holiday", "Day of Foo"), ("responsible", "The Host")):
        nobody = {"birthday_ids": [], "kind": kind}
        before, after = message(f"Today: {name}", **nobody), message("Today: x", **nobody)
        assert compared([before], [after])[0] == {"unnamed": 1}
        assert compared([before], [message(f"{name}!", **nobody)])[0] == {"reworded": 1}


def test_of_two_calendars_holidays_in_one_chat_neither_is_taken_for_the_other(compared):
    for name in ("Foo", "Bar"):
        body = {"name": name, "day": DAY.day, "month": DAY.month}
        holidays.create(ALICE.telegram_id, None, body, NOW)
    nobody = {"birthday_ids": [], "kind": "holiday"}
    before = [message("Today: Foo", **nobody), message("Today: Bar", **nobody)]
    after = [message("Bar!", **nobody), message("Foo!", **nobody)]
    assert compared(before, after)[0] == {"reworded": 2}


def test_twenty_are_listed_at_most_the_first_in_time_first(compared):
    before = [message(chat_id=number, hour=number % 24) for number in range(1, 100)]
    _, listed = compared(before, [])
    assert len(listed["gone"]) == differences.MOST
    assert [line[11:13] for line in listed["gone"][:6]] == ["00"] * 4 + ["01"] * 2
    _, listed = compared(before, [message(kind="weekly", chat_id=n) for n in range(1, 100)])
    assert [len(lines) for lines in listed.values()] == [10, 10]


def test_a_message_of_many_names_the_first_birthdays_only(compared):
    _, listed = compared([message(birthday_ids=list(range(1, 50)))], [])
    assert listed["gone"][0].endswith("birthdays 1, 2, 3, 4, 5 and 44 more of calendar 1")


def test_a_chat_is_told_by_our_own_number(compared):
    Chat.create(telegram_id=BOB.telegram_id, kind="private", reachable=True, created_at=0)
    lines = compared([message(chat_id=BOB.telegram_id), message(chat_id=77)], [])[1]["gone"]
    assert [line.split(", ")[2] for line in lines] == ["to recipient 2", "to nobody we know"]


def test_what_is_no_message_is_refused(tmp_path):
    for number, line in enumerate((b"", b"{}", b"[]", b"\xff", b'{"at": 1', b"null")):
        with pytest.raises(ValueError):  # noqa: PT011 - any will do
            differences.keep([line], tmp_path / str(number))
