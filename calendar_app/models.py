"""The tables; and from `database` the connection, transactions and migrations.

The constraints themselves stand in `migrations/`, in SQL; a class here only names the columns.
Domain modules query these classes; every write happens inside `writing()`. Nobody else does.
"""

import peewee
from peewee import BigIntegerField, BooleanField, IntegerField, TextField

from .database import (  # noqa: F401 - the one place to have them all from
    LARGEST_ID,
    MIGRATIONS,
    OldCode,
    Trouble,
    connect,
    database,
    disconnect,
    is_sqlite,
    is_trouble,
    known_id,
    migrate,
    newest_migration,
    require_new_code,
    rows,
    sqlite_path,
    writing,
)


class Table(peewee.Model):
    """Base of all tables."""

    id = peewee.BigAutoField()

    class Meta:
        database = database
        legacy_table_names = False


class Chat(Table):
    """A place that messages go to; its own id stays when Telegram gives the chat another."""

    telegram_id = BigIntegerField()
    kind = TextField()
    reachable = BooleanField()
    reason = TextField(default="")
    created_at = BigIntegerField()

    class Meta:
        table_name = "chats"


class User(Table):
    """A person of Telegram who signed in or wrote to the bot."""

    telegram_id = BigIntegerField()
    chat = peewee.ForeignKeyField(Chat)
    first_name = TextField(default="")
    last_name = TextField(default="")
    username = TextField(default="")
    language_code = TextField(default="")
    language = TextField(null=True)
    created_at = BigIntegerField()

    class Meta:
        table_name = "users"


class Calendar(Table):
    """Personal calendars have a user, group calendars a chat; `revision` grows with each write."""

    kind = TextField()
    title = TextField()
    user = peewee.ForeignKeyField(User, null=True)
    chat = peewee.ForeignKeyField(Chat, null=True)
    timezone = TextField()
    notification_minute = IntegerField()
    language = TextField(null=True)
    open_to_everyone = BooleanField(default=False)
    revision = BigIntegerField(default=0)
    created_at = BigIntegerField()
    archived_at = BigIntegerField(null=True)

    class Meta:
        table_name = "calendars"


class Member(Table):
    """A user's role in a calendar, and their own settings there (null: the calendar's)."""

    calendar = peewee.ForeignKeyField(Calendar)
    user = peewee.ForeignKeyField(User)
    role = TextField()
    timezone = TextField(null=True)
    notification_minute = IntegerField(null=True)
    leap_day = TextField(null=True)
    weekly_digest = IntegerField(null=True)
    monthly_digest = BooleanField(default=False)
    quiet_from = IntegerField(null=True)
    quiet_to = IntegerField(null=True)
    created_at = BigIntegerField()

    class Meta:
        table_name = "members"


class Invitation(Table):
    """A link that makes whoever follows it a member; only a hash of its code is kept."""

    calendar = peewee.ForeignKeyField(Calendar)
    code_hash = TextField()
    role = TextField()
    expires_at = BigIntegerField()
    uses_left = IntegerField()
    created_by = peewee.ForeignKeyField(User, column_name="created_by")

    class Meta:
        table_name = "invitations"


class Birthday(Table):
    """A person's birthday in one calendar; `year` is null where unknown."""

    calendar = peewee.ForeignKeyField(Calendar)
    full_name = TextField()
    search_text = TextField()
    year = IntegerField(null=True)
    month = IntegerField()
    day = IntegerField()
    company = TextField(default="")
    position = TextField(default="")
    responsible = TextField(default="")
    comment = TextField(default="")
    leap_day = TextField(null=True)
    version = BigIntegerField(default=1)
    created_by = peewee.ForeignKeyField(User, null=True, column_name="created_by")
    created_at = BigIntegerField()
    updated_at = BigIntegerField()

    class Meta:
        table_name = "birthdays"


class Holiday(Table):
    """A day of each year that a calendar marks."""

    calendar = peewee.ForeignKeyField(Calendar)
    name = TextField()
    month = IntegerField()
    day = IntegerField()
    description = TextField(default="")
    version = BigIntegerField(default=1)

    class Meta:
        table_name = "holidays"


class ResponsiblePerson(Table):
    """Somebody who can be put in charge of a date."""

    calendar = peewee.ForeignKeyField(Calendar)
    full_name = TextField()
    search_text = TextField()
    company = TextField(default="")
    position = TextField(default="")
    version = BigIntegerField(default=1)

    class Meta:
        table_name = "responsible_people"


class Duty(Table):
    """Who is responsible on one date (`YYYY-MM-DD`) of a calendar."""

    calendar = peewee.ForeignKeyField(Calendar)
    responsible = peewee.ForeignKeyField(ResponsiblePerson)
    on_date = TextField()

    class Meta:
        table_name = "duties"


class ReminderRule(Table):
    """One recipient's standing wish: `next_due_at` is when `next_date` is worked off."""

    calendar = peewee.ForeignKeyField(Calendar)
    recipient = peewee.ForeignKeyField(Chat)
    kind = TextField()
    days_before = IntegerField()
    next_date = TextField()
    next_due_at = BigIntegerField()

    class Meta:
        table_name = "reminder_rules"


class Promise(Table):
    """A row of the ledger: one reminder that was promised, and what became of it."""

    kind = TextField()
    subject_id = BigIntegerField()
    occurs_on = TextField()
    days_before = IntegerField()
    recipient = peewee.ForeignKeyField(Chat)
    snooze = IntegerField(default=0)
    calendar = peewee.ForeignKeyField(Calendar)
    due_at = BigIntegerField()
    state = TextField()
    reason = TextField(default="")
    try_at = BigIntegerField()
    attempts = IntegerField(default=0)
    lease_owner = TextField(default="")
    lease_until = BigIntegerField(default=0)
    sent_at = BigIntegerField(null=True)

    class Meta:
        table_name = "ledger"


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


class IdempotencyKey(Table):
    """The answer that a POST was given, for the client that repeats it."""

    user = peewee.ForeignKeyField(User)
    request = TextField()
    body_hash = TextField()
    answer = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "idempotency_keys"


class Quota(Table):
    """How often a user did something costly on one day (UTC)."""

    id = None
    user = peewee.ForeignKeyField(User)
    kind = TextField()
    day = TextField()
    used = IntegerField()

    class Meta:
        table_name = "quotas"
        primary_key = peewee.CompositeKey("user", "kind")


class BotState(Table):
    """What the bot process last recorded of itself; one row."""

    id = IntegerField(primary_key=True)
    username = TextField(default="")
    state = TextField()
    detail = TextField(default="")
    since = BigIntegerField()
    beat_at = BigIntegerField()

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
