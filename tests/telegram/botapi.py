"""One request to the Bot API: token, faults, limits, the method, and the record of the call.

Between `server` (bytes) and `methods` (what they do). The only place that turns ApiError into an
answer.
"""

import json
import re
import sys
import time
import traceback
from dataclasses import dataclass, field

from .args import Args
from .errors import ApiError, TornConnectionError, bad_request, not_found, unauthorized
from .faults import DESCRIPTIONS
from .methods import METHODS, Call

_PATH = re.compile(r"/(file/)?bot([^/]+)/(.+)")
_TOKEN = re.compile(r"\d+:[\w-]+")


@dataclass
class Reply:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict = field(default_factory=dict)


@dataclass
class Record:
    """One call of the Bot API as the tests see it; `status` is 0 until it is answered."""

    method: str
    params: dict
    token: str
    number: int
    time: float = field(default_factory=time.time)
    status: int = 0  # stays 0 when the connection was torn without an answer
    description: str = ""
    took: float = 0.0

    def as_json(self):
        bot = int(self.token.partition(":")[0] or 0)
        shown = {k: v for k, v in vars(self).items() if k != "token"}
        return {**shown, "bot": bot, "chat": self.params.get("chat_id")}


def answer(world, request, connection):
    """The Reply to a request under /bot… or /file/bot…; TornConnectionError for none at all."""
    match = _PATH.fullmatch(request.path)
    if not match or not _TOKEN.fullmatch(match.group(2)):
        return _refusal(not_found())
    is_file, token, rest = match.groups()
    if is_file:
        return _download(world, token, rest)
    return _method(world, request, connection, (token, rest))


def _method(world, request, connection, target):
    token, name = target
    name = METHODS.get(name.lower(), (name, None))[0]
    try:
        args = Args.of(request)
    except ApiError as refusal:
        return _refusal(refusal)
    record = _record(world, Record(name, args.plain(), token, 0))
    reply = _with_faults(world, record, args, connection)
    with world.changed:
        record.status = reply.status
        record.took = time.time() - record.time
        world.bump()
    return reply


def _record(world, record):
    with world.changed:
        record.number = world.calls[-1].number + 1 if world.calls else 1
        world.calls.append(record)
        world.bump()
        return record


def _with_faults(world, record, args, connection):
    bot_id = int(record.token.partition(":")[0])
    fault, delay = world.faults.hit(record.method, args.values.get("chat_id"), bot_id)
    if fault and fault.hang:
        connection.wait(fault.hang)
        raise TornConnectionError
    if fault and fault.drop == "before":
        raise TornConnectionError
    if fault and fault.drop != "after":
        reply = _faulty(fault)
    else:
        reply = _process(world, record, args, connection)
    connection.wait(delay)
    if fault and fault.drop == "after":
        raise TornConnectionError
    return reply


def _faulty(fault):
    if raw := fault.answer():
        status, text, content_type, headers = raw
        return Reply(status, text.encode(), content_type, headers)
    if fault.status == 429:
        seconds = 1 if fault.retry_after is None else fault.retry_after
        text = fault.description or f"Too Many Requests: retry after {seconds}"
        return _refusal(ApiError(429, text, retry_after=seconds))
    text = fault.description or DESCRIPTIONS.get(fault.status, "Internal Server Error")
    return _refusal(ApiError(fault.status, text))


def _process(world, record, args, connection):
    try:
        result = _dispatch(world, record, args, connection)
    except ApiError as refusal:
        record.description = refusal.description
        connection.wait(refusal.after)
        return _refusal(refusal)
    except TornConnectionError:
        raise
    except Exception:
        return _bug(world)
    return Reply(200, json.dumps({"ok": True, "result": result}).encode())


def _dispatch(world, record, args, connection):
    bot = world.live_bot(record.token)
    if bot is None:
        raise unauthorized()
    bot.last_call = record.time
    _, function = METHODS.get(record.method.lower(), (None, None))
    if function is None:
        raise not_found("method not found")
    if record.method.startswith("send") and record.method != "sendChatAction":
        world.limits.check(bot.id, _chat_number(args))
    return function(Call(world, bot, args, connection.alive))


def _chat_number(args):
    try:
        return int(args.values.get("chat_id"))
    except (TypeError, ValueError):
        return None


def _refusal(refusal):
    headers = {}
    if "retry_after" in refusal.parameters:
        headers["Retry-After"] = str(refusal.parameters["retry_after"])
    return Reply(refusal.code, json.dumps(refusal.body()).encode(), headers=headers)


def _bug(world):
    # A mistake of the simulator must not pass for one of Telegram's errors: Simulator.close tells.
    world.bugs.append(traceback.format_exc())
    print(world.bugs[-1], file=sys.stderr)
    return _refusal(ApiError(500, "Internal Server Error: bug in the simulator"))


def _download(world, token, path):
    if world.live_bot(token) is None:
        return _refusal(unauthorized())
    for stored in list(world.files.values()):
        if stored.path == path:
            return Reply(200, stored.data, stored.mime or "application/octet-stream")
    return _refusal(bad_request("wrong file path") if ".." in path else not_found())
