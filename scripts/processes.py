"""Child processes that never outlive their parent: started, watched and stopped together.

Each is the leader of a process group of its own, so that a terminal's Ctrl-C reaches only the
supervisor, and gets SIGTERM from the kernel when the supervisor dies. Used by run.py.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class Children:
    """The running children by name, in the order of their start."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        """Start `argv` as `name`; it inherits standard output and error, and nothing to read."""
        parent = os.getpid()

        def attach() -> None:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            if os.getppid() != parent:
                os._exit(1)

        self._running[name] = subprocess.Popen(  # noqa: S603
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            preexec_fn=attach,  # noqa: PLW1509
            process_group=0,
        )

    def take_ended(self) -> dict[str, int]:
        """Return codes of those that ended since the last look, by name; they are forgotten."""
        ended = {
            name: code
            for name, child in self._running.items()
            if (code := child.poll()) is not None
        }
        for name in ended:
            _kill_group(self._running.pop(name).pid)
        return ended

    def stop(self, seconds: float, last: str) -> None:
        """SIGTERM to all; whatever is left after `seconds` is killed; then `last` alike, in 1 s."""
        behind = self._running.pop(last, None)
        _end(list(self._running.values()), seconds)
        _end([behind] if behind else [], 1)
        self._running.clear()


def _end(children: list[subprocess.Popen[bytes]], seconds: float) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + seconds
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.0, deadline - time.monotonic()))
        _kill_group(child.pid)
        child.wait()


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def describe(code: int) -> str:
    """A return code of Popen in words."""
    return f"exit status {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
