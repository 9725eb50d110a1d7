"""What changes around the moment at which something is due: nothing is lost or told wrongly."""

import pytest

from calendar_app import birthdays, calendars, duties, models, reminders, sharing
from calendar_app import settings as preferences
from calendar_app.calendars import Ref
from calendar_app.errors import NotFound
from calendar_app.models import Dismissal, Promise, ReminderRule
from calendar_app.reminders import Outcome
from tests.lives import ALICE, BOB, Life, at

HOUR = 3600


@pytest.fixture
def begin(tmp_path, clock):
    yield lambda text, **environment: Life.begin(tmp_path, clock, text, **environment)
    models.disconnect()


def told(life, name):
    """When messages about somebody came."""
    return [when for when, text in zip(life.post.times, life.post.texts, strict=True)
            if name in text]  # fmt: skip


def test_on_new_years_eve_a_change_counts_where_it_is_still_the_old_year(begin):
    life = begin("2026-12-31 12:00", TIMEZONE="America/Los_Angeles")
    ada = life.add("Ada", "--12-30")
    life.until("2027-01-01 02:00", step=600)  # in Los Angeles it is 18:00 on 31 December
    life.amend(ada, birth_date="--12-31")
    life.look()
    assert told(life, "Ada") == [at("2027-01-01 02:00")]


def responsible(name):
    return duties.create(ALICE.telegram_id, None, {"full_name": name})["id"]


def assign(life, host, date):
    body = {"responsible_id": host, "date": date}
    duties.assign(ALICE.telegram_id, None, body, life.clock.now)


def test_who_takes_a_day_over_that_was_told_already_is_told_at_once(begin):
    life = begin("2026-12-01 12:00")
    first, second = responsible("First"), responsible("Second")
    assign(life, first, "2026-12-10")
    life.until("2026-12-10 09:00", step=1800)
    assign(life, second, "2026-12-10")
    life.until("2026-12-12 00:00", step=1800)
    assert told(life, "First") == [at("2026-12-10 09:00")]
    assert told(life, "Second") == [at("2026-12-10 09:30")]


def test_who_is_relieved_or_deleted_is_not_told_when_telegram_is_back(begin):
    life = begin("2026-12-01 12:00")
    first, second = responsible("First"), responsible("Second")
    assign(life, first, "2026-12-10")
    life.until("2026-12-10 08:00")
    life.post.answers = [Outcome("later", seconds=900)]
    life.until("2026-12-10 09:00")
    assign(life, second, "2026-12-10")
    life.post.answers = [Outcome("later", seconds=900)]
    life.look()
    duties.delete(Ref(ALICE.telegram_id, second))
    life.until("2026-12-12 00:00")
    assert life.post.sent == []
    reasons = [promise.reason for promise in Promise.select().order_by(Promise.id)]
    assert reasons == ["somebody else is responsible now", "it was deleted"]


def the_calendars(life, rule):
    access = calendars.enter(ALICE.telegram_id)
    preferences.change_calendar(access, {"leap_day": rule}, life.clock.now)


def the_members(life, rule):
    life.change(leap_day=rule)


@pytest.mark.parametrize("choose", [the_calendars, the_members])
@pytest.mark.parametrize("lead", [0, 7])
def test_another_rule_for_29_february_loses_nobody_whose_time_has_gone_by(begin, choose, lead):
    life = begin("2027-02-01 12:00")
    life.change(lead_days=[lead])
    life.add("Leap", "2000-02-29")
    choose(life, "mar1")
    noon = at("2027-02-28 12:00") - lead * 24 * HOUR
    while life.clock.now < noon:
        life.clock.now += HOUR
        life.look()
    choose(life, "feb28")
    life.look()
    life.until("2027-03-05 00:00")
    assert told(life, "Leap") == [noon]


def test_who_keeps_a_day_of_their_own_is_told_of_once_whatever_the_calendar_does(begin):
    life = begin("2027-02-01 12:00")
    life.add("Leap", "2000-02-29", leap_day="mar1")
    life.until("2027-02-28 12:00")
    the_members(life, "mar1")
    the_calendars(life, "mar1")
    the_members(life, "feb28")
    life.until("2027-03-05 00:00")
    assert told(life, "Leap") == [at("2027-03-01 09:00")]


def test_who_was_born_on_a_leap_day_is_not_told_who_is_responsible_on_either_day(begin):
    life = begin("2027-02-20 12:00")
    life.add("Alice herself", "--02-29", linked_user_id=ALICE.telegram_id)
    host = responsible("Host")
    for date in ("2027-02-28", "2027-03-01", "2027-03-02"):
        assign(life, host, date)
    life.until("2027-03-03 00:00")
    # By her own rule she keeps 28 February; others may keep 1 March, and prepare that.
    assert told(life, "Host") == [at("2027-03-02 09:00")]


