"""Scenario 6: uninstall leaves nothing but state and configuration, purge nothing at all."""

import pytest

from tests.system import snapshot

SCENARIO = 6
pytestmark = pytest.mark.full
# What a machine changes by itself, whatever is installed on it.
ALLOWED = {
    "/var/log/journal": "the journal goes on",
    "/var/log/nginx": "nginx, which was here before, goes on logging",
    "/var/log/wtmp": "boots and logins",
    "/var/log/lastlog": "boots and logins",
    "/var/log/btmp": "boots and logins",
    "/var/lib/systemd": "systemd's own notes: when timers ran, the random seed",
    "/var/lib/logrotate": "logrotate's own state",
    "/etc/.pwd.lock": "the lock that every change of users leaves (shadow, systemd-sysusers)",
    "/etc/passwd-": "the copy that every change of users leaves",
    "/etc/group-": "the copy that every change of users leaves",
    "/etc/shadow-": "the copy that every change of users leaves",
    "/etc/gshadow-": "the copy that every change of users leaves",
    "/root/birthday-calendar": "the clone: the operator's own",
    "/usr/lib/python3": "bytecode that Debian's Python keeps of its own modules",
    "/usr/share/python3": "bytecode that Debian's Python keeps of its own modules",
}
KEPT = ("/var/lib/birthday-calendar", "/etc/birthday-calendar")
ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")


@pytest.fixture(scope="module")
def before(bare):
    """The machine before anything was installed, with no configuration written by hand."""
    bare.env = bare.machine.read("/etc/birthday-calendar/env")
    bare.run("rm -r /etc/birthday-calendar")
    return snapshot.taken(bare.machine)


def install(bare):
    bare.machine.write("/etc/birthday-calendar/env", bare.env, "0600")
    bare.install()
    answer = bare.request(
        "POST", "/api/birthdays", "Bob", json={"full_name": "Kept", "birth_date": "--05-06"}
    )
    assert answer.status_code == 201


def test_uninstall_leaves_state_and_configuration_only(bare, before, measured):
    install(bare)
    bare.install("--uninstall", "--non-interactive")
    after = snapshot.taken(bare.machine)
    left = snapshot.differences(before, after, [*ALLOWED, *KEPT, *ACCOUNTS])
    measured(files_compared=len(before), left=left)
    assert left == []
    assert "/var/lib/birthday-calendar/calendar.db" in after


def test_an_install_after_it_finds_its_data_again(bare, before):
    bare.install()
    rows = bare.request("GET", "/api/birthdays", "Bob").json()
    assert [row["full_name"] for row in rows] == ["Kept"]


def test_purge_leaves_nothing(bare, before, measured):
    bare.purge()
    left = snapshot.differences(before, snapshot.taken(bare.machine), ALLOWED)
    measured(files_compared=len(before), left=left)
    assert left == []
    assert bare.run("systemctl is-system-running").stdout.strip() == "running"


def test_purge_after_several_releases_and_a_rollback_leaves_nothing_either(bare, before, measured):
    install(bare)
    for _ in range(2):
        bare.change()
        bare.install()
    bare.run("birthday-calendar rollback", timeout=600)
    bare.run("birthday-calendar backup")
    bare.purge()
    left = snapshot.differences(before, snapshot.taken(bare.machine), ALLOWED)
    measured(files_compared=len(before), left=left)
    assert left == []
