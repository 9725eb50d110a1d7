"""What foreseeable trouble says to an operator: one sentence, and what to do about it."""

import errno
import sqlite3

from .. import models
from ..errors import AppError
from ..logs import mask

FULL = {errno.ENOSPC, errno.EDQUOT}
DATABASE = {
    "locked": "The database is busy: try again in a moment.",
    "full": "The disk is full: free some space, then try again.",
    "disk i/o": "The disk does not read or write: see `journalctl -k`.",
    "malformed": "The database is damaged: put a backup in its place with `restore FILE`.",
    "not a database": "The database is damaged: put a backup in its place with `restore FILE`.",
    "unable to open": "The database cannot be opened: does the state folder belong to the service?",
    "readonly": "The database may not be written: does the state folder belong to the service?",
    "no such table": "The database is not set up yet: start the service, or run `migrate`.",
}


def sentence(error: BaseException) -> str | None:
    """What to tell of an exception; None for one that nobody foresaw, which is a bug."""
    if isinstance(error, AppError | models.OldCode | models.Unusable):
        return str(error)
    if isinstance(error, OSError):
        if error.errno in FULL:
            return DATABASE["full"]
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    if isinstance(error, models.Trouble | sqlite3.Error):
        said = str(error).strip()
        if said.startswith("Migration "):
            return mask(said)
        known = (text for part, text in DATABASE.items() if part in said.lower())
        return next(known, mask(f"The database cannot be used: {said.splitlines()[0]}"))
    return None
