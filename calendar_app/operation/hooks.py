"""BACKUP_HOOK: the operator's command that takes a proven backup off this machine.

It runs without a shell, a terminal or our secrets, and only for so long; what it says goes to the
journal, masked.
"""

import shlex
import subprocess
from pathlib import Path

from ..errors import AppError
from ..logs import mask

SECONDS = 1800
MOST_LINES = 50


class HookFailed(AppError):
    """The hook did not end well; the backup itself stands."""


def run(command: str, backup: Path) -> list[str]:
    """Run the command with the path as its last argument; returns the lines that it said.

    Raises HookFailed.
    """
    try:
        words = [*shlex.split(command), str(backup)]
    except ValueError as error:
        raise HookFailed(f"it cannot be read: {error}") from None
    try:
        done = subprocess.run(  # noqa: S603 - what the operator configured, no shell
            words,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(backup.parent)},
            cwd=backup.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise HookFailed(f"it did not end within {SECONDS // 60} minutes") from None
    except OSError as error:
        raise HookFailed(f"{words[0]}: {error.strerror}") from None
    said = mask(done.stdout.decode(errors="replace")).splitlines()[-MOST_LINES:]
    if done.returncode:
        last = said[-1] if said else "it said nothing"
        raise HookFailed(f"it ended with {done.returncode}: {last}")
    return said
