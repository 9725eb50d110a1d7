"""Whose birthday it is: links by which people say so, and what they may do about such an entry.

Who is linked sees what others entered about them, outside of other people's own calendars, may
confirm, correct or withdraw it; not what the others noted for themselves. A row is loaded by
`_load` only.
"""

import hashlib
import secrets
from typing import Any

from . import birthdays, calendars, models
from .calendars import EDITOR, Ref
from .config import Config
from .dates import BirthDate
from .errors import Forbidden, NotFound
from .fields import Date, Input, Name, check, left_out
from .models import BotState, PersonLink, User
from .people import NOT_YOURS
from .texts import N_

DAY = 24 * 3600
LINK_DAYS = 7
NO_LINK = N_("This link is not valid any more: ask for a new one.")
NO_MENTION = N_("There is no such entry about you.")
ABOUT = f"""
    SELECT b.id, b.full_name, b.company, b.position, b.year, b.month, b.day, b.confirmed_at,
        c.id, c.kind, CASE WHEN m.id IS NULL OR {calendars.UNCHECKED} THEN '' ELSE c.title END
    FROM birthdays b JOIN calendars c ON c.id = b.calendar_id
    JOIN users u ON u.telegram_id = b.linked_user_id
    LEFT JOIN members m ON m.calendar_id = c.id AND m.user_id = u.id
    WHERE b.linked_user_id = ? AND c.kind <> 'personal' AND {calendars.OPEN}
"""
Row = dict[str, Any]


class MentionPatch(Input):
    """What the one whose birthday it is corrects."""

    full_name: Name = left_out("")
    birth_date: Date = left_out("")


def listed(telegram_id: int) -> list[Row]:
    """What others entered about this user; a calendar's title only for its members."""
    return [_row(values) for values in models.rows(f"{ABOUT} ORDER BY b.id", telegram_id)]


def confirm(telegram_id: int, birthday_id: int, now: int) -> Row:
    """Say that an entry is right; raises NotFound."""
    return _change(telegram_id, birthday_id, {}, now)


def correct(telegram_id: int, birthday_id: int, data: Any, now: int) -> Row:
    """Set one's own name or date in an entry; raises Invalid, NotFound."""
    values = check(MentionPatch, data).model_dump(exclude_unset=True)
    return _change(telegram_id, birthday_id, values, now)


def withdraw(telegram_id: int, birthday_id: int) -> None:
    """Delete what somebody entered about oneself; raises NotFound."""
    with models.writing():
        row = _load(telegram_id, birthday_id)
        birthdays.remove(row["calendar_id"], row["id"])


def _change(telegram_id: int, birthday_id: int, values: Row, now: int) -> Row:
    with models.writing():
        row = _load(telegram_id, birthday_id)
        birthdays.write(row, values | {"confirmed_at": now}, now)
        return _shown(_load(telegram_id, birthday_id))


def _load(telegram_id: int, birthday_id: int) -> Row:
    """The one way to an entry about oneself."""
    found = None
    if models.known_id(birthday_id):
        found = models.rows(f"{ABOUT} AND b.id = ?", telegram_id, birthday_id).fetchone()
    if found is None:
        raise NotFound(NO_MENTION)
    return _row(found) | {"calendar_id": found[8]}


def _row(values: tuple) -> Row:
    row_id, full_name, company, position, year, month, day, confirmed_at, _, kind, title = values
    return {
        "id": row_id,
        "full_name": full_name,
        "company": company,
        "position": position,
        "birth_date": str(BirthDate(year, month, day)),
        "confirmed": confirmed_at is not None,
        "calendar_kind": kind,
        "calendar_title": title,
    }


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "calendar_id"}


def username(telegram_id: int) -> str:
    """What somebody who is linked is called in Telegram, without the @; "" if unknown."""
    found = User.select(User.username).where(
        User.telegram_id == telegram_id, User.deleting_since.is_null()
    )
    return found.scalar() or ""


# --- links -------------------------------------------------------------------------------


def offer(ref: Ref, config: Config, now: int) -> Row:
    """Make a link for the one whose birthday it is, instead of an earlier one.

    Holds for a week and for one person. Raises NotFound, Forbidden, Changed.
    """
    code, expires_at = secrets.token_urlsafe(16), now + LINK_DAYS * DAY
    with models.writing():
        access = calendars.enter_for(models.Birthday, ref, EDITOR, birthdays.NOT_FOUND)
        if birthdays.get(ref)["linked_user_id"] == ref.telegram_id:
            raise Forbidden(NOT_YOURS)
        values = {
            "code_hash": _hash(code),
            "expires_at": expires_at,
            "created_by": access.user_id,
        }
        PersonLink.insert(birthday=ref.row_id, **values).on_conflict(
            conflict_target=[PersonLink.birthday], update=values
        ).execute()
    return {"url": _address(code, config), "code": code, "expires_at": expires_at}


def _address(code: str, config: Config) -> str:
    """Into the chat with the bot; into the Mini App where the bot never ran."""
    bot = BotState.select(BotState.username).scalar()
    if bot:
        return f"https://t.me/{bot}?start=me_{code}"
    return f"{config.telegram_webapp_url or '/'}?link={code}"


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def follow(telegram_id: int, code: str, now: int) -> int:
    """Say that the birthday behind a link is one's own, as a registered user; returns its id.

    Raises NotFound for a link that is unknown, used, over, or of somebody who may not give it
    any more; Conflict for who asked to be deleted.
    """
    with models.writing():
        calendars.active(telegram_id)
        link = PersonLink.get_or_none(PersonLink.code_hash == _hash(code[:100]))
        if link is None or link.expires_at <= now:
            raise NotFound(NO_LINK)
        giver = User.get_by_id(link.created_by_id)
        try:
            row = birthdays.get(Ref(giver.telegram_id, link.birthday_id))
            calendars.enter(giver.telegram_id, row["calendar_id"], EDITOR)
        except (NotFound, Forbidden):
            raise NotFound(NO_LINK) from None
        PersonLink.delete().where(PersonLink.id == link.id).execute()
        birthdays.write(row, {"linked_user_id": telegram_id, "confirmed_at": None}, now)
        return row["id"]
