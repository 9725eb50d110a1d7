"""openapi.json (OpenAPI 3.1), made from the declared routes; nothing in it is written twice.

Examples come from the schemas too: by the name of a field, else by its type.
"""

import re
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from . import calendars, errors, fields, limits, room, sharing, web
from .web import EXPLAINED, Route

PLACEHOLDER = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
REF = "#/components/schemas/{model}"
PROBLEM = "application/problem+json"
SIGN_IN = [{"initData": []}, {"tma": []}, {"session": []}]
SCHEMES = {
    "initData": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Init-Data",
        "description": "Telegram.WebApp.initData as it is, up to 24 hours old",
    },
    "tma": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "the same as `tma <initData>`",
    },
    "session": {
        "type": "http",
        "scheme": "bearer",
        "description": "the session that POST /api/auth/verify gives",
    },
}
INFO = (
    "Birthdays, holidays and who is responsible, by calendar. Every error is problem JSON"
    " (RFC 9457) whose `detail` says what to do, in the language of Accept-Language (en, ru)."
)
# What goes wrong and what to do about it, and the example's `title` and `detail`.
ERRORS = {
    400: (
        "The body is not valid JSON: mend it; the same again will be refused again.",
        errors.AppError.title,
        web.NOT_JSON,
    ),
    401: (
        "Nobody is signed in, or no longer: open the calendar from Telegram for fresh initData.",
        errors.Unauthorized.title,
        web.NO_SIGN_IN,
    ),
    403: (
        "The user's role in the calendar does not allow it: ask its owner.",
        errors.Forbidden.title,
        "You may only look at this calendar; ask its owner for the right to change it.",
    ),
    404: (
        "There is no such thing, or it is not the user's to know of: check address and id.",
        errors.NotFound.title,
        calendars.NO_CALENDAR,
    ),
    405: (
        "The address does not take this method: take one of those in Allow.",
        "Method not allowed",
        EXPLAINED[405],
    ),
    409: (
        "It would leave things in a state that must not be: do first what `detail` says.",
        errors.Conflict.title,
        sharing.LAST_OWNER,
    ),
    412: (
        "It was changed since it was read: read it again and repeat the change on that.",
        errors.Changed.title,
        calendars.CHANGED,
    ),
    413: ("The body is too large: send less.", "Request entity too large", EXPLAINED[413]),
    415: (
        "The body is of another type: send one that is listed, with its Content-Type.",
        "Unsupported media type",
        EXPLAINED[415],
    ),
    422: (
        "Some fields cannot be taken: `errors` names each of them and what to write instead.",
        errors.Invalid.title,
        fields.REFUSED,
    ),
    429: (
        "Too many requests, or the quota of the day is used up: wait for Retry-After.",
        errors.TooMany.title,
        limits.TOO_MANY,
    ),
    503: (
        "Something that is needed for it is missing at the moment: repeat it after Retry-After.",
        errors.Unavailable.title,
        web.BUSY,
    ),
    507: (
        "The server's disk is full: what is there can be read; repeat it after Retry-After.",
        errors.NoRoom.title,
        room.FULL,
    ),
}
WRONG_FIELD = {"field": "full_name", "message": fields.MESSAGES["missing"]}
TEXT = {"type": "string"}
OBJECT = {"schema": {"type": "object"}, "example": {"birthdays": []}}
# What is large comes as a file.
FILE = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
HEADERS = {
    "ETag": ("Names this version, for If-Match and If-None-Match.", TEXT),
    "Link": ('The next page: `<address>; rel="next"` (RFC 8288); none after the last.', TEXT),
    "Allow": ("The methods that the address takes.", TEXT),
    "WWW-Authenticate": ("The way to sign in.", TEXT),
    "Retry-After": ("Seconds to wait.", {"type": "integer", "minimum": 1}),
}
ERROR_HEADERS = {
    401: "WWW-Authenticate",
    405: "Allow",
    429: "Retry-After",
    503: "Retry-After",
    507: "Retry-After",
}
REQUEST_HEADERS = {
    "Idempotency-Key": "a repeated request with the same key is answered again, for 24 hours",
    "If-Match": "the ETag read before: 412 when it has changed since",
    "If-None-Match": "the ETag read before: 304 when it has not changed since",
}
# Examples by the name of the field; what is not here gets one by its type.
SAMPLES = {
    "age": 211,
    "birth_date": "1815-12-10",
    "code": "q4Xw0cZVJ2mJ6m0s0m3vVw",
    "comment": "Likes engines",
    "company": "Analytical Engines",
    "date": "2026-12-10",
    "day": 10,
    "description": "Cake at four",
    "expires_at": 1790074800,
    "first_name": "Ada",
    "full_name": "Ada Lovelace",
    "greeting": "Happy birthday, Ada!",
    "greeting_text": "Happy birthday, Ada!",
    "init_data": "query_id=AAF…&user=%7B%22id%22%3A5000000001%7D&auth_date=1790071200&hash=9f2c…",
    "language_code": "en",
    "last_name": "Lovelace",
    "month": 12,
    "name": "Day of the Engine",
    "notification_time": "09:00",
    "occurs_on": "2026-12-10",
    "on": "2026-12-10",
    "position": "Analyst",
    "q": "ada",
    "qr_url": "https://example.org/",
    "quiet_from": "22:00",
    "quiet_to": "07:00",
    "responsible": "Charles Babbage",
    "session": "eyJlbmRzIjoxNzkwMDc0ODAwfQ.c2lnbmF0dXJl",
    "timezone": "Europe/London",
    "title": "Family",
    "url": "https://t.me/example_bot?start=join_q4Xw0cZVJ2mJ6m0s0m3vVw",
    "user_id": 5000000001,
    "username": "ada",
    "year": 2026,
}
SAMPLE_OF_TYPE = {"integer": 1, "number": 1, "boolean": True, "string": "text"}


