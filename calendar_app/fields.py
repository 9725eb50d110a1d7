"""What input may look like: the declared types of fields, and what is said when they are wrong.

One pydantic model per kind of input validates it, for the API and the bot alike, and describes
it in openapi.json. `check` is the only way in.
"""

import re
import unicodedata
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from . import dates
from .errors import FieldError, Invalid
from .texts import N_

Model = TypeVar("Model", bound=BaseModel)

MESSAGES = {
    "missing": N_("is missing: it must be given"),
    "string_type": N_("must be text"),
    "string_too_short": N_("must not be empty"),
    "string_too_long": N_("must be at most {max_length} characters long"),
    "string_unicode": N_("contains characters that are not valid Unicode"),
    "int_type": N_("must be a whole number"),
    "int_parsing": N_("must be a whole number"),
    "int_parsing_size": N_("is too large a number"),
    "greater_than_equal": N_("must be {ge} or more"),
    "less_than_equal": N_("must be {le} or less"),
    "bool_type": N_("must be true or false"),
    "literal_error": N_("must be one of: {expected}"),
    "model_type": N_("must be a JSON object"),
    "model_attributes_type": N_("must be a JSON object"),
    "control": N_("contains control characters: leave them out"),
    "blank": N_("must not be blank"),
    "date_form": N_("must be a date written YYYY-MM-DD, or --MM-DD without the year"),
    "date_missing": N_("is not a day that exists"),
    "year_missing": N_("must have a year: YYYY-MM-DD"),
    "time_form": N_("must be a time of the day written HH:MM"),
    "zone_unknown": N_("must be a time zone such as Europe/Berlin"),
    "address_form": N_("must be an address that starts with https://, http:// or tg://"),
    "list_type": N_("must be a list"),
    "too_long": N_("has too many entries: at most {max_length}"),
}
# Letters and symbols that show nothing: Hangul fillers and the empty Braille cell.
FILLERS = "\u115f\u1160\u2800\u3164\uffa0"
REFUSED = N_("Some fields cannot be taken as they are; see errors.")
OTHERWISE = N_("cannot be taken as it is")


class Input(BaseModel):
    """Base of all input: strict types, unknown fields ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


def left_out(value: Any) -> Any:
    """A field of a patch: it may be left out, and then means nothing, not even `value`."""
    return Field(value, json_schema_extra=lambda schema: schema.pop("default"))


def check(model: type[Model], data: Any) -> Model:
    """The data as that model; raises Invalid with all wrong fields at once."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise Invalid(
            REFUSED,
            *(_field_error(found) for found in error.errors(include_url=False)),
        ) from None


def _field_error(found: ErrorDetails) -> FieldError:
    name = ".".join(str(part) for part in found["loc"]) or "body"
    message = MESSAGES.get(found["type"], OTHERWISE)
    return FieldError(name, message, dict(found.get("ctx", {})))


def _printable(text: str, allowed: str = "") -> str:
    """Text without control characters and line breaks, U+2028 and U+2029 among them."""
    controls = ("Cc", "Zl", "Zp")
    if any(unicodedata.category(char) in controls and char not in allowed for char in text):
        raise PydanticCustomError("control", "control characters")
    return text


def _one_line(text: str) -> str:
    return _printable(text.strip())


def _lines(text: str) -> str:
    return _printable(re.sub("\r\n|[\u2028\u2029]", "\n", text).strip(), allowed="\n\t")


def _not_blank(text: str) -> str:
    # Spaces, but also what only looks like nothing: zero-width and other format characters.
    nothing = ("Cf", "Mn", "Zs")
    if all(char in FILLERS or unicodedata.category(char) in nothing for char in text.strip()):
        raise PydanticCustomError("blank", "blank")
    return text


def _empty_for_null(value: Any) -> Any:
    return "" if value is None else value


def _real_date(text: str) -> str:
    try:
        return str(dates.birth_date(text))
    except ValueError as error:
        kind = "date_missing" if "no such day" in str(error) else "date_form"
        raise PydanticCustomError(kind, "not a date") from None


def _with_year(text: str) -> str:
    if text.startswith("-"):
        raise PydanticCustomError("year_missing", "no year")
    return text


def _time(text: str) -> str:
    try:
        minute = dates.minute_of_day(text)
    except ValueError:
        raise PydanticCustomError("time_form", "not a time") from None
    return f"{minute // 60:02}:{minute % 60:02}"


def _zone(text: str) -> str:
    if text not in dates.zone_names():
        raise PydanticCustomError("zone_unknown", "not a zone")
    return text


def _optional(limit: int, clean: Any) -> Any:
    """Text that may be left out, null or empty, which all mean the same."""
    return Annotated[
        str,
        StringConstraints(max_length=limit),
        AfterValidator(clean),
        BeforeValidator(_empty_for_null),
        WithJsonSchema({"type": ["string", "null"], "maxLength": limit, "default": ""}),
    ]


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(_one_line),
    AfterValidator(_not_blank),
]
ShortText = _optional(200, _one_line)
Responsible = _optional(255, _one_line)
Comment = _optional(1000, _lines)
# YYYY-MM-DD, or --MM-DD where the year is unknown (RFC 6350, 4.3.1).
Date = Annotated[
    str,
    StringConstraints(max_length=10),
    AfterValidator(_real_date),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^([0-9]{4}|-)-[0-9]{2}-[0-9]{2}$",
            "examples": ["1815-12-10", "--12-10"],
        }
    ),
]
FullDate = Annotated[
    Date, AfterValidator(_with_year), WithJsonSchema({"type": "string", "format": "date"})
]
TimeOfDay = Annotated[
    str,
    StringConstraints(max_length=5),
    AfterValidator(_time),
    WithJsonSchema({"type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$"}),
]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = None
    if not parts or parts.scheme not in ("http", "https", "tg") or not (parts.netloc or parts.path):
        raise PydanticCustomError("address_form", "not an address")
    return text


# It is drawn as a QR code and never fetched.
QrAddress = Annotated[
    str, StringConstraints(max_length=512), AfterValidator(_one_line), AfterValidator(_address)
]
