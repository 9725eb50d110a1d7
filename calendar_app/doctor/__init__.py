"""The doctor: `birthday-calendar doctor` names what is wrong, the root cause last, and the remedy.

Looks at this machine (`looking`), or with --logs at log files from anywhere (`evidence`); which of
several findings is the root cause, `causes` knows. Changes nothing, unless --fix is given
(`fixing`). The timer's run tells the operators what changed (`telling`).
"""

import argparse
import json
import sys
import time
from pathlib import Path

from .. import config
from . import evidence, fixing, looking, telling, wording
from .causes import Check
from .logfiles import Unreadable
from .wording import EXIT, as_json, last_line, status  # noqa: F401 - what others may ask of it

# The priority of a line in the journal (sd-daemon(3)).
PRIORITY = {"warning": "<4>", "error": "<3>"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    option = parser.add_argument
    option("--json", action="store_true", help="everything as JSON")
    option("--quiet", action="store_true", help="nothing if all is well, else only the last line")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--fix",
        action="store_true",
        help="after asking, do what is safe: restart what is down, put back what is missing",
    )
    ways.add_argument(
        "--tell",
        metavar="FILE",
        type=Path,
        help="tell the operators, also in Telegram, what changed since the last time, which FILE "
        "remembers; for the timer",
    )
    ways.add_argument(
        "--logs",
        nargs="+",
        metavar="FILE",
        help="judge these log files (- for standard input) instead of this machine: exports of "
        "the journal, logs of nginx, syslog, docker; also gzip, bzip2, xz",
    )
    option("--yes", action="store_true", help="with --fix: do not ask")


def run(args: argparse.Namespace, _settings: None = None) -> int:
    """Look, tell, and return the exit status: 0 well, 1 warnings, 2 errors (or no such log)."""
    if args.tell:
        return _run_by_timer(args.tell)
    if args.fix:
        if args.json:
            print("--fix talks to a person: give it without --json.", file=sys.stderr)
            return EXIT["error"]
        checks = fixing.fix(lambda: looking.look().checks, time.sleep, yes=args.yes)
    elif args.logs:
        try:
            checks = evidence.read(args.logs, lambda said: print(said, file=sys.stderr))
        except Unreadable as problem:
            print(problem, file=sys.stderr)
            return EXIT["error"]
    else:
        checks = looking.look().checks
    _show(args, checks)
    return EXIT[status(checks)]


def _run_by_timer(memory: Path) -> int:
    seen = looking.look()
    for line in telling.tell(seen, memory.absolute()):
        # Only journald takes the priority for one.
        print(line if config.logs_to_journal() else line[3:], flush=True)
    return EXIT[status(seen.checks)]


def _show(args: argparse.Namespace, checks: list[Check]) -> None:
    if args.json:
        print(json.dumps(as_json(checks), indent=1))
        return
    verdict = status(checks)
    if args.quiet and verdict == "ok":
        return
    lines = [] if args.quiet else wording.table(checks)
    # Under systemd its line gets the priority that fits.
    sign = PRIORITY.get(verdict, "") if args.quiet and config.logs_to_journal() else ""
    print("\n".join([*lines, sign + last_line(checks)]))