def test_who_keeps_29_february_on_a_known_day_is_told_who_is_responsible_on_the_other(begin):
    life = begin("2027-02-20 12:00")
    life.add("Alice herself", "--02-29", linked_user_id=ALICE.telegram_id, leap_day="mar1")
    host = responsible("Host")
    for date in ("2027-02-28", "2027-03-01"):
        assign(life, host, date)
    life.until("2027-03-03 00:00")
    assert told(life, "Host") == [at("2027-02-28 09:00")]


def test_a_lead_time_given_up_stays_for_whom_it_is_a_persons_own(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-12", lead_days=[2])
    life.add("Bob", "--12-12")
    life.change(lead_days=[0, 2])
    # Nobody sends when it comes due, and it is given up meanwhile.
    life.clock.now = at("2026-12-10 10:00")
    life.change(lead_days=[0])
    life.look()
    assert told(life, "Ada") == [at("2026-12-10 10:00")]
    assert told(life, "Bob") == []
    rules = ReminderRule.select(ReminderRule.days_before, ReminderRule.own_only).tuples()
    assert sorted(rules) == [(0, False), (2, True)]


def test_a_rule_that_comes_again_promises_anew_what_was_taken_back(begin):
    life = begin("2026-12-09 12:00")
    life.add("Ada", "--12-10")
    life.clock.now = at("2026-12-10 09:00")
    reminders.plan(life.clock.now)
    Promise.update(state="skipped", reason="taken back").execute()
    life.change(notification_time="18:00")
    life.until("2026-12-11 00:00", step=600)
    assert told(life, "Ada") == [at("2026-12-10 18:00")]


def test_what_was_sent_already_is_not_told_again_at_a_later_time(begin):
    life = begin("2026-12-09 12:00")
    life.add("Ada", "--12-10")
    life.until("2026-12-10 09:30", step=600)
    life.change(notification_time="18:00")
    life.until("2026-12-11 00:00", step=600)
    assert told(life, "Ada") == [at("2026-12-10 09:00")]


def test_what_is_taken_back_while_it_is_under_way_was_sent_all_the_same(begin):
    life = begin("2026-12-09 12:00")
    ada = life.add("Ada", "--12-10")
    life.clock.now = at("2026-12-10 09:00")
    reminders.plan(life.clock.now)
    (claim,) = reminders.claim(life.clock.now, "bot/1", 12)
    life.amend(ada, birth_date="--12-11")
    reminders.record(claim, Outcome("sent"), life.clock.now)
    life.amend(ada, birth_date="--12-10")
    life.until("2026-12-10 23:00")
    assert life.post.sent == []
    assert [(row.state, row.reason) for row in Promise.select()] == [("sent", "")]
    # What did not come is not tried again.
    bob = life.add("Bob", "--12-12")
    life.clock.now = at("2026-12-12 09:00")
    reminders.plan(life.clock.now)
    (claim,) = reminders.claim(life.clock.now, "bot/1", 12)
    life.amend(bob, muted=True)
    reminders.record(claim, Outcome("later", "?", 5), life.clock.now)
    assert [row.state for row in Promise.select().where(Promise.subject_id == bob)] == ["skipped"]


def test_what_is_taken_back_and_put_right_while_it_is_under_way_comes_once(begin):
    life = begin("2026-12-09 12:00")
    ada = life.add("Ada", "--12-10")
    life.clock.now = at("2026-12-10 09:00")
    reminders.plan(life.clock.now)
    (claim,) = reminders.claim(life.clock.now, "bot/1", 12)
    for date in ("--12-20", "--12-10"):
        life.amend(ada, birth_date=date)
    assert reminders.claim(life.clock.now, "bot/1", 12) == []
    reminders.record(claim, Outcome("sent"), life.clock.now)
    life.until("2026-12-10 23:00")
    assert life.post.sent == []
    assert [row.state for row in Promise.select()] == ["sent"]


# --- the same day told for two reasons ---------------------------------------------------


def test_a_repetition_and_the_day_itself_come_as_one_message(begin):
    life = begin("2026-12-08 12:00")
    for name in ("Ada", "Bob"):
        life.add(name, "--12-10")
    life.change(lead_days=[0, 1])
    life.until("2026-12-09 12:00")
    ((_, lead),) = life.post.sent
    reminders.snooze(ALICE.telegram_id, promise_of(lead), "tomorrow", life.clock.now)
    life.until("2026-12-10 12:00")
    (day,) = life.post.texts[1:]
    assert day.splitlines() == ["🎂 <b>Birthdays today, 10 December</b>", "• Ada", "• Bob"]
    assert {row.state for row in Promise.select()} == {"sent"}
    # What its buttons do counts once for each person.
    (_, message) = life.post.sent[1]
    assert len(reminders.told(ALICE.telegram_id, promise_of(message))[1]) == 4
    reminders.snooze(ALICE.telegram_id, promise_of(message), "tonight", life.clock.now)
    waiting = Promise.select().where(Promise.state == "planned")
    assert len({row.subject_id for row in waiting}) == len(waiting) == 2
    life.until("2026-12-10 23:00")
    assert life.post.texts[2] == day


def test_what_a_downtime_has_kept_back_of_one_day_comes_as_one_message(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-10")
    life.change(lead_days=[0, 1, 7])
    life.clock.now = at("2026-12-10 12:00")
    life.look()
    assert life.post.texts == ["🎂 <b>Birthdays today, 10 December</b>\n• Ada"]
    assert {row.state for row in Promise.select()} == {"late"}


def test_each_of_them_is_given_up_at_the_end_of_its_own_day(begin):
    life = begin("2026-12-08 12:00")
    life.add("Ada", "--12-10")
    life.change(lead_days=[0, 1], notification_time="23:30")
    life.post.answers = [Outcome("later", "?", minutes * 60) for minutes in (30, 20, 60)]
    life.until("2026-12-10 00:00", step=600)
    life.change(notification_time="00:20")
    life.until("2026-12-10 00:20", step=600)
    # Both were tried together: since yesterday one of them, since just now the other.
    assert life.post.answers == []
    states = {row.days_before: row.state for row in Promise.select()}
    assert states == {1: "failed", 0: "planned"}
    life.until("2026-12-10 12:00")
    assert told(life, "Ada") == [at("2026-12-10 01:20")]


# --- old buttons -------------------------------------------------------------------------


def promise_of(message):
    """The promise that the buttons of a message name."""
    return int(message.buttons[1][1].partition(":")[2])


def test_done_under_a_message_about_somebody_who_was_deleted_is_no_fault(begin):
    life = begin("2026-12-09 12:00")
    ids = [life.add(name, "--12-10") for name in ("Ada", "Bob")]
    life.until("2026-12-11 00:00")
    ((_, message),) = life.post.sent
    birthdays.delete(Ref(ALICE.telegram_id, ids[0]))
    assert reminders.done(ALICE.telegram_id, promise_of(message)) == ids
    assert [row.birthday_id for row in Dismissal.select()] == [ids[1]]


def test_a_button_under_a_message_of_the_release_before_means_who_was_in_it(begin):
    life = begin("2026-12-08 12:00")
    ada = life.add("Ada", "--12-10")
    life.change(lead_days=[0, 1])
    life.until("2026-12-09 12:00")
    Promise.update(lease_owner="").execute()
    ((_, message),) = life.post.sent
    life.add("Bob", "--12-10")
    life.clock.now = at("2026-12-10 09:00")
    reminders.plan(life.clock.now)
    assert reminders.done(ALICE.telegram_id, promise_of(message)) == [ada]


def test_the_buttons_of_who_has_left_the_calendar_do_nothing(begin):
    life = begin("2026-12-09 12:00")
    family = sharing.create(ALICE.telegram_id, {"title": "Family"}, life.config, life.clock.now)
    calendars.register(BOB, life.config, life.clock.now)
    invited = sharing.invite(ALICE.telegram_id, family["id"], {}, life.config, life.clock.now)
    sharing.accept(BOB.telegram_id, invited["code"], life.clock.now)
    body = {"full_name": "Ada", "birth_date": "--12-10"}
    birthdays.create(ALICE.telegram_id, family["id"], body, life.clock.now)
    life.until("2026-12-10 12:00")
    (bobs,) = [m for _, m in life.post.sent if m.chat_id == BOB.telegram_id]
    promise = promise_of(bobs)
    sharing.remove(BOB.telegram_id, family["id"], BOB.telegram_id)
    for press in (
        lambda: reminders.snooze(BOB.telegram_id, promise, "tomorrow", life.clock.now),
        lambda: reminders.done(BOB.telegram_id, promise),
        lambda: reminders.told(BOB.telegram_id, promise),
    ):
        with pytest.raises(NotFound):
            press()
    assert Promise.select().where(Promise.state == "planned").count() == 0
