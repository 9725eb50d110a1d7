"""Tells systemd how a process is, and why it could not start (protocol: sd_notify(3)).

`python -m calendar_app.notify MODULE ARGS…` runs a module as `python -m` would; if that fails,
the reason stands in `systemctl status`. It must work where nothing else can be imported, so it
needs only the standard library and reads the environment by itself. Without systemd nothing is
told and nothing fails.
"""

import os
import re
import runpy
import socket
import sys
import time
from contextlib import suppress

# With RestartSec=1 of the units: what crashes is back at once, what cannot start waits.
HOLD_SECONDS = 4
LONGEST = 400
CANNOT_START = "cannot start, trying again every 5 s: "
TOKEN = re.compile(r"[0-9]{5,20}(?::|%3A)[A-Za-z0-9_-]{20,}")


def tell(*lines: str) -> None:
    """Send assignments such as `READY=1` to systemd, if it listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto("\n".join(lines).encode(), address)


def status(text: str) -> None:
    """The one line that `systemctl status` shows."""
    tell("STATUS=" + TOKEN.sub("<token>", " ".join(text.split()))[:LONGEST])


def watched() -> bool:
    """Whether systemd expects a ping (`WATCHDOG=1`) of this process from time to time."""
    return os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()) and bool(
        os.environ.get("WATCHDOG_USEC")
    )


def refuse(reason: str) -> None:
    """Say why this process ends before it has begun: on standard error and to systemd."""
    print(reason, file=sys.stderr)
    status(CANNOT_START + reason)


def main(argv: list[str]) -> None:
    """Run the module `argv[0]` with the arguments after it; tells why when it fails."""
    sys.argv = list(argv)
    # What is imported late comes from this release, also when `current` points to another by then.
    sys.path[:] = map(os.path.realpath, sys.path)
    try:
        runpy.run_module(argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            # Who ends by itself has told why, unless it ends because of an error.
            _tell(end.__context__)
            _hold()
        raise
    except Exception as error:
        _tell(error)
        _hold()
        raise


def _tell(error: BaseException | None) -> None:
    if error is not None:
        status(f"{CANNOT_START}{type(error).__name__}: {error}")


def _hold() -> None:
    """Let the reason be read, and do not spin: with RestartSec= a try every 5 s."""
    if os.environ.get("NOTIFY_SOCKET"):
        time.sleep(HOLD_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
