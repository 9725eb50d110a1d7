"""The doctor: the post-mortem's lines in every form that logs have, mixed, and healthy logs."""

import datetime as dt
import gzip
import itertools
import json
import random

import pytest

from tests.doctoring import LOGS, found, log, read

DAY = dt.datetime(2026, 5, 12, 7, 41, 2, tzinfo=dt.UTC)
REFUSED = "connect() failed (111: Connection refused) while connecting to upstream"
UPSTREAM = 'upstream: "http://127.0.0.1:8000/"'
CLIENT = 'client: 203.0.113.24, server: c.example.org, request: "GET /api/birthdays HTTP/2.0"'
NO_SPACE = 'mkdir() "/var/lib/nginx/proxy/7/01" failed (28: No space left on device)'
CONFLICT = (
    "TelegramConflictError: Conflict: terminated by other getUpdates request; "
    "make sure that only one bot instance is running"
)
# What was said, by whom; the causes that it tells of.
SAID = {
    "web-not-running": ("nginx", f"[error] 1182#1182: *90411 {REFUSED}, {CLIENT}, {UPSTREAM}"),
    "disk-full": ("nginx", f"[crit] 1182#1182: *90412 {NO_SPACE} while reading upstream, {CLIENT}"),
    "bot-conflict": ("birthday-bot", f"ERROR aiogram.dispatcher: Failed to fetch: {CONFLICT}"),
}  # fmt: skip
HEALTH = '{"status":"ok","service":"Telegram Birthday Calendar API","message":"API is running"}'


def forms(who, said, at):
    """One line as each program would write it down, by the name of the form."""
    entry = {
        "__REALTIME_TIMESTAMP": str(int(at.timestamp() * 1e6)),
        "SYSLOG_IDENTIFIER": who,
        "PRIORITY": "3",
        "MESSAGE": said,
    }
    found = {
        "journalctl": f"{at:%b %d %H:%M:%S} srv {who}[1182]: {said}",
        "short-iso": f"{at:%Y-%m-%dT%H:%M:%S+0000} srv {who}[1182]: {said}",
        "short-iso-precise": f"{at:%Y-%m-%dT%H:%M:%S.%f+00:00} srv {who}[1182]: {said}",
        "short-unix": f"{at.timestamp():.6f} srv {who}[1182]: {said}",
        "short-full": f"{at:%a %Y-%m-%d %H:%M:%S} UTC srv {who}[1182]: {said}",
        "json": json.dumps(entry),
        "docker": f"{at:%Y-%m-%dT%H:%M:%S.%f}789Z {said}",
        "compose": f"{who}-1  | {at:%Y-%m-%dT%H:%M:%S.%f}789Z {said}",
        "docker-file": json.dumps(
            {"log": said + "\n", "stream": "stderr", "time": f"{at:%Y-%m-%dT%H:%M:%S.%f}789Z"}
        ),
        "plain": f"{at:%Y-%m-%d %H:%M:%S},310 {said}",
    }
    if who == "nginx":
        found |= {"plain": f"{at:%Y/%m/%d %H:%M:%S} {said}"}
    return found


FORMS = sorted(forms("nginx", "", DAY))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cause", SAID)
def test_each_line_of_the_post_mortem_is_understood_in_each_form(tmp_path, cause, form):
    answer = read(log(tmp_path, forms(*SAID[cause], DAY)[form]))
    assert found(answer) == {cause}


@pytest.mark.parametrize("form", FORMS)
def test_the_post_mortem_is_the_full_disk_in_each_form_and_order(tmp_path, form):
    for number, order in enumerate(itertools.permutations(SAID)):
        times = [DAY + dt.timedelta(minutes=at) for at in range(3)]
        lines = [forms(*SAID[c], at)[form] for c, at in zip(order, times, strict=True)]
        lines.insert(number % 4, HEALTH)
        answer = read(log(tmp_path, *lines, name=f"{number}.log"))
        assert answer["root_cause"] == "disk-full", order
        assert found(answer) == set(SAID)


def test_packed_parts_in_different_forms_are_judged_together(tmp_path):
    files = []
    for number, (cause, form) in enumerate(zip(SAID, ("docker", "json", "short-iso"), strict=True)):
        line = forms(*SAID[cause], DAY)[form]
        path = tmp_path / f"{number}.log.gz"
        path.write_bytes(gzip.compress(f"{line}\n".encode()))
        files.append(path)
    for order in itertools.permutations(files):
        assert read(*order)["root_cause"] == "disk-full"


