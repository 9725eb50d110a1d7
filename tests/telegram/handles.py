"""What tests hold in their hands: users, groups, bots, and what they see of messages and calls.

Made by `Simulator`; each method is one operation of the control API.
"""

import base64
import time
from dataclasses import dataclass
from functools import cached_property

_WAIT_SLICE = 5  # seconds that one request for news waits


class Message:
    """A message as people see it; `json` is what the bot sees, with revision and markup."""

    def __init__(self, json):
        self.json = json
        self.id = json["message_id"]
        self.text = json.get("text") or json.get("caption") or ""
        self.from_bot = json["from"]["is_bot"]
        self.deleted = json["deleted"]
        self.edited = "edit_date" in json
        self.entities = json.get("entities") or json.get("caption_entities") or []

    def __repr__(self):
        return f"<Message {self.id} {self.text!r} {self.button_rows or ''}>"

    @cached_property
    def markup(self):
        return self.json["markup"] or {}

    @property
    def button_rows(self):
        """Texts of the inline or reply keyboard's buttons, by rows."""
        rows = self.markup.get("inline_keyboard") or self.markup.get("keyboard") or []
        return [[b if isinstance(b, str) else b["text"] for b in row] for row in rows]

    @property
    def buttons(self):
        return [text for row in self.button_rows for text in row]

    def button(self, text):
        """The button with this text as Telegram's object."""
        rows = self.markup.get("inline_keyboard") or self.markup.get("keyboard") or []
        return next(b for row in rows for b in row if b["text"] == text)


@dataclass
class Press:
    """How a button press ended: a callback's answer, a `url`, or the `message` that was sent."""

    kind: str  # callback, url, message
    answered: bool = False
    seconds: float | None = None  # from the press to the answer
    text: str = ""
    show_alert: bool = False
    url: str = ""
    message: Message | None = None
    id: str = ""
    bot: int = 0


@dataclass
class App:
    """An opened Mini App: its address, its initData, and the address with Telegram's fragment."""

    url: str
    init_data: str
    launch: str


@dataclass
class Call:
    """A call of the Bot API. `status` 0: not answered yet, or torn; `took` in seconds."""

    method: str
    params: dict
    number: int
    time: float
    status: int
    description: str
    took: float
    bot: int
    chat: int | str | None


@dataclass
class Bot:
    sim: object
    token: str
    id: int
    username: str


class _Chat:
    """A chat that one can look into: the private one of a user, or a group."""

    def __init__(self, sim, key):
        self.sim = sim
        self.id = key
        self._since = 0  # revision of the last thing people did here
        self._given = set()  # what wait_for_message returned already

    def messages(self, bot=None):
        """All messages there now, oldest first, from both sides."""
        return [m for m in self._all(bot, 0, 0) if not m.deleted]

    def received(self, bot=None):
        """The messages from bots."""
        return [m for m in self.messages(bot) if m.from_bot]

    def last_message(self, bot=None):
        """The newest message from a bot, AssertionError if there is none."""
        found = self.received(bot)
        assert found, "no message from a bot"
        return found[-1]

    def wait_for_message(self, contains="", *, timeout=60, bot=None):
        """The first new message from a bot that contains this text, edited ones included.

        New is what came after the last thing people did here (send, press) and was not returned
        by an earlier wait. AssertionError, with what came instead, after `timeout` seconds.
        """
        until = time.monotonic() + timeout
        while True:
            wait = min(max(until - time.monotonic(), 0), _WAIT_SLICE)
            found = self._news(bot, wait)
            for message in found:
                if contains in message.text:
                    self._given.add(message.json["revision"])
                    return message
            if time.monotonic() >= until:
                came = [m.text for m in found]
                raise AssertionError(f"no message with {contains!r} in {timeout} s; came: {came}")
            time.sleep(0.01 if found else 0)

    def gets_nothing(self, within=1.0, bot=None):
        """Asserts that no new message from a bot comes within so many seconds."""
        found = self._news(bot, within)
        assert not found, f"unexpected: {[m.text for m in found]}"
        return True

    def _news(self, bot, wait):
        until = time.monotonic() + wait
        while True:
            remaining = max(until - time.monotonic(), 0)
            found = [
                m
                for m in self._all(bot, self._since, remaining)
                if m.from_bot and not m.deleted and m.json["revision"] not in self._given
            ]
            if found or remaining <= 0:
                return found
            time.sleep(0.01)

    def _all(self, bot, after, wait):
        answer = self.sim.perform(
            "messages", **self._place(bot), after=after, wait=min(wait, _WAIT_SLICE)
        )
        return [Message(m) for m in answer["messages"]]

    def _place(self, bot):
        raise NotImplementedError

    def _acted(self, revision):
        self._since = max(self._since, revision)


