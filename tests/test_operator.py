"""The operator's verbs as a person types them: what they say, what they refuse, whose rights."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from calendar_app import config, models
from calendar_app.operation import privileges, trouble
from tests.operating import USER, add, begin, names, operate, works
from tests.world import ROOT, TOKEN

KEY = config.webapp_key(TOKEN).hex()
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give root up")


@pytest.fixture
def state(tmp_path):
    """A state folder with a database that has Alice's calendar."""
    begin(tmp_path / "var")
    models.disconnect()
    yield tmp_path / "var"
    models.disconnect()


# --- the command line --------------------------------------------------------------------


def test_help_lists_the_verbs_and_hides_what_only_programs_need(tmp_path):
    said = works(tmp_path, "--help")
    for verb in ("status", "backup", "restore", "rollback", "set-token", "check-config"):
        assert f"\n    {verb}" in said
    assert "migrate" not in said


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("restore",), ("status", "--nonsense")])
def test_a_wrong_command_line_is_told_with_the_usage(tmp_path, arguments):
    status, _, said = operate(tmp_path, *arguments)
    assert status == 2
    assert said.startswith("usage: birthday-calendar")


@pytest.mark.parametrize("verb", ["status", "backup", "check-config", "migrate"])
def test_every_bad_value_is_told_at_once_with_status_78(tmp_path, verb):
    status, out, said = operate(tmp_path, verb, TIMEZONE="Mars", LOG_LEVEL="loud")
    assert (status, out) == (78, "")
    assert "TIMEZONE" in said
    assert "LOG_LEVEL" in said


@pytest.mark.parametrize("chat", [77, -77, 10**22, -(10**22)])
def test_why_of_a_chat_that_cannot_be_is_one_sentence(state, chat):
    status, _, said = operate(state, "why", "Ada", "--chat", chat)
    assert (status, said) == (1, f"The bot knows no chat {chat}.\n")


def test_a_good_configuration_is_one_line(tmp_path):
    assert works(tmp_path, "check-config") == "The configuration is good.\n"
    assert not (tmp_path / "calendar.db").exists()


def test_migrate_prints_what_it_applied(tmp_path):
    said = works(tmp_path / "new", "migrate").splitlines()
    assert said == [f"applied {p.stem}" for p in sorted(models.MIGRATIONS.glob("[0-9]*.py"))]
    assert works(tmp_path / "new", "migrate") == "The database is up to date.\n"


@pytest.mark.parametrize("verb", ["migrate", "check-config"])
def test_a_database_of_the_future_is_refused_in_one_sentence(state, verb):
    models.CodeFloor.create(id=1, migration=99)
    models.disconnect()
    status, _, said = operate(state, verb)
    assert (status, said.count("\n")) == (1, 1)
    assert "install the newer release" in said


def test_a_web_server_of_old_code_ends_with_that_sentence(state):
    models.CodeFloor.create(id=1, migration=99)
    models.disconnect()
    web = ["-m", "gunicorn", "-c", "python:calendar_app.gunicorn_config"]
    done = subprocess.run(
        [sys.executable, *web, "--bind", f"unix:{state}/w", "calendar_app.api:create_app()"],
        cwd=ROOT, env={"VAR_DIR": str(state), "ENV_FILE": "/dev/null"}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "install the newer release" in done.stderr
    assert "Traceback" not in done.stderr


def test_rollback_needs_an_installation(tmp_path):
    status, _, said = operate(tmp_path, "rollback")
    assert (status, said) == (1, "Nothing is installed here that could be rolled back.\n")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "disk is full"),
        (models.Trouble("database or disk is full"), "disk is full"),
        (models.Trouble("database is locked"), "busy"),
        (models.Trouble("database disk image is malformed"), "restore FILE"),
        (models.Trouble("file is not a database"), "restore FILE"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied."),
        (models.Trouble("no such thing: postgresql://u:geheim@h/d"), "<masked>"),
    ],
)
def test_foreseeable_trouble_is_one_sentence(error, said):
    assert said in trouble.sentence(error)


def test_a_bug_is_no_trouble():
    assert trouble.sentence(KeyError("x")) is None


# --- status ------------------------------------------------------------------------------


def test_status_is_one_screen_whatever_there_is(tmp_path):
    for folder in (tmp_path / "nothing yet", tmp_path / "var"):
        said = works(folder, "status")
        assert "There is no database" in said or "2 birthdays" in said
        assert all(len(line) <= 80 for line in said.splitlines())
        assert len(said.splitlines()) <= 24
        begin(tmp_path / "var")
        models.disconnect()