class FieldProblem(BaseModel):
    """One field that cannot be taken."""

    field: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457); `errors` comes with 422 only."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


def describe(routes: list[Route], version: str) -> dict[str, Any]:
    """The whole document."""
    schemas = _schemas(routes)
    paths: dict[str, Any] = {}
    for declared in routes:
        for path in declared.paths:
            operations = paths.setdefault(PLACEHOLDER.sub(r"{\1}", path), {})
            operations[declared.method.lower()] = _operation(declared, path, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Telegram Birthday Calendar API",
            "version": version,
            "description": INFO,
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": SCHEMES,
            "examples": {f"Problem{status}": _problem(status) for status in ERRORS},
        },
    }


def _problem(status: int) -> dict[str, Any]:
    _, title, detail = ERRORS[status]
    value = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return {"value": value | ({"errors": [WRONG_FIELD]} if status == 422 else {})}


def _schemas(routes: list[Route]) -> dict[str, Any]:
    models = {Problem: "serialization"}
    for declared in routes:
        if declared.body:
            models[declared.body] = "validation"
        models |= dict.fromkeys(_models_in(declared.returns), "serialization")
    _, document = models_json_schema(list(models.items()), ref_template=REF)
    found = document["$defs"]
    for name in {each.body.__name__ for each in routes if each.body and each.method == "PATCH"}:
        # What a patch leaves out stays: a client that filled in a default would overwrite it.
        for described in found[name]["properties"].values():
            described.pop("default", None)
    return found


def _models_in(returns: Any) -> list[type[BaseModel]]:
    found = returns if isinstance(returns, type) else getattr(returns, "__args__", [None])[0]
    return [found] if isinstance(found, type) and issubclass(found, BaseModel) else []


def _operation(declared: Route, path: str, schemas: dict[str, Any]) -> dict[str, Any]:
    operation = {
        "operationId": _name(declared, path),
        "summary": declared.summary,
        "parameters": _parameters(declared, path),
        "responses": {
            **_successes(declared, path, schemas),
            **{str(status): _error(status) for status in _errors(declared, path)},
        },
        "security": [] if declared.public else SIGN_IN,
    }
    if declared.body:
        schema = {"$ref": REF.format(model=declared.body.__name__)}
        content = {"application/json": {"schema": schema, "example": _example(schema, schemas)}}
        if declared.largest > web.MAX_BODY:
            content["multipart/form-data"] = {"schema": FILE}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _name(declared: Route, path: str) -> str:
    """The view's name; at a further address the same with a part of that before it."""
    name = declared.view.__name__
    return name if path == declared.paths[0] else f"{path.split('/')[2]}_{name}"


# --- what comes in -----------------------------------------------------------------------


def _parameters(declared: Route, path: str) -> list[dict[str, Any]]:
    in_path = set(PLACEHOLDER.findall(path))
    schema = declared.params.model_json_schema()
    found = [
        _parameter(name, described, "path" if name in in_path else "query", schema)
        for name, described in schema.get("properties", {}).items()
    ]
    return found + [
        {
            "name": name,
            "in": "header",
            "description": REQUEST_HEADERS[name],
            "schema": TEXT,
        }
        for name in _request_headers(declared, path)
    ]


