"""Routes: the signed-in user's own reminders, and why each came or did not."""

import datetime as dt
from typing import Annotated, Any, Literal

from flask import current_app, request, url_for
from pydantic import BaseModel, Field

from . import ledger
from .calendars import Ref
from .fields import FullDate
from .ledger import Wanted
from .web import CalendarParams, Call, Params, route

State = Literal["planned", "sent", "late", "skipped", "failed"]


class Reminder(BaseModel):
    """A promise of the ledger. `due_at` and `sent_at`: seconds since 1970, in UTC."""

    id: int
    kind: Literal["day", "lead", "weekly", "monthly", "holiday", "responsible"]
    birthday_id: int | None
    full_name: str | None
    occurs_on: FullDate
    days_before: int
    due_at: int
    state: State
    reason: str
    sent_at: int | None


class Why(BaseModel):
    """Why one is, was or was not reminded of the birthday of that day."""

    birthday_id: int
    date: FullDate
    reasons: list[str]


class RemindersParams(Params):
    """Which reminders; without `limit` the newest 1000. `after` comes with the Link header."""

    calendar: int | None = Field(None, description="left out: those of all calendars")
    state: State | None = Field(None, description="left out: all")
    birthday_id: Annotated[int | None, Field(ge=1)] = Field(
        None, description="those about one person"
    )
    limit: Annotated[int | None, Field(ge=1, le=1000)] = Field(None, description="at most so many")
    after: Annotated[str | None, Field(max_length=64)] = Field(
        None, description="where the page begins: taken from the Link header, never made"
    )


class WhyParams(CalendarParams):
    """A birthday, and the day on which it is kept."""

    birthday_id: int
    date: FullDate | None = Field(None, description="YYYY-MM-DD; left out: the next one")


@route("GET", "/api/reminders", params=RemindersParams, returns=list[Reminder])
def list_reminders(call: Call) -> Any:
    """The user's own reminders, the newest first."""
    params = call.params
    wanted = Wanted(params.state, params.birthday_id, params.calendar, params.limit, params.after)
    page = ledger.listed(call.account, wanted, call.language())
    answer = current_app.json.response(page.rows)
    if page.next:
        address = url_for(request.endpoint, **request.args.to_dict() | {"after": page.next})
        answer.headers["Link"] = f'<{address}>; rel="next"'
    return answer


@route("GET", "/api/reminders/why", params=WhyParams, returns=Why)
def why(call: Call) -> Any:
    """Why the user was, will be or was not reminded of somebody."""
    params = call.params
    on = params.date and dt.date.fromisoformat(params.date)
    ref = Ref(call.account.telegram_id, params.birthday_id, params.calendar)
    return ledger.why(ref, on, call.language(), call.now)
