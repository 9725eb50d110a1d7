"""What the web promised to do after it had answered: long imports, in a thread of each worker.

It pauses as long as it worked, so that others get the database and the processor in between.
"""

import logging
import secrets
import threading
import time

from . import models
from .errors import Later
from .exchange.jobs import Worker

log = logging.getLogger(__name__)

LOOK_SECONDS = 1
# While the disk is full or the database busy.
WAIT_SECONDS = 5


def start() -> None:
    """Work in a thread of this process, as long as it lives."""
    worker = Worker(secrets.token_hex(8))
    threading.Thread(target=_work, args=(worker,), name="backlog", daemon=True).start()


def _work(worker: Worker) -> None:
    while True:
        began = time.monotonic()
        time.sleep(_pause(worker, began))


def _pause(worker: Worker, began: float) -> float:
    """Do one part; seconds to wait before the next."""
    try:
        models.follow()
        if not worker.step(int(time.time())):
            return LOOK_SECONDS
        return max(0.005, time.monotonic() - began)
    except (Later, models.Trouble) as error:
        log.warning("an import waits: %s", error)
    except Exception:
        log.exception("an import met something unforeseen")
    return WAIT_SECONDS