def _parameter(name: str, described: dict[str, Any], place: str, whole: Any) -> dict[str, Any]:
    # In an address there is no null: what may be null may be left out.
    options = [one for one in described.get("anyOf", []) if one != {"type": "null"}]
    schema = (options[0] if len(options) == 1 else {}) | {
        key: value
        for key, value in described.items()
        if key not in ("default", "description", "title") and (key != "anyOf" or len(options) != 1)
    }
    return {
        "name": name,
        "in": place,
        "required": place == "path" or name in whole.get("required", ()),
        "description": described.get("description", ""),
        "schema": schema,
    } | ({"example": SAMPLES[name]} if name in SAMPLES else {})


def _request_headers(declared: Route, path: str) -> list[str]:
    found = ["Idempotency-Key"] if declared.idempotent else []
    found += ["If-Match"] if _has_versions(declared, path) else []
    return found + (["If-None-Match"] if declared.method == "GET" else [])


def _has_versions(declared: Route, path: str) -> bool:
    """Whether it changes one row that counts its versions."""
    return "row_id" in path and declared.method != "GET"


# --- what goes out -----------------------------------------------------------------------


def _successes(declared: Route, path: str, schemas: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": declared.summary, "content": _content(declared, schemas)}
    headers = {}
    if declared.method == "GET":
        headers["ETag"] = _header("ETag")
    if _has_versions(declared, path) and declared.method != "DELETE":
        headers["ETag"] = _header("ETag", required=False)
    if "limit" in declared.params.model_fields:
        headers["Link"] = _header("Link", required=False)
    found = {str(declared.status): good | ({"headers": headers} if headers else {})}
    if declared.method == "GET":
        unchanged = "Not changed since the version in If-None-Match: use what you have."
        found["304"] = {"description": unchanged, "headers": {"ETag": _header("ETag")}}
    return found


def _content(declared: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    if declared.returns is bytes:
        return {"image/png": {"schema": {"type": "string", "format": "binary"}}}
    if declared.returns is None:
        return {"text/html": {"schema": TEXT}}
    if isinstance(declared.returns, tuple):
        return {kind: OBJECT if "json" in kind else {"schema": TEXT} for kind in declared.returns}
    schema = TypeAdapter(declared.returns).json_schema(ref_template=REF, mode="serialization")
    schema.pop("$defs", None)
    if _models_in(declared.returns) == [declared.returns]:
        schema = {"$ref": REF.format(model=declared.returns.__name__)}
    return {"application/json": {"schema": schema, "example": _example(schema, schemas)}}


def _errors(declared: Route, path: str) -> list[int]:
    found = [400, 404, 405, 422, 429, 503]
    found += [409] if declared.conflicts else []
    found += [] if declared.public and not declared.body else [401]
    found += [413, 415] if declared.body else []
    found += [403, 507] if declared.method != "GET" and not declared.public else []
    found += [412] if _has_versions(declared, path) else []
    return sorted(found)


def _error(status: int) -> dict[str, Any]:
    schema = {"$ref": REF.format(model="Problem")}
    example = {"problem": {"$ref": f"#/components/examples/Problem{status}"}}
    found = {
        "description": ERRORS[status][0],
        "content": {PROBLEM: {"schema": schema, "examples": example}},
    }
    name = ERROR_HEADERS.get(status)
    return found | ({"headers": {name: _header(name)}} if name else {})


def _header(name: str, required: bool = True) -> dict[str, Any]:
    description, schema = HEADERS[name]
    return {"description": description, "required": required, "schema": schema}


# --- examples ----------------------------------------------------------------------------


def _example(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:
    """A value that fits the schema, of which a person sees what it means."""
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if "anyOf" in schema:
        unset = {"type": "null"} in schema["anyOf"] and name not in SAMPLES
        return None if unset else _example(schema["anyOf"][0], schemas, name)
    if "items" in schema:
        return [_example(schema["items"], schemas, name)]
    if "properties" in schema:
        fields = schema["properties"].items()
        return {field: _example(described, schemas, field) for field, described in fields}
    if schema.get("type") == "object":
        more = schema.get("additionalProperties")
        return {SAMPLES["date"]: _example(more, schemas)} if isinstance(more, dict) else {}
    return _scalar(schema, name)


def _scalar(schema: dict[str, Any], name: str) -> Any:
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        return {}
    choices = schema.get("enum") or [schema.get("const", SAMPLES.get(name, schema.get("default")))]
    return SAMPLE_OF_TYPE[kind] if choices[0] in (None, "") else choices[0]
