"""Telegram's own route: with BOT_MODE=webhook it posts each update here.

The update is kept, durably, and answered at once; the bot works it off whenever it runs.
"""

from flask import Flask, Response, current_app, request

from . import incoming, web
from .errors import NotFound

HEADER = "X-Telegram-Bot-Api-Secret-Token"


def add_to(app: Flask) -> None:
    """Serve the route. It is none of the API's: not signed in, not limited, not described."""
    app.add_url_rule(incoming.PATH, "webhook", _receive, methods=["POST"])


def _receive() -> Response:
    settings = current_app.config["calendar"]
    if settings.bot_mode != "webhook":
        raise NotFound(web.EXPLAINED[404])
    # Whoever does not know the secret is not listened to.
    bot_id = incoming.sender(request.headers.get(HEADER, ""), web.signing_key(settings))
    incoming.keep(bot_id, web.json_body(), web.now(current_app))
    return current_app.json.response({"status": "kept"})
