"""Routes: lists in and out, and the feed for calendar programs."""

import json
import re
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import quote

from flask import Flask, Response, current_app, request
from pydantic import BaseModel, Field

from . import calendars, exchange, feeds, idempotency, web
from .exchange import entries, exports, imports, verdicts
from .exchange.verdicts import Verdict
from .fields import Input, check
from .texts import N_
from .web import CalendarParams, Call, Params, route

MAX_FILE = 8 * 1024 * 1024
NO_FILE = N_("Send the list as a file in the field file, or as JSON with the field text.")


class ImportParams(CalendarParams):
    """What to do with a list."""

    preview: bool = Field(False, description="1: only tell what would be done")
    order: Literal["dmy", "mdy"] | None = Field(
        None, description="which comes first in dates such as 10/11; left out: what the list shows"
    )


class OneImport(Params):
    """One import."""

    import_id: int


class ExportParams(CalendarParams):
    """The format of an export."""

    format: Literal["csv", "vcf", "ics", "json"]


class ImportText(Input):
    """A list as text; instead a file can be sent as multipart/form-data in the field `file`."""

    text: str


class Candidate(BaseModel):
    """A birthday of a list; `id` is that of the one in the calendar, if there is one."""

    id: int | None
    full_name: str
    company: str
    position: str
    birth_date: str
    comment: str
    responsible: str


class ImportRow(BaseModel):
    """One row of a list and what is, or would be, done with it."""

    line: int
    verdict: Literal["new", "changed", "same", "doubtful"]
    reason: str
    birthday: Candidate


class ImportAnswer(BaseModel):
    """An import: of a long list that is being written `rows` are the doubtful ones only.

    They are for who imported it alone; an undo by somebody else shows none. `kept` are those that
    an undo has left, as they were edited since.
    """

    import_id: int | None
    format: str
    state: Literal["preview", "waiting", "working", "done", "failed", "undoing", "undone"]
    done: int
    total: int
    counts: dict[str, int]
    rows: list[ImportRow]
    kept: list[Candidate]
    reason: str


class FeedAnswer(BaseModel):
    """The address of a feed; null where there is none."""

    url: str | None


@route(
    "POST",
    "/api/import",
    params=ImportParams,
    body=ImportText,
    returns=ImportAnswer,
    idempotent=True,
    conflicts=True,
    own_key=True,
    largest=MAX_FILE,
)
def import_list(call: Call) -> Any:
    """Write a list (CSV, vCard, iCalendar, JSON, lines) into the calendar, or preview that."""
    access = calendars.enter(call.account.telegram_id, call.params.calendar, calendars.EDITOR)
    data = _list(call)
    listing = imports.read(access, data, call.params.order, call.now)
    if call.params.preview:
        return _preview(listing, call)

    def make() -> str:
        import_id, found = imports.run(listing, call.now)
        state = imports.get(call.account.telegram_id, import_id)
        return json.dumps(_shown(state, found or state["rows"]), ensure_ascii=False)

    key = request.headers.get("Idempotency-Key")
    if not key:
        return Response(make(), mimetype="application/json")
    name = f"{request.method} {request.full_path} {key}"
    text, _ = idempotency.once(call.account.telegram_id, name, data, make, call.now)
    return Response(text, mimetype="application/json")


def _list(call: Call) -> bytes:
    """The list as it was sent; raises Refused where there is none."""
    if request.mimetype == "multipart/form-data":
        file = request.files.get("file")
        if file is None:
            raise entries.Refused(NO_FILE)
        return file.read()
    return check(ImportText, call.body).text.encode("utf-8", "replace")


def _preview(listing: imports.Listing, call: Call) -> Response:
    """Row by row, as 50,000 of them are large."""
    language, rows = web.language(), []
    counts = dict.fromkeys((verdicts.NEW, verdicts.CHANGED, verdicts.SAME, verdicts.DOUBTFUL), 0)
    for verdict in imports.preview(listing, call.now):
        counts[verdict.kind] += 1
        rows.append((verdict.line, json.dumps(_row(verdict, language), ensure_ascii=False)))
    rows.sort()  # namesakes are judged together
    total = sum(counts.values())
    head = {"import_id": None, "format": listing.format, "state": "preview", "done": 0}
    head |= {"total": total, "counts": counts, "kept": [], "reason": ""}
    text = f'{json.dumps(head)[:-1]}, "rows": [{",".join(text for _, text in rows)}]}}'
    return Response(text, mimetype="application/json")