def test_status_as_json_says_the_same(state):
    works(state, "backup")
    models.Promise.create(
        kind="birthday", subject_id=1, occurs_on="2026-01-01", days_before=0, recipient=1,
        calendar=1, due_at=0, try_at=0, state="sent", sent_at=int(time.time()),
    )  # fmt: skip
    models.disconnect()
    facts = json.loads(works(state, "status", "--json"))
    assert facts["version"] == "development"
    assert facts["database"]["birthdays"] == 2
    assert facts["database"]["schema"] == max(p.stem for p in models.MIGRATIONS.glob("0*.py"))
    assert facts["backup"]["last"]["verdict"] == "proven"
    assert facts["bot"]["state"] == "stopped"
    assert facts["reminders"]["sent"] == 1
    assert facts["disk"]["free"] > 0
    assert facts["socket"]["answers"] is False


def test_status_tells_of_a_damaged_database_and_ends_well(state):
    (state / "calendar.db").write_bytes(b"Dear diary" * 1000)
    assert "damaged" in works(state, "status")


def test_status_asks_the_socket_for_health(service):
    running = service(parts=("web",))
    (running.folder / "run").mkdir()
    (running.folder / "run" / "web.sock").symlink_to(running.socket)
    assert "web.sock answers" in works(running.folder, "status")


def test_a_socket_where_nobody_answers_is_told_in_time(state):
    (state / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(state / "run" / "web.sock"))
        silent.listen()
        assert "timed out" in works(state, "status")


# --- the token ---------------------------------------------------------------------------


@pytest.fixture
def etc(tmp_path):
    """A folder of the configuration, as install.sh leaves it: secrets there and empty."""
    folder = tmp_path / "etc"
    folder.mkdir()
    for name in ("env", "bot-token", "webapp-key"):
        (folder / name).touch(0o600)
    return folder


def set_token(etc, *arguments, typed=""):
    return operate(etc / "var", "set-token", *arguments, typed=typed, ENV_FILE=etc / "env")


def secrets(etc):
    return [(etc / name).read_text() for name in ("bot-token", "webapp-key")]


def test_a_token_from_standard_input_is_stored_with_its_key(etc):
    status, said, _ = set_token(etc, typed=f"{TOKEN}\n")
    assert (status, said) == (0, "The token is set.\n")
    assert secrets(etc) == [TOKEN, KEY]
    for name in ("bot-token", "webapp-key"):
        assert stat.S_IMODE((etc / name).stat().st_mode) == 0o600
    assert {path.name for path in etc.iterdir()} == {"env", "bot-token", "webapp-key"}


def test_a_token_is_read_from_a_file_and_taken_away_again(etc, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    assert set_token(etc, "--file", tmp_path / "token")[0] == 0
    assert secrets(etc) == [TOKEN, KEY]
    assert set_token(etc, "--remove") == (0, "The token is removed.\n", "")
    assert secrets(etc) == ["", ""]


@pytest.mark.parametrize(
    "typed", ["", "\n", "nonsense", f"{TOKEN} {TOKEN}", "123:ab$", "я" * 40, "x" * 10_000]
)
def test_what_is_no_token_is_refused_never_shown_and_changes_nothing(etc, typed):
    set_token(etc, typed=TOKEN)
    status, out, said = set_token(etc, typed=typed)
    assert (status, out) == (1, "")
    assert len(typed.strip()) < 2 or typed.strip() not in said
    assert secrets(etc) == [TOKEN, KEY]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_a_token_file_that_is_none_is_refused_at_once(etc, tmp_path, kind):
    path = tmp_path / kind
    {"missing": lambda _: None, "folder": Path.mkdir, "pipe": os.mkfifo}[kind](path)
    status, _, said = set_token(etc, "--file", path)
    assert (status, str(path) in said) == (1, True)


def test_both_secrets_change_or_neither(etc):
    set_token(etc, typed=TOKEN)
    # A folder of that name, which is not empty, cannot be replaced.
    (etc / "webapp-key").unlink()
    (etc / "webapp-key" / "x").mkdir(parents=True)
    status, _, _ = set_token(etc, typed="7000000001:" + "B" * 35)
    assert status == 1
    assert (etc / "bot-token").read_text() == TOKEN


def test_beside_run_sh_it_is_said_where_the_token_stands(tmp_path):
    status, _, said = operate(tmp_path, "set-token", typed=TOKEN, ENV_FILE="")
    assert status == 1
    assert ".env" in said


# --- whose rights ------------------------------------------------------------------------


@pytest.fixture
def theirs():
    """A state folder of another user, with a database, in a place that all may enter."""
    # Not pytest's tmp_path: its folders are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="op-", dir="/tmp"))
    folder.chmod(0o755)
    state = folder / "state"
    begin(state)
    models.disconnect()
    give(state)
    yield state
    models.disconnect()
    shutil.rmtree(folder)


def give(folder):
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)
    folder.chmod(0o700)