class Group(_Chat):
    """A group or supergroup; users write to it with `user.send(text, chat=group)`."""

    def _place(self, bot):
        return {"chat": self.id, "bot": getattr(bot, "id", bot)}

    def add(self, person, status="member"):
        """Adds a User or Bot, or changes its status: member, administrator, creator."""
        self.sim.perform("set_member", chat=self.id, member=person.id, status=status)

    def remove(self, person, status="kicked"):
        """Removes a User or Bot; `left` if they went by themselves."""
        self.sim.perform("set_member", chat=self.id, member=person.id, status=status)

    def upgrade(self):
        """Becomes a supergroup: returns its Group; the old id answers migrate_to_chat_id."""
        new = self.sim.perform("upgrade_group", chat=self.id)
        return self.sim.group(new["id"])


class User(_Chat):
    """A person; without `chat=group` everything happens in the private chat with the bot."""

    def _place(self, bot, chat=None):
        place = {"user": self.id, "bot": getattr(bot, "id", bot)}
        return place | ({"chat": chat.id} if chat is not None else {})

    def _here(self, chat):
        return self if chat is None else chat

    def send(self, text=None, *, chat=None, bot=None, reply_to=None, **content):
        """Writes a message; `content`: further fields of it, such as contact or users_shared."""
        sent = self.sim.perform(
            "send",
            **self._place(bot, chat),
            text=text,
            reply_to=getattr(reply_to, "id", reply_to),
            content=content,
        )
        self._here(chat)._acted(sent["revision"])
        return Message(sent)

    def send_file(self, name, data, *, caption=None, chat=None, bot=None):
        """Sends a document with these bytes."""
        encoded = base64.b64encode(data).decode()
        place = self._place(bot, chat)
        sent = self.sim.perform("send_file", **place, name=name, data=encoded, caption=caption)
        self._here(chat)._acted(sent["revision"])
        return Message(sent)

    def edit(self, message, text, *, chat=None, bot=None):
        """Changes an own message."""
        place = self._place(bot, chat)
        changed = self.sim.perform("edit", **place, message=message.id, text=text)
        self._here(chat)._acted(changed["revision"])

    def press(self, button, *, message=None, chat=None, bot=None, timeout=60):
        """Presses a button by its text or data, in `message` or the newest one that has it.

        A callback's answer is waited for up to `timeout` seconds: see `Press.answered`.
        """
        place = self._place(bot, chat)
        here = self._here(chat)
        here._acted(self._revision(place))
        pressed = self.sim.perform(
            "press", **place, button=button, message=getattr(message, "id", message), wait=0
        )
        if pressed["kind"] == "callback":
            pressed |= self._answer(pressed["id"], timeout)
        if pressed["kind"] == "web_app":
            raise AssertionError(f"{button!r} opens the Mini App: use open_app")
        if "message" in pressed:
            pressed["message"] = Message(pressed["message"])
            here._acted(pressed["message"].json["revision"])
        return Press(**pressed)

    def _revision(self, place):
        return self.sim.perform("messages", **place, after=2**62)["revision"]

    def _answer(self, query_id, timeout):
        until = time.monotonic() + timeout
        while True:
            remaining = max(until - time.monotonic(), 0)
            answer = self.sim.perform("callback", id=query_id, wait=min(remaining, _WAIT_SLICE))
            if answer["answered"] or remaining <= 0:
                return answer

    def open_app(self, button=None, *, url=None, start_param=None, chat=None, bot=None):
        """Opens the Mini App by a button's text, the menu button, or an address."""
        opened = self.sim.perform(
            "open_app",
            **self._place(bot, chat),
            button=button,
            url=url,
            start_param=start_param,
        )
        return App(opened["url"], opened["init_data"], opened["launch"])

    def follow(self, url):
        """Follows a t.me link: an App, or the Press whose `message` is the "/start …" it sent."""
        followed = self.sim.perform("follow", user=self.id, url=url)
        if followed["kind"] == "web_app":
            return App(followed["url"], followed["init_data"], followed["launch"])
        if "message" in followed:
            followed["message"] = Message(followed["message"])
            self._acted(followed["message"].json["revision"])
        return Press(**followed)

    def init_data(self, bot=None, **fields):
        """Signed initData of this user, see Simulator.init_data."""
        return self.sim.init_data(self, bot, **fields)

    def shown(self, chat=None, bot=None):
        """What surrounds the chat: keyboard, commands of the "/" menu, menu_button, blocked."""
        return self.sim.perform("watch", **self._place(bot, chat))

    def block(self, bot=None):
        self.sim.perform("block", **self._place(bot))

    def unblock(self, bot=None):
        self.sim.perform("allow", **self._place(bot))

    def allow(self, bot=None):
        """Lets the bot write without having written to it, as from within the Mini App."""
        self.sim.perform("allow", **self._place(bot), by_app=True)

    def deactivate(self):
        self.change(deactivated=True)

    def change(self, **fields):
        """Changes the person: first_name, language_code, birthdate, …"""
        self.sim.perform("set_user", user=self.id, **fields)
