"""Leads, digests, holidays, the one responsible, quiet hours, own wishes: all kinds of rules."""

import datetime as dt

import pytest

from calendar_app import (
    birthdays,
    calendars,
    dates,
    duties,
    holidays,
    models,
    reminders,
    rules,
    sharing,
    simulation,
)
from calendar_app.calendars import Account, Group, Ref
from calendar_app.errors import Conflict, NotFound
from calendar_app.models import Alert, Birthday, Promise, ReminderRule
from calendar_app.reminders import Outcome
from tests.lives import ALICE, BOB, Life, at, ledger, states

GROUP = Group(-1_000_000_777, "Team")


@pytest.fixture
def begin(tmp_path, clock):
    """A life that begins at a given UTC time: `begin("2026-12-01 12:00", TIMEZONE=…)`."""
    yield lambda text, **environment: Life.begin(tmp_path, clock, text, **environment)
    models.disconnect()


def test_any_leads_come_so_many_days_before_at_the_local_time(begin):
    life = begin("2026-10-01 12:00", TIMEZONE="Asia/Kathmandu", NOTIFICATION_TIME="08:15")
    life.add("Ada", "1815-12-10")
    life.change(lead_days=[0, 1, 7, 60])
    life.until("2026-12-12 00:00", step=900)
    days = ["2026-10-11", "2026-12-03", "2026-12-09", "2026-12-10"]
    assert life.post.times == [at(f"{day} 08:15", "Asia/Kathmandu") for day in days]
    headlines = [text.splitlines()[0] for text in life.post.texts]
    assert [line[:30] for line in headlines] == [
        "⏰ <b>Birthdays in 60 days, 10 ",
        "⏰ <b>Birthdays in 7 days, 10 D",
        "⏰ <b>Birthdays in 1 day, 10 De",
        "🎂 <b>Birthdays today, 10 Decem",
    ]


def test_a_weekly_digest_comes_on_its_weekday_and_tells_of_seven_days(begin):
    life = begin("2026-12-01 12:00")
    for name, date in (("Ada", "1966-12-07"), ("Bob", "--12-13"), ("Eve", "--12-14")):
        life.add(name, date)
    life.change(weekly_digest=0, lead_days=[])
    life.until("2026-12-22 00:00")
    assert life.post.times == [at("2026-12-07 09:00"), at("2026-12-14 09:00")]
    assert life.post.texts[0] == (
        "🗓 <b>Birthdays from 7 December to 13 December</b>\n"
        "<b>Mon, 7 December</b>\n• Ada — 60 years old 🎉 round\n"
        "<b>Sun, 13 December</b>\n• Bob"
    )
    assert "Eve" in life.post.texts[1]


def test_a_monthly_digest_comes_on_the_first_and_an_empty_one_does_not(begin):
    life = begin("2027-01-15 12:00")
    life.add("Leap", "2000-02-29")
    life.add("Ada", "--04-30")
    life.change(monthly_digest=True, lead_days=[])
    life.until("2027-06-02 00:00")
    assert life.post.times == [at("2027-02-01 09:00"), at("2027-04-01 09:00")]
    assert "<b>Sun, 28 February</b>\n• Leap — 27 years old" in life.post.texts[0]
    assert [row[:2] for row in ledger()] == [
        ("monthly", "2027-02-01"), ("monthly", "2027-04-01"),
    ]  # fmt: skip


def test_digests_follow_the_settings(begin):
    life = begin("2026-12-01 12:00")
    for values, days in (
        ({"weekly_digest": 4, "monthly_digest": True}, {"2026-12-04", "2027-01-01"}),
        ({"weekly_digest": 6}, {"2026-12-06", "2027-01-01"}),
        ({"weekly_digest": None}, {"2027-01-01"}),
        ({"monthly_digest": False}, set()),
        ({"lead_days": [3]}, set()),
    ):
        life.change(**values)
        found = ReminderRule.select().where(ReminderRule.kind.in_(rules.DIGESTS))
        assert {row.next_date for row in found} == days


