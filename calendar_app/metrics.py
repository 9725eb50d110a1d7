"""What Prometheus is told at `GET /metrics`: requests, reminders, the bot, disk, backups.

Nothing here names a person. What the database cannot tell is left out, and
`birthday_calendar_database_up` is 0: a scrape never fails.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric

from . import config, counting, health, models, reminders, room
from .config import Config
from .counting import Requests
from .operation import backups

# Of the text format; the newer one only adds names that we do not have.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "birthday_calendar_"
SENDS = "sends_"
SEND_COUNTS = f"SELECT name, value FROM counters WHERE name LIKE '{SENDS}%' ORDER BY name"
DUE = "SELECT count(*) FROM ledger WHERE state = 'planned' AND try_at <= ?"
SIZE_OF_POSTGRESQL = "SELECT pg_database_size(current_database())"


class Scrape:
    """Everything at one moment, for Prometheus's own writer to `collect`."""

    def __init__(self, settings: Config, requests: Requests, now: int) -> None:
        self.settings, self.requests, self.now = settings, requests, now

    def collect(self) -> Iterator[Metric]:
        """All families, one after the other."""
        yield InfoMetricFamily(PREFIX + "build", "What runs", {"release": config.release()})
        yield from _requests(self.requests)
        yield from _disk(self.settings)
        yield from _backup(self.settings, self.now)
        yield from _database(self.settings, self.now)


def text(settings: Config, requests: Requests, now: int) -> bytes:
    """The page in Prometheus's text format (CONTENT_TYPE)."""
    registry = CollectorRegistry()
    registry.register(Scrape(settings, requests, now))
    return generate_latest(registry)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, what, value)


def _requests(requests: Requests) -> Iterator[Metric]:
    answered, took = requests.read()
    total = CounterMetricFamily(
        PREFIX + "http_requests", "Requests answered", labels=("route", "method", "status")
    )
    for route, method, status, number in answered:
        total.add_metric((route, method, status), number)
    duration = HistogramMetricFamily(
        PREFIX + "http_request_duration_seconds", "How long answers took", labels=("route",)
    )
    bounds = [*map(str, counting.BUCKETS), "+Inf"]
    for route, buckets, seconds in took:
        duration.add_metric((route,), list(zip(bounds, accumulate(buckets), strict=True)), seconds)
    yield from (total, duration)


def _disk(settings: Config) -> Iterator[Metric]:
    folder = settings.state_dir
    with suppress(OSError):
        free = room.look(folder)
        yield _gauge("disk_free_bytes", "Free where the state is", free.bytes)
        if free.inodes is not None:
            yield _gauge("disk_free_inodes", "Inodes free where the state is", free.inodes)
    yield _gauge("ballast_bytes", "The ballast file", room.ballast_bytes(folder))
    short = bool(room.shortage(folder))
    yield _gauge("read_only", "1 while the disk is too full for people's writes", short)


def _backup(settings: Config, now: int) -> Iterator[Metric]:
    """From the file that the latest backup left; its form is not trusted."""
    last = backups.last(backups.folder(settings))
    proven = last.get("proven")
    at = proven.get("at") if isinstance(proven, dict) else None
    if isinstance(at, int):
        yield _gauge("backup_age_seconds", "Age of the newest proven backup", now - at)
    is_proven = last.get("verdict") == "proven"
    yield _gauge("backup_proven", "1 if the latest backup was made and proven", is_proven)


def _database(settings: Config, now: int) -> Iterator[Metric]:
    """All or nothing of what only the database knows."""
    try:
        found = [*_reminders(now), *_bot(now), _size(settings)]
    except (models.Trouble, OSError):
        found = []
    yield _gauge("database_up", "1 if the database answers", bool(found))
    yield from found


def _reminders(now: int) -> Iterator[Metric]:
    yield _gauge("reminders_due", "Reminders to be sent now", models.rows(DUE, now).fetchone()[0])
    yield _gauge("reminders_late", "Reminders due since 15 minutes", reminders.overdue(now))
    sends = CounterMetricFamily(PREFIX + "sends", "What became of messages", labels=("outcome",))
    for name, number in models.rows(SEND_COUNTS).fetchall():
        sends.add_metric((name.removeprefix(SENDS),), number)
    yield sends


def _bot(now: int) -> Iterator[Metric]:
    is_now = health.bot_state(now)
    states = GaugeMetricFamily(PREFIX + "bot_state", "1 for the bot's state", labels=("state",))
    for state in health.BOT_SUMMARY:
        states.add_metric((state,), state == is_now)
    yield states


def _size(settings: Config) -> Metric:
    path = models.sqlite_path(settings.database_url)
    if path is None:
        size = models.rows(SIZE_OF_POSTGRESQL).fetchone()[0]
    else:
        parts = (path, Path(f"{path}-wal"))
        size = sum(part.stat().st_size for part in parts if part.exists())
    return _gauge("database_bytes", "The database with what its log holds", size)
