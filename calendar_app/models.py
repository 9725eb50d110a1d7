"""Tables, the database connection, transactions and migrations.

The constraints themselves stand in `migrations/`, in SQL; a class here only names the columns.
Domain modules query these classes; every write happens inside `writing()`. Nobody else does.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import peewee
from peewee import BigIntegerField, BooleanField, IntegerField, TextField
from playhouse import db_url, migrations

database = peewee.DatabaseProxy()
_write_lock = threading.RLock()
MIGRATIONS = Path(__file__).parent / "migrations"
LARGEST_ID = 2**63 - 1
# PostgreSQL's advisory locks of who migrates and of who writes; any constants will do.
MIGRATION_LOCK, WRITE_LOCK = 0x626972746864, 0x626972746865
# What a query raises, above all when the database is locked, full, damaged or away.
Trouble = peewee.DatabaseError


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


def is_trouble(error: Exception) -> bool:
    """Whether the database is to blame; a broken rule or a bad query is a bug of ours."""
    mistakes = (peewee.IntegrityError, peewee.ProgrammingError, peewee.DataError)
    return isinstance(error, Trouble) and not isinstance(error, mistakes)


def connect(url: str) -> None:
    """Point all tables at the database of that URL (`sqlite:///…` or `postgresql://…`).

    Nothing is opened yet: each thread opens its own connection when it first asks something,
    and keeps it.
    """
    if url.startswith("sqlite:///"):
        database.initialize(_sqlite(Path(unquote(url.removeprefix("sqlite:///")))))
    else:
        database.initialize(db_url.connect(url, unquote_user=True, unquote_password=True))


def _sqlite(path: Path) -> peewee.SqliteDatabase:
    pragmas = {
        "journal_mode": "wal",
        # What people typed survives a power cut.
        "synchronous": "full",
        "foreign_keys": 1,
        "cache_size": -4096,
        "temp_store": "memory",
    }
    return peewee.SqliteDatabase(path, pragmas=pragmas, timeout=10)


def is_sqlite() -> bool:
    """Whether the database is the embedded one."""
    return isinstance(database.obj, peewee.SqliteDatabase)


@contextmanager
def writing(durable: bool = True) -> Iterator[None]:
    """A transaction that may write; may be nested.

    On SQLite it takes the write lock at once: a read that later wants to write is refused as
    "locked" when another process wrote in between. The lock of this process in front of it
    makes its threads queue fairly. PostgreSQL is told to do the same: a read in here sees what
    was written before, and nothing is written between. `durable=False` is for what may be lost
    in a power cut.
    """
    if not is_sqlite():
        with database.atomic():
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (WRITE_LOCK,))
            yield
        return
    with _write_lock, _synchronous(durable), database.atomic("IMMEDIATE"):
        yield


@contextmanager
def _synchronous(durable: bool) -> Iterator[None]:
    if durable or database.in_transaction():
        yield
        return
    database.execute_sql("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        database.execute_sql("PRAGMA synchronous=FULL")


def migrate() -> list[str]:
    """Bring the schema up to date, one process at a time; returns what was applied."""
    if is_sqlite():
        Path(database.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _migration_lock():
        runner = migrations.Runner(database.obj, str(MIGRATIONS))
        pending = [found for found in runner.status() if not found.applied]
        return runner.up() if pending else []


@contextmanager
def _migration_lock() -> Iterator[None]:
    if not is_sqlite():
        database.execute_sql("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        try:
            yield
        finally:
            database.execute_sql("SELECT pg_advisory_unlock(%s)", (MIGRATION_LOCK,))
        return
    folder = os.open(Path(database.database).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def disconnect() -> None:
    """Close this thread's connection: before a fork, and where a thread ends."""
    if not database.is_closed():
        database.close()


def rows(sql: str, *values: Any) -> Any:
    """The rows of a query in SQL, with a `?` for each value, as tuples.

    For what is asked at every request or every second: peewee's building of the query costs
    several times what asking it does.
    """
    return database.execute_sql(sql.replace("?", database.param), values)


def known_id(number: int) -> bool:
    """Whether a number can be a row's id at all; larger ones the database would refuse."""
    return 0 < number <= LARGEST_ID
