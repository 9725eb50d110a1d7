"""Scenario 2: the units are as confined as they claim, and no other user sees the secrets."""

import hashlib
import hmac
import re

import pytest

from tests.system.installation import BOT, ENV, WEB
from tests.world import TOKEN, wait_for

SCENARIO = 2
WEBAPP_KEY = hmac.new(b"WebAppData", TOKEN.encode(), hashlib.sha256).hexdigest()
SECRETS = {"token": TOKEN, "key": WEBAPP_KEY}
DROP_IN = f"/run/systemd/system/{WEB}.service.d/probe.conf"
# In the unit's own sandbox, as a step before its start; `-` so that nothing depends on it.
PROBE = """\
[Service]
ExecStartPre=-/opt/birthday-calendar/current/.venv/bin/python -I /etc/birthday-calendar-probe.py
"""
PROBE_PROGRAM = """\
import errno, pathlib, socket
found = []
for family in ("AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_UNIX"):
    try:
        socket.socket(getattr(socket, family), socket.SOCK_RAW if family == "AF_PACKET"
                      else socket.SOCK_DGRAM).close()
        found.append(family + "=opened")
    except OSError as error:
        found.append(family + "=" + errno.errorcode[error.errno])
print("PROBE", *found)
"""


def test_systemd_finds_nothing_to_say_about_the_units(installed):
    ours = "/etc/systemd/system/birthday-calendar*.{service,socket,timer,target}"
    said = installed.run(f"systemd-analyze verify {ours}", check=False)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize(("unit", "most"), [(WEB, 0.5), (BOT, 1.5)])
def test_the_live_unit_is_hardly_exposed(installed, measured, unit, most):
    said = installed.run(f"systemd-analyze security --no-pager {unit}.service").stdout
    exposure = float(re.search(r"Overall exposure level for \S+ ([0-9.]+)", said)[1])
    measured(unit=unit, exposure=exposure)
    assert exposure <= most, "\n".join(line for line in said.splitlines() if line.startswith("✗"))


def test_the_web_process_can_open_no_network_socket(installed, measured):
    installed.machine.write("/etc/birthday-calendar-probe.py", PROBE_PROGRAM)
    installed.machine.write(DROP_IN, PROBE)
    try:
        installed.run(f"systemctl daemon-reload && systemctl restart {WEB}")
        lines = installed.journal(WEB).splitlines()
        [told] = [line for line in lines if "PROBE" in line][-1:]
        found = dict(word.split("=") for word in told.split("PROBE ")[1].split())
    finally:
        installed.run(f"rm -r {DROP_IN} /etc/birthday-calendar-probe.py")
        installed.run(f"rmdir $(dirname {DROP_IN})")
        installed.run(f"systemctl daemon-reload && systemctl restart {WEB}")
    measured(**found)
    assert found.pop("AF_UNIX") == "opened"
    assert set(found.values()) == {"EAFNOSUPPORT"}


def test_the_web_process_lives_where_there_is_no_network(installed):
    own = namespaces(installed, installed.main_pid(WEB))
    assert own["net"] != namespaces(installed, 1)["net"]
    assert namespaces(installed, installed.main_pid(BOT))["net"] == namespaces(installed, 1)["net"]
    inside = installed.run(["nsenter", "-t", installed.main_pid(WEB), "-n", "ip", "-o", "link"])
    assert [line.split()[1] for line in inside.stdout.splitlines()] == ["lo:"]
    routes = installed.run(["nsenter", "-t", installed.main_pid(WEB), "-n", "ip", "route"])
    assert routes.stdout == ""


def namespaces(installed, pid):
    listed = installed.run(f"cd /proc/{pid}/ns && readlink *").stdout.split()
    return dict(line.split(":") for line in listed)


@pytest.mark.parametrize("unit", [WEB, BOT])
def test_environment_and_command_line_hold_no_secret(installed, unit):
    wait_for(installed.answers)
    pids = installed.run(
        f"cat /sys/fs/cgroup/system.slice/{unit}.service/cgroup.procs", check=False
    )
    pids = pids.stdout.split() or [installed.main_pid(unit)]
    for pid in pids:
        shown = installed.run(f"cat /proc/{pid}/environ /proc/{pid}/cmdline").stdout
        assert "ENV_FILE=/etc/birthday-calendar/env" in shown
        assert not [name for name, secret in SECRETS.items() if secret in shown]


def test_another_user_finds_no_secret_in_proc(installed):
    look = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'"
    seen = as_nobody(installed, look).stdout
    assert "systemd" in seen  # nobody does see something
    assert not [name for name, secret in SECRETS.items() if secret in seen]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/birthday-calendar/bot-token",
        "/etc/birthday-calendar/webapp-key",
        "/etc/birthday-calendar/env",
        "/var/lib/birthday-calendar",
        f"/run/credentials/{WEB}.service",
        f"/run/credentials/{BOT}.service",
    ],
)
def test_another_user_cannot_read(installed, path):
    assert installed.run(["test", "-e", path]).returncode == 0
    refused = as_nobody(installed, f"test -d {path} && ls {path} || cat {path}")
    assert refused.returncode != 0
    assert refused.stdout == ""
    assert "Permission denied" in refused.stderr


def as_nobody(installed, line):
    become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "bash", "-c"]
    return installed.run([*become, line], check=False)


def test_each_process_has_its_own_secret_only(installed):
    for unit, own, other in ((WEB, "webapp-key", "bot-token"), (BOT, "bot-token", "webapp-key")):
        given = installed.run(f"ls /run/credentials/{unit}.service").stdout.split()
        assert own in given
        assert other not in given


def test_the_secrets_stand_in_their_two_files_and_nowhere_else(installed):
    installed.bot_greets()
    places = "/etc /var/log /var/lib /opt /usr/local /run /tmp"
    for secret, file in ((TOKEN, "bot-token"), (WEBAPP_KEY, "webapp-key")):
        found = installed.run(
            ["bash", "-c", f"grep -rlaF -f- {places} 2>/dev/null"], False, input=secret
        )
        kept = {path for path in found.stdout.split() if "/credentials/" not in path}
        assert kept == {f"/etc/birthday-calendar/{file}"}
    journal = installed.run("journalctl --no-pager -o export").stdout
    assert "birthday-calendar" in journal
    assert not [name for name, secret in SECRETS.items() if secret in journal]


@pytest.mark.parametrize("file", ["bot-token", "webapp-key"])
def test_the_secret_files_are_roots_alone(installed, file):
    shown = installed.run(["stat", "-c", "%U:%G %a", f"/etc/birthday-calendar/{file}"]).stdout
    assert shown.strip() == "root:root 600"


def test_env_has_the_owner_and_mode_of_the_contract_and_what_stood_in_it(installed):
    shown = installed.run(["stat", "-c", "%U:%G %a", "/etc/birthday-calendar/env"]).stdout
    assert shown.strip() == "root:birthday-calendar 640"
    assert ENV.strip() in installed.machine.read("/etc/birthday-calendar/env")
