"""What the database itself guarantees, on SQLite and on PostgreSQL, whatever the code does."""

import shutil
import subprocess
import sys
import threading
import time

import peewee
import pytest
from playhouse import migrations

from calendar_app import models, search
from calendar_app.operation import trouble
from tests.world import ROOT

BACKENDS = ("sqlite", "postgresql")
BIGGEST = 2**63 - 1
CLASSES = sorted(models.Table.__subclasses__(), key=lambda table: table._meta.table_name)
CALENDAR = {"calendar_id": "calendar"}
# A good row of each table, in an order in which they can be stored; an id is that of the
# row of this name. They are all there before each test.
ROWS = {
    "chat": ("chats", {"telegram_id": 5, "kind": "private", "reachable": True, "created_at": 0}),
    "room": ("chats", {"telegram_id": -6, "kind": "group", "reachable": True, "created_at": 0}),
    "user": ("users", {"telegram_id": 5, "chat_id": "chat", "created_at": 0}),
    "calendar": (
        "calendars",
        {"kind": "personal", "title": "Ada", "user_id": "user", "timezone": "UTC",
         "notification_minute": 540, "created_at": 0},
    ),
    "group": (
        "calendars",
        {"kind": "group", "title": "Us", "chat_id": "room", "timezone": "UTC",
         "notification_minute": 540, "created_at": 0, "key": "k"},
    ),
    "shared": (
        "calendars",
        {"kind": "shared", "title": "All", "timezone": "UTC", "notification_minute": 0,
         "created_at": 0},
    ),
    "member": ("members", {**CALENDAR, "user_id": "user", "role": "owner", "created_at": 0}),
    "invitation": (
        "invitations",
        {**CALENDAR, "code_hash": "x", "role": "viewer", "expires_at": 0, "uses_left": 1,
         "created_by": "user"},
    ),
    "birthday": (
        "birthdays",
        {**CALENDAR, "full_name": "Ada", "search_text": "ada", "year": 1815, "month": 12,
         "day": 10, "created_by": "user", "created_at": 0, "updated_at": 0},
    ),
    "link": (
        "person_links",
        {"birthday_id": "birthday", "code_hash": "x", "expires_at": 0, "created_by": "user"},
    ),
    "holiday": ("holidays", {**CALENDAR, "name": "Leap day", "month": 2, "day": 29}),
    "person": ("responsible_people", {**CALENDAR, "full_name": "Bob", "search_text": "bob"}),
    "duty": ("duties", {**CALENDAR, "responsible_id": "person", "on_date": "2026-05-06"}),
    "rule": (
        "reminder_rules",
        {**CALENDAR, "recipient_id": "chat", "kind": "birthday", "days_before": 0,
         "next_date": "2026-05-06", "next_due_at": 0},
    ),
    "promise": (
        "ledger",
        {**CALENDAR, "recipient_id": "chat", "kind": "birthday", "subject_id": 1,
         "occurs_on": "2026-05-06", "days_before": 0, "snooze": 0, "due_at": 0, "try_at": 0,
         "state": "planned"},
    ),
    "dismissal": (
        "dismissals", {"recipient_id": "chat", "birthday_id": "birthday", "year": 2026}
    ),
    "update": ("updates", {"bot_id": 1, "update_id": 2, "received_at": 0}),
    "dialog": (
        "dialogs", {"chat_id": 5, "user_id": 5, "step": "x", "draft": "{}", "started_at": 0}
    ),
    "key": (
        "idempotency_keys",
        {"user_id": "user", "request": "x", "body_hash": "x", "answer": "x", "created_at": 0},
    ),
    "quota": ("quotas", {"user_id": "user", "kind": "x", "day": "2026-05-06", "used": 1}),
    "state": ("bot_state", {"id": 1, "state": "ok", "since": 0, "beat_at": 0}),
    "deletion": ("deletions", {"kind": "user", "subject_id": 5, "at": 0}),
    "alert": ("alerts", {"key": "backup", "message": "x", "params": "{}", "told_at": 0}),
    "floor": ("code_floor", {"id": 1, "migration": 1}),
    "incoming": (
        "incoming_updates", {"bot_id": 1, "update_id": 2, "body": "{}", "received_at": 0}
    ),
    "counter": ("counters", {"name": "x", "value": 1}),
    "greeting": (
        "greeting_jobs",
        {"code": "x", "user_id": "user", "prompt": "x", "name": "x", "state": "waiting",
         "greeting": "x", "created_at": 0},
    ),
    "import": (
        "imports",
        {**CALENDAR, "user_id": "user", "format": "csv", "state": "done", "total": 1, "done": 1,
         "created_at": 0},
    ),
    "part": ("import_parts", {"import_id": "import", "entries": "[]"}),
    "imported": (
        "import_rows",
        {"import_id": "import", "line": 1, "verdict": "new", "birthday_id": 1, "content": "{}"},
    ),
    "feed": ("feeds", {**CALENDAR, "user_id": "user", "generation": 2}),
}  # fmt: skip
WITHOUT_ID = ("updates", "quotas", "counters", "dismissals")
# What makes a copy of that row another one, so that both can be stored.
OTHER = {
    "chat": {"telegram_id": 7},
    "user": {"telegram_id": 7, "chat_id": "room"},
    "calendar": {"kind": "other", "user_id": None},
    "member": {"calendar_id": "group"},
    "invitation": {"code_hash": "y"},
    "birthday": {},
    "holiday": {},
    "person": {},
    "duty": {"on_date": "2026-05-07"},
    "rule": {"days_before": 1},
    "promise": {"snooze": 1},
    "dismissal": {"year": 2027},
    "update": {"update_id": 3},
    "dialog": {"chat_id": 6},
    "key": {"request": "y"},
    "quota": {"kind": "y"},
    "deletion": {},
    "alert": {"key": "disk"},
    "incoming": {"update_id": 3},
    "counter": {"name": "y"},
    "greeting": {"code": "y"},
    "import": {},
    "part": {},
    "imported": {},
    "feed": {"calendar_id": "group"},
}
REFUSED = [
    ("birthday", {"month": 2, "day": 31}),
    ("birthday", {"month": 2, "day": 29, "year": 1815}),
    ("birthday", {"month": 2, "day": 29, "year": 1900}),
    ("birthday", {"month": 2, "day": 30, "year": None}),
    ("birthday", {"month": 4, "day": 31}),
    ("birthday", {"month": 13}),
    ("birthday", {"month": 0}),
    ("birthday", {"month": -1}),
    ("birthday", {"day": 0}),
    ("birthday", {"day": 32}),
    ("birthday", {"month": None}),
    ("birthday", {"year": 0}),
    ("birthday", {"year": 10_000}),
    ("birthday", {"full_name": ""}),
    ("birthday", {"full_name": "x" * 201}),
    ("birthday", {"full_name": None}),
    ("birthday", {"company": "x" * 201}),
    ("birthday", {"position": "x" * 201}),
    ("birthday", {"responsible": "x" * 256}),
    ("birthday", {"comment": "x" * 1001}),
    ("birthday", {"comment": None}),
    ("birthday", {"leap_day": "feb29"}),
    ("holiday", {"month": 2, "day": 30}),
    ("holiday", {"month": 13, "day": 1}),
    ("holiday", {"name": ""}),
    ("holiday", {"description": "x" * 1001}),
    ("person", {"full_name": ""}),
    ("person", {"full_name": "x" * 201}),
    ("member", {"role": "admin"}),
    ("member", {"role": ""}),
    ("member", {"notification_minute": 1440}),
    ("member", {"leap_day": "mar2"}),
    ("member", {"weekly_digest": 7}),
    ("member", {"quiet_from": 1440}),
    ("member", {"quiet_to": -1}),
    ("invitation", {"role": "admin"}),
    ("invitation", {"uses_left": -1}),
    ("quota", {"day": "today"}),
    ("calendar", {"kind": "personal"}),
    ("calendar", {"kind": "group"}),
    ("calendar", {"kind": "other", "user_id": "user"}),
    ("calendar", {"kind": "other", "chat_id": "chat"}),
    ("calendar", {"kind": "world"}),
    ("calendar", {"title": ""}),
    ("calendar", {"notification_minute": -1}),
    ("calendar", {"language": "de"}),
    ("user", {"telegram_id": 0}),
    ("user", {"telegram_id": -5}),
    ("user", {"language": "de"}),
    ("chat", {"telegram_id": 0}),
    ("chat", {"kind": "channel"}),
    ("duty", {"on_date": "2026-5-6"}),
    ("rule", {"days_before": 61}),
    ("rule", {"days_before": -1}),
    ("rule", {"kind": "yearly"}),
    ("promise", {"state": "lost"}),
    ("promise", {"snooze": -1}),
    ("promise", {"days_before": 61}),
    ("state", {"id": 2}),
    ("deletion", {"kind": "chat"}),
    ("deletion", {"subject_id": None}),
    ("floor", {"id": 2}),
    ("floor", {"migration": None}),
    ("import", {"state": "lost"}),
    ("import", {"done": 2}),
    ("imported", {"verdict": "same"}),
    ("imported", {"verdict": "doubtful"}),
    ("imported", {"birthday_id": None}),
    ("feed", {"generation": 0}),
]
STORED = [
    ("birthday", {"month": 2, "day": 29, "year": None}),
    ("birthday", {"month": 2, "day": 29, "year": 2000}),
    ("birthday", {"year": 1, "month": 1, "day": 31}),
    ("birthday", {"year": 9999, "month": 12, "day": 31}),
    ("birthday", {"full_name": "🎂" * 200, "comment": "я" * 1000}),
    ("birthday", {"leap_day": "mar1", "created_by": None}),
    ("birthday", {"id": BIGGEST, "version": BIGGEST}),
    ("chat", {"telegram_id": BIGGEST}),
    ("chat", {"telegram_id": -BIGGEST}),
    ("user", {"telegram_id": BIGGEST}),
    ("calendar", {"title": "Another one, of the same kind"}),
    ("promise", {"subject_id": BIGGEST}),
    ("update", {"update_id": BIGGEST}),
    ("deletion", {"subject_id": BIGGEST}),
    ("alert", {"cleared_at": 1, "over": True}),
]
# Each unique index, by the columns of which no two rows may have the same.
UNIQUE = {
    ("chat", "telegram_id"),
    ("user", "telegram_id"),
    ("user", "chat_id"),
    ("calendar", "user_id"),
    ("group", "chat_id"),
    ("group", "key"),
    ("link", "birthday_id"),
    ("link", "code_hash"),
    ("shared", "kind"),
    ("member", "user_id", "calendar_id"),
    ("invitation", "code_hash"),
    ("person", "calendar_id", "id"),
    ("duty", "calendar_id", "on_date"),
    ("rule", "calendar_id", "recipient_id", "kind", "days_before"),
    ("promise", "kind", "subject_id", "occurs_on", "days_before", "recipient_id", "snooze"),
    ("dismissal", "recipient_id", "birthday_id", "year"),
    ("update", "bot_id", "update_id"),
    ("dialog", "chat_id", "user_id"),
    ("key", "user_id", "request"),
    ("quota", "user_id", "kind"),
    ("alert", "key"),
    ("incoming", "bot_id", "update_id"),
    ("counter", "name"),
    ("greeting", "code"),
    ("feed", "user_id", "calendar_id"),
}
LEDGER = ("kind", "subject_id", "occurs_on", "days_before", "recipient_id", "snooze")


