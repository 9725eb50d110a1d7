"""A disk without room: the service turns read-only before it is full, and back by itself."""

import threading
import time
import zlib

import httpx
import pytest

from calendar_app import alerts, guard, models, room
from calendar_app.errors import NoRoom
from tests.disks import MIB, small_disk
from tests.operating import add, begin, operate, works
from tests.service import Service, children
from tests.world import init_data, settings, wait_for

BALLAST = 24
ADA = {"full_name": "Ada", "birth_date": "1815-12-10"}


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", 120) as disk:
        yield disk


@pytest.fixture
def run(tmp_path, telegram, disk):
    """Starts parts of the service with their state on the small disk."""
    started = []

    def start(*parts, **more):
        state = {"VAR_DIR": disk.folder, "BALLAST_MIB": BALLAST} | more
        started.append(Service(tmp_path / "service", telegram, parts, state))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def ballast(disk):
    return room.ballast_bytes(disk.folder) // MIB


def signed(service):
    return {"X-Init-Data": init_data("Alice", token=service.token)}


def adds(service):
    """The status of an attempt to add somebody."""
    return service.request("POST", "/api/birthdays", json=ADA, headers=signed(service)).status_code


def reads(service):
    """How many birthdays the API shows."""
    answer = service.get("/api/birthdays", headers=signed(service))
    assert answer.status_code == 200, answer.text
    return len(answer.json())


def is_read_only(service):
    return adds(service) == 507


# --- the ballast -------------------------------------------------------------------------


def test_a_ballast_is_made_where_there_is_plenty_and_does_not_compress(disk):
    room.tend(disk.folder, BALLAST)
    content = (disk.folder / "ballast").read_bytes()
    assert len(content) == BALLAST * MIB
    assert len(zlib.compress(content[:MIB])) > 0.99 * MIB
    assert (disk.folder / "ballast").stat().st_mode & 0o077 == 0


def test_no_ballast_is_made_where_less_than_three_times_its_size_is_free(disk):
    disk.fill(leave=3 * BALLAST * MIB - MIB)
    room.tend(disk.folder, BALLAST)
    assert ballast(disk) == 0
    disk.empty()
    room.tend(disk.folder, BALLAST)
    assert ballast(disk) == BALLAST


def test_ballast_is_given_step_by_step_and_the_last_of_it_only_at_a_start(disk):
    room.tend(disk.folder, BALLAST)
    for _ in range(5):
        disk.fill()
        room.tend(disk.folder, BALLAST)
    assert ballast(disk) * MIB == room.LAST
    for _ in range(5):
        disk.fill()
        room.give_way(disk.folder)
    assert ballast(disk) == 0
    assert room.give_way(disk.folder) == 0


def test_a_smaller_ballast_is_what_is_configured(disk):
    room.tend(disk.folder, BALLAST)
    room.tend(disk.folder, 0)
    assert ballast(disk) == 0


def test_a_link_in_the_place_of_the_ballast_is_not_followed(disk, tmp_path):
    precious = tmp_path / "precious"
    precious.write_bytes(bytes(1000))
    (disk.folder / "ballast").symlink_to(precious)
    room.tend(disk.folder, 0)
    room.give_way(disk.folder)
    assert precious.stat().st_size == 1000


def test_the_operator_can_release_the_ballast(disk):
    begin(disk.folder)
    room.tend(disk.folder, BALLAST)
    said = works(disk.folder, "release-ballast", BALLAST_MIB=BALLAST)
    assert "24 MiB are free again" in said
    assert "once 72 MiB are free" in said
    assert ballast(disk) == 0
    assert "0.0 MiB ballast" in works(disk.folder, "status")


# --- the domain --------------------------------------------------------------------------


def test_people_may_not_write_but_what_must_be_recorded_is(disk):
    begin(disk.folder)
    disk.fill(leave=8 * MIB)
    with pytest.raises(NoRoom):
        add("Eve")
    assert alerts.tell("backup", "Something", 0)
    disk.empty()
    add("Eve")
    models.disconnect()


