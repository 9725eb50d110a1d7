"""What the doctor says of its findings: as JSON, as a table, and in the one line that counts."""

from dataclasses import asdict
from typing import Any

from ..operation import privileges
from . import causes
from .causes import Check

EXIT = {"ok": 0, "warning": 1, "error": 2}


def status(checks: list[Check]) -> str:
    """The worst of all: `ok`, `warning` or `error`."""
    return max((c.status for c in checks if c.status in EXIT), key=EXIT.__getitem__, default="ok")


def as_json(checks: list[Check]) -> dict[str, Any]:
    """The answer of --json; the names are what monitoring relies on."""
    shown = [asdict(check) for check in checks]
    for check in shown:
        del check["since"], check["alarm"]
    root = causes.root(checks)
    return {"status": status(checks), "root_cause": root.id if root else None, "checks": shown}


def table(checks: list[Check]) -> list[str]:
    """A line for each check."""
    width = max((len(check.id) for check in checks), default=0)
    return [f"{c.status:<7}  {c.id:<{width}}  {one_line(c.summary)}" for c in checks]


def last_line(checks: list[Check]) -> str:
    """The root cause and the command that mends it, in one line."""
    root = causes.root(checks)
    warnings = [check for check in checks if check.status == "warning"]
    if root:
        return finding(root)
    if warnings:
        first, more = warnings[0], len(warnings) - 1
        others = f" ({more} more warning{'s' * (more > 1)})" if more else ""
        return one_line(f"No errors; {first.id}: {first.summary}{others}. To mend it: {first.fix}")
    return "All is well."


def finding(check: Check) -> str:
    """What is not well, and what mends it."""
    return one_line(f"{check.id}: {check.summary.rstrip('.')}. To mend it: {check.fix}")


def one_line(text: str) -> str:
    """The text without line breaks, and without what a terminal would obey."""
    return privileges.printable(" ".join(text.split()))