def _row(verdict: Verdict, language: str) -> dict[str, Any]:
    return {
        "line": verdict.line,
        "verdict": verdict.kind,
        "reason": verdicts.said(language, verdict.message, verdict.params),
        "birthday": _candidate(verdict.birthday()),
    }


def _candidate(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in Candidate.model_fields}


def _shown(state: dict[str, Any], rows: Iterable[Verdict]) -> dict[str, Any]:
    language = web.language()
    reason = json.loads(state["reason"]) if state["reason"] else ["", {}]
    return state | {
        "rows": [_row(verdict, language) for verdict in rows],
        "kept": [_candidate(row) for row in state["kept"]],
        "reason": verdicts.said(language, *reason),
    }


IMPORT = "/api/import/<int:import_id>"


@route("GET", IMPORT, params=OneImport, returns=ImportAnswer)
def get_import(call: Call) -> Any:
    """How far an import is, and which of its rows were doubtful."""
    state = imports.get(call.account.telegram_id, call.params.import_id)
    return _shown(state, state["rows"])


@route("POST", f"{IMPORT}/undo", params=OneImport, returns=ImportAnswer, conflicts=True)
def undo_import(call: Call) -> Any:
    """Take an import back, within 24 hours; what was edited since stays and is listed."""
    state = imports.undo(call.account.telegram_id, call.params.import_id, call.now)
    return _shown(state, state["rows"])


@route(
    "GET",
    "/api/export",
    params=ExportParams,
    returns=tuple(found.media_type for found in exchange.FORMATS.values()),
)
def export(call: Call) -> Any:
    """The calendar's birthdays as a file, which the import takes back unchanged."""
    access, name = call.access(), call.params.format
    media_type = exchange.FORMATS[name].media_type
    answer = Response(exports.made(access, name), content_type=f"{media_type}; charset=utf-8")
    answer.headers["Content-Disposition"] = _attachment(access.title, name)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _attachment(title: str, extension: str) -> str:
    """A name for the file, in ASCII for old programs and as it is for the others (RFC 6266)."""
    name = " ".join(re.sub(r"[^\w. -]", " ", title).split())[:60].strip(". ") or "birthdays"
    plain = "".join(filter(str.isascii, name)).strip() or "birthdays"
    encoded = quote(f"{name}.{extension}", safe="")
    return f"attachment; filename=\"{plain}.{extension}\"; filename*=UTF-8''{encoded}"


@route("GET", "/api/feed", returns=FeedAnswer)
def get_feed(call: Call) -> Any:
    """The secret address at which calendar programs can subscribe to the calendar."""
    key = web.signing_key(call.config)
    return {"url": feeds.address(call.access(), key, call.config, request.host_url)}


@route("POST", "/api/feed/rotate", returns=FeedAnswer)
def rotate_feed(call: Call) -> Any:
    """Give the feed another address; the old one ends."""
    feeds.renew(call.access())
    return get_feed.view(call)


@route("DELETE", "/api/feed", returns=FeedAnswer)
def revoke_feed(call: Call) -> Any:
    """End the feed; it has another address when it is wanted again."""
    feeds.revoke(call.access())
    return get_feed.view(call)


def add_to(app: Flask) -> None:
    """Serve the feeds: to whoever knows the secret, so they are none of the API's."""
    app.add_url_rule("/feed/<secret>.ics", "feed", _feed)


def _feed(secret: str) -> Response:
    key = web.signing_key(current_app.config["calendar"])
    content = feeds.content(secret, key, web.now(current_app))
    answer = Response(content, content_type="text/calendar; charset=utf-8")
    answer.headers["Content-Disposition"] = "inline; filename=birthdays.ics"
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.add_etag()
    return answer.make_conditional(request)
