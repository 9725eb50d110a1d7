"""A POST that is repeated with the same Idempotency-Key is answered again, not done again."""

import hashlib
from collections.abc import Callable

from . import models
from .errors import FieldError, Invalid
from .models import IdempotencyKey, User
from .texts import N_

KEPT_SECONDS = 24 * 3600
REUSED = N_("This Idempotency-Key was used with another body: take a new one for a new request.")


def once(
    telegram_id: int, request: str, body: bytes, make: Callable[[], str], now: int
) -> tuple[str, bool]:
    """The answer to this request of a registered user, and whether it was made just now.

    `request` is method, path and key; it holds for 24 hours. Raises Invalid when the same key
    comes with another body.
    """
    digest = hashlib.sha256(body).hexdigest()
    # Of any length; what an index may hold is bounded.
    request = hashlib.sha256(request.encode("utf-8", "surrogatepass")).hexdigest()
    key = IdempotencyKey
    with models.writing(essential=True):
        key.delete().where(key.created_at <= now - KEPT_SECONDS).execute()
        user = User.select(User.id).where(User.telegram_id == telegram_id).scalar()
        mine = (key.user == user) & (key.request == request)
        added = key.insert(
            user=user, request=request, body_hash=digest, answer="", created_at=now
        ).on_conflict_ignore()
        # Where two come at once, the second waits here until the first has its answer.
        if added.as_rowcount().execute():
            answer = make()
            key.update(answer=answer).where(mine).execute()
            return answer, True
        found = key.get(mine)
    if found.body_hash != digest:
        raise Invalid(REUSED, FieldError("Idempotency-Key", REUSED))
    return found.answer, False
