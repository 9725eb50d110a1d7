"""Rule → ledger → claimed → sent: each reminder once, on its day, at the local time."""

import datetime as dt
import threading

import pytest

from calendar_app import birthdays, calendars, dates, models, reminders
from calendar_app.calendars import Account, Ref
from calendar_app.models import Chat, Promise, ReminderRule
from calendar_app.reminders import Outcome
from tests.lives import ALICE, Life, at, states


@pytest.fixture
def begin(tmp_path, clock):
    """A life that begins at a given UTC time: `begin("2026-12-01 12:00", TIMEZONE=…)`."""

    yield lambda text, **environment: Life.begin(tmp_path, clock, text, **environment)
    models.disconnect()


def test_a_reminder_comes_once_on_the_day_at_the_local_time(begin):
    life = begin("2026-12-01 12:00", TIMEZONE="Asia/Kolkata", NOTIFICATION_TIME="08:30")
    life.add("Ada Lovelace", "1815-12-10")
    life.until("2026-12-12 00:00", step=60)
    assert [when for when, _ in life.post.sent] == [at("2026-12-10 08:30", "Asia/Kolkata")]
    assert life.post.texts == [
        "🎂 <b>Birthdays today, 10 December</b>\n• Ada Lovelace — 211 years old"
    ]
    assert states() == [("2026-12-10", "sent")]


def test_people_of_the_same_day_come_in_one_message(begin):
    life = begin("2026-12-01 12:00")
    for name in ("Ada", "Bob", "<Eve & Co>"):
        life.add(name, "--12-10")
    life.until("2026-12-11 00:00")
    (text,) = life.post.texts
    assert text.splitlines()[1:] == ["• Ada", "• Bob", "• &lt;Eve &amp; Co&gt;"]
    assert len(states()) == 3


def test_every_year_has_its_own_reminder(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1815-12-10")
    life.until("2029-12-31 00:00", step=6 * 3600)
    ages = [text.partition(" — ")[2] for text in life.post.texts]
    assert ages == [f"{age} years old" for age in (211, 212, 213, 214)]


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        (None, ["2027-02-28", "2028-02-29", "2029-02-28"]),
        ("mar1", ["2027-03-01", "2028-02-29", "2029-03-01"]),
    ],
)
def test_29_february_is_kept_every_year(begin, rule, days):
    life = begin("2027-01-01 12:00")
    life.add("Leap", "2000-02-29")
    models.Birthday.update(leap_day=rule).execute()
    life.until("2029-04-01 00:00", step=6 * 3600)
    assert [day for day, _ in states()] == days
    assert len(life.post.sent) == 3