@pytest.fixture(scope="module", params=BACKENDS)
def migrated(request, tmp_path_factory):
    """The URL of a migrated database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('models')}/new/calendar.db"
    else:
        url = request.getfixturevalue("postgres")()
    models.connect(url)
    models.migrate()
    models.disconnect()
    return url


@pytest.fixture
def connected(migrated):
    models.connect(migrated)
    yield models.database
    models.disconnect()


@pytest.fixture
def insert(connected):
    """insert(row's name, column=value) stores a copy of that row; gone after the test."""
    ids = {}

    def insert(row, **changes):
        table, columns = ROWS[row]
        values = columns | changes
        for name, value in values.items():
            if name.endswith("id") or name == "created_by":
                values[name] = ids.get(value, value)
        marks = ", ".join([connected.param] * len(values))
        key = " RETURNING id" if table not in WITHOUT_ID else ""
        sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks}){key}"
        with connected.atomic():
            found = connected.execute_sql(sql, list(values.values()))
            return found.fetchone()[0] if key else None

    with connected.atomic() as all_of_it:
        for row in ROWS:
            ids[row] = insert(row)
        yield insert
        all_of_it.rollback()


def count(table):
    return models.database.execute_sql(f"SELECT count(*) FROM {table}").fetchone()[0]


