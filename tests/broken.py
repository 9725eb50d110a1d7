"""The web API with routes that go wrong, for gunicorn to serve: raising, leaking, slow."""

import os
import signal
import time
from pathlib import Path

from flask import request

from calendar_app import api

SECRET = "7654321098:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
leaked = []


def create_app():
    """The real app with `/api/broken/…` added."""
    app = api.create_app()
    for view in (raises, leaks, sleeps):
        app.add_url_rule(f"/api/broken/{view.__name__}", view.__name__, view)
    os.register_at_fork(after_in_child=stop_at_birth)
    return app


def stop_at_birth():
    """Hang before the first sign of life, once for each time that there is such a file."""
    wish = Path(os.environ["VAR_DIR"], "stop-at-birth")
    if wish.exists():
        wish.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)


def raises():
    raise ZeroDivisionError(f"https://api.telegram.org/bot{SECRET}/getMe")


def leaks():
    leaked.append(bytes(int(request.args["mib"]) * 2**20).replace(b"\0", b"x"))
    return {"pid": os.getpid()}


def sleeps():
    time.sleep(float(request.args["seconds"]))
    return {"pid": os.getpid()}
