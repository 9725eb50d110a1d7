"""The world as it is: chats, calendars and people; each act is done to the product and noted.

Acts go through the functions that the API calls, as somebody who has the right to; what then holds
is kept here too, in the words of `facts`, and written to the log for the judge.
"""

import datetime as dt
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from calendar_app import birthdays, calendars, duties, holidays, reminders, sharing
from calendar_app import settings as preferences
from calendar_app.calendars import Access, Account, Group, Ref
from calendar_app.config import Config
from calendar_app.errors import Conflict, NotFound
from calendar_app.models import Promise

from . import bodies
from .facts import (
    Assigned,
    BroughtBack,
    Entry,
    Feast,
    Forgot,
    Joined,
    Left,
    Person,
    Pressed,
    PutAway,
    Returned,
    Told,
    Wished,
    Wishes,
)
from .telegram import Came, Telegram

Wish = dict[str, Any]


@dataclass
class Home:
    """A calendar; `common`: what it sets for all; `hosts`: who can be responsible, by number."""

    number: int
    kind: str
    common: Wishes
    owner: int
    editors: list[int] = field(default_factory=list)
    group: int | None = None
    is_away: bool = False
    people: dict[int, Person] = field(default_factory=dict)
    holidays: dict[int, tuple[str, tuple[int, int]]] = field(default_factory=dict)
    hosts: dict[int, str] = field(default_factory=dict)


@dataclass
class Reader:
    """A chat that is reminded of a calendar; `own`: what it has set for itself there."""

    number: int
    chat: int
    user: int | None
    home: Home
    own: Wish = field(default_factory=dict)
    is_in: bool = True

    @property
    def wishes(self) -> Wishes:
        """What holds for it: its own, else the calendar's."""
        return replace(self.home.common, **self.own)