def rows_of(table):
    return [row for row, (name, _) in ROWS.items() if name == table]


@pytest.mark.parametrize("row", OTHER)
def test_a_good_row_is_stored(insert, row):
    before = count(ROWS[row][0])
    insert(row, **OTHER[row])
    assert count(ROWS[row][0]) == before + 1


@pytest.mark.parametrize(("row", "values"), STORED)
def test_what_is_unusual_but_right_is_stored(insert, row, values):
    before = count(ROWS[row][0])
    insert(row, **OTHER[row] | values)
    assert count(ROWS[row][0]) == before + 1


@pytest.mark.parametrize(("row", "values"), REFUSED)
def test_what_cannot_be_is_refused(insert, row, values):
    with pytest.raises(peewee.IntegrityError):
        insert(row, **OTHER.get(row, {}) | values)


@pytest.mark.parametrize("index", sorted(UNIQUE))
def test_what_must_be_unique_is_refused_the_second_time(insert, index):
    row, *columns = index
    mine = ROWS[row][1]
    # All but the columns of this index may differ: so it is this index that refuses.
    other = {name: value for name, value in OTHER.get(row, {}).items() if name not in columns}
    same = {name: mine[name] for name in columns if name in mine} | {"kind": mine.get("kind")}
    if "id" in columns:
        same["id"] = row
    changes = other | {name: value for name, value in same.items() if value is not None}
    with pytest.raises(peewee.IntegrityError, match="(?i)unique"):
        insert(row, **changes)


