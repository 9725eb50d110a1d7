"""What one run consists of: who listens where, each process's command, and its one secret.

Secrets go to a process as files in its CREDENTIALS_DIRECTORY, as systemd's LoadCredential gives
them in production, never in an environment or a command line. Used by run.py.
"""

import os
import re
import secrets
import string
import sys
from dataclasses import dataclass
from pathlib import Path

from calendar_app import config

TOKEN = re.compile(r"[0-9]{10}:[A-Za-z0-9_-]{35}")


@dataclass(frozen=True)
class Plan:
    """One run: `simulator_port` is None with a real token, `nginx` where gunicorn is in front."""

    state: Path
    http_port: int
    token: str
    simulator_port: int | None
    nginx: list[str] | None

    @property
    def run_dir(self) -> Path:
        return self.state / "run"

    @property
    def socket(self) -> Path:
        return self.run_dir / "web.sock"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/"


def web_command(plan: Plan) -> list[str]:
    """gunicorn on the unix socket, and on the address too where there is no nginx."""
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:calendar_app.gunicorn_config"]
    gunicorn += ["--bind", f"unix:{plan.socket}"]
    if plan.nginx is not None:
        return [*gunicorn, "calendar_app.api:create_app()"]
    bind = ["--bind", f"127.0.0.1:{plan.http_port}"]
    return [*gunicorn, *bind, f"scripts.front:wsgi({plan.simulator_port})"]


def bot_command() -> list[str]:
    return [sys.executable, "-m", "bot"]


def simulator_command(plan: Plan) -> list[str]:
    token_file = str(plan.state / "simulator-token")
    command = [sys.executable, "-m", "tests.telegram", "--port", str(plan.simulator_port)]
    return [*command, "--token-file", token_file, "--webapp-url", plan.address]


def environment(plan: Plan, process: str) -> dict[str, str]:
    """Ours without the token, and with the folder of what this process may know."""
    env = {name: value for name, value in os.environ.items() if name != "TELEGRAM_BOT_TOKEN"}
    env |= {
        "VAR_DIR": str(plan.state),
        "CREDENTIALS_DIRECTORY": str(credentials(plan) / process),
    }
    if plan.simulator_port is not None:
        env["TELEGRAM_API_URL"] = f"http://127.0.0.1:{plan.simulator_port}"
        env["TELEGRAM_WEBAPP_URL"] = plan.address
        # A proxy for the way out must not be asked for the way to the simulator.
        others = env.get("no_proxy") or env.get("NO_PROXY") or "localhost"
        env["no_proxy"] = env["NO_PROXY"] = f"127.0.0.1,{others}"
    return env


def credentials(plan: Plan) -> Path:
    """Where the secrets of a run stand while it runs, a folder a process."""
    return plan.run_dir / "credentials"


def write_credentials(plan: Plan) -> None:
    """The token for the bot alone; the web process gets only the key made from it."""
    key = config.webapp_key(plan.token).hex()
    _write_secret(credentials(plan) / "bot" / "bot-token", plan.token)
    _write_secret(credentials(plan) / "web" / "webapp-key", key)


def simulator_token(state: Path) -> str:
    """The token that this state directory's simulator knows: random, made once."""
    path = state / "simulator-token"
    known = path.read_text() if path.exists() else ""
    if TOKEN.fullmatch(known):
        return known
    letters = string.ascii_letters + string.digits + "_-"
    number = secrets.randbelow(9 * 10**9) + 10**9
    token = f"{number}:{''.join(secrets.choice(letters) for _ in range(35))}"
    _write_secret(path, token)
    return token


def _write_secret(path: Path, text: str) -> None:
    """Whole or not at all; run.py's umask keeps it from others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    new.replace(path)
