"""The production site of nginx and the rotation of its logs, as real programs see them."""

import contextlib
import gzip
import http.client
import json
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from playwright import sync_api as playwright

from scripts.installer import site
from tests import fronts
from tests.fronts import DOMAIN, VERSION
from tests.running import ask
from tests.world import ROOT, free_port, wait_for

PAIR = Path("/etc/tls/cert.pem"), Path("/etc/tls/key.pem")
SECRET = "abcdefghijklmnopqrstuvwxyz0123456789"
# Without nginx test.sh says what is left out, and fails with CI=true.
pytestmark = pytest.mark.skipif(not Path(fronts.NGINX).exists(), reason="nginx is not installed")


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    """The site with an app behind it."""
    with serving(tmp_path_factory.mktemp("front")) as front:
        app = fronts.App(front.folder / "web.sock")
        front.app = app
        yield front
        app.stop()


@pytest.fixture
def lonely(tmp_path):
    """The site with nothing behind it."""
    with serving(tmp_path) as front:
        yield front


@contextlib.contextmanager
def serving(folder, **more):
    front = fronts.Front(folder, **more)
    yield front
    front.stop()


# The text.


@pytest.mark.parametrize(
    ("version", "listen", "further"),
    [
        ("1.22.1", "listen 9443 ssl http2;", False),
        ("1.25.0", "listen 9443 ssl http2;", False),
        ("1.25.1", "listen 9443 ssl;", True),
        ("1.26.3", "listen 9443 ssl;", True),
    ],
)
def test_http2_is_written_as_this_nginx_wants_it(version, listen, further):
    text = site.render(DOMAIN, 9443, *PAIR, version)
    assert listen in text
    assert listen.replace("9443", "[::]:9443") in text
    assert ("http2 on;" in text) == further


def test_a_machine_without_ipv6_is_asked_for_none():
    assert "[::]" not in site.render(DOMAIN, 443, *PAIR, "1.22.1", ipv6=False)


def test_port_80_is_used_only_beside_443_and_only_when_it_may_be():
    assert "listen 80;" in site.render(DOMAIN, 443, *PAIR, "1.22.1")
    assert "listen 80;" not in site.render(DOMAIN, 443, *PAIR, "1.22.1", port_80=False)
    assert "listen 80;" not in site.render(DOMAIN, 9443, *PAIR, "1.22.1")


def test_all_that_other_sites_could_collide_with_bears_our_name():
    text = site.render(DOMAIN, 443, *PAIR, "1.22.1")
    named = r"(?:^upstream |^log_format |zone=|^map .* \$|^split_clients .* \$|shared:)"
    names = re.findall(named + r"(\w+)", text, re.M)
    assert len(names) > 20
    assert [name for name in names if not name.startswith("birthday_calendar")] == []
    assert "default_server" not in text
    assert not re.search(r"@[A-Z0-9_]+@|stderr", text)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ((f"{DOMAIN}; return 200", 443, *PAIR, "1.22.1"), "host name"),
        (("", 443, *PAIR, "1.22.1"), "host name"),
        ((DOMAIN, 65536, *PAIR, "1.22.1"), "65535"),
        ((DOMAIN, 443, Path('/tmp/a"; x'), PAIR[1], "1.22.1"), "absolute path"),
        ((DOMAIN, 443, PAIR[0], Path("/tmp/$host"), "1.22.1"), "absolute path"),
        ((DOMAIN, 443, PAIR[0], Path("key.pem"), "1.22.1"), "absolute path"),
        ((DOMAIN, 443, *PAIR, "1.22.1 (Ubuntu)"), "nginx version"),
    ],
)
def test_what_nginx_would_misread_is_refused_with_a_reason(values, complaint):
    with pytest.raises(ValueError, match=complaint):
        site.render(*values)


def test_a_placeholder_that_is_left_stops_the_rendering(tmp_path, monkeypatch):
    shutil.copytree(site.NGINX, tmp_path / "nginx")
    with (tmp_path / "nginx" / "site.conf.template").open("a") as template:
        template.write("# @LEFT_OVER@\n")
    monkeypatch.setattr(site, "NGINX", tmp_path / "nginx")
    with pytest.raises(ValueError, match="@LEFT_OVER@ has no value"):
        site.render(DOMAIN, 443, *PAIR, "1.22.1")


