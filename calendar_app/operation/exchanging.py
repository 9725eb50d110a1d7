"""The verbs `import` and `export`: lists of birthdays between files, the replaced service, and a
calendar, with the operator's rights to all of it.

What is read is read with the rights of whoever calls; the state is touched only after those of root
are given up.
"""

import argparse
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from .. import exchange, models
from ..calendars import Access
from ..config import Config
from ..exchange import exports, imports, verdicts
from ..exchange.jobs import Worker
from ..exchange.verdicts import Verdict
from . import files, privileges, replaced
from .privileges import Refused

LARGEST = 64 * 2**20
# Operators are told in English.
ENGLISH = "en"
COUNTED = (verdicts.NEW, verdicts.CHANGED, verdicts.SAME, verdicts.DOUBTFUL)


def of_export(parser: argparse.ArgumentParser) -> None:
    """The arguments of `export`."""
    parser.add_argument("--calendar", type=int, required=True, metavar="ID")
    parser.add_argument("--format", choices=list(exchange.FORMATS), default="csv")
    parser.add_argument("--output", type=Path, metavar="FILE", help="left out: standard output")


def of_import(parser: argparse.ArgumentParser) -> None:
    """The arguments of `import`."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", type=Path, metavar="FILE")
    source.add_argument(
        "--from-postgresql", metavar="SERVICE", help="the replaced service's, by its libpq service"
    )
    parser.add_argument("--calendar", type=int, required=True, metavar="ID")
    parser.add_argument("--preview", action="store_true", help="only tell what would be done")
    parser.add_argument("--order", choices=["dmy", "mdy"], help="how 10/11 is to be read")


def give(args: argparse.Namespace, settings: Config) -> int:
    """Write a calendar's birthdays to a file or standard output."""
    models.connect(settings.database_url)
    data = exports.made(imports.operator(args.calendar), args.format)
    if args.output is None:
        sys.stdout.buffer.write(data)
        return 0
    files.write(args.output.absolute(), data)
    print(f"Written: {args.output}, {len(data)} bytes.", file=sys.stderr)
    return 0


def take(args: argparse.Namespace, settings: Config) -> int:
    """Put a list, or the data of the replaced service, into a calendar."""
    old = replaced.read(args.from_postgresql) if args.from_postgresql else None
    data = b"" if old else _file(args.file)
    privileges.drop(settings.state_dir)
    models.connect(settings.database_url)
    access, now = imports.operator(args.calendar), int(time.time())
    listing = imports.Listing(access, "postgresql", old.people) if old else None
    listing = listing or imports.parsed(access, data, args.order, now)
    found = list(imports.preview(listing, now)) if listing.entries else []
    _tell(found)
    if args.preview:
        return 0
    if found:
        _write(access, listing, now)
    if old:
        print(replaced.write(old, access))
    return 0


def _file(path: Path) -> bytes:
    with files.opened(path, follow=True) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Refused(f"{path} is larger than {LARGEST // 2**20} MiB: divide it.")
    return data


def _tell(found: list[Verdict]) -> None:
    counts = Counter(verdict.kind for verdict in found)
    print(", ".join(f"{counts[kind]} {kind}" for kind in COUNTED))
    for verdict in found:
        if verdict.kind == verdicts.DOUBTFUL:
            name = privileges.printable(verdict.values["full_name"]) or "?"
            reason = verdicts.said(ENGLISH, verdict.message, verdict.params)
            print(f"line {verdict.line}: {name}: {privileges.printable(reason)}")


def _write(access: Access, listing: imports.Listing, now: int) -> None:
    """A long list is worked off here, as the service itself would."""
    import_id, _ = imports.run(listing, now)
    worker: Any = Worker(secrets.token_hex(8))
    while models.Import.get_by_id(import_id).state in imports.OPEN:
        if not worker.step(int(time.time())):
            time.sleep(1)
    print(f"Import {import_id} into {access.title!r}: {models.Import.get_by_id(import_id).state}.")
