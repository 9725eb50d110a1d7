"""Sending at Telegram's pace: fast enough, never too fast, each once, nobody held up by others."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pacing import GROUP_MESSAGES, SECONDS, Pace
from tests.world import wait_for

# Makes recipients with a birthday today, and a promise to each that is due now.
MANY = """
import sys, time
from calendar_app import birthdays, calendars, config, models
from calendar_app.calendars import Account
from calendar_app.models import Promise, User
settings = config.load()
models.connect(settings.database_url)
now, today = int(time.time()), time.strftime("%Y-%m-%d", time.gmtime())
for telegram_id in map(int, sys.argv[1].split(",")):
    account = Account(telegram_id, f"User {telegram_id}", may_write=True)
    with models.writing():
        user_id = calendars.register(account, settings, now)
        body = {"full_name": f"Ada of {telegram_id}", "birth_date": "-" + today[4:]}
        row = birthdays.create(telegram_id, None, body, now)
        chat = User.get_by_id(user_id).chat_id
        calendar = calendars.enter(telegram_id).calendar_id
        same = {"due_at": now, "try_at": now, "state": "planned", "occurs_on": today}
        Promise.insert(
            kind="birthday", subject_id=row["id"], days_before=0, recipient=chat,
            calendar=calendar, **same,
        ).on_conflict_ignore().execute()
"""
STATES = """
import json
from peewee import fn
from calendar_app import config, models
from calendar_app.models import Promise
models.connect(config.load().database_url)
query = Promise.select(Promise.state, fn.COUNT(Promise.id)).group_by(Promise.state)
print(json.dumps(dict(query.tuples())))
"""


@pytest.fixture
def crowd(telegram):
    return [telegram.add_user(f"User {number}") for number in range(150)]


def reminded(person):
    return [m.text for m in person.messages() if "Ada of" in m.text]


def promise_all(running, crowd):
    for person in crowd:
        person.allow(bot=running.bot_account)
    running.python(MANY, ",".join(str(person.id) for person in crowd))


def test_many_are_reminded_once_each_within_telegrams_limits(service, telegram, crowd):
    running = service("web", "bot")
    running.wait_for_bot("ok")
    running.terminate("bot")
    telegram.limit_sending()
    telegram.fail("sendMessage", delay_ms=300, times=None)
    promise_all(running, crowd)
    running.start("bot")
    wait_for(lambda: all(map(reminded, crowd)), timeout=90, step=0.5)
    assert Counter(len(reminded(person)) for person in crowd) == {1: len(crowd)}
    refused = [call for call in telegram.calls("sendMessage") if call.status == 429]
    # On a machine that is slow some meet on the way; who keeps no pace is refused many times.
    assert len(refused) <= 5
    # Telegram shows a message before its answer has come, and so before it is recorded.
    wait_for(lambda: json.loads(running.python(STATES)) == {"sent": len(crowd)}, timeout=60)


def test_whom_telegram_makes_wait_holds_up_nobody_else(service, telegram, crowd):
    running = service("web", "bot")
    running.wait_for_bot("ok")
    slow, *others = crowd
    telegram.fail("sendMessage", chat=slow.id, retry_after=4)
    promise_all(running, crowd)
    wait_for(lambda: all(map(reminded, others)), timeout=60, step=0.5)
    wait_for(lambda: reminded(slow), timeout=60)
    assert Counter(len(reminded(person)) for person in crowd) == {1: len(crowd)}


# --- the pace, by itself -----------------------------------------------------------------


def go(pace, chat, now):
    """When a message to that chat goes out that is there from now on."""
    while pace.rest(chat, now) or pace.pause(now):
        now += max(pace.rest(chat, now), pace.pause(now))
    pace.sent(chat, now)
    return now


@given(st.lists(st.tuples(st.sampled_from([1, 2, 3, -4, -5]), st.floats(0, 0.3)), max_size=150))
def test_no_chat_gets_more_than_telegram_allows(wishes):
    pace, now, sent = Pace(), 0.0, []
    for chat, pause in wishes:
        now = go(pace, chat, now + pause)
        sent.append((now, chat))
    for chat in {chat for _, chat in sent}:
        times = [at for at, of in sent if of == chat]
        assert all(later - at >= 1 for at, later in zip(times, times[1:], strict=False))
        if chat < 0:
            minutes = zip(times, times[GROUP_MESSAGES:], strict=False)
            assert all(later - at >= 60 for at, later in minutes)


@given(st.lists(st.floats(0, 0.05), min_size=60, max_size=300))
def test_all_chats_together_never_get_more_than_telegram_allows(pauses):
    pace, now, sent = Pace(), 0.0, []
    for chat, pause in enumerate(pauses, 1):
        now = go(pace, chat, now + pause)
        sent.append(now)
    spans = [later - at for at, later in zip(sent, sent[30:], strict=False)]
    assert min(spans) >= SECONDS - 1e-9


def test_thousands_of_chats_are_sent_to_at_nearly_thirty_a_second():
    pace, now = Pace(), 0.0
    for chat in range(1, 3001):
        now = go(pace, chat, now)
    assert 28.9 < 2999 / now < 30


def test_what_a_busy_machine_let_slip_is_made_up_for():
    pace, now = Pace(), 0.0
    for chat in range(1, 3001):
        # Twice a second nobody is there to send.
        now = go(pace, chat, now + 0.1 * (chat % 15 == 0))
    assert 2999 / now > 28.5


# --- the buttons of a reminder -----------------------------------------------------------


@pytest.fixture
def reminded_anna(service, telegram):
    """Anna with a reminder of today on her screen; Telegram's clock is the machine's."""
    running, anna = service("web", "bot"), telegram.add_user("Anna")
    running.wait_for_bot("ok")
    promise_all(running, [anna])
    return anna, anna.wait_for_message("Ada of"), running


def test_a_reminder_can_be_done_for_this_year(reminded_anna):
    anna, message, running = reminded_anna
    assert "No more reminders" in anna.press("✓ Done").text
    assert anna.last_message().text == message.text
    assert running.python(DISMISSED).strip() == "1"


def test_a_reminder_comes_once_more_when_it_is_asked_for(reminded_anna):
    anna, message, running = reminded_anna
    assert "again tomorrow" in anna.press("Tomorrow").text
    assert "again tomorrow" in anna.press("Tomorrow").text
    wait_for(lambda: json.loads(running.python(STATES)) == {"sent": 1, "planned": 1})


DISMISSED = """
from calendar_app import config, models
models.connect(config.load().database_url)
print(models.Dismissal.select().count())
"""
