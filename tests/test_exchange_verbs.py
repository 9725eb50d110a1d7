"""The operator's import and export, and the data of the replaced service."""

import os
import subprocess
import sys

import psycopg
import pytest

from tests.world import ROOT, TOKEN

OLD = """
CREATE TABLE birthdays (id serial PRIMARY KEY, full_name varchar(255) NOT NULL,
    company varchar(255), position varchar(255), birth_date date NOT NULL, comment text,
    responsible varchar(255), created_at timestamp DEFAULT now());
CREATE TABLE professional_holidays (id serial PRIMARY KEY, name varchar(255) NOT NULL,
    description text, date date NOT NULL);
CREATE TABLE responsible_persons (id serial PRIMARY KEY, full_name varchar(255) NOT NULL,
    company varchar(255), position varchar(255));
CREATE TABLE date_responsible_assignments (id serial PRIMARY KEY,
    responsible_person_id integer REFERENCES responsible_persons, date date NOT NULL);
INSERT INTO birthdays (full_name, company, birth_date, comment) VALUES
    ('Фёдор Ёжиков', 'ООО «Рога»', '1990-05-06', E'two\\nlines'),
    ('Ada Lovelace', NULL, '1815-12-10', NULL), ('Leap', '', '2004-02-29', '');
INSERT INTO professional_holidays (name, date) VALUES ('День программиста', '2024-09-12');
INSERT INTO responsible_persons (full_name) VALUES ('Bob');
INSERT INTO date_responsible_assignments (responsible_person_id, date) VALUES (1, '2026-12-10');
"""


@pytest.fixture
def run(app, alice, tmp_path):
    """The operator's command on Alice's calendar; gives what it printed."""
    alice.patch("/api/settings", json={})

    def verb(*arguments, code=0, calendar=1, **environment):
        env = {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null", "VAR_DIR": str(tmp_path)}
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "calendar_app",
                *map(str, arguments),
                "--calendar",
                str(calendar),
            ],
            cwd=ROOT,
            env=env | {"TELEGRAM_BOT_TOKEN": TOKEN} | environment,
            capture_output=True,
            timeout=100,
        )
        assert done.returncode == code, done.stderr.decode()
        return (done.stdout if code == 0 else done.stderr).decode()

    return verb


def test_a_file_goes_in_and_comes_out(run, alice, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("Ada Lovelace 10.12.1815\nBob 10/11\n")
    assert "1 new, 0 changed, 0 same, 1 doubtful\nline 2: Bob:" in run("import", path, "--preview")
    assert alice.get("/api/birthdays").json == []
    assert "done" in run("import", path)
    assert [row["full_name"] for row in alice.get("/api/birthdays").json] == ["Ada Lovelace"]
    out = tmp_path / "out.csv"
    run("export", "--format", "csv", "--output", out)
    assert out.read_bytes() == run("export").encode()
    assert "1 same" in run("import", out)


@pytest.mark.parametrize("calendar", [77, 10**23])
def test_a_calendar_that_is_not_there_is_one_sentence(run, tmp_path, calendar):
    (tmp_path / "list.txt").write_text("Ada Lovelace 10.12.1815\n")
    for verb in (["export"], ["import", tmp_path / "list.txt"]):
        said = run(*verb, code=1, calendar=calendar)
        assert said.splitlines()[-1].endswith("There is no calendar with this id.")
        assert "Traceback" not in said


def test_a_long_file_is_worked_off_by_the_command(run, alice, tmp_path):
    path = tmp_path / "list.csv"
    rows = (f"P{number},2000-01-01\n" for number in range(450))
    path.write_text("name,birthday\n" + "".join(rows))
    assert "450 new" in run("import", path)
    assert len(alice.get("/api/birthdays").json) == 450


def test_the_replaced_service_is_taken_over(run, alice, postgres, tmp_path):
    url = postgres()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(OLD)
        host, port, name = connection.info.host, connection.info.port, connection.info.dbname
    services = tmp_path / "pg_service.conf"
    services.write_text(f"[old]\nhost={host}\nport={port}\ndbname={name}\nuser=postgres\n")
    for again in (False, True):
        said = run("import", "--from-postgresql", "old", PGSERVICEFILE=str(services))
        assert ("3 same" if again else "3 new") in said
    rows = {row["full_name"]: row for row in alice.get("/api/birthdays").json}
    assert rows["Фёдор Ёжиков"]["comment"] == "two\nlines"
    assert rows["Leap"]["birth_date"] == "2004-02-29"
    [holiday] = alice.get("/api/holidays").json
    assert (holiday["name"], holiday["month"], holiday["day"]) == ("День программиста", 9, 12)
    day = alice.get("/api/calendar/2026-12-10").json
    assert day["responsible"]["full_name"] == "Bob"
    refused = run("import", "--from-postgresql", "no", code=1, PGSERVICEFILE=str(services))
    assert "cannot be read" in refused
