"""HTTP on one side, declared routes on the other: sign-in, validation, problem JSON.

`api` declares its routes with `route`; `openapi` describes them from the same declarations.
"""

import datetime as dt
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, current_app, g, request
from flask.json.provider import DefaultJSONProvider
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import HTTPException

from . import (
    auth,
    calendars,
    dates,
    idempotency,
    models,
    opening,
    quarantine,
    room,
    settings,
    texts,
)
from .calendars import Account
from .config import Config
from .errors import AppError, Changed, Invalid, Later, NoRoom, Unauthorized, Unavailable
from .fields import check
from .served import Served
from .texts import N_

log = logging.getLogger(__name__)

MAX_BODY = 256 * 1024
FLAGS = ("public", "idempotent", "conflicts", "limited", "own_key")
SAFE = ("GET", "HEAD", "OPTIONS")
# Asked again and again by programs; the journal is for people.
NOISE = ("/health", "/metrics")
NO_SIGN_IN = N_("Sign in first: send Telegram's initData as X-Init-Data, or a session as Bearer.")
NO_TOKEN = N_("Nobody can sign in yet: the server has no bot token.")
NOT_JSON = N_("The body is not valid JSON.")
BUSY = N_("The database cannot be used at the moment. Try again shortly.")
BROKEN = N_("Something went wrong on the server; it has been logged. Try again later.")
EXPLAINED = {
    400: N_("The request cannot be understood: check its form."),
    404: N_("There is nothing at this address."),
    405: N_("This address does not take this method; see the Allow header."),
    413: N_("The request is too large: at most 256 kB, and 8 MB for an import."),
    414: N_("The address is too long."),
    415: N_("Send JSON with the header Content-Type: application/json."),
    431: N_("The headers are too large."),
}


class Params(BaseModel):
    """Base of what comes in the address: text, read as numbers where numbers are declared."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class CalendarParams(Params):
    """The calendar to use."""

    calendar: int | None = Field(
        None, description="left out: the shared one if one is listed there, else one's own"
    )


class RowParams(CalendarParams):
    """One row, by its id."""

    row_id: int


@dataclass(frozen=True)
class Route:
    """One declared route: how it is called, who may, what it takes and gives."""

    method: str
    paths: tuple[str, ...]
    view: Callable[..., Any]
    params: type[Params]
    body: type[BaseModel] | None
    returns: Any
    status: int
    public: bool
    idempotent: bool
    conflicts: bool
    limited: bool
    own_key: bool
    largest: int

    @property
    def summary(self) -> str:
        """The first sentence of the view's docstring."""
        return (self.view.__doc__ or "").strip().partition("\n")[0]


@dataclass(frozen=True)
class Call:
    """One request as a view sees it: who, with what, when."""

    account: Account
    config: Config
    params: Any
    now: int

    @property
    def body(self) -> Any:
        """The JSON body, as it came; the domain validates it."""
        return json_body()

    def access(self) -> calendars.Access:
        """The calendar that was asked for, as this user may use it."""
        return calendars.enter(self.account.telegram_id, self.params.calendar)

    def ref(self) -> calendars.Ref:
        """The row that was asked for, in a version that If-Match accepts."""
        params = self.params
        return calendars.Ref(self.account.telegram_id, params.row_id, params.calendar, _accepts)

    def today(self, access: calendars.Access) -> dt.date:
        """The date where the user is."""
        return dates.local_date(self.now, access.timezone)

    def language(self) -> str:
        """The language to speak with the user."""
        return settings.language(self.account, self.config.default_language)


def _accepts(version: int) -> bool:
    """Whether the request's If-Match, if it has one, names this version."""
    return "If-Match" not in request.headers or request.if_match.contains(str(version))


class _Json(DefaultJSONProvider):
    ensure_ascii = False
    sort_keys = False
    compact = True

    def response(self, *args: Any, **kwargs: Any) -> Response:
        answer = super().response(*args, **kwargs)
        answer.set_data(answer.get_data().rstrip(b"\n"))
        return answer