@pytest.mark.parametrize("port", [443, 9443])
def test_nginx_and_gixy_have_nothing_to_say_of_it_beside_another_site(tmp_path, port):
    fronts.certificate(tmp_path)
    ours, plain = free_port(), free_port()
    pair = f"ssl_certificate {tmp_path}/cert.pem; ssl_certificate_key {tmp_path}/key.pem;"
    conf = fronts.write(tmp_path, port, others="include other.conf;")
    other = f"server {{ listen {ours} ssl; server_name other.example.org; {pair} }}\n"
    (tmp_path / "other.conf").write_text(other)
    # Only root may listen on 443, and somebody may already.
    text = (tmp_path / "site.conf").read_text()
    text = re.sub(rf"(listen \S*?)\b{port}\b", rf"\g<1>{ours}", text)
    (tmp_path / "site.conf").write_text(re.sub(r"(listen \S*?)\b80;", rf"\g<1>{plain};", text))
    command = [fronts.NGINX, "-e", "stderr", "-t", "-q", "-p", tmp_path, "-c", conf]
    tested = subprocess.run(command, capture_output=True, text=True)
    assert (tested.returncode, tested.stderr) == (0, "")
    (tmp_path / "other.conf").write_text("")
    judged = subprocess.run(
        [Path(sys.executable).parent / "gixy", conf], capture_output=True, text=True
    )
    assert judged.returncode == 0, judged.stdout
    assert "No issues found" in judged.stdout


# What is served.


def test_plain_http_on_the_tls_port_is_sent_to_https(front):
    plain = http.client.HTTPConnection("127.0.0.1", front.port)
    status, headers, _ = ask(plain, "GET", "/api/me?x=1")
    assert (status, headers["Location"]) == (308, f"https://{DOMAIN}:{front.port}/api/me?x=1")


def test_http2_is_spoken(front):
    assert front.connection(["h2", "http/1.1"]).sock.selected_alpn_protocol() == "h2"


def test_the_index_is_always_revalidated_and_framed_by_telegram_alone(front):
    status, headers, body = front.ask("GET", "/")
    assert (status, body) == (200, (front.miniapp / "index.html").read_bytes())
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Frame-Options"] is None
    assert "frame-ancestors 'self' https://web.telegram.org" in headers["Content-Security-Policy"]
    again = front.ask("GET", "/", headers={"If-None-Match": headers["ETag"]})
    assert again[0] == 304


def test_every_file_that_the_index_names_is_kept_for_ever_under_the_version(front):
    named = re.findall(r'(?:href|src)="([^"]+)"', (front.miniapp / "index.html").read_text())
    assert len(named) > 20
    for address in named:
        assert address.startswith(f"/assets/{VERSION}/")
        status, headers, body = front.ask("GET", address)
        assert (status, body) == (200, (front.miniapp / "static" / Path(address).name).read_bytes())
        assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "address",
    [
        "/assets/0.1.0-0000000000/main.js",
        f"/assets/{VERSION}/nothing.js",
        f"/assets/{VERSION}/",
        f"/assets/{VERSION}/../index.html",
        f"/assets/{VERSION}/..%2findex.html",
        "/assets/../current/main.js",
        f"/assets/.new-{VERSION}/main.js",
        "/static/",
        "/metrics",
    ],
)
def test_what_is_not_there_is_a_404_that_nobody_keeps(front, address):
    status, headers, body = front.ask("GET", address)
    assert (status, json.loads(body)["status"]) == (404, 404)
    assert headers["Cache-Control"] == "no-store"


def test_files_are_compressed_and_the_apps_answers_keep_their_etag(front):
    asked = {"Accept-Encoding": "gzip"}
    _, headers, body = front.ask("GET", f"/assets/{VERSION}/main.js", headers=asked)
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == (front.miniapp / "static" / "main.js").read_bytes()
    _, headers, _ = front.ask("GET", "/api/birthdays", headers=asked)
    assert (headers["Content-Encoding"], headers["ETag"]) == (None, '"strong"')


def test_the_mini_app_starts_in_a_browser(front):
    asked, complaints = [], []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("response", lambda answer: asked.append((answer.status, answer.url)))
        page.goto(f"https://127.0.0.1:{front.port}/")
        page.locator(".wall h1").wait_for()
        browser.close()
    assert len(asked) > 20
    assert {status for status, _ in asked} == {200}
    assert [url for _, url in asked[1:] if f"/assets/{VERSION}/" not in url] == []
    assert complaints == []


def test_browsers_insist_on_tls_only_for_a_name_with_a_certificate_on_443():
    for port, hsts, value in [(443, True, site.HSTS), (443, False, ""), (9443, True, "")]:
        text = site.render(DOMAIN, port, *PAIR, "1.22.1", hsts=hsts)
        assert f'birthday_calendar_hsts {{\n    default "{value}";' in text


# What is refused, and what is not there.


def test_an_app_that_is_away_is_told_as_503_with_a_time_to_come_back(lonely):
    for method, path in [("GET", "/health"), ("GET", "/api/me"), ("POST", "/telegram/webhook")]:
        status, headers, body = lonely.ask(method, path)
        assert (status, headers["Content-Type"]) == (503, "application/problem+json")
        assert (json.loads(body)["status"], headers["Retry-After"]) == (503, "5")


def test_too_large_is_413_and_too_many_429_but_never_for_health(lonely):
    assert lonely.ask("POST", "/api/birthdays", b"x" * 300_000)[0] == 413
    assert lonely.ask("POST", "/api/import", b"x" * 300_000)[0] == 503
    refusals = [answer for answer in many(lonely, "/api/me", 400) if answer[0] == 429]
    assert refusals
    for _, headers, body in refusals:
        assert (headers["Retry-After"], json.loads(body)["status"]) == ("1", 429)
    assert {status for status, _, _ in many(lonely, "/health", 600)} == {503}