def test_a_digest_and_a_new_time_on_its_day_come_once(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-09")
    life.change(weekly_digest=0, lead_days=[])
    life.until("2026-12-07 10:00")
    life.change(notification_time="18:00", timezone="America/New_York")
    life.until("2026-12-13 00:00")
    assert [row[:2] for row in ledger()] == [("weekly", "2026-12-07")]
    life.change(timezone="Pacific/Kiritimati")
    life.until("2026-12-16 00:00")
    assert len(life.post.sent) == 1


def test_holidays_come_on_their_day_to_whoever_wants_the_day(begin):
    life = begin("2027-02-01 12:00")
    life.holiday("Leap <day>", 29, 2)
    life.holiday("Women's Day", 8, 3)
    life.until("2028-03-10 00:00", step=12 * 3600)
    assert [text.splitlines() for text in life.post.texts] == [
        ["🎊 <b>Today, 8 March</b>", "• Women's Day"],
        ["🎊 <b>Today, 29 February</b>", "• Leap &lt;day&gt;"],
        ["🎊 <b>Today, 8 March</b>", "• Women's Day"],
    ]
    life.change(lead_days=[1])
    life.until("2029-03-10 00:00", step=12 * 3600)
    assert len(life.post.sent) == 3


def test_members_are_told_on_the_day_who_is_responsible(begin):
    life = begin("2026-12-01 12:00")
    host = duties.create(ALICE.telegram_id, None, {"full_name": "Host", "position": "Chef"})
    duties.assign(
        ALICE.telegram_id,
        None,
        {"responsible_id": host["id"], "date": "2026-12-10"},
        life.clock.now,
    )
    life.until("2026-12-12 00:00")
    assert life.post.texts == ["📌 <b>Responsible today, 10 December</b>\n• Host\n  <i>Chef</i>"]
    assert ledger() == [("responsible", "2026-12-10", 0, "sent")]


def test_a_group_gets_the_day_itself_only_and_greets_who_is_linked(begin):
    life = begin("2026-12-01 12:00")
    access = calendars.enter_group(ALICE.telegram_id, GROUP, "owner", life.config, life.clock.now)
    body = {"full_name": "Ada", "birth_date": "--12-10"}
    ada = birthdays.create(ALICE.telegram_id, access.calendar_id, body, life.clock.now)["id"]
    Birthday.update(linked_user_id=ALICE.telegram_id, lead_days="[7]").execute()
    host = duties.create(ALICE.telegram_id, access.calendar_id, {"full_name": "Host"})["id"]
    duty = {"responsible_id": host, "date": "2026-12-10"}
    duties.assign(ALICE.telegram_id, access.calendar_id, duty, life.clock.now)
    with models.writing():
        rules.follow_people(access.calendar_id, life.clock.now)
    life.until("2026-12-12 00:00")
    ((when, message),) = life.post.sent
    assert (when, message.chat_id) == (at("2026-12-10 09:00"), GROUP.chat_id)
    assert f'<a href="tg://user?id={ALICE.telegram_id}">Ada</a>' in message.html
    assert message.buttons == ()
    assert Promise.get().subject_id == ada


QUIET = [
    # time, quiet from, to, when it comes for 10 December, its headline
    ("09:00", "22:00", "08:00", "2026-12-10 09:00", "🎂 <b>Birthdays today"),
    ("07:00", "22:00", "08:30", "2026-12-10 08:30", "🎂 <b>Birthdays today"),
    ("08:30", "22:00", "08:30", "2026-12-10 08:30", "🎂 <b>Birthdays today"),
    ("13:10", "13:00", "15:00", "2026-12-10 15:00", "🎂 <b>Birthdays today"),
    ("23:00", "22:00", "08:00", "2026-12-11 08:00", "🎂 <b>Belated: birthdays on 10 December"),
    ("09:00", "09:00", "09:00", "2026-12-10 09:00", "🎂 <b>Birthdays today"),
]


@pytest.mark.parametrize(("time", "quiet_from", "quiet_to", "comes", "headline"), QUIET)
def test_quiet_hours_put_it_off_to_their_end(begin, time, quiet_from, quiet_to, comes, headline):
    life = begin("2026-12-01 12:00", TIMEZONE="Asia/Tokyo")
    life.add("Ada", "--12-10")
    life.change(notification_time=time, quiet_from=quiet_from, quiet_to=quiet_to)
    life.until("2026-12-12 12:00", step=600)
    assert life.post.times == [at(comes, "Asia/Tokyo")]
    assert life.post.texts[0].startswith(headline)


def test_what_was_kept_back_by_trouble_does_not_come_in_quiet_hours(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-10")
    life.change(notification_time="21:30", quiet_from="22:00", quiet_to="08:00")
    life.until("2026-12-10 21:00")
    life.clock.now = at("2026-12-10 23:30")
    life.look()
    assert life.post.sent == []
    life.until("2026-12-11 12:00", step=600)
    assert life.post.times == [at("2026-12-11 08:00")]
    assert states() == [("2026-12-10", "late")]


@pytest.mark.parametrize("begun", ["2027-03-10", "2027-03-25", "2027-04-01", "2027-10-28"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/New_York"])
def test_quiet_hours_that_end_where_the_clock_jumps_lose_and_double_nothing(begin, zone, begun):
    life = begin(f"{begun} 00:00", TIMEZONE=zone, NOTIFICATION_TIME="01:30")
    life.change(quiet_from="23:00", quiet_to="02:15")
    days = [dt.date.fromisoformat(begun) + dt.timedelta(days=number) for number in range(2, 14)]
    for day in days:
        life.add("Somebody", f"--{day:%m-%d}")
    life.until(f"{days[-1] + dt.timedelta(days=2)} 00:00", step=1800)
    assert [day for day, _ in states()] == [str(day) for day in days]
    assert len(life.post.sent) == len(days)
    places = [dt.datetime.fromtimestamp(when, dates.zone(zone)) for when in life.post.times]
    assert {f"{place:%H}" for place in places} <= {"02", "03"}


def test_in_an_hour_that_comes_twice_quiet_hours_are_what_the_clock_shows(begin):
    life = begin("2027-10-30 12:00", TIMEZONE="Europe/Berlin", NOTIFICATION_TIME="02:23")
    life.change(quiet_from="23:00", quiet_to="02:15")
    life.add("Ada", "--10-31")
    life.post.answers = [Outcome("later", seconds=2400)]
    # Tried at the first 02:23, and again at the second 02:03, when they are not over.
    life.until("2027-10-31 03:00", step=60)
    assert life.post.times == [at("2027-10-31 02:15", "Europe/Berlin") + 3600]


def test_a_persons_own_lead_times_replace_the_recipients(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-20", lead_days=[10, 2])
    life.add("Bob", "--12-20")
    life.change(lead_days=[0, 2])
    life.until("2026-12-22 00:00")
    named = [(when, sorted(text.count(name) for name in ("Ada", "Bob")), "Ada" in text)
             for when, text in zip(life.post.times, life.post.texts, strict=True)]  # fmt: skip
    assert named == [
        (at("2026-12-10 09:00"), [0, 1], True),
        (at("2026-12-18 09:00"), [1, 1], True),
        (at("2026-12-20 09:00"), [0, 1], False),
    ]
    chosen = ReminderRule.select().where(~ReminderRule.own_only)
    assert sorted(rule.days_before for rule in chosen) == [0, 2]


def test_rules_for_own_lead_times_come_and_go_with_them(begin):
    life = begin("2026-12-01 12:00")
    ada = life.add("Ada", "--12-20")
    leads = lambda: sorted(row.days_before for row in ReminderRule.select())  # noqa: E731
    life.amend(ada, lead_days=[5, 0])
    assert leads() == [0, 5]
    life.change(lead_days=[5])
    assert leads() == [0, 5]
    life.amend(ada, lead_days=None)
    assert leads() == [5]
    life.amend(ada, lead_days=[30])
    with models.writing():
        bob = calendars.register(BOB, life.config, life.clock.now)
        calendars.add_member(life.calendar, bob, "viewer", life.clock.now)
        chat = models.User.get_by_id(bob).chat_id
        rules.subscribe(life.calendar, chat, life.clock.now)
    mine = ReminderRule.select().where(ReminderRule.calendar == life.calendar)
    assert sorted((row.recipient_id == chat, row.days_before) for row in mine) == [
        (False, 5), (False, 30), (True, 0), (True, 30),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "days"),
    [
        ({"muted": True}, []),
        ({"skip_year": 2026}, ["2027-12-10"]),
        ({"linked_user_id": ALICE.telegram_id}, []),
        ({"lead_days": []}, []),
        ({"linked_user_id": BOB.telegram_id}, ["2026-12-10", "2027-12-10"]),
    ],
)
def test_who_is_muted_skipped_or_oneself_is_not_told_of(begin, values, days):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-10")
    if "lead_days" in values:
        values = {"lead_days": "[]"}
    Birthday.update(values).execute()
    life.change(weekly_digest=0, lead_days=[0, 1])
    life.until("2027-12-12 00:00", step=12 * 3600)
    told = {occurs_on for kind, occurs_on, lead, _ in ledger() if kind == "birthday"}
    assert sorted(told) == days
    digests = [text for text in life.post.texts if "🗓" in text]
    assert bool(digests) == (bool(days) or "lead_days" in values)


def test_a_hidden_age_is_not_told(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "1966-12-10", hide_age=True)
    life.until("2026-12-12 00:00")
    assert life.post.texts == ["🎂 <b>Birthdays today, 10 December</b>\n• Ada"]


def test_a_long_message_is_cut_with_the_number_of_the_rest(begin):
    life = begin("2026-12-01 12:00")
    for number in range(120):
        life.add(f"{number} " + "🎂" * 190, "--12-10")
    life.change(weekly_digest=0)
    life.until("2026-12-12 00:00")
    for text in life.post.texts:
        assert len(text.encode("utf-16-le")) // 2 <= 4096
        shown = text.count("• ")
        assert text.endswith(f"\n…and {120 - shown} more")
        assert shown > 5


# --- trouble -----------------------------------------------------------------------------


def test_what_fails_until_the_end_of_the_day_is_given_up_with_the_reason(begin):
    life = begin("2026-12-01 12:00", TIMEZONE="Asia/Tokyo")
    life.add("Ada", "--12-10")
    life.post.answers = [Outcome("later", "Telegram could not be reached")] * 1000
    life.until("2026-12-10 23:40", "Asia/Tokyo", step=300)
    assert states() == [("2026-12-10", "planned")]
    life.until("2026-12-11 00:30", "Asia/Tokyo", step=300)
    (row,) = Promise.select()
    assert row.state == "failed"
    assert row.reason == "given up at the end of the day: Telegram could not be reached"


def test_what_is_due_at_the_end_of_the_day_is_tried_for_an_hour(begin):
    life = begin("2026-12-01 12:00", NOTIFICATION_TIME="23:59")
    life.add("Ada", "--12-10")
    life.post.answers = [Outcome("later", "Telegram asked to wait", 90)] * 4
    life.until("2026-12-11 01:00", step=30)
    assert states() == [("2026-12-10", "sent")]
    assert len(life.post.sent) == 1


def test_after_a_downtime_leads_tell_the_true_number_of_days_or_are_missed(begin):
    life = begin("2026-12-01 12:00", ADMIN_TELEGRAM_IDS="7")
    life.add("Ada", "--12-10")
    life.add("Bob", "--12-14")
    life.change(lead_days=[1, 7])
    life.clock.now = at("2026-12-12 12:00")
    life.look()
    assert life.post.texts == ["⏰ <b>Birthdays in 2 days, 14 December</b>\n• Bob"]
    assert ledger() == [
        ("birthday", "2026-12-10", 7, "skipped"),
        ("birthday", "2026-12-14", 7, "late"),
        ("birthday", "2026-12-10", 1, "skipped"),
    ]
    (alert,) = Alert.select()
    assert (alert.key, alert.params) == ("missed", '{"number": 2}')


def test_a_year_of_downtime_is_caught_up_without_a_storm(begin):
    life = begin("2026-12-01 12:00")
    for day in range(1, 29):
        life.add("Somebody", f"--12-{day:02}")
    life.change(lead_days=[0, 1, 7], weekly_digest=0, monthly_digest=True)
    life.clock.now = at("2027-12-20 12:00")
    life.look()
    # The digests, eight days that are over or today, and seven that are to come: each once.
    assert len(life.post.sent) == 2 + 8 + 7
    assert {row.state for row in Promise.select()} == {"late", "skipped"}
    assert Alert.select().count() == 1
    assert models.rows("SELECT min(next_date) FROM reminder_rules").fetchone()[0] == "2027-12-21"


def test_a_late_digest_tells_of_all_its_days(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-08")
    life.add("Bob", "--12-12")
    life.change(weekly_digest=0, lead_days=[])
    life.clock.now = at("2026-12-10 12:00")
    life.look()
    (text,) = life.post.texts
    assert text.startswith("🗓 <b>Birthdays from 7 December to 13 December</b>")
    assert "Ada" in text


def test_a_digest_that_quiet_hours_carry_over_midnight_tells_of_its_first_day(begin):
    life = begin("2027-01-30 12:00")
    for name, date in (("Ada", "--02-07"), ("Bob", "--02-08"), ("Eve", "--03-01")):
        life.add(name, date)
    life.change(
        lead_days=[], weekly_digest=6, monthly_digest=True,
        notification_time="23:30", quiet_from="23:00", quiet_to="07:00",
    )  # fmt: skip
    simulated = [line["text"] for line in simulation.messages(dt.date(2027, 1, 31), 31)]
    life.until("2027-03-03 00:00")
    weekly = life.post.texts[1]
    assert life.post.times[1] == at("2027-02-08 07:00")
    assert weekly.startswith("🗓 <b>Birthdays from 7 February to 13 February</b>")
    assert "Ada" in weekly
    assert "Bob" in weekly
    # Of the 1st, the monthly digest that has nobody else tells too.
    last_week, march = life.post.texts[2:]
    assert "from 28 February to 6 March" in last_week
    assert "from 1 March to 31 March" in march
    assert "Eve" in march
    assert [simulation.plain(text) for text in life.post.texts] == simulated


# --- edits -------------------------------------------------------------------------------


def test_a_date_moved_to_today_after_the_rule_fired_is_told_today(begin):
    life = begin("2026-12-01 12:00")
    ada = life.add("Ada", "--12-25")
    life.change(lead_days=[0, 3])
    life.until("2026-12-10 12:00")
    life.amend(ada, birth_date="--12-10")
    life.until("2026-12-10 13:00", step=60)
    assert ledger() == [("birthday", "2026-12-10", 0, "sent")]
    life.amend(ada, birth_date="--12-13")
    life.until("2026-12-14 13:00", step=600)
    assert ledger()[1:] == [
        ("birthday", "2026-12-13", 3, "sent"), ("birthday", "2026-12-13", 0, "sent"),
    ]  # fmt: skip


def test_a_date_moved_to_today_before_the_rule_fired_is_told_once(begin):
    life = begin("2026-12-01 12:00")
    ada = life.add("Ada", "--12-25")
    life.until("2026-12-10 08:00")
    life.amend(ada, birth_date="--12-10")
    assert ledger() == []
    life.until("2026-12-11 12:00")
    assert life.post.times == [at("2026-12-10 09:00")]


def test_a_date_moved_away_and_back_is_told_once(begin):
    life = begin("2026-12-01 12:00")
    ada = life.add("Ada", "--12-10")
    life.post.answers = [Outcome("later", "x", 7200)]
    life.until("2026-12-10 09:00")
    life.amend(ada, birth_date="--12-20")
    assert states() == [("2026-12-10", "skipped")]
    life.amend(ada, birth_date="--12-10")
    assert states() == [("2026-12-10", "planned")]
    life.until("2026-12-10 12:00", step=60)
    life.amend(ada, birth_date="--12-20")
    life.amend(ada, birth_date="--12-10")
    life.until("2026-12-11 12:00")
    assert states() == [("2026-12-10", "sent")]
    assert len(life.post.sent) == 1


def test_an_unsent_reminder_shows_the_new_name_and_a_muting_takes_it_back(begin):
    life = begin("2026-12-01 12:00")
    ada = life.add("Ada", "--12-10")
    life.add("Bob", "--12-10")
    life.post.answers = [Outcome("later", "x", 600)]
    life.until("2026-12-10 09:00")
    life.amend(ada, full_name="Ada Lovelace")
    bob = Promise.select().where(Promise.subject_id != ada).get().subject_id
    life.amend(bob, muted=True)
    life.until("2026-12-10 12:00")
    assert life.post.texts == ["🎂 <b>Birthdays today, 10 December</b>\n• Ada Lovelace"]
    reasons = {row.subject_id: row.reason for row in Promise.select()}
    assert reasons == {ada: "", bob: "this person is muted"}


def test_a_change_that_nobody_told_of_is_seen_when_it_is_sent(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-10")
    life.post.answers = [Outcome("later", "x", 600)]
    life.until("2026-12-10 09:00")
    Birthday.update(day=11).execute()
    life.until("2026-12-10 12:00")
    assert life.post.sent == []
    assert Promise.get().reason == "the date was changed"


def test_a_holiday_that_is_moved_or_deleted_takes_its_promise_along(begin):
    life = begin("2026-12-01 12:00")
    party = life.holiday("Party", 10, 12)
    other = life.holiday("Other", 10, 12)
    life.post.answers = [Outcome("later", "x", 600)]
    life.until("2026-12-10 09:00")
    ref = Ref(ALICE.telegram_id, party)
    holidays.amend(ref, {"day": 11}, life.clock.now)
    holidays.delete(Ref(ALICE.telegram_id, other), life.clock.now)
    assert {state for _, state in states()} == {"skipped"}
    holidays.amend(ref, {"day": 10}, life.clock.now)
    life.until("2026-12-12 12:00")
    assert life.post.texts == ["🎊 <b>Today, 10 December</b>\n• Party"]


# --- who is when at the front ------------------------------------------------------------


def test_a_large_calendar_does_not_make_the_others_wait(begin):
    life = begin("2026-12-01 12:00")
    big = sharing.create(ALICE.telegram_id, {"title": "Big"}, life.config, life.clock.now)["id"]
    friends = [Account(6_000_000_000 + number, "F", may_write=True) for number in range(60)]
    with models.writing():
        for friend in friends:
            user = calendars.register(friend, life.config, life.clock.now)
            calendars.add_member(big, user, "viewer", life.clock.now)
            rules.subscribe(big, models.User.get_by_id(user).chat_id, life.clock.now)
    body = {"full_name": "Boss", "birth_date": "--12-10"}
    birthdays.create(ALICE.telegram_id, big, body, life.clock.now)
    for friend in friends[:5]:
        birthdays.create(friend.telegram_id, None, body, life.clock.now)
    life.clock.now = at("2026-12-10 09:00")
    reminders.plan(life.clock.now)
    claims = reminders.claim(life.clock.now, "bot/1", 12)
    assert len(claims) == 12
    assert len({claim.calendar_id for claim in claims}) == 6
    assert len({(claim.calendar_id, claim.message.chat_id) for claim in claims}) == 12
    again = reminders.claim(life.clock.now, "bot/1", 100)
    assert {claim.calendar_id for claim in again} == {big}
    assert len(again) == 61 + 5 - 12
    assert reminders.claim(life.clock.now, "bot/1", 12) == []


def test_one_broken_row_does_not_keep_the_others_from_being_sent(begin):
    life = begin("2026-12-01 12:00")
    calendars.register(BOB, life.config, life.clock.now)
    body = {"full_name": "Ada", "birth_date": "--12-10"}
    for account in (ALICE, BOB):
        birthdays.create(account.telegram_id, None, body, life.clock.now)
    life.clock.now = at("2026-12-10 09:00")
    reminders.plan(life.clock.now)
    models.Calendar.update(timezone="Nowhere/Land").where(
        models.Calendar.id == life.calendar
    ).execute()
    life.look()
    assert [message.chat_id for _, message in life.post.sent] == [BOB.telegram_id]


# --- buttons -----------------------------------------------------------------------------


def test_done_silences_this_years_reminders_of_that_person_only(begin):
    life = begin("2026-12-01 12:00")
    ada = life.add("Ada", "--12-10")
    life.add("Bob", "--12-10", lead_days=[1, 0])
    life.change(lead_days=[7, 0])
    life.until("2026-12-03 12:00")
    ((_, message),) = life.post.sent
    assert [text for text, _ in message.buttons] == ["✍️ Write", "✓ Done", "Tonight", "Tomorrow"]
    promise_id = int(message.buttons[1][1].removeprefix("done:"))
    assert reminders.done(ALICE.telegram_id, promise_id) == [ada]
    life.amend(ada, birth_date="--12-11")
    life.amend(ada, birth_date="--12-10", full_name="Ada L")
    life.until("2027-12-11 00:00", step=6 * 3600)
    about_ada = [when for when, text in zip(life.post.times, life.post.texts, strict=True)
                 if "Ada" in text]  # fmt: skip
    days = [dt.datetime.fromtimestamp(when, dt.UTC).date().isoformat() for when in about_ada]
    assert days == ["2026-12-03", "2027-12-03", "2027-12-10"]


def test_tonight_and_tomorrow_send_it_once_more(begin):
    life = begin("2026-12-01 12:00", TIMEZONE="Asia/Tokyo")
    life.add("Ada", "--12-10")
    life.until("2026-12-10 12:00", "Asia/Tokyo")
    promise_id = Promise.get().id
    for _ in range(2):
        due = reminders.snooze(ALICE.telegram_id, promise_id, "tonight", life.clock.now)
        assert due.isoformat() == "2026-12-10T20:00:00+09:00"
    reminders.snooze(ALICE.telegram_id, promise_id, "tomorrow", life.clock.now)
    life.until("2026-12-12 12:00", "Asia/Tokyo")
    local = ["2026-12-10 09:00", "2026-12-10 20:00", "2026-12-11 09:00"]
    assert life.post.times == [at(text, "Asia/Tokyo") for text in local]
    assert life.post.texts[2].startswith("🎂 <b>Belated")
    life.clock.now = at("2026-12-12 20:00", "Asia/Tokyo")
    with pytest.raises(Conflict, match="past 20:00"):
        reminders.snooze(ALICE.telegram_id, promise_id, "tonight", life.clock.now)


def button_of(life):
    """The promise that the buttons of the newest message name."""
    _, message = life.post.sent[-1]
    return int(message.buttons[1][1].removeprefix("done:"))


def test_tonight_under_two_messages_of_one_day_tells_of_all_their_people_once(begin):
    life = begin("2026-12-08 12:00")
    life.add("Ada", "--12-10")
    life.add("Bob", "--12-10", lead_days=[0])
    life.change(lead_days=[0, 1])
    life.until("2026-12-09 12:00")
    of_ada = button_of(life)
    life.until("2026-12-10 12:00")
    for promise_id in (of_ada, button_of(life)):
        reminders.snooze(ALICE.telegram_id, promise_id, "tonight", life.clock.now)
    life.until("2026-12-10 23:00")
    assert life.post.texts[2:] == ["🎂 <b>Birthdays today, 10 December</b>\n• Ada\n• Bob"]


def test_tomorrow_counts_again_after_it_was_taken_back(begin):
    life = begin("2026-12-09 12:00")
    ada = life.add("Ada", "--12-10")
    life.until("2026-12-10 12:00")
    promise_id = button_of(life)
    reminders.snooze(ALICE.telegram_id, promise_id, "tomorrow", life.clock.now)
    for muted in (True, False):
        life.amend(ada, muted=muted)
    reminders.snooze(ALICE.telegram_id, promise_id, "tomorrow", life.clock.now)
    life.until("2026-12-12 00:00")
    assert life.post.times[1:] == [at("2026-12-11 09:00")]


def test_no_repetition_is_promised_that_would_not_come(begin):
    life = begin("2026-12-09 12:00")
    ids = [life.add(name, "--12-10") for name in ("Ada", "Bob")]
    life.until("2026-12-10 12:00")
    promise_id = button_of(life)

    def refused(match, *whens):
        for when in whens:
            with pytest.raises(Conflict, match=match):
                reminders.snooze(ALICE.telegram_id, promise_id, when, life.clock.now)

    # The last day on which it is told is the 17th.
    life.clock.now = at("2026-12-17 12:00")
    refused("too late", "tomorrow")
    life.clock.now = at("2026-12-17 21:00")
    refused("too late", "tonight", "tomorrow")
    life.clock.now = at("2026-12-10 13:00")
    birthdays.delete(Ref(ALICE.telegram_id, ids[0]))
    reminders.snooze(ALICE.telegram_id, promise_id, "tomorrow", life.clock.now)
    life.amend(ids[1], muted=True)
    refused("not reminded of anybody", "tonight", "tomorrow")
    life.amend(ids[1], muted=False)
    reminders.done(ALICE.telegram_id, promise_id)
    refused("done for this year", "tonight", "tomorrow")
    life.until("2026-12-20 00:00")
    assert len(life.post.sent) == 1
    assert Alert.select().count() == 0


def test_tonight_in_quiet_hours_is_promised_for_their_end(begin):
    life = begin("2026-12-09 12:00")
    life.add("Ada", "--12-10")
    life.change(quiet_from="19:00", quiet_to="08:00")
    life.until("2026-12-10 12:00")
    due = reminders.snooze(ALICE.telegram_id, button_of(life), "tonight", life.clock.now)
    assert due.isoformat() == "2026-12-11T08:00:00+00:00"
    life.until("2026-12-12 00:00")
    assert life.post.times[1:] == [at("2026-12-11 08:00")]
    assert {row.state for row in Promise.select()} == {"sent"}


@pytest.mark.parametrize("was_down", [True, False])
def test_a_repetition_that_becomes_too_late_is_missed_only_in_a_downtime(begin, was_down):
    life = begin("2026-12-09 12:00")
    life.add("Ada", "--12-10")
    life.until("2026-12-17 12:00")
    reminders.snooze(ALICE.telegram_id, button_of(life), "tonight", life.clock.now)
    if was_down:
        life.clock.now = at("2026-12-18 12:00")
        life.look()
    else:
        life.change(quiet_from="19:00", quiet_to="08:00")
        life.until("2026-12-18 12:00")
    assert Promise.get(Promise.snooze > 0).state == "skipped"
    assert len(life.post.sent) == 1
    assert Alert.select().count() == was_down


def test_a_button_of_another_chat_does_nothing(begin):
    life = begin("2026-12-01 12:00")
    life.add("Ada", "--12-10")
    life.until("2026-12-10 12:00")
    for promise_id in (Promise.get().id, 10**30, 0):
        who = BOB.telegram_id if promise_id == Promise.get().id else ALICE.telegram_id
        with pytest.raises(NotFound, match="no such reminder"):
            reminders.done(who, promise_id)
        with pytest.raises(NotFound, match="no such reminder"):
            reminders.snooze(who, promise_id, "tomorrow", life.clock.now)


def test_a_restart_does_not_undo_what_members_of_the_shared_calendar_chose(begin):
    life = begin("2026-12-01 12:00", SHARED_CALENDAR="Us", ADMIN_TELEGRAM_IDS=ALICE.telegram_id)
    calendars.ensure_shared(life.config, life.clock.now)
    assert calendars.enter(ALICE.telegram_id).kind == "shared"
    chosen = ReminderRule.select().where(ReminderRule.calendar == life.calendar)
    assert [row.days_before for row in chosen.clone()] == [0]
    life.change(lead_days=[7])
    calendars.ensure_shared(life.config, life.clock.now)
    assert [row.days_before for row in chosen.clone()] == [7]