def test_operators_are_told_once_with_what_fills_the_disk_and_once_when_it_is_over(disk):
    begin(disk.folder)
    watching = [guard.Guard(settings(disk.folder, BALLAST_MIB=BALLAST)) for _ in range(3)]
    disk.fill(leave=10 * MIB)
    for each in watching * 2:
        each.look(0)
    (told,) = alerts.unsent()
    assert "read until there is room" in alerts.html("en", told)
    assert f"{disk.folder} (" in alerts.html("ru", told)
    disk.empty()
    for each in watching * 2:
        each.look(1)
    assert [alert.over for alert in alerts.unsent()] == [False, True]
    models.disconnect()


def test_an_operator_sees_in_the_status_that_nothing_can_be_written(disk):
    begin(disk.folder)
    models.disconnect()
    disk.fill(leave=8 * MIB)
    assert "READ-ONLY until there is room: 8.0 MiB" in works(disk.folder, "status")
    status, _, said = operate(disk.folder, "backup")
    assert status == 1
    assert "free some space" in said


# --- the web alone -----------------------------------------------------------------------


def test_the_web_alone_turns_read_only_before_the_disk_is_full_and_back_by_itself(run, disk):
    web = run("web")
    wait_for(lambda: ballast(disk) == BALLAST)
    workers = children(web.processes["web"].pid)
    assert adds(web) == 201
    disk.fill(leave=10 * MIB)
    refused = web.request("POST", "/api/birthdays", json=ADA, headers=signed(web))
    assert refused.status_code == 507
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert int(refused.headers["Retry-After"]) > 0
    assert "disk is full" in refused.json()["detail"]
    assert reads(web) == 1
    assert web.get("/health").status_code == 200
    assert web.checks()["disk"]["status"] == "full"
    wait_for(lambda: "the disk is short of room" in web.log("web"))
    disk.empty()
    wait_for(lambda: adds(web) == 201, timeout=60)
    assert web.checks()["disk"]["status"] == "ok"
    assert children(web.processes["web"].pid) == workers
    assert wait_for(lambda: "there is room on the disk again" in web.log("web"))


@pytest.mark.parametrize("stopped", ["terminate", "kill"])
def test_it_starts_on_a_disk_that_is_full_to_the_last_byte(run, disk, stopped):
    web = run("web")
    wait_for(lambda: ballast(disk) == BALLAST)
    assert adds(web) == 201
    getattr(web, stopped)("web")
    disk.fill()
    assert disk.free() == 0
    web.start("web")
    assert reads(web) == 1
    assert is_read_only(web)
    wait_for(lambda: 0 < ballast(disk) < BALLAST)
    disk.empty()
    wait_for(lambda: adds(web) == 201, timeout=60)
    wait_for(lambda: ballast(disk) == BALLAST, timeout=60)


def test_it_reads_on_when_all_room_is_eaten_for_good(run, disk):
    web = run("web")
    wait_for(lambda: ballast(disk) == BALLAST)
    assert adds(web) == 201
    until = time.monotonic() + 6
    while time.monotonic() < until:
        disk.fill()
        assert reads(web) == 1
        assert is_read_only(web)
    assert disk.free() < room.RESERVE
    assert web.get("/health").status_code == 200


def test_it_starts_where_no_inode_is_left(tmp_path, telegram):
    with small_disk(tmp_path / "disk", 120, inodes=4000) as disk:
        state = {"VAR_DIR": disk.folder, "BALLAST_MIB": BALLAST}
        web = Service(tmp_path / "service", telegram, ("web",), state)
        try:
            assert adds(web) == 201
            wait_for((disk.folder / "ballast-inodes" / "15").exists)
            disk.fill_inodes()
            assert is_read_only(web)
            assert web.checks()["disk"]["status"] == "inodes-full"
            web.terminate("web")
            web.start("web")
            assert reads(web) == 1
            assert is_read_only(web)
            disk.empty()
            wait_for(lambda: adds(web) == 201, timeout=60)
        finally:
            web.stop()