def many(front, path, number):
    connection = front.connection()
    answers = []
    for _ in range(number):
        connection.request("GET", path)
        response = connection.getresponse()
        answers.append((response.status, response.headers, response.read()))
    connection.close()
    return answers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_comes_once_though_the_app_drops_kept_connections(front, method):
    front.app.seen.clear()
    for number in range(20):
        # Each read leaves a kept connection that dies when it is used again.
        assert front.ask("GET", f"/health?{number}")[0] == 201
        assert front.ask(method, f"/api/birthdays/{number}", b"{}")[0] == 201
    assert [path for _, path, _ in front.app.seen if not path.startswith("/health")] == [
        f"/api/birthdays/{number}" for number in range(20)
    ]


# The logs.


def test_no_secret_comes_into_any_log(lonely):
    for path in [
        f"/?tgWebAppData={SECRET}",
        f"/api/me?tgWebAppData={SECRET}",
        f"/api/panel/search?q=x#{SECRET}",
        f"/api/invitations/{SECRET}/accept",
        f"/feed/{SECRET}.ics",
        f"/%66eed/{SECRET}.ics",
        f"/x/../feed/{SECRET}.ics",
        f"/telegram/webhook?secret={SECRET}",
    ]:
        lonely.ask("GET", path)
        lonely.ask("POST", path, b"{}", {"X-Telegram-Bot-Api-Secret-Token": SECRET})
    headers = {"Referer": f"https://{DOMAIN}/?{SECRET}", "X-Init-Data": SECRET}
    lonely.ask("GET", "/api/me", headers=headers)
    lonely.ask("GET", "/api/told")
    wait_for(lambda: "/api/told" in lonely.log("access"))
    for name in ("access", "error"):
        assert "/api/told" in lonely.log(name), name
        assert SECRET not in lonely.log(name), name
    assert '"GET /api/invitations/... HTTP/1.1" 503' in lonely.log("access")
    for name in ("main.log", "other.log"):
        assert SECRET not in (lonely.folder / name).read_text()


def test_a_storm_of_failures_leaves_few_lines(lonely):
    for path in ("/metrics", "/health"):
        connection = lonely.connection()
        for _ in range(2000):
            connection.request("GET", path)
            connection.getresponse().read()
        connection.close()
    lines = lonely.log("access").splitlines()
    print(f"{len(lines)} of 4000 failures stand in the access log")
    assert 50 <= len(lines) < 400
    assert lonely.log("error") == ""


def test_logrotate_has_nothing_to_say_of_our_file(tmp_path):
    command = fronts.rotation(tmp_path)
    (tmp_path / "log").mkdir()
    tested = subprocess.run([*command, "-d"], capture_output=True, text=True)
    assert tested.returncode == 0
    assert "considering log" in tested.stderr
    complaints = re.findall(
        r"^(?:error|warning): (?!logrotate in debug mode).*", tested.stderr, re.M
    )
    assert complaints == []


def test_rotation_under_load_loses_no_line(lonely):
    command = fronts.rotation(lonely.folder)
    with ask_on(lonely) as asked:
        for parts in range(1, 6):
            wait_for(lambda: lonely.log("access").count("\n") > 200, step=0.01)
            subprocess.run([*command, "--force"], check=True)
            wait_for(lambda: len(logs(lonely)) == parts + 1, step=0.01)  # noqa: B023
    wait_for(lambda: asked[-1] in numbers_in(lonely))
    written = numbers_in(lonely)
    print(f"{len(written)} lines in {len(logs(lonely))} files")
    assert sorted(written) == asked


@contextlib.contextmanager
def ask_on(front):
    """One request after the other until the block ends; gives the list of their numbers."""
    asked, ended = [], threading.Event()

    def run():
        connection = front.connection()
        while not ended.wait(0.005):  # fewer than the limit lets through: it logs no more
            asked.append(len(asked))
            connection.request("GET", f"/nothing/{asked[-1]}")
            connection.getresponse().read()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield asked
    finally:
        ended.set()
        thread.join()


def numbers_in(front):
    """What ask_on has asked for, of all logs: a worker may not yet have opened the newest."""
    return [int(n) for n in re.findall(r"/nothing/(\d+) ", "".join(map(read, logs(front))))]


def logs(front):
    return sorted((front.folder / "log").glob("access.log*"))


def read(path):
    return gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()


# A release's index.html.


def test_an_index_is_versioned_once_and_only_for_what_nginx_serves(tmp_path):
    shutil.copy(ROOT / "calendar_app" / "miniapp" / "index.html", tmp_path)
    with pytest.raises(ValueError, match="looks like"):
        site.version_index(tmp_path, "../../etc")
    site.version_index(tmp_path, VERSION)
    assert '"static/' not in (tmp_path / "index.html").read_text()
    with pytest.raises(ValueError, match="not the static"):
        site.version_index(tmp_path, VERSION)
