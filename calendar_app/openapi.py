"""openapi.json (OpenAPI 3.1), made from the declared routes; nothing in it is written twice."""

import re
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from .web import Route

PLACEHOLDER = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
REF = "#/components/schemas/{model}"
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
    paths: dict[str, Any] = {}
    for declared in routes:
        for path in declared.paths:
            operation = _operation(declared, path)
            paths.setdefault(PLACEHOLDER.sub(r"{\1}", path), {})[declared.method.lower()] = (
                operation
            )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Telegram Birthday Calendar API", "version": version},
        "paths": paths,
        "components": {"schemas": _schemas(routes), "securitySchemes": SCHEMES},
    }


def _schemas(routes: list[Route]) -> dict[str, Any]:
    models = {Problem: "serialization"}
    for declared in routes:
        if declared.body:
            models[declared.body] = "validation"
        models |= dict.fromkeys(_models_in(declared.returns), "serialization")
    _, document = models_json_schema(list(models.items()), ref_template=REF)
    return document["$defs"]


def _models_in(returns: Any) -> list[type[BaseModel]]:
    found = returns if isinstance(returns, type) else getattr(returns, "__args__", [None])[0]
    return [found] if isinstance(found, type) and issubclass(found, BaseModel) else []


def _operation(declared: Route, path: str) -> dict[str, Any]:
    name = re.sub(r"\W+", "_", PLACEHOLDER.sub(r"\1", path)).strip("_")
    operation = {
        "operationId": f"{declared.method.lower()}_{name}",
        "summary": declared.summary,
        "parameters": _parameters(declared, path),
        "responses": _responses(declared, path),
        "security": [] if declared.public else SIGN_IN,
    }
    if declared.body:
        schema = {"$ref": REF.format(model=declared.body.__name__)}
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(declared: Route, path: str) -> list[dict[str, Any]]:
    in_path = set(PLACEHOLDER.findall(path))
    schema = declared.params.model_json_schema()
    found = []
    for name, described in schema.get("properties", {}).items():
        plain = {key: value for key, value in described.items() if key != "default"}
        place = "path" if name in in_path else "query"
        found.append({"name": name, "in": place, "required": place == "path", "schema": plain})
    if declared.idempotent:
        found.append(_header("Idempotency-Key", "answers a repeated request again for 24 hours"))
    if declared.method in ("PUT", "PATCH", "DELETE"):
        found.append(_header("If-Match", "the ETag read before: 412 when it has changed since"))
    return found


def _header(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _responses(declared: Route, path: str) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if declared.returns is not None:
        schema = TypeAdapter(declared.returns).json_schema(ref_template=REF, mode="serialization")
        schema.pop("$defs", None)
        if _models_in(declared.returns) == [declared.returns]:
            schema = {"$ref": REF.format(model=declared.returns.__name__)}
        good["content"] = {"application/json": {"schema": schema}}
    statuses = [400, 404, 405, 422, 503]
    statuses += [] if declared.public and not declared.body else [401]
    statuses += [413, 415] if declared.body else []
    statuses += [403] if declared.method != "GET" and not declared.public else []
    statuses += [412] if declared.method in ("PUT", "PATCH", "DELETE") and "<" in path else []
    bad = {
        "description": "What is wrong and what to do.",
        "content": {"application/problem+json": {"schema": {"$ref": REF.format(model="Problem")}}},
    }
    return {str(declared.status): good} | {str(status): bad for status in sorted(statuses)}