def test_every_unique_index_of_the_database_was_tried(connected):
    found = set()
    for table in connected.get_tables():
        for index in connected.get_indexes(table):
            if index.unique and tuple(index.columns) != ("id",) and rows_of(table):
                found.add((table, *sorted(index.columns)))
    assert found == {(ROWS[row][0], *sorted(columns)) for row, *columns in UNIQUE}


@pytest.mark.parametrize(
    ("column", "value"),
    [*zip(LEDGER, ("holiday", 2, "2026-05-07", 1, "room", 1), strict=True)],
)
def test_promises_that_differ_in_one_thing_are_two(insert, column, value):
    insert("promise", **{column: value})
    assert count("ledger") == 2


def test_every_foreign_key_wants_its_row(insert, connected):
    tried = set()
    for table in connected.get_tables():
        for key in connected.get_foreign_keys(table):
            row = next(r for r in rows_of(table) if key.column in ROWS[r][1])
            other = {"key": "other"} if table == "calendars" else OTHER.get(row, {})
            if row == "link":
                # There is one at most for each birthday.
                connected.execute_sql("DELETE FROM person_links")
            with pytest.raises(peewee.IntegrityError, match="(?i)foreign key"):
                insert(row, **other | {key.column: 987_654})
            tried.add((table, key.column))
    assert len(tried) >= 20


def test_nobody_is_responsible_in_a_calendar_that_is_not_theirs(insert):
    with pytest.raises(peewee.IntegrityError, match="(?i)foreign key"):
        insert("duty", calendar_id="group")


def test_with_a_calendar_goes_all_that_is_in_it(insert, connected):
    assert insert
    connected.execute_sql("DELETE FROM calendars WHERE kind = 'personal'")
    in_it = ["members", "birthdays", "holidays", "responsible_people", "duties",
             "reminder_rules", "ledger", "invitations"]  # fmt: skip
    assert [count(table) for table in in_it] == [0] * len(in_it)
    assert count("calendars") == 2
    assert count("users") == 1


def test_a_birthday_outlives_the_one_who_wrote_it_down(insert, connected):
    insert("birthday", calendar_id="group")
    connected.execute_sql("DELETE FROM users")
    assert count("birthdays") == 1
    found = connected.execute_sql("SELECT created_by FROM birthdays").fetchall()
    assert [tuple(row) for row in found] == [(None,)]


def test_a_chat_that_a_user_has_cannot_go(insert, connected):
    assert insert
    with pytest.raises(peewee.IntegrityError, match="(?i)foreign key"), connected.atomic():
        connected.execute_sql("DELETE FROM chats")


@pytest.mark.parametrize("row", ["birthday", "holiday", "person", "calendar", "promise"])
def test_an_id_is_never_given_twice(insert, connected, row):
    table, first = ROWS[row][0], insert(row, **OTHER[row])
    connected.execute_sql(f"DELETE FROM {table} WHERE id = {connected.param}", (first,))
    assert insert(row, **OTHER[row]) > first