def test_of_writers_who_run_into_a_full_disk_none_loses_what_was_acknowledged(run, disk):
    web = run("web")
    wait_for(lambda: ballast(disk) == BALLAST)
    acknowledged, answers, stop = [], set(), threading.Event()

    def write(writer):
        transport = httpx.HTTPTransport(uds=str(web.socket))
        with httpx.Client(transport=transport, base_url="http://localhost", timeout=30) as http:
            for number in range(10**6):
                if stop.is_set():
                    return
                name = f"{writer}-{number}"
                body = ADA | {"full_name": name, "comment": "x" * 900}
                answer = http.post("/api/birthdays", json=body, headers=signed(web))
                answers.add(answer.status_code)
                if answer.status_code == 201:
                    acknowledged.append(name)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for each in writers:
        each.start()
    for _ in range(3):
        # As fast as it goes, to the last byte: between a look and a write everything may be gone.
        wait_for(lambda: adds(web) == 201, timeout=60)
        disk.fill()
        wait_for(lambda: is_read_only(web))
        disk.empty()
    stop.set()
    for each in writers:
        each.join()
    found = web.get("/api/birthdays", headers=signed(web)).json()
    names = [row["full_name"] for row in found if row["full_name"] != "Ada"]
    assert answers == {201, 507}, web.log("web")[-3000:]
    assert sorted(names) == sorted(acknowledged)


# --- with the bot ------------------------------------------------------------------------


def test_the_bot_says_so_to_who_writes_shows_what_there_is_and_sends_reminders(run, disk, telegram):
    admin = telegram.add_user("Admin")
    both = run("web", "bot", ADMIN_TELEGRAM_IDS=admin.id)
    anna = telegram.add_user("Anna")
    wait_for(lambda: ballast(disk) == BALLAST)

    def ask(person, text):
        person.send(text)
        return person.wait_for_message().text

    ask(admin, "/start")
    ask(anna, "/start")
    today = time.strftime("%d.%m", time.gmtime())
    assert "Saved: Ada" in ask(anna, f"/add Ada {today}.1816")
    disk.fill(leave=10 * MIB)
    assert "read until there is room" in admin.wait_for_message().text
    assert "disk is full" in ask(anna, "/add Bob 11.12.1815")
    assert "Ada" in ask(anna, "/list")
    assert "disk is full" in ask(telegram.add_user("New"), "/start")
    both.python(PROMISE)
    assert "Ada" in anna.wait_for_message().text
    assert both.python(STATES).split() == ["sent"]
    disk.empty()
    assert "over" in admin.wait_for_message().text
    assert "Saved: Bob" in ask(anna, "/add Bob 11.12.1815")


# Ada's birthday is today for who looks now; planned as the bot itself would.
PROMISE = """
import time
from calendar_app import config, models
from calendar_app.models import Birthday, Calendar, Chat, Promise, User
models.connect(config.load().database_url)
ada = Birthday.get(Birthday.full_name == "Ada")
user = User.get(User.id == ada.created_by_id)
now = int(time.time())
with models.writing(essential=True):
    Promise.insert(
        kind="birthday", subject_id=ada.id, days_before=0, due_at=now, try_at=now, state="planned",
        occurs_on=time.strftime("%Y-%m-%d", time.gmtime()),
        recipient=user.chat_id, calendar=ada.calendar_id,
    ).execute()
"""
STATES = """
from calendar_app import config, models
from calendar_app.models import Promise
from tests.world import wait_for
models.connect(config.load().database_url)
wait_for(lambda: not Promise.select().where(Promise.state == "planned").exists())
print(*[row.state for row in Promise.select()])
"""
