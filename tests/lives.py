"""Lives of recipients for the tests of reminders: a calendar, a clock, and the bot's loop."""

import datetime as dt

from calendar_app import birthdays, calendars, dates, holidays, models, reminders
from calendar_app import settings as preferences
from calendar_app.calendars import Account, Ref
from calendar_app.models import Promise
from calendar_app.reminders import Outcome
from tests.world import settings

ALICE = Account(5_000_000_001, "Alice", language_code="en", may_write=True)
BOB = Account(5_000_000_002, "Bob", language_code="en", may_write=True)


def at(text, zone="UTC"):
    """Seconds since 1970 of `2027-02-28 09:00` in a zone."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dates.zone(zone)).timestamp())


class Post:
    """A place to send to that answers as it is told; remembers what came, and when."""

    def __init__(self, clock):
        self.clock = clock
        self.sent = []
        self.answers = []

    def __call__(self, message):
        answer = self.answers.pop(0) if self.answers else Outcome("sent")
        if answer.state == "sent":
            self.sent.append((self.clock.now, message))
        return answer

    @property
    def texts(self):
        return [message.html for _, message in self.sent]

    @property
    def times(self):
        return [when for when, _ in self.sent]


class Life:
    """Alice with her calendar, a clock, and the loop that the bot runs."""

    def __init__(self, config, clock):
        self.config, self.clock, self.post = config, clock, Post(clock)
        calendars.register(ALICE, config, clock.now)

    @classmethod
    def begin(cls, folder, clock, text, **environment):
        """A life that begins at that UTC time, on a database of its own."""
        clock.now = at(text)
        config = settings(folder, **environment)
        models.connect(config.database_url)
        models.migrate()
        return cls(config, clock)

    @property
    def calendar(self):
        return calendars.enter(ALICE.telegram_id).calendar_id

    def add(self, name, date, **more):
        body = {"full_name": name, "birth_date": date, **more}
        return birthdays.create(ALICE.telegram_id, None, body, self.clock.now)["id"]

    def holiday(self, name, day, month):
        body = {"name": name, "day": day, "month": month}
        return holidays.create(ALICE.telegram_id, None, body, self.clock.now)["id"]

    def amend(self, birthday_id, **values):
        return birthdays.amend(Ref(ALICE.telegram_id, birthday_id), values, self.clock.now)

    def change(self, **values):
        access = calendars.enter(ALICE.telegram_id)
        preferences.change(access, values, self.clock.now)

    def look(self, owner="bot/1"):
        """What the bot does every second."""
        reminders.plan(self.clock.now)
        while reminders.deliver(self.post, self.clock.now, owner):
            pass

    def until(self, text, zone="UTC", step=3600):
        """Let time pass, looking every `step` seconds."""
        end = at(text, zone)
        while self.clock.now < end:
            self.clock.now = min(self.clock.now + step, end)
            self.look()


def states():
    """Day and state of each promise."""
    return [(row.occurs_on, row.state) for row in Promise.select().order_by(Promise.id)]


def ledger():
    """Kind, day, lead and state of each promise."""
    rows = Promise.select().order_by(Promise.due_at, Promise.kind, Promise.id)
    return [(row.kind, row.occurs_on, row.days_before, row.state) for row in rows]