@pytest.mark.parametrize("table", CLASSES)
def test_a_class_names_the_columns_that_its_table_has(connected, table):
    in_the_database = connected.get_columns(table._meta.table_name)
    fields = table._meta.columns
    assert {column.name for column in in_the_database} == set(fields)
    for column in in_the_database:
        field = fields[column.name]
        big = isinstance(field, peewee.BigIntegerField | peewee.BigAutoField)
        big = big or isinstance(field, peewee.ForeignKeyField)
        small = isinstance(field, peewee.IntegerField) and not big
        # What SQLite tells of its own kind of key says nothing.
        if column.name != "id" or not models.is_sqlite():
            assert column.null == field.null, column.name
            assert (column.data_type.lower() == "bigint") == big, column.name
            assert (column.data_type.lower() == "integer") == small, column.name


def test_every_table_has_a_class(connected):
    own = {table._meta.table_name for table in CLASSES}
    assert set(connected.get_tables()) - {"sqlite_sequence"} == own | {"schema_migration"}
    assert {table for table, _ in ROWS.values()} == own


def test_a_class_stores_and_finds_what_the_tables_take(insert, connected):
    assert insert
    chat = models.Chat.create(telegram_id=BIGGEST, kind="private", reachable=False, created_at=1)
    found = models.Chat.get(models.Chat.telegram_id == BIGGEST)
    assert (found.id, found.reachable, found.reason) == (chat.id, False, "")
    assert models.Birthday.get().calendar.user.chat.telegram_id == 5


@pytest.fixture(params=BACKENDS)
def fresh(request, tmp_path):
    """The URL of a database that nobody has touched."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new folder/calendar.db"
    return request.getfixturevalue("postgres")()


def together(number, script, *arguments):
    """What so many processes say that run the script at once; all must end well."""
    command = [sys.executable, "-c", "from calendar_app import models\n" + script, *arguments]
    started = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(number)
    ]
    ended = [process.communicate(timeout=50) for process in started]
    assert [process.returncode for process in started] == [0] * number, ended
    return [said.strip() for said, _ in ended]


MIGRATE = "import sys; models.connect(sys.argv[1]); print(models.migrate())"


def test_eight_processes_that_migrate_at_once_apply_each_migration_once(fresh):
    all_of_them = sorted(path.stem for path in models.MIGRATIONS.glob("[0-9]*.py"))
    assert sorted(together(8, MIGRATE, fresh)) == [str(all_of_them)] + ["[]"] * 7
    models.connect(fresh)
    try:
        applied = models.database.execute_sql("SELECT name FROM schema_migration").fetchall()
        assert sorted(name for (name,) in applied) == all_of_them
    finally:
        models.disconnect()


@pytest.fixture
def migrated_anew(fresh):
    models.connect(fresh)
    models.migrate()
    yield models.database
    models.disconnect()


def test_code_that_the_database_does_not_admit_refuses_and_changes_nothing(migrated_anew):
    known = models.newest_migration()
    models.CodeFloor.create(id=1, migration=known + 1)
    migrated_anew.execute_sql("DELETE FROM schema_migration")
    with pytest.raises(models.OldCode, match=f"migration {known + 1}; this one knows {known}: "):
        models.migrate()
    assert count("schema_migration") == 0


def test_code_that_the_database_admits_runs_beside_migrations_of_a_newer_release(migrated_anew):
    models.CodeFloor.create(id=1, migration=models.newest_migration())
    sql = "INSERT INTO schema_migration (name, applied) VALUES ({0}, {0})"
    values = ("0999_of_tomorrow", "2030-01-01 00:00:00")
    migrated_anew.execute_sql(sql.format(migrated_anew.param), values)
    assert models.migrate() == []
    models.Chat.create(telegram_id=1, kind="private", reachable=True, created_at=0)
    assert count("chats") == 1


def test_a_migration_that_fails_is_named_and_changes_nothing(migrated_anew, tmp_path, monkeypatch):
    broken = tmp_path / "migrations"
    shutil.copytree(models.MIGRATIONS, broken)
    (broken / "0999_broken.py").write_text(
        "def up(_migrator, db):\n"
        "    db.execute_sql('CREATE TABLE half_done (id INTEGER)')\n"
        "    db.execute_sql('ALTER TABLE no_such_thing ADD COLUMN a INTEGER')\n"
    )
    monkeypatch.setattr("calendar_app.database.MIGRATIONS", broken)
    with pytest.raises(
        models.Trouble, match="Migration 0999_broken failed.*no_such_thing"
    ) as raised:
        models.migrate()
    assert "no_such_thing" in trouble.sentence(raised.value)
    assert "half_done" not in migrated_anew.get_tables()


def test_the_previous_release_runs_on_this_schema(fresh, tmp_path):
    """It knows the first migration only, and asks nothing of what came later."""
    before = tmp_path / "migrations"
    before.mkdir()
    (before / "0001_first.py").write_bytes((models.MIGRATIONS / "0001_first.py").read_bytes())
    models.connect(fresh)
    try:
        models.migrate()
        runner = migrations.Runner(models.database.obj, str(before))
        assert [found.name for found in runner.status() if not found.applied] == []
        assert runner.up() == []
    finally:
        models.disconnect()


def test_the_database_sets_the_time_of_a_deletion(migrated_anew):
    begin = int(time.time())
    models.Deletion.insert(kind="user", subject_id=5).execute()
    assert begin <= models.Deletion.get().at <= time.time()


COUNT_UP = """
import sys, threading
from calendar_app.models import Chat