@pytest.fixture(params=["clone", "release"])
def code(request, theirs):
    """The code in a clone, and as a release that is installed."""
    return ROOT if request.param == "clone" else released(theirs)


def released(theirs):
    """The folder of a release that is installed, made at the first time."""
    release = theirs.parent / "release"
    if not release.exists():
        shutil.copytree(ROOT / "calendar_app", release / "calendar_app")
        (release / "RELEASE").write_text("1.2.3-0123456789\n")
    return release


@AS_ROOT
def test_root_works_on_the_state_as_its_owner(theirs, code):
    works(theirs, "migrate", root=code)
    works(theirs, "backup", root=code)
    works(theirs, "status", root=code)
    (made,) = (theirs / "backups").glob("calendar-*")
    works(theirs, "restore", made.name, "--yes", root=code)
    assert {path.lstat().st_uid for path in theirs.rglob("*")} == {USER}
    assert {path.lstat().st_gid for path in theirs.rglob("*")} == {USER}


@AS_ROOT
def test_what_root_started_has_no_way_back(theirs):
    code = (
        "import os, sys, pathlib\n"
        "from calendar_app.operation import privileges\n"
        "privileges.drop(pathlib.Path(sys.argv[1]))\n"
        "print(os.getresuid(), os.getresgid(), os.getgroups(), os.getcwd())\n"
        "os.setuid(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, theirs], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == f"{(USER,) * 3} {(USER,) * 3} [] /\n"
    assert "PermissionError" in done.stderr


@AS_ROOT
def test_another_user_is_told_to_use_sudo(theirs):
    for verb in ("status", "backup", "migrate"):
        status, _, said = operate(theirs, verb, user=USER + 1)
        assert (status, said) == (1, f"{privileges.SUDO}\n")


@AS_ROOT
def test_the_owner_needs_no_sudo(theirs):
    assert operate(theirs, "backup", user=USER)[0] == 0
    assert "proven" in operate(theirs, "status", user=USER)[1]


@pytest.fixture
def secret(theirs):
    """A database that only root may read, in a place that only root may enter."""
    folder = theirs.parent / "root"
    begin(folder, names=("Secret",))
    models.disconnect()
    folder.chmod(0o700)
    return folder / "calendar.db"


@AS_ROOT
@pytest.mark.parametrize("verb", ["status", "backup", "migrate"])
def test_a_database_that_is_a_link_to_a_file_of_root_is_not_followed(theirs, secret, code, verb):
    before = secret.read_bytes()
    (theirs / "calendar.db").unlink()
    (theirs / "calendar.db").symlink_to(secret)
    _, out, _ = operate(theirs, verb, root=code)
    assert "1 birthdays" not in out
    assert secret.read_bytes() == before
    assert list(secret.parent.iterdir()) == [secret]
    assert list((theirs / "backups").glob("calendar-*")) == []


PLANTS = {"pipe": lambda path, _: os.mkfifo(path), "link": lambda path, to: path.symlink_to(to)}
PLACES = (
    ("calendar.db", "backups", "run"),
    ("backups/.lock", "backups/last.json", "backups/.new.db.gz", "run/web.sock", "run/run.lock"),
)


@AS_ROOT
@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.parametrize("places", PLACES)
def test_pipes_and_links_in_the_state_neither_hang_nor_mislead_root(theirs, secret, plant, places):
    target = secret.parent / "precious"
    target.write_text("precious")
    for place in places:
        path = theirs / place
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        PLANTS[plant](path, target)
    give(theirs)
    for verb in (("status",), ("backup",), ("restore", secret, "--yes")):
        operate(theirs, *verb, root=released(theirs))
    assert target.read_text() == "precious"
    assert {path.name for path in secret.parent.iterdir()} == {"calendar.db", "precious"}


@AS_ROOT
def test_a_state_folder_that_is_a_link_is_refused(theirs, code):
    moved = theirs.with_name("moved")
    theirs.rename(moved)
    theirs.symlink_to(moved)
    status, _, said = operate(theirs, "backup", root=code)
    assert status == 1
    assert "is not a folder" in said


@AS_ROOT
def test_a_backup_that_only_root_can_read_is_restored_where_it_is_installed(theirs, secret, code):
    if code == ROOT:
        status, _, said = operate(theirs, "restore", secret, "--yes", root=code)
        assert (status, said) == (1, f"{secret}: Permission denied.\n")
        return
    works(theirs, "restore", secret, "--yes", root=code)
    shown = theirs.parent / "shown.db"
    shutil.copy(theirs / "calendar.db", shown)
    models.connect(f"sqlite:///{shown}")
    assert names() == ["Secret"]
    assert (theirs / "calendar.db").stat().st_uid == USER


@AS_ROOT
@pytest.mark.parametrize("way", ["file", "folder", "around"])
def test_a_link_in_the_state_does_not_make_root_read_its_files(theirs, secret, code, way):
    before = (theirs / "calendar.db").read_bytes()
    backups = theirs / "backups"
    if way == "folder":
        backups.symlink_to(secret.parent)
        named = backups / secret.name
    else:
        backups.mkdir()
        named = backups / "calendar-20260101T000000Z-1.db.gz"
        named.symlink_to(secret)
    if way == "around":
        (theirs.parent / "around").symlink_to(theirs)
        named = theirs.parent / "around" / "backups" / named.name
    give(theirs)
    status, _, said = operate(theirs, "restore", named, "--yes", root=code)
    assert status == 1, said
    assert (theirs / "calendar.db").read_bytes() == before


@AS_ROOT
@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "device"])
def test_what_is_no_ordinary_file_is_not_restored(theirs, secret, code, kind):
    path = theirs.parent / kind
    {
        "pipe": os.mkfifo,
        "folder": Path.mkdir,
        "link": lambda path: path.symlink_to(secret),
        "device": lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5)),
    }[kind](path)
    status, _, said = operate(theirs, "restore", path, "--yes", root=code)
    assert (status, said.count("\n")) == (1, 1)
    assert str(path) in said


