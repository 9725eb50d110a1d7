"""Routes: responsible people, search, greetings and cards, and who may use them.

Each translates HTTP to a call of the domain, in a few lines.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field, StringConstraints

from . import (
    answers,
    birthdays,
    calendars,
    cards,
    dates,
    duties,
    greeting_jobs,
    greetings,
    quotas,
    texts,
)
from .calendars import Ref
from .cards import Card
from .duties import DutyInput, ResponsibleInput
from .errors import FieldError, Invalid, Unavailable
from .fields import REFUSED, Input, QrAddress, ShortText, check
from .greeting_jobs import Request
from .texts import N_
from .web import CalendarParams, Call, Params, RowParams, route

MOST_FOUND = 500
GREETINGS_A_DAY = 200
CARDS_A_DAY = 100
RESPONSIBLE = "/api/panel/responsible"
ONE_RESPONSIBLE = "/api/panel/responsible/<int:row_id>"


class SearchParams(CalendarParams):
    """What to look for: words or parts of words, in any order."""

    q: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="each word must be found; % and _ are ordinary characters"
    )


class GreetingInput(Input):
    """Whom to greet, and how; `tell_name`, `tell_age`: what a language model may be told."""

    birthday_id: int
    style: Literal["formal", "friendly", "humorous", "warm"] = "friendly"
    length: Literal["short", "medium", "long"] = "medium"
    theme: ShortText = ""
    tell_name: bool = True
    tell_age: bool = True


class JobParams(Params):
    """A job, by the code that it was given."""

    job: str


class CardInput(Input):
    """What a card says, and where its QR code leads."""

    birthday_id: int
    greeting_text: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    qr_url: QrAddress | None = None


@route("GET", RESPONSIBLE, returns=list[answers.ShortBirthday])
def list_responsible(call: Call) -> Any:
    """Everybody who can be in charge of a date, by name."""
    return duties.listed(call.access())


@route(
    "POST",
    RESPONSIBLE,
    body=ResponsibleInput,
    returns=answers.ShortBirthday,
    status=201,
    idempotent=True,
)
def create_responsible(call: Call) -> Any:
    """Add somebody who can be in charge of a date."""
    return duties.create(call.account.telegram_id, call.params.calendar, call.body)


@route(
    "PUT",
    ONE_RESPONSIBLE,
    params=RowParams,
    body=ResponsibleInput,
    returns=answers.ShortBirthday,
)
def replace_responsible(call: Call) -> Any:
    """Set all fields of a responsible person."""
    return duties.replace(call.ref(), call.body)


@route("DELETE", ONE_RESPONSIBLE, params=RowParams, returns=answers.Deleted)
def delete_responsible(call: Call) -> Any:
    """Remove a responsible person and their dates."""
    duties.delete(call.ref())
    return {"status": "deleted"}


@route("POST", "/api/panel/assign-responsible", body=DutyInput, returns=answers.Assigned)
def assign_responsible(call: Call) -> Any:
    """Put somebody in charge of a date, instead of who was."""
    duties.assign(call.account.telegram_id, call.params.calendar, call.body, call.now)
    return {"status": "assigned"}


@route("GET", "/api/panel/search", params=SearchParams, returns=list[answers.Found])
def search(call: Call) -> Any:
    """Birthdays and responsible people with each word in name, company or position."""
    # No text in a database has a NUL; PostgreSQL cannot even be asked for one.
    access, words = call.access(), call.params.q.replace("\0", " ")
    if not words.strip():
        raise Invalid(REFUSED, FieldError("q", N_("must not be blank")))
    rows = birthdays.find(access, words, MOST_FOUND)
    found = [{"type": "birthday"} | _short(row) for row in rows]
    return found + [{"type": "responsible"} | row for row in duties.find(access, words)]


@route(
    "POST",
    "/api/panel/generate-greeting",
    body=GreetingInput,
    returns=answers.Greeting,
    limited=True,
)
def generate_greeting(call: Call) -> Any:
    """A greeting in the user's language, another one each time; from a model too, as a job.

    The greeting is there at once, from templates.
    """
    given = check(GreetingInput, call.body)
    row = birthdays.get(Ref(call.account.telegram_id, given.birthday_id, call.params.calendar))
    choice = quotas.spend(call.account.telegram_id, "greetings", GREETINGS_A_DAY, call.now)
    access = calendars.enter(call.account.telegram_id, row["calendar_id"])
    born = dates.birth_date(row["birth_date"])
    on = dates.next_occurrence(born, call.today(access), row["leap_day"] or access.leap_day)
    wish = greetings.wish(row, on, given.style, given.length, given.theme)
    draft = greetings.compose(call.language(), wish, choice)
    if not call.config.greeting_api_url:
        return {"greeting": draft}
    wanted = Request(wish, call.language(), draft, given.tell_name, given.tell_age)
    return {"greeting": draft, "job": greeting_jobs.ask(call.account.telegram_id, wanted, call.now)}


@route("GET", "/api/panel/greetings/<job>", params=JobParams, returns=answers.GreetingJob)
def greeting_job(call: Call) -> Any:
    """A greeting that a language model was asked for; the template's while it is waiting."""
    return greeting_jobs.look(call.account.telegram_id, call.params.job, call.now)


@route("POST", "/api/panel/create-card", body=CardInput, returns=bytes, limited=True)
def create_card(call: Call) -> Any:
    """A card with name, day and greeting as a PNG; it never shows the comment."""
    given = check(CardInput, call.body)
    row = birthdays.get(Ref(call.account.telegram_id, given.birthday_id, call.params.calendar))
    quotas.spend(call.account.telegram_id, "cards", CARDS_A_DAY, call.now)
    born, language = dates.birth_date(row["birth_date"]), call.language()
    card = Card(
        row["full_name"],
        row["position"],
        row["company"],
        texts.day(language, born.month, born.day),
        given.greeting_text,
        given.qr_url,
        language,
    )
    with _one_card_at_a_time():
        return Response(cards.draw(card), mimetype="image/png")


@contextmanager
def _one_card_at_a_time() -> Iterator[None]:
    """Drawing is the one thing here that keeps a core busy: the others must not wait for it."""
    if not _drawing.acquire(timeout=5):
        raise Unavailable(N_("Many cards are being drawn right now. Try again in a moment."), 5)
    try:
        yield
    finally:
        _drawing.release()


_drawing = threading.Lock()


@route("GET", "/api/panel/check-access", returns=answers.AccessAnswer)
def check_access(call: Call) -> Any:
    """Whether this user may change the calendar."""
    return {"has_access": call.access().allows(calendars.EDITOR)}


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """A birthday as it is shown among others."""
    return {name: row[name] for name in answers.ShortBirthday.model_fields}
