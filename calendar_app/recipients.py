"""Who is reminded of a calendar: a chat, with the time, zone and quiet hours that hold for it.

A member's own value wins; where there is none the calendar's holds, as it does for a group's chat.
What is for a day goes out at the recipient's time; where that lies in their quiet hours, at the
end of those.
"""

import datetime as dt
import json
from typing import NamedTuple

from . import dates, models, texts
from .texts import N_

# Whether the chat that a calendar c belongs to, a group's or its owner's, is closed to us, or its
# owner asked to be deleted.
CLOSED = """
    (EXISTS (SELECT 1 FROM chats q WHERE NOT q.reachable AND q.reason <> '' AND q.id = c.chat_id)
    OR EXISTS (SELECT 1 FROM users o JOIN chats q ON q.id = o.chat_id WHERE o.id = c.user_id
        AND (o.deleting_since IS NOT NULL OR NOT q.reachable AND q.reason <> '')))
"""
GONE = N_("the calendar is hidden: its group or its owner is gone")
# Of calendars c and members m, who may have declined what the calendar sets.
QUIET = """
    CASE WHEN m.quiet_from IS NULL AND m.quiet_to IS NULL AND NOT COALESCE(m.no_quiet, FALSE)
        THEN c.{name} ELSE m.{name} END
"""
# The same with chats h and users u; a member of a group is asked about there (g) before each
# private message.
FIELDS = f"""
    c.id, h.id, h.telegram_id, h.kind, h.reachable AND c.archived_at IS NULL AND NOT {CLOSED},
    CASE WHEN c.archived_at IS NOT NULL THEN 'the calendar was put away'
        WHEN h.reachable AND {CLOSED} THEN '{GONE}' ELSE h.reason END,
    COALESCE(m.timezone, c.timezone), COALESCE(m.notification_minute, c.notification_minute),
    COALESCE(m.leap_day, c.leap_day),
    {QUIET.format(name="quiet_from")}, {QUIET.format(name="quiet_to")},
    COALESCE(CASE WHEN u.id IS NULL THEN c.language ELSE u.language END, ''),
    COALESCE(u.language_code, ''),
    CASE WHEN h.kind = 'private' THEN g.telegram_id END
"""
# What of a calendar c and a chat h the FIELDS are made of.
JOINS = """
    LEFT JOIN users u ON u.chat_id = h.id
    LEFT JOIN members m ON m.user_id = u.id AND m.calendar_id = c.id
    LEFT JOIN chats g ON g.id = c.chat_id
"""
ONE = f"SELECT {FIELDS} FROM calendars c JOIN chats h ON h.id = ? {JOINS} WHERE c.id = ?"
WISHES = """
    SELECT m.lead_days, c.lead_days,
        COALESCE(m.weekly_digest, CASE WHEN m.no_weekly THEN NULL ELSE c.weekly_digest END),
        m.monthly_digest OR c.monthly_digest AND NOT m.no_monthly
    FROM members m JOIN users u ON u.id = m.user_id JOIN calendars c ON c.id = m.calendar_id
    WHERE m.calendar_id = ? AND u.chat_id = ?
"""


class Recipient(NamedTuple):
    """A chat that is reminded of a calendar, with what holds for it there.

    `chat_id` is ours, `telegram_id` Telegram's. `minute`: since midnight, in `zone`. `group_id`:
    the group (Telegram's id) that a person must be in to be reminded of its calendar.
    """

    calendar_id: int
    chat_id: int
    telegram_id: int
    kind: str
    reachable: bool
    reason: str
    zone: str
    minute: int
    leap_day: str
    quiet_from: int | None
    quiet_to: int | None
    chosen_language: str
    language_code: str
    group_id: int | None

    def language(self, default: str) -> str:
        """The language to speak there: the chosen one, else Telegram's, else `default`."""
        return self.chosen_language or texts.language_of(self.language_code, default)

    def due_at(self, day: dt.date) -> int:
        """When what is for that day goes out."""
        return self.awake(dates.instant(day, self.minute, self.zone))

    def awake(self, at: int) -> int:
        """That instant, or the end of the quiet hours in which it lies."""
        if self.quiet_from is None or self.quiet_to is None:
            return at
        local = dt.datetime.fromtimestamp(at, dates.zone(self.zone))
        minute = local.hour * 60 + local.minute
        over_midnight = self.quiet_from > self.quiet_to
        after_start, before_end = minute >= self.quiet_from, minute < self.quiet_to
        if not (after_start or before_end if over_midnight else after_start and before_end):
            return at
        end = local.date() + dt.timedelta(days=over_midnight and after_start)
        over = dates.instant(end, self.quiet_to, self.zone)
        return over if over > at else dates.instant_again(end, self.quiet_to, self.zone)


class Wishes(NamedTuple):
    """What a member wants to be told of a calendar, in private.

    `leads` counts whole days before a birthday, 0 the day; `weekday` is the weekly digest's, 0 on
    Monday, None for no digest.
    """

    leads: set[int]
    weekday: int | None
    monthly: bool


def get(calendar_id: int, chat_id: int) -> Recipient:
    """What holds for that chat (our id) in that calendar."""
    return Recipient(*models.rows(ONE, chat_id, calendar_id).fetchone())


def wishes(to: Recipient) -> Wishes:
    """What a member wants: their own wishes, else the calendar's."""
    own, common, weekday, monthly = models.rows(WISHES, to.calendar_id, to.chat_id).fetchone()
    # Of a group's birthdays the group itself is told; in private only who chose to be.
    leads = "[]" if own is None and to.group_id is not None else own or common
    return Wishes(set(json.loads(leads)), weekday, bool(monthly))
