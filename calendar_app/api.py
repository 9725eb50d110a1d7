"""The WSGI app that gunicorn serves: `create_app`.

The routes stand in `routes`, `routes_panel` and `routes_members`. Paths, methods and JSON names
are those of the service that this one replaces, so that its clients keep working.
"""

import functools
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, render_template

from . import calendars, health, limits, models, openapi, routes, routes_members, routes_panel, web
from .config import Config, load
from .web import Call, Params, route

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
    for module in (vars(routes), vars(routes_panel), vars(routes_members), globals())
    for found in list(module.values())
    if isinstance(found, web.Route)
]


def create_app(config: Config | None = None, clock: Callable[[], float] | None = None) -> Flask:
    """The WSGI app, its database migrated and ready; raises ConfigError for a bad configuration.

    `clock` tells the time (seconds since 1970) instead of the machine's clock.
    """
    config = config or load()
    app = web.create(config, ROUTES, clock)
    models.connect(config.database_url)
    models.migrate()
    calendars.ensure_shared(config, web.now(app))
    # A connection must not be shared by the workers that are forked from here.
    models.disconnect()
    app.add_url_rule("/health", "health", _alive)
    app.add_url_rule("/health/ready", "ready", _ready)
    # Made before the workers are forked, so that they share it.
    app.config["limits"] = limits.Limits()
    return app


def _alive() -> Response:
    return Response(health.ALIVE, mimetype="application/json")


def _ready() -> Response:
    report = health.ready(current_app.config["calendar"], web.now(current_app))
    answer = current_app.json.response(report)
    answer.status_code = 503 if report["status"] == "down" else 200
    answer.headers["Cache-Control"] = "no-store"
    return answer
