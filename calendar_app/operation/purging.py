"""The verb `purge`: what the nightly clean-up did not dare to delete, after asking."""

import argparse
import sys
import time

from .. import models, quarantine
from ..config import Config
from .privileges import Refused


def run(args: argparse.Namespace, settings: Config) -> int:
    """Show what was left or put away 30 days ago, ask, and delete it for good."""
    models.connect(settings.database_url)
    now = int(time.time())
    quarantine.begin(now)
    rows = quarantine.taken(now)
    if not rows:
        print("There is nothing to purge.")
        return 0
    print(
        f"Left or put away more than 30 days ago, to be deleted for good: {quarantine.told(rows)}"
    )
    if not args.yes:
        _agree()
    done = quarantine.purge(now, agreed=True)
    print("Deleted: " + ", ".join(f"{number} of {table}" for table, number in done.items()))
    return 0


def _agree() -> None:
    if not sys.stdin.isatty():
        raise Refused("Nothing was deleted: give --yes where nobody can be asked.")
    if input("Delete it? Type yes: ").strip().lower() != "yes":
        raise Refused("Nothing was deleted.")