ROOTS = [
    ({"web-not-running", "bot-conflict"}, "web-not-running"),
    ({"disk-full", "bot-conflict"}, "disk-full"),
    ({"disk-full", "web-not-running"}, "disk-full"),
    ({"bot-conflict"}, "bot-conflict"),
]


@pytest.mark.parametrize(("causes", "root"), ROOTS)
@pytest.mark.parametrize("seed", range(5))
def test_storms_among_healthy_lines_give_the_right_root(tmp_path, causes, root, seed):
    chance = random.Random(seed)
    storm = [forms(*SAID[c], DAY)[chance.choice(FORMS)] for c in sorted(causes) for _ in range(50)]
    lines = storm + healthy(200, chance)
    chance.shuffle(lines)
    answer = read(log(tmp_path, *lines))
    assert (answer["root_cause"], found(answer)) == (root, causes)


SAMPLES = sorted(path.stem for path in LOGS.glob("*.log"))
SINGLE = [name for name in SAMPLES if not name.startswith(("healthy", "over-", "post", "flapping"))]


@pytest.mark.parametrize("name", SINGLE)
def test_with_the_log_of_a_full_disk_beside_it_every_sample_is_the_full_disk(name):
    answer = read(LOGS / f"{name}.log", LOGS / "disk-full-journal.log")
    expected = "inodes-full" if name.startswith("inodes-full") else "disk-full"
    assert answer["root_cause"] == expected


# --- healthy logs ------------------------------------------------------------------------

ORDINARY = (
    ("birthday-calendar-web", "INFO gunicorn.error: Booting worker with pid: {n}"),
    ("birthday-calendar-web", "INFO gunicorn.error: Worker exiting (pid: {n})"),
    ("birthday-calendar-web", "WARNING calendar_app.web: POST /api/birthdays: 422, {n} ms"),
    ("birthday-calendar-bot", "INFO bot.status: polling for updates"),
    ("birthday-calendar-bot", "INFO bot.delivery: {n} reminders sent"),
    ("birthday-calendar-bot", "WARNING bot.sender: a reply could not be sent: Forbidden: bot was "
     "blocked by the user"),
    ("birthday-calendar-backup", "proven: /var/lib/birthday-calendar/backups/b{n}.gz, 3.2 MiB"),
    ("systemd", "birthday-calendar-logrotate.service: Deactivated successfully."),
    ("systemd", "Started birthday-calendar-backup.service - Birthday Calendar backup."),
    ("systemd", "birthday-calendar-web.service: Consumed {n}.5s CPU time."),
    ("sshd", "Failed password for root from 198.51.100.7 port {n} ssh2"),
    ("kernel", "[UFW BLOCK] IN=eth0 SRC=198.51.100.7 DST=203.0.113.9 PROTO=TCP DPT={n}"),
    ("CRON", "(root) CMD (test -x /usr/sbin/anacron || run-parts /etc/cron.daily)"),
    ("nginx", '[error] 55#55: *{n} open() "/srv/www/wp-login.php" failed (2: No such file or '
     "directory), client: 198.51.100.4, server: c.example.org"),
    ("nginx", "[warn] 55#55: *{n} limiting requests, excess: 200.5 by zone, client: 198.51.100.4, "
     "server: c.example.org"),
    ("postgres", "LOG:  checkpoint complete: wrote {n} buffers (0.5%)"),
    ("app", "INFO:     127.0.0.1:{n} - \"GET /health HTTP/1.1\" 200 OK"),
)  # fmt: skip


def healthy(number, chance):
    """So many lines of a day on which nothing happened, in mixed forms."""
    lines = []
    for n in range(number):
        who, said = chance.choice(ORDINARY)
        at = DAY + dt.timedelta(seconds=n)
        lines.append(forms(who, said.format(n=chance.randint(1, 60000)), at)[chance.choice(FORMS)])
    return lines


@pytest.mark.parametrize("seed", range(3))
def test_ten_thousand_lines_of_healthy_days_give_no_cause(tmp_path, seed):
    answer = read(log(tmp_path, *healthy(10_000, random.Random(seed))))
    assert (answer["status"], answer["root_cause"], answer["checks"]) == ("ok", None, [])
