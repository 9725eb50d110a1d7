"""What can go wrong in a way that a person can act on.

The domain raises these; `web` turns them into problem JSON and the bot into a sentence.
Anything else that is raised is a bug and shows as one. A message is an English sentence that
`texts` translates, with `{named}` parameters that are filled in after the translation.
"""

from dataclasses import dataclass, field
from typing import Any


class AppError(Exception):
    """An expected failure: `status` is its HTTP status, `title` its name in a few words."""

    status = 400
    title = "Bad request"

    def __init__(self, message: str, /, **params: Any) -> None:
        super().__init__(message)
        self.message = message
        self.params = params


@dataclass(frozen=True)
class FieldError:
    """One field of the input that cannot be taken, and what to write instead."""

    field: str
    message: str
    params: dict[str, Any] = field(default_factory=dict)


class Invalid(AppError):
    """The input is well-formed but cannot be taken; `errors` names every wrong field."""

    status = 422
    title = "Invalid input"

    def __init__(self, message: str, /, *errors: FieldError, **params: Any) -> None:
        super().__init__(message, **params)
        self.errors = errors


class Unauthorized(AppError):
    """Nobody is signed in, or what was shown for it is not accepted."""

    status = 401
    title = "Sign-in needed"


class Forbidden(AppError):
    """Signed in, a member, but the role does not allow it."""

    status = 403
    title = "Not allowed"


class NotFound(AppError):
    """There is no such thing, or it is not for this user to know of."""

    status = 404
    title = "Not found"


class Conflict(AppError):
    """It would leave things in a state that must not be, such as a calendar without owner."""

    status = 409
    title = "Conflict"


class Changed(AppError):
    """The thing was changed by somebody else since it was read."""

    status = 412
    title = "Changed meanwhile"


class Later(AppError):
    """Base of what cannot be done now but can later: `retry_after` seconds from now."""

    def __init__(self, message: str, /, retry_after: int = 30, **params: Any) -> None:
        super().__init__(message, **params)
        self.retry_after = retry_after


class TooMany(Later):
    """This user or this address asks for more than its share."""

    status = 429
    title = "Too many requests"


class Unavailable(Later):
    """Something that is needed for it is missing at the moment."""

    status = 503
    title = "Not available now"


class NoRoom(Later):
    """The disk is too full for a write; what is there can be read (RFC 4918, 11.5)."""

    status = 507
    title = "No room on the disk"
