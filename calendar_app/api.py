"""The WSGI app that gunicorn serves: `create_app`.

The routes stand in `routes`, `routes_panel` and `routes_members`. Paths, methods and JSON names
are those of the service that this one replaces, so that its clients keep working.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, render_template

from . import (
    calendars,
    counting,
    health,
    limits,
    metrics,
    models,
    openapi,
    opening,
    room,
    routes,
    routes_exchange,
    routes_members,
    routes_panel,
    routes_people,
    routes_reminders,
    routes_webhook,
    web,
)
from .config import Config, load
from .errors import NotFound
from .web import Call, Params, route

log = logging.getLogger(__name__)

# Seconds that a thread waits for the other writers of its worker; reads need the threads too.
WRITERS_WAIT = 2
VERSION = "0.1.0"


@route("GET", "/api/openapi.json", params=Params, returns=dict[str, Any], public=True)
def description(_call: Call) -> Any:
    """This description."""
    return _described()


@route("GET", "/api/docs", params=Params, public=True)
def documentation(_call: Call) -> Any:
    """The same as a page to read."""
    return Response(render_template("docs.html", api=_described()))


@functools.cache
def _described() -> dict[str, Any]:
    return openapi.describe(ROUTES, VERSION)


ROUTES = [
    found
    for module in (
        vars(routes),
        vars(routes_panel),
        vars(routes_members),
        vars(routes_exchange),
        vars(routes_people),
        vars(routes_reminders),
        globals(),
    )
    for found in list(module.values())
    if isinstance(found, web.Route)
]


def create_app(config: Config | None = None, clock: Callable[[], float] | None = None) -> Flask:
    """The WSGI app, its database migrated and ready; raises ConfigError for a bad configuration.

    `clock` tells the time (seconds since 1970) instead of the machine's clock.
    """
    config = config or load()
    app = web.create(config, ROUTES, clock)
    room.give_way(config.state_dir)
    _open(config, web.now(app))
    # A connection must not be shared by the workers that are forked from here.
    models.disconnect()
    routes_webhook.add_to(app)
    routes_exchange.add_to(app)
    app.add_url_rule("/health", "health", _alive)
    app.add_url_rule("/health/ready", "ready", _ready)
    app.add_url_rule("/metrics", "metrics", _metrics)
    # Made before the workers are forked, so that they share them.
    app.config["limits"] = limits.Limits()
    app.config["counts"] = counting.Requests(
        (rule.rule, method) for rule in app.url_map.iter_rules() for method in rule.methods or ()
    )
    return app


def _open(config: Config, now: int) -> None:
    """The database; without a sound one the web still serves /health, and tells what is wrong."""
    try:
        opening.open_database(config, WRITERS_WAIT)
        calendars.ensure_shared(config, now)
    except models.Unusable as error:
        log.critical("%s", error)


def _alive() -> Response:
    return Response(health.ALIVE, mimetype="application/json")


def _ready() -> Response:
    report = health.ready(current_app.config["calendar"], web.now(current_app))
    answer = current_app.json.response(report)
    answer.status_code = 503 if report["status"] == "down" else 200
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _metrics() -> Response:
    """For this machine alone, at the unix socket itself."""
    if web.client_address():
        raise NotFound(web.EXPLAINED[404])
    config, now = current_app.config["calendar"], web.now(current_app)
    page = metrics.text(config, current_app.config["counts"], now)
    return Response(page, content_type=metrics.CONTENT_TYPE)
