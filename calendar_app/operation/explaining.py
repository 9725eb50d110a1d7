"""The verb `why`: why a chat was, will be or was not reminded of somebody. Reads only."""

import argparse
import datetime as dt
import time
from typing import Any

from .. import dates, ledger, models, recipients, search
from ..config import Config
from ..dates import BirthDate
from ..errors import NotFound
from ..models import Birthday, Chat, ReminderRule
from ..reminders.almanac import Almanac
from .privileges import Refused

MOST = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's command line."""
    parser.add_argument("person", metavar="PERSON", help="a birthday's id, or a part of the name")
    parser.add_argument(
        "--chat",
        metavar="ID",
        type=int,
        required=True,
        help="whose reminder: the Telegram id of a person or a group",
    )
    parser.add_argument(
        "--date", metavar="DATE", type=dt.date.fromisoformat, help="left out: the next birthday"
    )


def run(args: argparse.Namespace, settings: Config) -> int:
    """Print what was promised that chat of that birthday, and what became of it."""
    models.connect(settings.database_url)
    # A group's id is below zero.
    known = models.known_id(abs(args.chat))
    chat = Chat.get_or_none(Chat.telegram_id == args.chat) if known else None
    if chat is None:
        raise NotFound(f"The bot knows no chat {args.chat}.")
    found = _found(args.person, chat)
    if len(found) > 1:
        raise Refused("Several are called so; give the id of one: " + _listed(found))
    person = Almanac().person(found[0].id)
    to = recipients.get(found[0].calendar_id, chat.id)
    now = int(time.time())
    born = BirthDate(person.year, person.month, person.day)
    today, rule = dates.local_date(now, to.zone), person.leap_day or to.leap_day
    on = args.date or dates.next_occurrence(born, today, rule)
    if not 2 <= on.year <= 9998:
        raise Refused("Give a date in the years 2 to 9998.")
    print(f"{person.full_name} ({person.id}), calendar {to.calendar_id}, {on}, chat {args.chat}:")
    for reason in ledger.reasons(person, to, on, "en", now):
        print(f"- {reason}")
    return 0


def _found(text: str, chat: Any) -> list[Birthday]:
    """Those of that id; else those of that name in the calendars that the chat is reminded of."""
    if text.isascii() and text.isdigit():
        known = models.known_id(int(text)) and Birthday.get_or_none(Birthday.id == int(text))
        found = [known] if known else []
    else:
        mine = ReminderRule.select(ReminderRule.calendar).where(ReminderRule.recipient == chat)
        query = Birthday.select().where(
            Birthday.calendar.in_(mine), *search.matches(Birthday, text)
        )
        found = list(query.order_by(Birthday.id).limit(MOST))
    if not found:
        raise NotFound(f"Nobody was found for {text!r} in the calendars of this chat.")
    return found


def _listed(found: list[Birthday]) -> str:
    return ", ".join(f"{row.id} ({row.full_name})" for row in found)
