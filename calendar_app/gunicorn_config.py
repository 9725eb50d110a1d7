"""gunicorn's settings, for run.sh and systemd alike: `-c python:calendar_app.gunicorn_config`."""

import http.client
import mmap
import socket
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from calendar_app import backlog as unfinished
from calendar_app import guard, logs, notify, zones
from calendar_app.config import EX_CONFIG, ConfigError, load

try:
    _config = load()
except ConfigError as error:
    notify.refuse(str(error))
    sys.exit(EX_CONFIG)

logs.mask_exceptions()

worker_class = "gthread"
workers = _config.web_workers
threads = _config.web_threads
preload_app = True
# nginx keeps its connections open: a third less work per request.
keepalive = 75
# How long a worker may give no sign of life (it gives one each second, whatever it answers).
timeout = 10
graceful_timeout = 20
# A worker's sign of life is a file that is touched: never on a disk that may be full or slow.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# Otherwise gunicorn opens a second socket in the home folder.
control_socket_disable = True
# nginx writes the access log.
accesslog = None
logconfig_dict = logs.settings(_config.log_level)
limit_request_line = 8190
# A unix socket has no address to trust or not; the access rights of the file decide.
forwarded_allow_ips = "*"
proc_name = "birthday-calendar-web"

# Well below WatchdogSec= of the unit, so that one slow answer is no reason to restart.
WATCH_PAUSE = 3
WATCH_TIMEOUT = 5

# A worker that leaks is replaced in good order before the kernel kills it (MemoryMax= of the unit).
WORKER_BYTES = 192 * 2**20
LOOK_EVERY = 20


def when_ready(server: Any) -> None:
    """gunicorn's hook, in the master: from now on systemd is pinged while requests are answered."""
    if notify.watched():
        address = server.LISTENERS[0].sock.getsockname()
        threading.Thread(target=_watch, args=(address,), name="watchdog", daemon=True).start()


def pre_fork(_server: Any, worker: Any) -> None:
    """gunicorn's hook, in the master: being born counts as a sign of life.

    Until the first one gunicorn waits without end, also for a worker that hangs before it begins.
    """
    worker.tmp.notify()


def post_worker_init(_worker: Any) -> None:
    """gunicorn's hook, in each worker: it watches disk and time zones, and works off imports."""
    guard.start(_config)
    zones.start()
    # By another name, as gunicorn takes every name here that it knows for a setting.
    unfinished.start()


def post_request(worker: Any, _request: Any, _environ: Any, _answer: Any) -> None:
    """gunicorn's hook: a worker that has grown too large ends after what it has taken on."""
    if worker.alive and worker.nr % LOOK_EVERY == 0:
        size = _resident_bytes()
        if size > WORKER_BYTES:
            worker.log.warning("this worker has grown to %d MiB: replaced", size // 2**20)
            worker.alive = False


def _resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * mmap.PAGESIZE


def _watch(address: str) -> None:
    since, well = time.strftime("%H:%M"), None
    while True:
        before, well = well, _answers(address)
        if before != well:
            since = time.strftime("%H:%M")
        if well:
            notify.tell("WATCHDOG=1", f"STATUS=answering requests since {since}")
        else:
            notify.status(f"not answering requests since {since}")
        time.sleep(WATCH_PAUSE)


def _answers(address: str) -> bool:
    """Whether a real request, through the socket that nginx uses, is answered in time."""
    with closing(http.client.HTTPConnection("localhost", timeout=WATCH_TIMEOUT)) as asking:
        try:
            asking.sock = socket.socket(socket.AF_UNIX)
            asking.sock.settimeout(WATCH_TIMEOUT)
            asking.sock.connect(address)
            asking.request("GET", "/health")
            return asking.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
