"""What install.sh decides before it touches a machine: options, checks, versions, files.

How it installs, upgrades and removes on booted machines: tests/system/.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from calendar_app import auth, config
from scripts.installer import (
    checks,
    host,
    layout,
    options,
    rehearsal,
    releases,
    settings,
    steps,
    units,
    webserver,
)
from scripts.installer.host import File
from scripts.installer.options import Options
from tests.world import ROOT, TOKEN

DOMAIN = "calendar.example.org"
GOOD = Options(domain=DOMAIN, https_port="9443")
UNTOUCHED = ("domain", "https_port", "certificate", "key")


@pytest.fixture
def conf(tmp_path):
    """An install.conf of an earlier run."""
    path = tmp_path / "install.conf"
    pair = {"certificate": Path("/etc/ssl/a cert.pem"), "key": Path("/etc/ssl/key.pem")}
    path.write_bytes(options.install_conf(replace(GOOD, **pair)).content)
    return path


@pytest.fixture
def pair(tmp_path):
    """Paths of a self-signed certificate for DOMAIN and its key."""
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    for path, content in zip(paths, settings.make_pair(DOMAIN), strict=True):
        path.write_bytes(content)
    return paths


@pytest.fixture
def clone(tmp_path):
    """A copy of what a release is made of, with things in it that are no part of one."""
    copy = tmp_path / "clone"
    for name in releases.contents(ROOT):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    for extra in (".git/config", ".venv/bin/python", "var/calendar.db", "tests/test_x.py", ".env"):
        (copy / extra).parent.mkdir(parents=True, exist_ok=True)
        (copy / extra).write_text("x")
    (copy / "bot" / "__pycache__").mkdir()
    (copy / "bot" / "__pycache__" / "x.cpython-311.pyc").write_text("x")
    (copy / "bot" / ".x.swp").write_text("x")
    return copy


def install_sh(script, *arguments, **more):
    """(exit status, standard output, standard error) of install.sh."""
    done = subprocess.run(
        [script, *arguments], capture_output=True, text=True, timeout=60, check=False, **more
    )
    return done.returncode, done.stdout, done.stderr


def complaints(**given):
    return checks.of_options(replace(GOOD, **given), ROOT)


# --- options -----------------------------------------------------------------------------


def test_what_is_not_given_again_is_kept(conf):
    kept = options.parse(["--non-interactive"], conf)
    assert [str(getattr(kept, name)) for name in UNTOUCHED] == [
        DOMAIN,
        "9443",
        "/etc/ssl/a cert.pem",
        "/etc/ssl/key.pem",
    ]


def test_what_is_given_again_wins(conf):
    asked = options.parse(["--domain", "Other.Example.ORG.", "--https-port", "443"], conf)
    assert (asked.domain, asked.https_port) == ("other.example.org", "443")
    assert asked.address == "https://other.example.org/"
    assert asked.certificate == Path("/etc/ssl/a cert.pem")


def test_changes_are_accepted_for_one_run_only(tmp_path):
    asked = options.parse(["--domain", DOMAIN, "--accept-changes"], tmp_path / "install.conf")
    assert asked.accept_changes
    (tmp_path / "install.conf").write_bytes(options.install_conf(asked).content)
    assert not options.parse([], tmp_path / "install.conf").accept_changes


def test_an_upgrade_is_proven_before_the_schema_changes_and_a_rollback_is_not():
    names = [step.name for step in steps.INSTALL]
    assert names.index("backup") < names.index("prove") < names.index("migrate")
    assert "prove" not in [step.name for step in steps.ROLLBACK]


def test_without_an_earlier_run_there_are_defaults(tmp_path):
    asked = options.parse([], tmp_path / "install.conf")
    assert asked == Options()
    assert (asked.https_port, asked.pair) == ("443", options.SELF_SIGNED)


def test_files_count_from_where_the_user_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    given = ["--token-file", "token", "--cert", "c.pem", "--key", "k.pem", "--offline", "wheels"]
    asked = options.parse(given, tmp_path / "install.conf")
    assert asked.token == TOKEN
    assert asked.pair == (tmp_path / "c.pem", tmp_path / "k.pem")
    assert asked.offline == tmp_path / "wheels"


def test_a_token_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(host.Failed, match=r"token file .*nothing cannot be read: No such file"):
        options.parse(["--token-file", str(tmp_path / "nothing")], tmp_path / "install.conf")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--purge"], "--purge goes with --uninstall"),
        (["--cert", "x"], "give both"),
        (["--rollback", "--uninstall"], "not allowed with"),
        (["--domian", "x"], "unrecognized arguments"),
    ],
)
def test_a_wrong_command_line_is_refused_with_status_2(arguments, said):
    status, _, error = install_sh(ROOT / "scripts" / "install.sh", *arguments)
    assert status == 2
    assert said in error


def test_steps_are_listed_for_tests_and_have_names_of_their_own():
    status, names, _ = install_sh(ROOT / "scripts" / "install.sh", "--list-steps", cwd="/")
    assert status == 0
    assert len(set(names.split())) == len(names.split()) >= 10


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_without_root_it_says_so_and_leaves_nothing_in_the_clone():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        copy = Path(folder) / "a clone"
        shutil.copytree(ROOT / "scripts", copy / "scripts", ignore=lambda *_: ["__pycache__"])
        before = sorted(copy.rglob("*"))
        for action in ([], ["--rollback"], ["--uninstall"]):
            script = copy / "scripts" / "install.sh"
            status, _, error = install_sh(script, *action, user="nobody", cwd="/")
            assert (status, error[:29]) == (1, "install.sh must run as root: ")
        assert sorted(copy.rglob("*")) == before


# --- checks ------------------------------------------------------------------------------


def test_good_options_have_no_complaints(pair):
    assert complaints(certificate=pair[0], key=pair[1], token=TOKEN) == []


@pytest.mark.parametrize(
    "domain",
    [
        *("", "a b", "a;b", "a.example;return 444", "*.example.org", "$host", '"', "-a.org"),
        *("a..org", "a_b.org", "a/b", "a\nb", "x" * 64 + ".org", "a." * 127 + "org", "ü", "[::1]"),
    ],
)
def test_what_is_no_host_name_never_reaches_nginx(domain):
    (said,) = complaints(domain=domain)
    assert "--domain calendar.example.org" in said
    assert said.isprintable()


@pytest.mark.parametrize("domain", [DOMAIN, "localhost", "192.0.2.7", "xn--80aaa.xn--p1ai"])
def test_host_names_are_taken(domain):
    assert complaints(domain=domain) == []


def test_a_name_in_another_alphabet_is_written_as_name_servers_know_it(tmp_path):
    asked = options.parse(["--domain", "Календарь.РФ"], tmp_path / "install.conf")
    assert asked.domain.encode().decode("idna") == "календарь.рф"
    assert complaints(domain=asked.domain) == []


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "443;", "٤٤٣", "99999999"])
def test_what_is_no_port_is_refused(port):
    assert len(complaints(https_port=port)) == 1


def test_everything_wrong_is_told_at_once(tmp_path):
    wrong = {"certificate": tmp_path / "no.pem", "key": tmp_path / "no.key", "token": "abc"}
    said = "\n".join(complaints(domain="a b", https_port="x", offline=tmp_path / "no", **wrong))
    for part in ("'a b'", "'x'", "no.pem", "no.key", "bot token", "not a folder"):
        assert part in said


@pytest.mark.parametrize("token", ["", "abc", TOKEN + "\n" + TOKEN, "1:a b"])
def test_a_bad_token_is_refused_and_not_told(token):
    (said,) = complaints(token=token)
    assert "BotFather" in said
    assert not token or token not in said


def test_a_key_of_another_certificate_is_refused(pair, tmp_path):
    pair[1].write_bytes(settings.make_pair(DOMAIN)[1])
    assert "is not the key of" in complaints(certificate=pair[0], key=pair[1])[0]


def test_an_expired_certificate_is_refused(pair):
    command = ["openssl", "x509", "-in", pair[0], "-key", pair[1], "-out", pair[0], "-days", "-1"]
    subprocess.run(command, check=True, capture_output=True)
    assert "has expired" in complaints(certificate=pair[0], key=pair[1])[0]


def test_a_path_that_nginx_would_misread_is_refused(pair, tmp_path):
    odd = tmp_path / "a$b.pem"
    shutil.copy(pair[0], odd)
    assert "without quotes" in complaints(certificate=odd, key=pair[1])[0]


def test_a_certificate_made_for_another_name_is_a_warning(pair):
    given = replace(GOOD, certificate=pair[0], key=pair[1])
    assert not [said for said in checks.warnings(given) if "was not made for" in said]
    other = replace(given, domain="other.example.org")
    assert [said for said in checks.warnings(other) if "was not made for other" in said]


# --- the wheelhouse ----------------------------------------------------------------------


def wheels(folder, tags):
    """A wheelhouse that has a file for each requirement, with these tags."""
    folder.mkdir()
    for name, version in checks.REQUIREMENT.findall((ROOT / "requirements.txt").read_text()):
        (folder / f"{re.sub(r'[-_.]+', '_', name)}-{version}-{tags}.whl").touch()
    return folder


@pytest.mark.parametrize("tags", ["py3-none-any", "py2.py3-none-any"])
def test_a_whole_wheelhouse_will_do(tmp_path, tags):
    assert complaints(offline=wheels(tmp_path / "wheels", tags)) == []


def test_what_a_wheelhouse_lacks_is_named(tmp_path):
    folder = wheels(tmp_path / "wheels", "py3-none-any")
    (gone,) = folder.glob("flask-*")
    gone.unlink()
    (said,) = complaints(offline=folder)
    assert re.search(r"lacks wheels for Python [0-9.]+ on \w+: flask==[0-9.]+\. ", said)


@pytest.mark.parametrize("tags", ["cp39-cp39-any", "py3-none-manylinux2014_s390x_1"])
def test_wheels_for_another_machine_do_not_count(tmp_path, tags):
    assert "lacks wheels" in complaints(offline=wheels(tmp_path / "wheels", tags))[0]


# --- the nginx of others -----------------------------------------------------------------

DUMP = """\
# configuration file /etc/nginx/nginx.conf:
http { include /etc/nginx/mime.types; # include nothing;
  include /etc/nginx/sites-enabled/*; log_format x '{"a": "server { listen 9443; }"}';
}
# configuration file /etc/nginx/sites-enabled/shop:
upstream backend { server 127.0.0.1:9443; }
server { listen 443 ssl http2; listen [::]:443 ssl; server_name Shop.example.org "www.shop.org";
  location / { return 200; } }
server { listen 127.0.0.1:8080; listen unix:/run/x.sock; listen 9443 quic; }
server { server_name plain; }
# configuration file /etc/nginx/sites-enabled/birthday-calendar.conf:
server { listen 9443 ssl; server_name calendar.example.org; }
"""


def test_the_sites_of_others_are_understood():
    shop, local, plain = webserver.servers(DUMP)
    assert (shop.file, shop.ports()) == ("/etc/nginx/sites-enabled/shop", {443: True})
    assert shop.names == {"shop.example.org", "www.shop.org"}
    assert local.ports() == {8080: False}
    assert (plain.ports(), plain.names) == ({80: False}, {"plain"})


def test_an_nginx_that_does_not_read_sites_enabled_is_noticed():
    assert webserver.includes_sites(DUMP)
    commented = DUMP.replace("  include /etc/nginx/sites", "  # include /etc/nginx/sites")
    assert not webserver.includes_sites(commented)


# --- releases ----------------------------------------------------------------------------


def test_a_release_holds_the_code_and_nothing_else_of_a_clone(clone):
    assert releases.contents(clone) == releases.contents(ROOT)
    tops = {name.partition("/")[0] for name in releases.contents(clone)}
    assert tops == {*releases.FOLDERS, *(name for name in releases.FILES if (ROOT / name).exists())}
    assert {"scripts/install.sh", "systemd/birthday-calendar-web.service"} <= set(
        releases.contents(clone)
    )


def test_two_clones_with_the_same_files_are_the_same_version(clone):
    version = releases.version(clone)
    assert version == releases.version(ROOT)
    assert re.fullmatch(r"[0-9][0-9A-Za-z.+]*-[0-9a-f]{10}", version)


@pytest.mark.parametrize("name", ["bot/__main__.py", ".env.example", "requirements.txt"])
def test_any_change_is_another_version(clone, name):
    before = releases.version(clone)
    with (clone / name).open("a") as file:
        file.write("\n")
    assert releases.version(clone) != before


def test_every_file_for_systemd_and_logrotate_has_its_place():
    placed = {file.content for file in layout.files(ROOT, GOOD).values() if file}
    files = [*(ROOT / "systemd").iterdir(), *(ROOT / "logrotate").iterdir()]
    left = [path.name for path in files if path.read_bytes() not in placed]
    assert [name for name in left if not name.endswith(".md")] == []


def test_certbot_is_told_to_reload_nginx_for_its_own_certificates_only():
    live = Path("/etc/letsencrypt/live/x")
    certbots = replace(GOOD, certificate=live / "fullchain.pem", key=live / "privkey.pem")
    assert layout.files(ROOT, certbots)[layout.HOOK].mode == 0o755
    assert layout.files(ROOT, GOOD)[layout.HOOK] is None


# --- files -------------------------------------------------------------------------------


def own(content, mode=0o644):
    return File(content, mode, (os.getuid(), os.getgid()))


def test_files_are_made_changed_and_removed_and_only_changes_are_told(tmp_path):
    new, same, gone, never = (tmp_path / name for name in ("new", "same", "gone", "never"))
    for path in (same, gone):
        path.write_text("old")
        path.chmod(0o644)
    wanted = {new: own(b"new", 0o600), same: own(b"old"), gone: None, never: None}
    assert host.place(wanted) == {new, gone}
    assert {path: host.look(path) for path in wanted} == wanted
    assert host.place(wanted) == set()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "same"]


def test_a_file_is_replaced_never_written_through_a_link(tmp_path):
    victim, path = tmp_path / "victim", tmp_path / "path"
    victim.write_text("keep")
    path.symlink_to(victim)
    (tmp_path / ".path.dpkg-new").symlink_to(victim)
    host.place({path: own(b"new")})
    assert (victim.read_text(), path.read_text(), path.is_symlink()) == ("keep", "new", False)


def test_what_is_remembered_can_be_put_back(tmp_path):
    path = tmp_path / "path"
    path.symlink_to("nowhere")
    before = host.look(path)
    host.place({path: own(b"new")})
    host.place({path: File.from_json(before.as_json())})
    assert path.readlink() == Path("nowhere")


def test_a_failed_command_says_its_last_words(tmp_path):
    with pytest.raises(host.Failed, match=r"(?s)`sh -c .*` failed: no luck$"):
        host.run("sh", "-c", "echo no luck >&2; exit 3")


def test_commands_see_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    assert TOKEN not in host.run("env")


# --- configuration -----------------------------------------------------------------------


def test_the_first_env_has_every_key_but_those_of_run_sh(tmp_path):
    text = settings.env_from((ROOT / ".env.example").read_text(), GOOD)
    keys = set(re.findall(r"^([A-Z_]+)=", text, re.M))
    assert keys == set(config.KEYS) - settings.NOT_HERE
    assert "run.sh" not in text
    (tmp_path / "env").write_text(text)
    assert config.load({"ENV_FILE": str(tmp_path / "env"), "VAR_DIR": str(tmp_path)}).log_level


def test_the_mini_apps_address_is_filled_in_for_a_given_certificate():
    example = (ROOT / ".env.example").read_text()
    given = replace(GOOD, certificate=Path("/c"), key=Path("/k"))
    address = f"\nTELEGRAM_WEBAPP_URL=https://{DOMAIN}:9443/\n"
    assert address in settings.env_from(example, given)
    assert "\nTELEGRAM_WEBAPP_URL=\n" in settings.env_from(example, GOOD)


@pytest.mark.parametrize("form", ["{}", "export {}", "  {}  # mine", "{} \r"])
def test_a_token_in_env_is_found(form):
    line = form.format(f"TELEGRAM_BOT_TOKEN='{TOKEN}'")
    assert settings.token_in(f"A=1\n{line}\nB=2\n") == TOKEN
    assert settings.token_in("# TELEGRAM_BOT_TOKEN=1:abc\nTELEGRAM_BOT_TOKEN=\nA=1\n") is None


@pytest.mark.parametrize("domain", [DOMAIN, "192.0.2.7", "a" * 63 + "." + "b" * 63 + ".org"])
def test_a_self_signed_certificate_serves_its_domain(tmp_path, domain):
    paths = tmp_path / "cert.pem", tmp_path / "key.pem"
    for path, content in zip(paths, settings.make_pair(domain), strict=True):
        path.write_bytes(content)
    assert settings.pair_fault(*paths) is None
    assert settings.names(paths[0], domain)
    assert not settings.names(paths[0], "other.example.org")
    assert not settings.trusted(replace(GOOD, certificate=paths[0], key=paths[1]))


# --- the rehearsal -----------------------------------------------------------------------


def test_the_sign_in_of_the_rehearsal_is_valid_and_nobodys():
    key, now = config.webapp_key(TOKEN), int(time.time())
    assert auth.verify(rehearsal.init_data(key, now), key, now).telegram_id == rehearsal.NOBODY


def test_the_rehearsal_touches_nothing_of_the_live_units(tmp_path):
    shutil.copytree(ROOT / "systemd", tmp_path / "systemd")
    texts = rehearsal.unit_texts(tmp_path)
    assert set(texts) == set(rehearsal.UNITS)
    for text in texts.values():
        settings_only = re.sub(r"^#.*", "", text, flags=re.M)
        assert "birthday-calendar-web" not in settings_only
        assert "birthday-calendar.target\n" not in settings_only.partition("[Install]")[0]
        assert str(releases.CURRENT) not in settings_only.replace("Documentation=file://", "")
    assert str(rehearsal.SOCKET) in texts[rehearsal.UNITS[0]]
    assert f"{tmp_path}/.venv/bin/python" in texts[rehearsal.UNITS[1]]


def test_kinds_of_units_are_those_that_are_there():
    kinds = {path.suffix[1:] for path in (ROOT / "systemd").glob("birthday-calendar*")}
    assert kinds - {"sysusers", "tmpfiles"} == set(units.KINDS)