def route(
    method: str,
    *paths: str,
    params: type[Params] = CalendarParams,
    body: type[BaseModel] | None = None,
    returns: Any = None,
    **more: Any,
) -> Callable[[Callable[..., Any]], Route]:
    """Declare a route.

    More: `status` (200), `public` (no sign-in), `idempotent` (takes an Idempotency-Key),
    `conflicts` (may answer 409), `limited` (has a daily quota),
    `own_key` (sees to the Idempotency-Key itself), `largest` (bytes of a body; MAX_BODY).
    """

    def declare(view: Callable[..., Any]) -> Route:
        settings = {"status": 200, "largest": MAX_BODY} | dict.fromkeys(FLAGS, False) | more
        return Route(method, paths, view, params, body, returns, **settings)

    return declare


def create(config: Config, routes: list[Route], clock: Callable[[], float] | None) -> Flask:
    """The Flask app that serves these routes; `clock` None: the machine's."""
    app = Flask(__name__, static_folder=None)
    app.json = _Json(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["calendar"] = config
    app.config["clock"] = clock or time.time
    app.url_map.strict_slashes = False
    for declared in routes:
        for path in declared.paths:
            app.add_url_rule(
                path,
                f"{declared.method} {path}",
                _endpoint(declared),
                methods=[declared.method],
            )
    app.register_error_handler(Exception, _failed)
    served = app.config["served"] = Served()
    app.before_request(_begin)
    app.after_request(lambda response: _note(served, response))
    return app


def _begin() -> None:
    g.began = time.monotonic()
    models.follow()


def _note(served: Served, response: Response) -> Response:
    """For the journal and for Prometheus; a route's pattern, as an address may be a secret."""
    end = time.monotonic()
    where = request.url_rule.rule if request.url_rule else None
    if counts := current_app.config.get("counts"):
        counts.count(where, request.method, response.status_code, end - g.began)
    if not request.path.startswith(NOISE):
        took = (end - g.began) * 1000
        what = where or "(no such route)"
        served.note(f"{request.method} {what} {response.status_code} {took:.0f} ms", end)
    return response


def now(app: Flask) -> int:
    """The app's time in seconds since 1970."""
    return int(app.config["clock"]())


def _endpoint(declared: Route) -> Callable[..., Response]:
    def serve(**path: Any) -> Response:
        config, at = current_app.config["calendar"], now(current_app)
        request.max_content_length = declared.largest
        account = Account(0)
        address = client_address()
        _limit(address, f"address {address}")
        if not declared.public:
            account = sign_in(config, at)
            _limit(address, f"user {account.telegram_id}")
            quarantine.arrive(account, config, at, writes=request.method not in SAFE)
        call = Call(account, config, check(declared.params, _arguments() | path), at)
        keyed = declared.idempotent and not declared.own_key
        if keyed and request.headers.get("Idempotency-Key"):
            return _once(declared, call)
        return _answer(declared, call)

    return serve


def _arguments() -> dict[str, str]:
    """What stands behind the question mark; raises AppError where that is no text."""
    try:
        return request.args.to_dict()
    except UnicodeDecodeError:
        raise AppError(EXPLAINED[400]) from None


def client_address() -> str:
    """The client's address; "" for who asks at the unix socket itself, without nginx."""
    # Only nginx, behind the unix socket, is believed what it says of others.
    return request.remote_addr or request.headers.get("X-Real-IP", "")


def _limit(address: str, name: str) -> None:
    """Count a request from elsewhere; this machine's own at the unix socket are not counted."""
    limits = current_app.config.get("limits")
    if address and limits:
        limits.spend(name)


def _answer(declared: Route, call: Call) -> Response:
    result = declared.view(call)
    if isinstance(result, Response):
        answer = result
    else:
        answer = current_app.json.response(result)
        answer.status_code = declared.status
    if request.method in SAFE and answer.status_code == 200:
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        answer.add_etag()
        answer.make_conditional(request)
        if answer.status_code == 412:
            raise Changed(calendars.CHANGED)
    return answer


def _once(declared: Route, call: Call) -> Response:
    """Answer a POST that has an Idempotency-Key: the same again for the same key."""

    def make() -> str:
        return _answer(declared, call).get_data(as_text=True)

    key = request.headers["Idempotency-Key"]
    name = f"{request.method} {request.full_path} {key}"
    text, _ = idempotency.once(call.account.telegram_id, name, request.get_data(), make, call.now)
    return Response(text, declared.status, mimetype="application/json")


def sign_in(config: Config, now: int) -> Account:
    """Who is asking, by X-Init-Data, `Authorization: tma …` or `Authorization: Bearer …`."""
    key = signing_key(config)
    init_data = request.headers.get("X-Init-Data")
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if init_data:
        return auth.verify(init_data, key, now)
    if scheme.lower() == "tma" and value:
        return auth.verify(value.strip(), key, now)
    if scheme.lower() == "bearer" and value:
        return auth.resume_session(value.strip(), key, now)
    raise Unauthorized(NO_SIGN_IN)


def signing_key(config: Config) -> bytes:
    """The key derived from the bot token; raises Unavailable where there is none."""
    if config.webapp_key is None:
        raise Unavailable(NO_TOKEN)
    return config.webapp_key


def json_body() -> Any:
    """The request's JSON; raises HTTPException 413, 415 or AppError 400."""
    data = request.get_data()
    # Of a body of untold length werkzeug gives what MAX_BODY admits; asked for more, it raises 413.
    request.stream.read(1)
    if request.mimetype != "application/json":
        raise HTTPException(response=problem(415, EXPLAINED[415]))
    try:
        return json.loads(data, parse_constant=_no_constant, parse_float=_number)
    except (ValueError, RecursionError):
        raise AppError(NOT_JSON) from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _number(text: str) -> int | float:
    """JSON has one kind of number: 2.0 is the whole number 2."""
    value = float(text)
    return int(value) if value.is_integer() else value


def problem(status: int, detail: str, **more: Any) -> Response:
    """An answer in application/problem+json (RFC 9457)."""
    title = more.pop("title", None) or Response(status=status).status.partition(" ")[2].capitalize()
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    answer = current_app.json.response(content)
    answer.status_code = status
    answer.mimetype = "application/problem+json"
    return answer


def _failed(error: Exception) -> Response:
    """The one place where failures become answers."""
    if isinstance(error, AppError):
        return _expected(error)
    if isinstance(error, HTTPException):
        return _http_failure(error)
    if models.is_full(error):
        return _expected(NoRoom(room.FULL, room.RETRY_SECONDS))
    if models.is_trouble(error):
        opening.tell_damage(current_app.config["calendar"], error, now(current_app))
        line = f"{request.method} {_where()}: {error}"
        current_app.config["served"].note(line, time.monotonic(), logging.ERROR)
        return _expected(Unavailable(BUSY, retry_after=5))
    log.error("%s %s failed", request.method, _where(), exc_info=error)
    return problem(500, BROKEN)


def _expected(error: AppError) -> Response:
    spoken = language()
    more: dict[str, Any] = {"title": error.title}
    if isinstance(error, Invalid):
        more["errors"] = [
            {"field": wrong.field, "message": texts.say(spoken, wrong.message, **wrong.params)}
            for wrong in error.errors
        ]
    answer = problem(error.status, texts.say(spoken, error.message, **error.params), **more)
    if isinstance(error, Later):
        answer.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="birthday calendar"'
    return answer


def _http_failure(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response
    status = error.code or 500
    answer = problem(status, texts.say(language(), EXPLAINED.get(status, EXPLAINED[400])))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Location"):
            answer.headers[name] = value
    if 300 <= status < 400:
        answer.status_code = status
    return answer


def _where() -> str:
    """The route that was asked for, not the address, which may be a secret."""
    return request.url_rule.rule if request.url_rule else "(no such route)"


def language() -> str:
    """The language in which this request is told what is wrong."""
    return request.accept_languages.best_match(texts.LANGUAGES) or "en"
