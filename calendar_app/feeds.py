"""A calendar as a feed for calendar programs: one secret address per member and calendar.

The secret is derived, never stored: from the initData key, user, calendar and a number that grows
when the feed is renewed. Whether its owner may still see the calendar is asked at every fetch.
"""

import datetime as dt
import hmac
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from . import birthdays, calendars, config, holidays, membership, models
from .calendars import Access
from .config import Config
from .errors import Conflict, NotFound
from .exchange import icalendars
from .models import Feed, User
from .texts import N_

SECRET = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16})-[0-9a-f]{40}", re.ASCII)
NO_FEED = N_("There is no such feed: look for its address in the calendar's settings.")
# How often a program looks, unless it knows better.
REFRESH = "PT6H"
# Only the order of what is shown depends on it, and that must not change from day to day.
ANY_DAY = dt.date(2000, 1, 1)


def address(access: Access, key: bytes, settings: Config, asked: str) -> str | None:
    """The feed's address for this user; None where it was revoked, or nobody is known yet.

    `asked` is the address that the client asked at, for want of a configured one.
    """
    if not access.user_id or not access.calendar_id:
        return None
    generation = _generation(access.user_id, access.calendar_id)
    if not generation:
        return None
    app = urlsplit(settings.telegram_webapp_url or asked)
    name = _secret(key, access.user_id, access.calendar_id, generation)
    return f"{app.scheme}://{app.netloc}/feed/{name}.ics"


def renew(access: Access) -> None:
    """Give the feed another secret; the old address ends at once. Raises Conflict as `revoke`."""
    _next(access, revoked=False)


def revoke(access: Access) -> None:
    """End the feed, until it is renewed; raises Conflict for who asked to be deleted."""
    _next(access, revoked=True)


def _next(access: Access, revoked: bool) -> None:
    if not access.user_id:
        raise Conflict(calendars.DELETING)
    with models.writing():
        Feed.insert(
            user=access.user_id, calendar=access.calendar_id, generation=2, revoked=revoked
        ).on_conflict(
            conflict_target=[Feed.user, Feed.calendar],
            update={Feed.generation: Feed.generation + 1, Feed.revoked: revoked},
        ).execute()


def _generation(user_id: int, calendar_id: int) -> int:
    """The number of the secret that holds; 1 where none was renewed, 0 where it was revoked."""
    found = Feed.get_or_none(Feed.user == user_id, Feed.calendar == calendar_id)
    return 1 if found is None else 0 if found.revoked else found.generation


def _secret(key: bytes, user_id: int, calendar_id: int, generation: int) -> str:
    purpose = f"feed {generation} of user {user_id} and calendar {calendar_id}"
    return f"{user_id:x}-{calendar_id:x}-{config.derived(key, purpose).hex()[:40]}"


def content(shown: str, key: bytes, now: int) -> bytes:
    """The feed of that secret; raises NotFound for any other, and where its owner is no member."""
    access = _enter(shown, key, now)
    return "".join(_events(access, config.derived(key, "feeds").hex()[:12])).encode()


def _enter(shown: str, key: bytes, now: int) -> Access:
    named = SECRET.fullmatch(shown)
    user_id, calendar_id = (int(named[1], 16), int(named[2], 16)) if named else (0, 0)
    if not models.known_id(user_id) or not models.known_id(calendar_id):
        raise NotFound(NO_FEED)
    generation = _generation(user_id, calendar_id)
    expected = _secret(key, user_id, calendar_id, generation)
    if not hmac.compare_digest(shown, expected) or not generation:
        raise NotFound(NO_FEED)
    telegram_id = User.select(User.telegram_id).where(User.id == user_id).scalar()
    membership.lapse(telegram_id or 0, now)
    try:
        return calendars.enter(telegram_id or 0, calendar_id)
    except (NotFound, Conflict):
        raise NotFound(NO_FEED) from None


def _events(access: Access, place: str) -> Iterator[str]:
    """Birthdays and holidays as the user keeps them, without comments."""
    head = [f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}", f"X-PUBLISHED-TTL:{REFRESH}"]
    people = sorted(birthdays.upcoming(access, ANY_DAY).rows, key=lambda row: row["id"])
    days = holidays.listed(access, ANY_DAY)
    events = [
        *(
            icalendars.person(row, access.leap_day, f"birthday-{row['id']}@{place}", _about(row))
            for row in people
        ),
        *(
            icalendars.event(
                row["name"],
                dt.date(icalendars.SOME_YEAR, row["month"], row["day"]),
                f"holiday-{row['id']}@{place}",
                icalendars.YEARLY,
                [icalendars.A_HOLIDAY],
            )
            for row in days
        ),
    ]
    return icalendars.calendar(access.title, events, head)


def _about(row: dict[str, str]) -> list[str]:
    work = ", ".join(filter(None, (row["position"], row["company"])))
    return [f"DESCRIPTION:{icalendars.escaped(work)}"] if work else []
