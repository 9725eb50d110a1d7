"""How often a user may do something costly in one day (UTC)."""

import datetime as dt

from . import models
from .errors import TooMany
from .models import Quota, User
from .texts import N_

DAY = 24 * 3600


def spend(telegram_id: int, kind: str, limit: int, now: int) -> int:
    """Count one use by a registered user; returns how many there were today.

    Raises TooMany, until midnight UTC, when they are used up.
    """
    today = dt.datetime.fromtimestamp(now, dt.UTC).date().isoformat()
    with models.writing(essential=True):
        user = User.select(User.id).where(User.telegram_id == telegram_id).scalar()
        mine = (Quota.user == user) & (Quota.kind == kind)
        Quota.insert(user=user, kind=kind, day=today, used=0).on_conflict_ignore().execute()
        Quota.update(day=today, used=0).where(mine, Quota.day != today).execute()
        if not Quota.update(used=Quota.used + 1).where(mine, Quota.used < limit).execute():
            message = N_("That is enough for today ({limit} a day): try again tomorrow.")
            raise TooMany(message, DAY - now % DAY, limit=limit)
        return Quota.select(Quota.used).where(mine).scalar()
