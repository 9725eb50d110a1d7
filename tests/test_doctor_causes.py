"""The doctor: which of several findings is the root cause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendar_app.doctor import causes
from calendar_app.doctor.causes import CAUSES, error, ok
from tests.doctoring import CONTRACT


def test_every_cause_of_the_contract_is_known_and_has_a_remedy_that_deletes_nothing():
    assert set(CONTRACT) <= set(CAUSES)
    for cause in CAUSES.values():
        assert cause.says
        assert cause.fix
        words = cause.fix.replace("-", " ").split()
        assert not {"rm", "delete", "vacuum", "prune", "truncate", "drop"} & set(words)


def test_no_cause_explains_itself():
    for name in CAUSES:
        assert name not in causes.explained(name)


@pytest.mark.parametrize(
    ("errors", "root"),
    [
        (["web-not-running", "web-start-failed", "disk-full", "bot-conflict"], "disk-full"),
        (["nginx-down", "nginx-config-invalid"], "nginx-config-invalid"),
        (["bot-conflict", "web-not-running"], "web-not-running"),
        (["bot-conflict", "webhook-set"], "webhook-set"),
        (["bot-unauthorized", "socket-permission"], "socket-permission"),
        (["log-rotation-broken", "bot-conflict"], "bot-conflict"),
        (["disk-full", "inodes-full"], "inodes-full"),
        (["database-locked", "upstream-timeout", "certificate-expired"], "database-locked"),
        (["telegram-unreachable"], "telegram-unreachable"),
    ],
)
def test_the_deepest_cause_is_the_root(errors, root):
    found = [error(name, "so it is") for name in errors]
    assert causes.root(found).id == root
    assert causes.root(found[::-1]).id == root


def test_time_decides_only_between_equals():
    def at(name, since):
        return causes.Check(name, "error", "so it is", "", "mend", since)

    assert causes.root([at("nginx-down", 5), at("certificate-expired", 3)]).id.startswith("cert")
    assert causes.root([at("bot-conflict", 1), at("nginx-down", 3)]).id == "nginx-down"
    assert causes.root([ok("disk-full", "fine")]) is None


BEFORE = {(a, b) for a in CAUSES for b in CAUSES if b in causes.explained(a)}


def deeper(one, other):
    """Which of two the contract calls the root, where it decides; else None."""
    if (one, other) in BEFORE or (other, one) in BEFORE:
        return one if (one, other) in BEFORE else other
    stops = {name: CAUSES[name].stops for name in (one, other)}
    return min(stops, key=stops.get) if stops[one] != stops[other] else None


def at(name, since=float("inf")):
    return causes.Check(name, "error", "so it is", "", "mend", since)


@pytest.mark.parametrize("one", CAUSES)
def test_of_any_two_causes_the_deeper_one_is_the_root_whenever_it_began(one):
    for other in (name for name in CAUSES if name != one):
        expected = deeper(one, other)
        for times in ((1, 2), (2, 1)):
            pair = [at(one, times[0]), at(other, times[1])]
            roots = {causes.root(pair).id, causes.root(pair[::-1]).id}
            assert roots == {expected or min(pair, key=lambda check: check.since).id}, other


@pytest.mark.parametrize("one", CAUSES)
def test_without_times_the_order_of_the_findings_changes_nothing(one):
    for other in CAUSES:
        assert causes.root([at(one), at(other)]) == causes.root([at(other), at(one)])


def test_no_two_causes_explain_each_other():
    assert not [pair for pair in BEFORE if pair[::-1] in BEFORE]


@pytest.mark.parametrize("root", ["disk-full", "inodes-full"])
def test_a_full_disk_that_broke_all_else_is_the_root(root):
    broken = ["nginx-down", "nginx-config-invalid", "database-corrupt", "database-locked"]
    broken += ["web-start-failed", "bot-stopped", "log-rotation-broken", "socket-missing"]
    found = [at(name, 1) for name in (*broken, "bot-conflict", "certificate-expired")]
    assert causes.root([*found, at(root, 9)]).id == root


@given(st.sets(st.sampled_from(sorted(CAUSES)), min_size=1), st.randoms())
def test_the_root_of_any_mixture_is_explained_by_none_of_it(names, random):
    found = [at(name, random.random()) for name in sorted(names)]
    root = causes.root(found)
    assert not [name for name in names if (name, root.id) in BEFORE]
    random.shuffle(found)
    assert causes.root(found) == root
