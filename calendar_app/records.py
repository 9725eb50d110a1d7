"""The tables of what the service notes for itself: the bot, what it worked off, the operators.

`models` shows them beside those of calendars and people: the others say `models.Alert`.
"""

import peewee
from peewee import BigIntegerField, BooleanField, IntegerField, TextField

from .database import Table


class Update(Table):
    """The number of an update of Telegram that was worked off."""

    id = None
    bot_id = BigIntegerField()
    update_id = BigIntegerField()
    received_at = BigIntegerField()

    class Meta:
        table_name = "updates"
        primary_key = peewee.CompositeKey("bot_id", "update_id")


class Dialog(Table):
    """What the bot asked one user in one chat and waits to hear (Telegram's ids)."""

    chat_id = BigIntegerField()
    user_id = BigIntegerField()
    step = TextField()
    draft = TextField()
    started_at = BigIntegerField()

    class Meta:
        table_name = "dialogs"


class BotState(Table):
    """What the bot process last recorded of itself; one row."""

    id = IntegerField(primary_key=True)
    username = TextField(default="")
    state = TextField()
    detail = TextField(default="")
    since = BigIntegerField()
    beat_at = BigIntegerField()
    # The edition of the time zones that the rules of reminders follow: see `zones`.
    zones = TextField(default="")

    class Meta:
        table_name = "bot_state"


class Deletion(Table):
    """Something that a user deleted, for a backup that still has it; the database sets `at`."""

    kind = TextField()
    subject_id = BigIntegerField()
    at = BigIntegerField()

    class Meta:
        table_name = "deletions"


class Alert(Table):
    """A message to the operators, or (`over`) the news that it is well again."""

    key = TextField()
    message = TextField()
    params = TextField()
    over = BooleanField(default=False)
    told_at = BigIntegerField()
    sent_at = BigIntegerField(null=True)
    cleared_at = BigIntegerField(null=True)

    class Meta:
        table_name = "alerts"


class CodeFloor(Table):
    """The newest migration that code must know to be admitted; no row: all code is."""

    id = IntegerField(primary_key=True)
    migration = IntegerField()

    class Meta:
        table_name = "code_floor"


class IncomingUpdate(Table):
    """An update of Telegram that came by webhook, or (`broken`, why) broke its handler."""

    bot_id = BigIntegerField()
    update_id = BigIntegerField()
    body = TextField()
    received_at = BigIntegerField()
    broken = TextField(default="")

    class Meta:
        table_name = "incoming_updates"


class Counter(Table):
    """How often something happened since the database was made."""

    id = None
    name = TextField(primary_key=True)
    value = BigIntegerField()

    class Meta:
        table_name = "counters"
