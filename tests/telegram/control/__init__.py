"""The control API: every operation on the simulated Telegram, as JSON in and JSON out.

`perform` is what the Python side calls in the same process; over HTTP it is
POST /simulator/control/<operation> (or GET with a query), so that both can do the same.
"""

import json

from ..args import Args
from ..botapi import Reply
from ..errors import ApiError
from . import acting, staging, trouble, watching
from .table import OPERATIONS

__all__ = ["acting", "answer", "perform", "staging", "trouble", "watching"]


def perform(world, name, params):
    """The JSON-able result; LookupError, TypeError or ValueError for what makes no sense."""
    if name not in OPERATIONS:
        raise LookupError(f"no operation {name!r}; there are {sorted(OPERATIONS)}")
    return OPERATIONS[name](world, params)


def answer(world, request):
    """The Reply to /simulator/control/<operation>."""
    name = request.path.removeprefix("/simulator/control/")
    try:
        params = Args.of(request).values
        if request.method == "GET":
            params = {key: _decoded(key, value) for key, value in params.items()}
        result = perform(world, name, params)
    except (LookupError, TypeError, ValueError, ApiError) as error:
        text = error.args[0] if error.args else repr(error)
        return Reply(400, json.dumps({"ok": False, "error": str(text)}).encode())
    return Reply(200, json.dumps({"ok": True, "result": result}).encode())


_TEXTS = ("text", "button", "name", "caption", "title", "username", "description")


def _decoded(key, value):
    """Numbers, true and false of a query string; texts stay as they are."""
    if key not in _TEXTS and (value in ("true", "false") or value.lstrip("-").isdigit()):
        return json.loads(value)
    return value
