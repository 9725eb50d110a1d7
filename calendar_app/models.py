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
    Table,
    Trouble,
    Unusable,
    connect,
    database,
    disconnect,
    follow,
    is_damage,
    is_full,
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
from .records import (  # noqa: F401 - the tables of what the service notes for itself
    Alert,
    BotState,
    CodeFloor,
    Counter,
    Deletion,
    Dialog,
    IncomingUpdate,
    Update,
)


class Chat(Table):
    """A place that messages go to; its own id stays when Telegram gives the chat another."""

    telegram_id = BigIntegerField()
    kind = TextField()
    reachable = BooleanField()
    reason = TextField(default="")
    # Since when what belongs to it waits to be deleted: see `quarantine`.
    quarantined_at = BigIntegerField(null=True)
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
    deleting_since = BigIntegerField(null=True)
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
    # What holds for its members unless they set something else; `lead_days` is a list as JSON.
    lead_days = TextField(default="[0]")
    weekly_digest = IntegerField(null=True)
    monthly_digest = BooleanField(default=False)
    quiet_from = IntegerField(null=True)
    quiet_to = IntegerField(null=True)
    leap_day = TextField(default="feb28")
    # What links to a group's calendar carry: see `membership`.
    key = TextField(null=True)
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
    lead_days = TextField(null=True)
    # What the calendar sets and they want none of.
    no_weekly = BooleanField(default=False)
    no_monthly = BooleanField(default=False)
    no_quiet = BooleanField(default=False)
    # When Telegram last said that they are in the group; null: no access before it does.
    checked_at = BigIntegerField(null=True)
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
    # A user of Telegram by the id there; their own lead times as JSON, null: each recipient's.
    linked_user_id = BigIntegerField(null=True)
    lead_days = TextField(null=True)
    muted = BooleanField(default=False)
    skip_year = IntegerField(null=True)
    # A list as JSON.
    labels = TextField(default="[]")
    hide_age = BooleanField(default=False)
    confirmed_at = BigIntegerField(null=True)
    version = BigIntegerField(default=1)
    created_by = peewee.ForeignKeyField(User, null=True, column_name="created_by")
    created_at = BigIntegerField()
    updated_at = BigIntegerField()

    class Meta:
        table_name = "birthdays"


class PersonLink(Table):
    """A link by which somebody says that a birthday is theirs; only a hash of its code is kept."""

    birthday = peewee.ForeignKeyField(Birthday)
    code_hash = TextField()
    expires_at = BigIntegerField()
    created_by = peewee.ForeignKeyField(User, column_name="created_by")

    class Meta:
        table_name = "person_links"


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
    """One recipient's standing wish: `next_due_at` is when `next_date` is worked off.

    `own_only`: the recipient did not choose it; it is there for people with own lead times.
    """

    calendar = peewee.ForeignKeyField(Calendar)
    recipient = peewee.ForeignKeyField(Chat)
    kind = TextField()
    days_before = IntegerField()
    next_date = TextField()
    next_due_at = BigIntegerField()
    own_only = BooleanField(default=False)

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
    first_try_at = BigIntegerField(null=True)

    class Meta:
        table_name = "ledger"


class Dismissal(Table):
    """A recipient's "done": no more reminders of that person in that year."""

    id = None
    recipient = peewee.ForeignKeyField(Chat)
    birthday = peewee.ForeignKeyField(Birthday)
    year = IntegerField()

    class Meta:
        table_name = "dismissals"
        primary_key = peewee.CompositeKey("recipient", "birthday", "year")


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


class GreetingJob(Table):
    """A greeting that a language model is asked for; `greeting` is the template's meanwhile."""

    code = TextField()
    user = peewee.ForeignKeyField(User)
    prompt = TextField()
    name = TextField()
    state = TextField()
    greeting = TextField()
    created_at = BigIntegerField()

    class Meta:
        table_name = "greeting_jobs"


class Import(Table):
    """A list that a user (null: the operator) put into a calendar; `done` of `total` rows are."""

    calendar = peewee.ForeignKeyField(Calendar)
    user = peewee.ForeignKeyField(User, null=True)
    format = TextField()
    state = TextField()
    reason = TextField(default="")
    total = IntegerField()
    done = IntegerField(default=0)
    lease_owner = TextField(default="")
    lease_until = BigIntegerField(default=0)
    created_at = BigIntegerField()

    class Meta:
        table_name = "imports"


class ImportPart(Table):
    """Some rows of an import (JSON) that are still to be written."""

    import_id = BigIntegerField()
    entries = TextField()

    class Meta:
        table_name = "import_parts"


class ImportRow(Table):
    """What an import did with one row of its list, and (`content`, JSON) what was there before.

    Of a doubtful one it is what the list says. `version` is the birthday's after it was written.
    """

    import_id = BigIntegerField()
    line = IntegerField()
    verdict = TextField()
    reason = TextField(default="")
    birthday_id = BigIntegerField(null=True)
    version = BigIntegerField(default=0)
    content = TextField()

    class Meta:
        table_name = "import_rows"


class Feed(Table):
    """A member's feed of a calendar that was renewed or revoked; its secret is not kept."""

    user = peewee.ForeignKeyField(User)
    calendar = peewee.ForeignKeyField(Calendar)
    generation = IntegerField()
    revoked = BooleanField(default=False)

    class Meta:
        table_name = "feeds"
