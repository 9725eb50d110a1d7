"""What is known of a person besides a birthday's plain fields, and what of it is hidden from whom.

The one whose birthday it is (`linked_user_id`, Telegram's) never sees what others noted for
themselves about it; of a hidden age nobody else sees the year. `birthdays` asks here for each
row that it shows or changes.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from . import models
from .calendars import Access
from .dates import BirthDate, birth_date, exists
from .errors import FieldError, Forbidden, Invalid
from .fields import REFUSED, Input, Name
from .models import Birthday, Member, User
from .texts import N_

Label = Annotated[Name, StringConstraints(max_length=50)]
OwnLeads = Annotated[list[Annotated[int, Field(ge=0, le=60)]], Field(max_length=61)]
# What the others noted for themselves, as the one whose birthday it is sees it.
HIDDEN: dict[str, Any] = {
    "comment": "",
    "responsible": "",
    "labels": [],
    "lead_days": None,
    "muted": False,
    "skip_year": None,
}
COLUMNS = (
    Birthday.leap_day,
    Birthday.labels,
    Birthday.lead_days,
    Birthday.muted,
    Birthday.skip_year,
    Birthday.hide_age,
    Birthday.linked_user_id,
    Birthday.confirmed_at,
)
LISTS = ("labels", "lead_days")
NOT_YOURS = N_("What others noted about your own birthday is theirs: ask one of them to change it.")


class More(Input):
    """What else can be said of a person; old clients know none of it."""

    labels: Annotated[list[Label], Field(max_length=20)] = []
    leap_day: Literal["feb28", "mar1"] | None = None
    lead_days: OwnLeads | None = None
    muted: bool = False
    skip_year: Annotated[int, Field(ge=1, le=9999)] | None = None
    hide_age: bool = False
    linked_user_id: Annotated[int, Field(ge=1, le=models.LARGEST_ID)] | None = None


def is_self(access: Access, linked_user_id: int | None) -> bool:
    """Whether that birthday is the one of who is looking."""
    return linked_user_id is not None and linked_user_id == access.telegram_id


def seen_date(access: Access, born: BirthDate, hide_age: bool, linked: int | None) -> BirthDate:
    """The date of birth as this user may know it."""
    return born._replace(year=None) if hide_age and not is_self(access, linked) else born


def shown(values: tuple) -> dict[str, Any]:
    """The values of COLUMNS as they are answered."""
    row = dict(zip((column.name for column in COLUMNS), values, strict=True))
    row |= {name: json.loads(row[name]) for name in LISTS if row[name] is not None}
    row["confirmed"] = row.pop("confirmed_at") is not None
    return row | {"muted": bool(row["muted"]), "hide_age": bool(row["hide_age"])}


def hidden(access: Access, row: dict[str, Any]) -> dict[str, Any]:
    """The row without what its reader must not see."""
    return row | HIDDEN if is_self(access, row["linked_user_id"]) else row


def allowed(access: Access, row: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """What of `values` changes a row, as its writer sees it; raises Invalid, Forbidden.

    Who writes back what was hidden from them as they saw it changes nothing.
    """
    if is_self(access, row["linked_user_id"]):
        for name in (*HIDDEN, "linked_user_id"):
            if name in values and values.pop(name) != row[name]:
                raise Forbidden(NOT_YOURS)
    if values.get("linked_user_id", row["linked_user_id"]) != row["linked_user_id"]:
        require_member(access.calendar_id, values["linked_user_id"])
        values["confirmed_at"] = None
    if is_self(access, row["linked_user_id"]):
        return values
    if row["hide_age"]:
        _keep_year(row, values)
    if any(values.get(name, row[name]) != row[name] for name in ("full_name", "birth_date")):
        values["confirmed_at"] = None
    return values


def require_member(calendar_id: int, telegram_id: int | None) -> None:
    """Raises Invalid unless that user (None: nobody) shares the calendar."""
    if telegram_id is None:
        return
    query = Member.select().join(User).where(
        Member.calendar == calendar_id,
        User.telegram_id == telegram_id,
        User.deleting_since.is_null(),
    )  # fmt: skip
    if not query.exists():
        wrong = N_("must be a member of this calendar; send anybody else a link")
        raise Invalid(REFUSED, FieldError("linked_user_id", wrong))


def _keep_year(row: dict[str, Any], values: dict[str, Any]) -> None:
    """A date written back without the year that was hidden keeps it, where such a day exists."""
    if values.get("birth_date", row["birth_date"]) == row["birth_date"]:
        values.pop("birth_date", None)
        return
    given = birth_date(values["birth_date"])
    year = Birthday.select(Birthday.year).where(Birthday.id == row["id"]).scalar()
    if given.year is None and exists(year, given.month, given.day):
        values["birth_date"] = str(given._replace(year=year))


def stored(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of More as columns."""
    columns = dict(values)
    if "labels" in values:
        columns["labels"] = json.dumps(list(dict.fromkeys(values["labels"])), ensure_ascii=False)
    if values.get("lead_days") is not None:
        columns["lead_days"] = json.dumps(sorted(set(values["lead_days"])))
    return columns