class World:
    """All of it; `now` is the time of the next act."""

    def __init__(self, config: Config, telegram: Telegram, now: int) -> None:
        self.config, self.telegram, self.now = config, telegram, now
        self.log: list[Entry] = []
        self.homes: list[Home] = []
        self.readers: list[Reader] = []
        # Our ids of people, holidays and responsible people by their numbers.
        self.ids: dict[tuple[str, int], int] = {}
        self.numbers = 0

    def note(self, kind: type[Entry], *values: Any) -> None:
        """Write something that happens now to the log."""
        self.log.append(kind(self.now, *values))

    def number(self) -> int:
        """A new one."""
        self.numbers += 1
        return self.numbers

    # --- chats and calendars -------------------------------------------------------------

    def arrive(self, user: int) -> Reader:
        """Somebody writes to the bot for the first time, and has a calendar by that."""
        self.telegram.add(user)
        calendars.register(account(user), self.config, self.now)
        return self._read(self._home(calendars.enter(user), user), user)

    def found(self, user: int, title: str) -> Reader:
        """A calendar to be shared is made by somebody who is there already."""
        row = sharing.create(user, {"title": title}, self.config, self.now)
        return self._read(self._home(calendars.enter(user, row["id"]), user), user)

    def gather(self, user: int, chat: int) -> Reader:
        """The bot is taken into a group."""
        self.telegram.add(chat)
        access = self._enter_group(user, chat)
        return self._read(self._home(access, user, chat), chat)

    def _enter_group(self, user: int, chat: int) -> Access:
        group = Group(self.telegram.current(chat), "Group")
        return calendars.enter_group(user, group, "owner", self.config, self.now)

    def _home(self, access: Access, user: int, group: int | None = None) -> Home:
        common = Wishes(access.timezone, access.notification_minute)
        home = Home(access.calendar_id, access.kind, common, user, [user], group)
        self.homes.append(home)
        return home

    def _read(self, home: Home, chat: int) -> Reader:
        user = chat if chat > 0 else None
        reader = Reader(self.number(), chat, user, home)
        self.readers.append(reader)
        self.note(Joined, reader.number, chat, home.number, user, reader.wishes)
        return reader

    def join(self, home: Home, user: int, role: str) -> Reader:
        """Somebody follows an invitation; who was a member once has the old number again."""
        code = sharing.invite(home.owner, home.number, {"role": role}, self.config, self.now)
        sharing.accept(user, code["code"], self.now)
        if role == "editor":
            home.editors.append(user)
        for reader in self.readers:
            if (reader.home, reader.user) == (home, user):
                reader.own, reader.is_in = {}, True
                self.note(Joined, reader.number, user, home.number, user, reader.wishes)
                return reader
        return self._read(home, user)

    def leave(self, reader: Reader) -> None:
        """A member leaves a shared calendar."""
        sharing.remove(reader.user, reader.home.number, reader.user)
        reader.is_in = False
        if reader.user in reader.home.editors:
            reader.home.editors.remove(reader.user)
        self.note(Left, reader.number)

    def put_away(self, home: Home) -> None:
        """The owner deletes a shared calendar."""
        sharing.delete(home.owner, home.number, self.now)
        home.is_away = True
        self.note(PutAway, home.number)

    def bring_back(self, home: Home) -> None:
        """The owner wants it back."""
        sharing.restore(home.owner, home.number, self.now)
        home.is_away = False
        self.note(BroughtBack, home.number)

    def come_back(self, chat: int) -> None:
        """Who had closed the chat writes to the bot again; a group takes the bot in again."""
        self.telegram.blocked.discard(chat)
        if chat > 0:
            calendars.register(account(chat), self.config, self.now)
        else:
            self._enter_group(next(h.owner for h in self.homes if h.group == chat), chat)
        self.note(Returned, chat)

    # --- wishes --------------------------------------------------------------------------

    def wish(self, reader: Reader, **wished: Any) -> None:
        """A member sets something for themselves; for a group's chat somebody sets the group's."""
        if reader.user is None:
            return self.rule(reader.home, **wished)
        access = calendars.enter(reader.user, reader.home.number)
        preferences.change(access, bodies.as_settings(wished), self.now)
        reader.own |= wished
        return self.note(Wished, reader.number, reader.wishes)

    def rule(self, home: Home, **wished: Any) -> None:
        """A calendar's owner sets what holds for all who have set nothing else."""
        access = calendars.enter(home.owner, home.number)
        preferences.change_calendar(access, bodies.as_settings(wished), self.now)
        home.common = replace(home.common, **wished)
        for reader in self.readers:
            if reader.home is home and reader.is_in:
                self.note(Wished, reader.number, reader.wishes)

    # --- people --------------------------------------------------------------------------

    def tell(self, home: Home, editor: int, person: Person) -> None:
        """Somebody adds a person."""
        row = birthdays.create(editor, home.number, bodies.as_birthday(asdict(person)), self.now)
        self.ids["birthday", person.number] = row["id"]
        home.people[person.number] = person
        self.note(Told, home.number, person, None)

    def change(self, home: Home, editor: int, person: Person, **values: Any) -> None:
        """Somebody changes some of what is known of a person."""
        changed = replace(person, **values)
        if {"year", "month", "day"} & set(values):
            values |= {"year": changed.year, "month": changed.month, "day": changed.day}
        ref = Ref(editor, self.ids["birthday", person.number])
        birthdays.amend(ref, bodies.as_birthday(values), self.now)
        home.people[person.number] = changed
        self.note(Told, home.number, changed, person)

    def forget(self, home: Home, editor: int, person: Person) -> None:
        """Somebody deletes a person."""
        birthdays.delete(Ref(editor, self.ids["birthday", person.number]))
        del home.people[person.number]
        self.note(Forgot, home.number, person.number)

    # --- other feasts --------------------------------------------------------------------

    def celebrate(self, home: Home, editor: int, day: tuple[int, int], number: int = 0) -> None:
        """Somebody adds a holiday, or moves the one of that number."""
        body = {"month": day[0], "day": day[1]}
        if number:
            holidays.amend(Ref(editor, self.ids["holiday", number]), body, self.now)
            name = home.holidays[number][0]
        else:
            number = self.number()
            name = f"Feast & <fun> {number}"
            row = holidays.create(editor, home.number, {"name": name, **body}, self.now)
            self.ids["holiday", number] = row["id"]
        home.holidays[number] = (name, day)
        self.note(Feast, home.number, number, name, day)

    def cancel(self, home: Home, editor: int, number: int) -> None:
        """Somebody deletes a holiday."""
        holidays.delete(Ref(editor, self.ids["holiday", number]), self.now)
        self.note(Feast, home.number, number, home.holidays.pop(number)[0], None)

    def hire(self, home: Home, editor: int) -> None:
        """There is one more who can be responsible."""
        number = self.number()
        name = f"Host {number}"
        row = duties.create(editor, home.number, {"full_name": name})
        self.ids["responsible", number] = row["id"]
        home.hosts[number] = name

    def assign(self, home: Home, editor: int, day: dt.date, number: int) -> None:
        """Somebody puts somebody in charge of a day."""
        body = {"responsible_id": self.ids["responsible", number], "date": day.isoformat()}
        duties.assign(editor, home.number, body, self.now)
        self.note(Assigned, home.number, day, number, home.hosts[number])

    # --- buttons -------------------------------------------------------------------------

    def press(self, came: Came, button: str) -> bool:
        """Somebody presses a button under a message; False where it says that it cannot."""
        try:
            if button == "done":
                reminders.done(came.chat, came.promise_id)
            else:
                reminders.snooze(came.chat, came.promise_id, button, self.now)
        except Conflict:
            return False  # It is evening already, or nothing would come.
        except NotFound:
            if self._may_read(came):
                raise
            return False
        self.note(Pressed, came.number, button)
        return True

    def _may_read(self, came: Came) -> bool:
        """Whether who got a message is still in the calendar that it tells of."""
        calendar_id = Promise.get_by_id(came.promise_id).calendar_id
        inside = [r for r in self.readers if r.is_in and not r.home.is_away]
        return (came.chat, calendar_id) in {(r.chat, r.home.number) for r in inside}


def account(user: int) -> Account:
    """A person as Telegram vouches for them."""
    return Account(user, f"User {user}", language_code="en", may_write=True)
