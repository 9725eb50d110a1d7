"""People who wait for a reminder: each is promised one, at a second of its own during a fault."""

import contextlib
import datetime as dt
import json
import time

from tests.world import wait_for

RELEASE = "/opt/birthday-calendar/current"
AS_THE_SERVICE = (
    *("setpriv", "--reuid=birthday-calendar", "--regid=birthday-calendar", "--init-groups", "--"),
    *("env", "ENV_FILE=/etc/birthday-calendar/env", "STATE_DIRECTORY=/var/lib/birthday-calendar"),
    *(f"{RELEASE}/.venv/bin/python", "-I", "-c"),
)
# Each has a calendar with one birthday, on the day on which their rule comes due. Not before the
# bot has let all rules follow the time zones, as it does after its first start.
PROMISE = """
import json, sys, time
from calendar_app import birthdays, calendars, config, models
from calendar_app.calendars import Account
from calendar_app.models import Calendar, ReminderRule, User
settings = config.load()
models.connect(settings.database_url)
now, wanted = json.load(sys.stdin)
while models.rows("SELECT zones FROM bot_state").fetchall() == [("",)]:
    time.sleep(0.1)
with models.writing(essential=True):
    for who, due, day, zone in wanted:
        account = Account(who, "Recipient", language_code="en", may_write=True)
        calendars.register(account, settings, now)
        person = {"full_name": f"Celebrant {who}", "birth_date": day.replace(day[:5], "--")}
        birthdays.create(who, None, person, now)
        chat = User.get(User.telegram_id == who).chat_id
        ReminderRule.update(next_date=day, next_due_at=due).where(
            ReminderRule.recipient == chat).execute()
        Calendar.update(timezone=zone).where(Calendar.user == User.get(User.chat == chat)).execute()
"""
LEDGER = """
import json, sys, time
from calendar_app import config, models
models.connect(config.load().database_url)
wanted = json.load(sys.stdin)
marks = ",".join("?" * len(wanted))
query = f'''SELECT c.telegram_id, l.state, l.reason, max(l.try_at, l.lease_until) FROM ledger l
    JOIN chats c ON c.id = l.recipient_id WHERE c.telegram_id IN ({marks})'''
print(json.dumps([row for row in models.rows(query, *wanted)]))
"""
# Stands in for waiting until a claim of a dead bot ends, and for the pauses between tries.
HURRY = """
from calendar_app import config, models
models.connect(config.load().database_url)
with models.writing(essential=True):
    models.rows("UPDATE ledger SET try_at = 0, lease_until = 0 WHERE state = 'planned'")
"""


class Recipients:
    """`promise` before a fault, `settle` after it; then there are lists of who was not reminded.

    `skipped`: and the ledger says why not; `missing`: nobody knows why; `doubled`: too often.
    """

    def __init__(self, at):
        self.at, self.waiting, self.not_for = at, {}, set()
        self.missing, self.skipped, self.doubled, self.waited = [], [], [], 0

    def promise(self, dues, day=None, zone="UTC"):
        """Promises one reminder for each of these times, in seconds since 1970; of that `day`."""
        first = 6_300_000_000 + int(time.time() * 10) % 100_000_000 * 10 + len(self.waiting)
        new = {first + number: due for number, due in enumerate(dues)}
        for who in new:
            self.waiting[who] = self.at.telegram.add_user("Recipient", who)
            self.waiting[who].allow()
        days = {due: str(day or dt.datetime.fromtimestamp(due, dt.UTC).date()) for due in dues}
        rows = [(who, due, days[due], zone) for who, due in new.items()]
        self._tell(PROMISE, [int(time.time()), rows])

    def _tell(self, source, what=None):
        told = self.at.run([*AS_THE_SERVICE, source], input=json.dumps(what)).stdout
        return json.loads(told) if told else None

    def ledger(self):
        """{Telegram id: (state, reason, when it is tried next)} of all of them."""
        rows = self._tell(LEDGER, list(self.waiting))
        return {who: tuple(rest) for who, *rest in rows}

    def came(self, who):
        """How often that one was reminded."""
        name = f"Celebrant {who}"
        return sum(name in message.text for message in self.waiting[who].received())

    def unreached(self):
        return [who for who in self.waiting if who not in self.not_for and not self.came(who)]

    def settle(self, patience=12):
        """Waits until all have theirs; `waited`: how much longer the last would have had to."""
        self._until(lambda: not self.unreached(), patience)
        planned = [when for state, _, when in self.ledger().values() if state == "planned"]
        if planned:
            self.waited = max(0, int(max(planned) - time.time()))
            self._tell(HURRY)
            self._until(lambda: not self._planned(), 40)
        ledger = self.ledger()
        self.skipped = [who for who in self.unreached() if ledger.get(who, [""])[0] == "skipped"]
        self.missing = [who for who in self.unreached() if who not in self.skipped]
        self.doubled = [who for who in self.waiting if self.came(who) > 1]

    def _planned(self):
        return any(state == "planned" for state, *_ in self.ledger().values())

    def _until(self, settled, patience):
        with contextlib.suppress(AssertionError):
            wait_for(settled, patience, step=0.5)
