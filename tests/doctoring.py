"""The doctor as tests ask it: as a process, or here; its answer looked at for its shape."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from calendar_app import doctor
from calendar_app.doctor import evidence
from calendar_app.doctor.causes import CAUSES
from tests.world import ROOT

LOGS = Path(__file__).parent / "logs"
CONTRACT = [
    "disk-full",
    "inodes-full",
    "bot-conflict",
    "bot-unauthorized",
    "telegram-unreachable",
    "webhook-set",
    "web-not-running",
    "web-start-failed",
    "socket-missing",
    "socket-permission",
    "upstream-timeout",
    "nginx-down",
    "nginx-config-invalid",
    "certificate-expired",
    "database-locked",
    "database-corrupt",
    "out-of-memory",
    "log-rotation-broken",
]
SHAPE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["status", "root_cause", "checks"],
    "properties": {
        "status": {"enum": ["ok", "warning", "error"]},
        "root_cause": {"enum": [None, *CAUSES]},
        "checks": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "status", "summary", "details", "fix"],
                "properties": {
                    "id": {"type": "string", "pattern": "^[a-z-]+$"},
                    "status": {"enum": ["ok", "warning", "error", "skipped"]},
                    "summary": {"type": "string", "minLength": 1},
                    "details": {"type": "string"},
                    "fix": {"type": "string"},
                },
                "if": {"properties": {"status": {"const": "ok"}}},
                "else": {"properties": {"fix": {"minLength": 1}}},
            },
        },
    },
}


def run(*arguments, environment=None, stdin=b"", **more):
    """The doctor as a process: its exit status, standard output and standard error."""
    env = {"PATH": os.environ["PATH"], "ENV_FILE": "/dev/null"} | (environment or {})
    done = subprocess.run(
        [sys.executable, "-m", "calendar_app", "doctor", *map(str, arguments)],
        cwd=ROOT, env=env, input=stdin, capture_output=True, timeout=120, **more,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def judged(*arguments, **more):
    """The doctor's answer in JSON, after a look at its shape and its exit status."""
    code, out, err = run("--json", *arguments, **more)
    assert out, err
    answer = json.loads(out)
    assert code == {"ok": 0, "warning": 1, "error": 2}[answer["status"]]
    return shaped(answer)


def shaped(answer):
    jsonschema.validate(answer, SHAPE)
    assert (answer["root_cause"] is None) == (answer["status"] != "error")
    return answer


def read(*paths):
    """What it makes of log files, in this process: there are many of them."""
    return shaped(doctor.as_json(evidence.read([str(path) for path in paths], pytest.fail)))


def statuses(answer):
    return {check["id"]: check["status"] for check in answer["checks"]}


def found(answer):
    return {name for name, status in statuses(answer).items() if status == "error"}


def log(tmp_path, *lines, name="some.log"):
    path = tmp_path / name
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path