@AS_ROOT
def test_the_hook_runs_without_root(theirs, code):
    said = works(theirs, "backup", root=code, BACKUP_HOOK="sh -c 'id -u; tty || true'")
    lines = [line for line in said.splitlines() if line.startswith("BACKUP_HOOK")]
    assert lines[0] == f"BACKUP_HOOK: {USER}"


@AS_ROOT
def test_root_prints_nothing_that_a_terminal_would_obey(theirs, code):
    (theirs / "backups").mkdir()
    report = {"at": 1, "verdict": "failed\x1b[2J", "reason": "\x1b]0;owned\x07", "seconds": 1}
    (theirs / "backups" / "last.json").write_text(json.dumps(report))
    models.connect(f"sqlite:///{theirs}/calendar.db")
    models.BotState.create(id=1, state="ok\x1b[2J", detail="\x9b2J", since=1, beat_at=2**40)
    models.disconnect()
    give(theirs)
    for arguments in (("status",), ("status", "--json")):
        said = works(theirs, *arguments, root=code)
        assert "owned" in said
        assert not set(said) & {"\x1b", "\x07", "\x9b"}


def test_an_answer_that_is_too_long_or_no_answer_is_refused():
    for raw in (b"", b"[]", b'{"answer"', b'{"other": 1}', b"\xff"):
        with pytest.raises(privileges.Refused):
            privileges._understood(raw)


@AS_ROOT
def test_a_state_that_does_not_answer_is_given_up_and_left_behind(theirs):
    with pytest.raises(privileges.Refused, match="no answer in time"):
        privileges.ask(theirs, lambda: time.sleep(600), seconds=1)
    with pytest.raises(privileges.Refused, match="too long"):
        privileges.ask(theirs, lambda: "x" * 2**21)
    with pytest.raises(privileges.Refused, match="disk is full"):
        privileges.ask(theirs, lambda: os.truncate(theirs / "calendar.db", 0) or full())
    assert privileges.ask(theirs, os.getuid) == USER


def full():
    raise OSError(28, "No space left on device")


@AS_ROOT
def test_installed_status_says_what_is_missing_until_the_token_is_set(theirs, etc):
    more = {"root": released(theirs), "ENV_FILE": etc / "env"}
    (etc / "env").chmod(0o644)
    etc.parent.chmod(0o755)
    assert "sudo birthday-calendar set-token" in works(theirs, "status", **more)
    works(theirs, "set-token", typed=TOKEN, **more)
    assert "set-token" not in works(theirs, "status", **more)
    assert secrets(etc) == [TOKEN, KEY]


def test_a_name_without_a_folder_means_a_backup_of_ours(state):
    works(state, "backup")
    add("Eve")
    models.disconnect()
    (made,) = (state / "backups").glob("calendar-*")
    works(state, "restore", made.name, "--yes")
    assert names() == ["Ada", "Bob"]
