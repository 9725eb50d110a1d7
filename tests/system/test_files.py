"""Scenario 9: what is installed and what installs it passes the tools that judge it."""

import re
import shutil
import subprocess

import pytest

from tests.world import ROOT

SCENARIO = 9


def test_nginx_accepts_its_configuration_without_a_warning(installed):
    said = installed.run("nginx -t", check=False).stderr.splitlines()
    assert len(said) == 2, said
    assert "syntax is ok" in said[0]
    assert "test is successful" in said[1]


def test_logrotate_accepts_all_configuration_without_a_word_of_trouble(installed):
    said = installed.run("logrotate -d /etc/logrotate.conf", check=False)
    debugging, *lines = said.stderr.splitlines()
    assert "debug mode" in debugging
    assert said.returncode == 0, lines
    assert {"/var/log/birthday-calendar/", "/var/log/nginx/"} <= set(
        re.findall(r"/\S+/", said.stderr)
    )
    assert not [line for line in lines if re.search("(?i)error:|duplicate|warning", line)]


def shell_files():
    """The clone's files that are shell, by name or by their first line."""
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    for path in map(ROOT.joinpath, names.stdout.split()):
        if path.is_file() and re.match(rb"#!.*\bb?a?sh\b", path.open("rb").readline()):
            yield path


@pytest.mark.parametrize("judge", [("shellcheck", "-x"), ("shfmt", "-d")])
def test_shell_is_clean(judge):
    if not shutil.which(judge[0]):
        pytest.skip(f"{judge[0]} is not installed")
    files = list(shell_files())
    assert ROOT / "scripts" / "test.sh" in files
    said = subprocess.run([*judge, *files], cwd=ROOT, capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, "")
