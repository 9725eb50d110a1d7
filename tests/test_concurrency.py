"""Many at once: a real web with two workers and the real bot on one database; nothing is lost."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.service import Service
from tests.telegram.simulator import Simulator
from tests.world import init_data, wait_for

ADA = {"full_name": "Ada Lovelace", "birth_date": "1815-12-10"}
newcomers = itertools.count(7_000_000_000)


class Client:
    """Somebody at the API, for one thread; every answer's status is kept in `statuses`."""

    def __init__(self, web, user_id, statuses):
        self.statuses = statuses
        self.http = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(web.socket)),
            base_url="http://localhost",
            headers={"X-Init-Data": init_data("Alice", token=web.token, id=user_id)},
            timeout=60,
        )

    def __call__(self, method, path, **more):
        answer = self.http.request(method, path, **more)
        self.statuses.append(answer.status_code)
        return answer


@pytest.fixture(scope="module")
def telegram():
    with Simulator(pace=0.05) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def running(tmp_path_factory, telegram):
    """Web and bot, for all tests of this file."""
    running = Service(tmp_path_factory.mktemp("running"), telegram, ["web", "bot"], {})
    yield running
    running.http.close()
    running.stop()


@pytest.fixture
def statuses():
    return []


@pytest.fixture
def person(running, statuses):
    """Makes clients: `person(id)`; without an id, of somebody new."""
    made = []

    def make(user_id=None):
        made.append(Client(running, user_id or next(newcomers), statuses))
        return made[-1]

    yield make
    for client in made:
        client.http.close()


@pytest.fixture(autouse=True)
def nothing_breaks(running, statuses):
    """Whatever is done at once: no 5xx, no locked database, no traceback."""
    yield
    assert statuses
    assert max(statuses) < 500
    for part in ("web", "bot"):
        log = running.log(part)
        assert "locked" not in log
        assert "Traceback" not in log


def at_once(*jobs):
    """Do all jobs at the same moment, each in a thread; returns what they return."""
    start = threading.Barrier(len(jobs))

    def do(job):
        start.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(do, jobs))


def increment(client, address, times):
    """Count up in the comment, as one who reads, changes and asks again when it was changed."""
    done = 0
    while done < times:
        read = client("GET", address)
        comment = {"comment": str(int(read.json()["comment"]) + 1)}
        tag = {"If-Match": read.headers["ETag"]}
        changed = client("PATCH", address, json=comment, headers=tag)
        assert changed.status_code in (200, 412)
        done += changed.status_code == 200
    return done


def make(client, name, times):
    """Add rows and change each of them in all ways; returns their ids."""
    made = []
    for number in range(times):
        row = client("POST", "/api/birthdays", json=ADA | {"full_name": f"{name}.{number}"}).json()
        address = f"/api/birthdays/{row['id']}"
        replaced = client("PUT", address, json=row | {"company": name})
        amended = client(
            "PATCH",
            address,
            json={"position": name},
            headers={"If-Match": replaced.headers["ETag"]},
        )
        assert amended.json() == row | {"company": name, "position": name}
        made.append(row["id"])
    return made


def test_nothing_is_lost_when_32_write_and_the_bot_writes_too(running, telegram, person, statuses):
    anna = telegram.add_user("Anna")
    anna.send("/start")
    anna.wait_for_message()
    counter = person(anna.id)("POST", "/api/birthdays", json=ADA | {"comment": "0"}).json()
    address = f"/api/birthdays/{counter['id']}"
    clients = [person(anna.id) for _ in range(32)]
    for number in range(10):
        anna.send(f"/add Bot.{number} 10.12.1815")
    found = at_once(
        *[lambda client=client: increment(client, address, 4) for client in clients[:8]],
        *[
            lambda client=client, n=n: make(client, f"Web.{n}", 4)
            for n, client in enumerate(clients[8:])
        ],
    )
    anna_reads = clients[0]
    assert anna_reads("GET", address).json()["comment"] == str(sum(found[:8])) == "32"

    def names():
        return sorted(row["full_name"] for row in anna_reads("GET", "/api/birthdays").json())

    by_bot = [f"Bot.{number}" for number in range(10)]
    by_web = [f"Web.{n}.{number}" for n in range(24) for number in range(4)]
    everybody = sorted([ADA["full_name"], *by_bot, *by_web])
    wait_for(lambda: len(names()) >= len(everybody))
    assert names() == everybody
    ids = [row["id"] for row in anna_reads("GET", "/api/birthdays").json()]
    assert len(set(ids)) == len(ids)
    assert set(itertools.chain(*found[8:])) < set(ids)
    assert set(statuses) <= {200, 201, 412}


def test_one_idempotency_key_from_16_at_once_makes_one_row(person):
    alice = next(newcomers)
    clients = [person(alice) for _ in range(16)]
    key = {"Idempotency-Key": "the same"}
    answers = at_once(
        *[lambda c=c: c("POST", "/api/birthdays", json=ADA, headers=key) for c in clients]
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert clients[0]("GET", "/api/birthdays").json() == [answers[0].json()]


def test_16_first_requests_of_one_user_make_one_calendar(person):
    alice = next(newcomers)
    clients = [person(alice) for _ in range(16)]
    answers = at_once(*[lambda c=c: c("POST", "/api/birthdays", json=ADA) for c in clients])
    assert {answer.status_code for answer in answers} == {201}
    calendars = clients[0]("GET", "/api/calendars").json()
    assert [each["kind"] for each in calendars] == ["personal"]
    listed = {row["id"] for row in clients[0]("GET", "/api/birthdays").json()}
    assert listed == {answer.json()["id"] for answer in answers}
    assert len(listed) == 16


def test_what_16_delete_at_once_is_deleted_once(person):
    alice = next(newcomers)
    clients = [person(alice) for _ in range(16)]
    address = f"/api/birthdays/{clients[0]('POST', '/api/birthdays', json=ADA).json()['id']}"
    answers = at_once(*[lambda c=c: c("DELETE", address) for c in clients])
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 15


def shared_calendar(owner, role, uses):
    """A calendar and an invitation's path to it."""
    calendar = owner("POST", "/api/calendars", json={"title": "Team"}).json()
    address = f"/api/calendars/{calendar['id']}"
    invitation = owner("POST", f"{address}/invitations", json={"role": role, "uses": uses}).json()
    return address, f"/api/invitations/{invitation['code']}/accept"


def test_an_invitation_for_three_is_followed_by_three_of_twelve(person):
    owner = person()
    address, accept = shared_calendar(owner, "editor", 3)
    guests = [person() for _ in range(12)]
    answers = at_once(*[lambda guest=guest: guest("POST", accept) for guest in guests])
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [404] * 9
    assert len(owner("GET", f"{address}/members").json()) == 4


@pytest.mark.parametrize("attempt", range(5))
def test_of_two_owners_who_leave_at_once_one_has_to_stay(person, attempt):
    ids = next(newcomers), next(newcomers)
    alice, bob = (person(user_id) for user_id in ids)
    address, accept = shared_calendar(alice, "owner", 1)
    bob("POST", accept)
    answers = at_once(
        lambda: alice("DELETE", f"{address}/members/{ids[0]}"),
        lambda: bob("DELETE", f"{address}/members/{ids[1]}"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