@pytest.mark.parametrize("begun", ["2027-03-10", "2027-04-01", "2027-10-01", "2027-10-28"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_a_time_that_the_clock_skips_or_repeats_comes_once(begin, zone, begun):
    life = begin(f"{begun} 16:00", TIMEZONE=zone, NOTIFICATION_TIME="02:10")
    first = dt.date.fromisoformat(begun) + dt.timedelta(days=2)
    days = [first + dt.timedelta(days=number) for number in range(20)]
    for day in days:
        life.add("Somebody", f"--{day:%m-%d}")
    life.until(f"{days[-1]} 23:00", step=900)
    local = [dt.datetime.fromtimestamp(when, dates.zone(zone)) for when, _ in life.post.sent]
    assert [moment.date() for moment in local] == days
    assert {moment.hour for moment in local} <= {2, 3}


def test_a_user_who_moves_loses_nothing_and_gets_nothing_twice(begin):
    life = begin("2026-12-01 12:00", TIMEZONE="Europe/Berlin")
    for day in range(2, 29):
        life.add("Somebody", f"--12-{day:02}")
    zones = ["America/Los_Angeles", "Asia/Tokyo", "Pacific/Kiritimati", "Pacific/Niue"]
    for number, day in enumerate(range(5, 25, 3)):
        life.until(f"2026-12-{day:02} {number * 3 % 24:02}:30")
        life.change(timezone=zones[number % 4])
    life.until("2026-12-31 12:00")
    days = [day for day, _ in states()]
    assert days == [f"2026-12-{day:02}" for day in range(2, 29)]
    assert len(life.post.sent) == 27


def test_a_new_time_holds_from_now_on_also_today(begin):
    life = begin("2026-12-10 12:00")
    life.add("Ada", "1815-12-10")
    life.change(notification_time="18:00")
    life.until("2026-12-11 12:00")
    assert [when for when, _ in life.post.sent] == [at("2026-12-10 18:00")]


def test_after_a_short_downtime_it_is_sent_late_and_recorded_so(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1815-12-10")
    life.clock.now = at("2026-12-10 15:00")
    life.look()
    assert "Birthdays today" in life.post.texts[0]
    assert states() == [("2026-12-10", "late")]


def test_after_days_of_downtime_it_is_sent_as_belated(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1815-12-10")
    life.clock.now = at("2026-12-13 15:00")
    life.look()
    (text,) = life.post.texts
    assert text.startswith("🎂 <b>Belated: birthdays on 10 December</b>")
    assert states() == [("2026-12-10", "late")]


def test_after_weeks_of_downtime_it_is_recorded_as_missed(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1815-12-10")
    life.clock.now = at("2027-01-20 15:00")
    life.look()
    assert life.post.sent == []
    (row,) = Promise.select()
    assert (row.state, row.reason[:7]) == ("skipped", "missed:")


def test_trouble_is_tried_again_until_it_is_sent(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1815-12-10")
    life.post.answers = [Outcome("later", "x"), Outcome("later", "x", 40), Outcome("later", "x")]
    life.until("2026-12-10 08:59")
    life.until("2026-12-10 10:00", step=1)
    ((when, _),) = life.post.sent
    assert at("2026-12-10 09:00:45") < when < at("2026-12-10 09:03")
    (row,) = Promise.select()
    assert (row.state, row.attempts, row.reason) == ("sent", 4, "")


def test_a_chat_that_is_closed_to_us_is_not_tried_again_until_its_user_returns(begin):
    life = begin("2026-12-01 12:00")
    for day in (10, 11, 12):
        life.add("Somebody", f"--12-{day}")
    life.post.answers = [Outcome("refused", "Forbidden: bot was blocked by the user")]
    life.until("2026-12-11 12:00")
    assert life.post.sent == []
    reasons = {row.reason for row in Promise.select()}
    assert reasons == {"Forbidden: bot was blocked by the user"}
    calendars.register(ALICE, life.config, life.clock.now)
    life.until("2026-12-13 12:00")
    assert states()[2] == ("2026-12-12", "sent")


def test_a_group_that_became_a_supergroup_is_followed(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1815-12-10")
    life.post.answers = [Outcome("later", "the group moved", 0, moved_to=-100_777)]
    life.until("2026-12-10 12:00")
    ((_, message),) = life.post.sent
    assert message.chat_id == -100_777
    assert len(states()) == 1


def test_deleting_takes_the_promise_back(begin):
    life = begin("2026-12-01 12:00")
    ada = life.add("Ada", "1815-12-10")
    life.post.answers = [Outcome("later", "x", 600)]
    life.until("2026-12-10 09:00")
    birthdays.delete(Ref(ALICE.telegram_id, ada))
    life.until("2026-12-12 12:00")
    assert life.post.sent == []
    assert states() == [("2026-12-10", "skipped")]


def test_a_changed_date_takes_the_promise_back_and_keeps_the_new_day(begin):
    life = begin("2026-12-01 12:00")
    ada = life.add("Ada", "1815-12-10")
    life.post.answers = [Outcome("later", "x", 600)]
    life.until("2026-12-10 09:00")
    birthdays.amend(Ref(ALICE.telegram_id, ada), {"birth_date": "1815-12-12"}, life.clock.now)
    life.until("2026-12-13 12:00")
    assert states() == [("2026-12-10", "skipped"), ("2026-12-12", "sent")]


def test_the_database_itself_forbids_a_second_promise_of_the_same(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1815-12-10")
    life.until("2026-12-10 12:00")
    row = Promise.get()
    values = {name: row.__data__[name] for name in row.__data__ if name != "id"}
    with pytest.raises(models.peewee.IntegrityError):
        Promise.insert(values).execute()
    rule = ReminderRule.get()
    ReminderRule.update(next_date="2026-12-10", next_due_at=at("2026-12-10 09:00")).where(
        ReminderRule.id == rule.id
    ).execute()
    life.look()
    assert len(life.post.sent) == 1


def test_a_claim_of_a_dead_process_ends_by_itself(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1815-12-10")
    life.clock.now = at("2026-12-10 09:00")
    reminders.plan(life.clock.now)

    def die(_message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reminders.deliver(die, life.clock.now, "dead/1")
    life.look("alive/2")
    assert life.post.sent == []
    life.clock.now += reminders.LEASE_SECONDS
    life.look("alive/2")
    assert len(life.post.sent) == 1


def test_two_senders_at_once_send_each_message_once(begin):
    life = begin("2026-12-01 12:00")
    for number in range(60):
        friend = Account(6_000_000_000 + number, "Friend", may_write=True)
        calendars.register(friend, life.config, life.clock.now)
        body = {"full_name": f"Person {number}", "birth_date": "--12-10"}
        birthdays.create(friend.telegram_id, None, body, life.clock.now)
    life.clock.now = at("2026-12-10 09:00")
    lock, chats = threading.Lock(), []

    def send(message):
        with lock:
            chats.append(message.chat_id)
        return Outcome("sent")

    def work(owner):
        reminders.plan(life.clock.now)
        while reminders.deliver(send, life.clock.now, owner):
            pass
        models.disconnect()

    senders = [threading.Thread(target=work, args=(f"bot/{n}",)) for n in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sorted(chats) == [6_000_000_000 + number for number in range(60)]


def test_a_recipient_who_never_wrote_to_the_bot_is_told_apart(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1815-12-10")
    Chat.update(reachable=False).execute()
    life.until("2026-12-10 12:00")
    (row,) = Promise.select()
    assert (row.state, row.reason) == ("failed", "the bot may not write to this chat yet")


def test_reminders_speak_russian_with_its_plurals(begin):
    life = begin("2026-12-01 12:00")
    life.change(language="ru")
    life.add("Ада Лавлейс", "1815-12-10")
    life.add("Борис", "1965-12-10")
    life.until("2026-12-10 12:00")
    assert life.post.texts == [
        "🎂 <b>Сегодня, 10 декабря, день рождения</b>\n• Ада Лавлейс — 211 лет\n• Борис — 61 год"
    ]


def test_the_real_bot_sends_what_is_due(service, telegram):
    anna = telegram.add_user("Anna")
    running = service("web", "bot", NOTIFICATION_TIME="00:00", TIMEZONE="UTC")
    today = dt.datetime.now(dt.UTC)
    anna.send(f"/add Ada {today.day}.{today.month}.1816")
    anna.wait_for_message("Saved")
    # The time of reminders has gone by today: ask for the next minute.
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    anna.send("/settings")
    anna.wait_for_message("Settings")
    anna.press("🕘 Time of reminders")
    anna.wait_for_message("When should")
    anna.send(f"{soon:%H:%M}")
    anna.wait_for_message(f"at {soon:%H:%M}")
    reminder = anna.wait_for_message("Birthdays today", timeout=90)
    assert "Ada" in reminder.text
    assert anna.gets_nothing(within=3)
    assert running.checks()["reminders"]["status"] == "ok"
