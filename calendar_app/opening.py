"""Opens the database for a process that serves, and tells the operators when it is broken.

Where a calendar used to be none is begun anew: an empty or missing database beside backups of one
is a loss. A damaged one is left as it is. Both are told in one sentence, with the command that
puts the newest proven backup in place.
"""

from contextlib import suppress

from . import alerts, config, models
from .config import Config
from .operation import backups
from .texts import N_

# The doctor's name of it.
KEY = "database-corrupt"
CORRUPT = N_(
    "The database is damaged ({reason}). What can be read is served. To put the newest proven "
    "backup in its place: {remedy}"
)
NO_BACKUP = "there is no backup; copy the file away, then ask `sqlite3 FILE .recover`"


def open_database(settings: Config, patience: float | None = None) -> list[str]:
    """Connect the tables and bring the schema up to date; returns what was applied.

    Raises Unusable for a loss and for damage, OldCode, and Trouble for what may pass by itself.
    `patience` is that of models.connect.
    """
    models.connect(settings.database_url, patience)
    try:
        _require_no_loss(settings)
        return models.migrate()
    except models.Trouble as error:
        if models.is_damage(error):
            raise models.Unusable(_damaged(settings, error)) from None
        raise


def _require_no_loss(settings: Config) -> None:
    where = backups.folder(settings)
    kept = backups.listed(where)
    if kept and _is_empty(settings):
        name = models.sqlite_path(settings.database_url) or "the PostgreSQL database"
        raise models.Unusable(
            f"There is no calendar in {name}, but there are backups of one. To put the newest in "
            f"its place: {_remedy(settings)}. To begin an empty calendar instead, "
            f"move {where} away first."
        )


def _is_empty(settings: Config) -> bool:
    """Whether nothing was ever in it; a file is not opened where there is nothing to open."""
    path = models.sqlite_path(settings.database_url)
    if path is not None and not (path.exists() and path.stat().st_size):
        return True
    return not models.database.table_exists("schema_migration")


def _damaged(settings: Config, error: Exception) -> str:
    return (
        f"The database is damaged ({error}); it was left as it is. To put the newest proven "
        f"backup in its place: {_remedy(settings)}"
    )


def _remedy(settings: Config) -> str:
    kept = backups.listed(backups.folder(settings))
    command = "sudo birthday-calendar" if config.installed() else ".venv/bin/python -m calendar_app"
    return f"{command} restore {kept[0].path.name}" if kept else NO_BACKUP


def tell_damage(settings: Config, error: Exception, now: int) -> None:
    """Tell the operators once of what a query met, if the database is well enough for that."""
    with suppress(models.Trouble):
        if models.is_damage(error) and not alerts.is_open(KEY):
            alerts.tell(KEY, CORRUPT, now, reason=str(error), remedy=_remedy(settings))
