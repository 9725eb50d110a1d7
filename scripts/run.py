"""Runs Birthday Calendar for a first look: web API, bot, a front, and without a token a Telegram.

Started by run.sh as `python -m scripts.run`. It hides in which order things start, and who may
end: the bot alone may; when any other process ends, all do. The environment is config's, and
one variable for tests: RUN_WITHOUT_NGINX=1 does as if nginx were not installed.
"""

import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from calendar_app import config
from scripts import front, plan, probe
from scripts.plan import Plan
from scripts.processes import Children, describe

STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
WATCHED = STOP_SIGNALS | {signal.SIGCHLD}
STOP_SECONDS = 7
START_SECONDS = 60


class Refused(Exception):  # noqa: N818
    """Why this start or run ends; its text is for the user."""


class Stopped(Exception):  # noqa: N818
    """The user asked for the end."""


def main() -> int:
    """Run until a signal or a failure; returns the exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    os.umask(0o077)
    try:
        settings = load_settings()
        with claimed(settings.state_dir):
            run(make_plan(settings))
    except config.ConfigError as error:
        print(error, file=sys.stderr)
        return config.EX_CONFIG
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Birthday Calendar had to stop: {error}", file=sys.stderr)
        return 1
    except Stopped:
        print("Stopped.", flush=True)
    return 0


def load_settings() -> config.Config:
    """The configuration; without a token the simulator's address stands in for Telegram's."""
    try:
        return config.load()
    except config.ConfigError:
        with suppress(config.ConfigError):
            simulated = config.load({"TELEGRAM_API_URL": "http://127.0.0.1", **os.environ})
            if simulated.bot_token is None:
                return simulated
        raise


@contextmanager
def claimed(state: Path) -> Iterator[None]:
    """Make the state directory and hold it for this process alone."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        (state / "run").mkdir(exist_ok=True)
        (state / "run").chmod(0o700)
        lock = (state / "run" / "run.lock").open("a")
    except OSError as error:
        raise Refused(f"VAR_DIR={state} cannot be used: {error.strerror}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"Birthday Calendar already runs on {state}: stop that one first, "
                "or start this one with another VAR_DIR."
            ) from None
        yield


def make_plan(settings: config.Config) -> Plan:
    """Decide what to start, and refuse what cannot work while nothing runs yet."""
    state, port = settings.state_dir, settings.http_port
    if len(os.fsencode(state)) > 90:
        raise Refused(f"VAR_DIR={state} is too long for a unix socket in it: at most 90 bytes.")
    check_port(port)
    simulator_port = None if settings.bot_token else probe.free_port()
    return Plan(
        state=state,
        http_port=port,
        token=settings.bot_token or plan.simulator_token(state),
        simulator_port=simulator_port,
        nginx=front.nginx(state / "run", port, simulator_port),
    )


def check_port(port: int) -> None:
    error = probe.bind_error(port)
    if isinstance(error, PermissionError):
        raise Refused(f"Port {port} is for root only: choose an HTTP_PORT above 1023.")
    if error is not None:
        raise Refused(
            f"Port {port} is in use by another program: stop that one, or choose another port, "
            f"such as HTTP_PORT={port % 65535 + 1} ./scripts/run.sh"
        )


def run(this: Plan) -> None:
    """Start everything, say so, and watch; all is stopped whatever happens."""
    children = Children()
    try:
        start(this, children)
        announce(this)
        while True:
            pause(children)
    finally:
        # The bot says goodbye to it, so the simulator goes last.
        children.stop(STOP_SECONDS, last="simulator")
        shutil.rmtree(plan.credentials(this), ignore_errors=True)


def start(this: Plan, children: Children) -> None:
    """Start each process when those that it needs answer."""
    this.socket.unlink(missing_ok=True)
    plan.write_credentials(this)
    if this.simulator_port is not None:
        start_process(this, children, "simulator", plan.simulator_command(this))
    start_process(this, children, "web", plan.web_command(this))
    if this.simulator_port is not None:
        wait_for(children, this.simulator_port, "/simulator/")
    start_process(this, children, "bot", plan.bot_command())
    wait_for(children, this.socket, "/health")
    if this.nginx is not None:
        start_process(this, children, "nginx", this.nginx, this.run_dir)
    wait_for(children, this.http_port, "/health")
    if this.simulator_port is not None:
        wait_for(children, this.http_port, "/simulator/")


def start_process(
    this: Plan, children: Children, name: str, command: list[str], folder: Path = front.CLONE
) -> None:
    children.start(name, command, plan.environment(this, name), folder)


def wait_for(children: Children, where: Path | int, path: str) -> None:
    for _ in range(START_SECONDS * 20):
        if probe.answers(where, path):
            return
        pause(children, 0.05)
    raise Refused(f"No answer from {where}{path} within {START_SECONDS} s: everything is stopped.")


def pause(children: Children, seconds: float = 3600) -> None:
    """Wait for a signal, at most `seconds`; raises Stopped or Refused when the run is over."""
    received = signal.sigtimedwait(WATCHED, seconds)
    if received is not None and received.si_signo in STOP_SIGNALS:
        raise Stopped
    for name, code in children.take_ended().items():
        if name != "bot":
            raise Refused(f"The {name} process ended ({describe(code)}): everything is stopped.")
        print(f"The bot ended ({describe(code)}); the web goes on.", flush=True)


def announce(this: Plan) -> None:
    page = f"{this.address}simulator/  (chat with the bot, Mini App beside it)"
    if this.simulator_port is None:
        page = f"{this.address}  (the Mini App; the chat is in Telegram)"
    print(f"Birthday Calendar runs. Open {page}")
    print(f"The web API listens on {this.socket}")
    print("Ctrl-C stops everything.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