def write():
    try:
        for _ in range(20):
            with models.writing():
                seen = Chat.get().created_at
                with models.writing():
                    Chat.update(created_at=seen + 1).execute()
    except Exception as error:
        print(repr(error))
    finally:
        models.disconnect()

models.connect(sys.argv[1])
threads = [threading.Thread(target=write) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_sixteen_writers_in_two_processes_lose_nothing_and_are_never_refused(fresh):
    models.connect(fresh)
    try:
        models.migrate()
        models.Chat.create(telegram_id=1, kind="private", reachable=True, created_at=0)
        assert together(2, COUNT_UP, fresh) == ["", ""]
        assert models.Chat.get().created_at == 16 * 20
    finally:
        models.disconnect()


def test_what_fails_in_a_nested_write_undoes_all_of_it(connected):
    def write():
        models.Chat.create(telegram_id=1, kind="private", reachable=True, created_at=0)
        with models.writing(durable=False):
            models.Chat.create(telegram_id=2, kind="private", reachable=True, created_at=0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), models.writing():
        write()
    assert count("chats") == 0
    with models.writing():
        assert connected.in_transaction()
    assert not connected.in_transaction()


@pytest.fixture
def sqlite(tmp_path):
    models.connect(f"sqlite:///{tmp_path}/calendar.db")
    models.migrate()
    yield models.database
    models.disconnect()


def pragma(name):
    return models.database.execute_sql(f"PRAGMA {name}").fetchone()[0]


def test_on_sqlite_what_people_typed_survives_a_power_cut_in_every_thread(sqlite):
    assert sqlite
    found = []

    def look():
        found.append([pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys")])
        models.disconnect()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    look()
    assert found == [["wal", 2, 1]] * 2


def test_only_what_may_be_lost_is_written_with_less_care(sqlite):
    assert sqlite
    with models.writing(durable=False):
        assert pragma("synchronous") == 1
    assert pragma("synchronous") == 2
    with pytest.raises(ZeroDivisionError), models.writing(durable=False):
        raise ZeroDivisionError
    assert pragma("synchronous") == 2
    with models.writing(), models.writing(durable=False):
        assert pragma("synchronous") == 2


def test_the_database_is_open_to_its_user_only(tmp_path):
    models.connect(f"sqlite:///{tmp_path}/deep/er/calendar.db")
    try:
        models.migrate()
    finally:
        models.disconnect()
    assert (tmp_path / "deep" / "er").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("number", "known"),
    [(1, True), (BIGGEST, True), (0, False), (-1, False), (BIGGEST + 1, False), (10**30, False)],
)
def test_a_number_that_the_database_would_refuse_is_no_id(number, known):
    assert models.known_id(number) == known


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("ПУШКИН", "Пушкин"), ("ёлка", "ЕЛКА"), ("STRASSE", "straße"), ("é", "e\u0301"),
     ("Ａｄａ", "ada")],
)  # fmt: skip
def test_search_ignores_case_and_the_two_dots_in_every_alphabet(typed, stored):
    assert search.fold(typed) == search.fold(stored)
