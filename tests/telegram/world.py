"""Everything the simulated Telegram knows: bots, people, chats, messages, files, callback queries.

Plain records under one lock (`world.changed`, a condition that every change notifies). It knows no
HTTP. `people` and `groups` change it for human beings, `methods` for bots.
"""

import itertools
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from .entities import slice_of
from .errors import bad_request
from .faults import Faults
from .limits import Limits
from .settings import Settings
from .updates import UpdateQueue, fresh_id
from .webhook import Webhook

IN_GROUP = ("creator", "administrator", "member", "restricted")
_CALLS_KEPT = 100_000


@dataclass
class User:
    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = ""
    birthdate: dict | None = None
    is_premium: bool = False
    deactivated: bool = False

    def public(self):
        shown = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        for key in ("last_name", "username", "language_code", "is_premium"):
            if getattr(self, key):
                shown[key] = getattr(self, key)
        return shown


@dataclass
class Bot:
    token: str
    username: str
    name: str
    queue: UpdateQueue
    privacy: bool = True
    revoked: bool = False
    last_call: float = 0.0  # time of its last request
    webhook: Webhook | None = None
    commands: dict = field(default_factory=dict)  # (scope as JSON, language) → list
    menu_buttons: dict = field(default_factory=dict)  # chat id, None for the default → button
    texts: dict = field(default_factory=dict)  # (name|description|…, language) → text

    @property
    def id(self):
        return int(self.token.partition(":")[0])

    def public(self):
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.name,
            "username": self.username,
        }


@dataclass
class Message:
    public: dict  # as bots see it
    revision: int  # of the world when it last changed
    markup: dict | None = None  # also the reply keyboards, which bots never get back
    deleted: bool = False

    @property
    def id(self):
        return self.public["message_id"]


@dataclass
class Chat:
    id: int
    type: str
    title: str = ""
    username: str = ""
    user: User | None = None  # of a private chat
    bot: Bot | None = None  # of a private chat
    started: bool = False  # the user wrote to the bot, or allowed it to write
    blocked: bool = False
    migrated_to: int = 0
    revision: int = 0  # the highest of its messages'
    members: dict = field(default_factory=dict)  # user or bot id → status
    messages: dict = field(default_factory=dict)

    def public(self):
        shown = {"id": self.id, "type": self.type}
        if self.type != "private":
            named = {"title": self.title, "username": self.username}
        else:
            person = self.user
            named = {key: getattr(person, key) for key in ("first_name", "last_name", "username")}
        return shown | {key: value for key, value in named.items() if value}


@dataclass
class Callback:
    bot: Bot
    asked: float
    answer: dict | None = None
    answered: float = 0.0


@dataclass
class StoredFile:
    id: str
    unique_id: str
    name: str
    data: bytes
    mime: str
    path: str


class World:
    def __init__(self, settings=None):
        self.changed = threading.Condition(threading.RLock())
        self.settings = settings or Settings()
        self.faults = Faults()
        self.limits = Limits()
        self.bots = {}  # token → Bot
        self.users = {}
        self.groups = {}
        self.private = {}  # (bot id, user id) → Chat
        self.callbacks = {}
        self.files = {}
        self.rivals = {}  # bot id → the second instance that polls too
        self.calls = deque(maxlen=_CALLS_KEPT)
        self.bugs = []  # tracebacks of the simulator's own mistakes
        self.closed = False
        self.revision = 0
        self.webapp_url = ""
        # Like update_ids these start anew above those of an earlier run.
        self.message_ids = itertools.count(fresh_id())

    def bump(self):
        """The next revision; wakes everybody who waits for a change."""
        with self.changed:
            self.revision += 1
            self.changed.notify_all()
            return self.revision

    def wait_until(self, ready, seconds):
        """The first true value of `ready()`, or its last value when the time is over."""
        until = time.monotonic() + seconds
        with self.changed:
            while not (result := ready()) and not self.closed:
                remaining = until - time.monotonic()
                if remaining <= 0:
                    break
                self.changed.wait(remaining)
            return result

    def close(self):
        with self.changed:
            self.closed = True
            for bot in self.bots.values():
                bot.queue.close()
            self.changed.notify_all()

    def live_bot(self, token):
        bot = self.bots.get(token)
        return None if bot is None or bot.revoked else bot

    def bot(self, reference=None):
        """A bot by token, id or username; the one added first without a reference."""
        for bot in self.bots.values():
            if reference in (None, bot.token, bot.id, str(bot.id), bot.username, bot):
                return bot
        raise KeyError(f"no bot {reference!r}: add_bot(token) first")

    def person(self, user_id):
        """A user or a bot by id, None when unknown."""
        for bot in self.bots.values():
            if bot.id == user_id:
                return bot
        return self.users.get(user_id)

    def private_chat(self, bot, user):
        with self.changed:
            key = (bot.id, user.id)
            if key not in self.private:
                self.private[key] = Chat(user.id, "private", user=user, bot=bot)
            return self.private[key]

    def chat(self, bot, reference):
        """The chat that `bot` means by an id or @username; 400 when there is none."""
        if isinstance(reference, str) and reference.startswith("@"):
            named = [g for g in self.groups.values() if g.username == reference[1:]]
            if named:
                return named[0]
        elif str(reference or "").lstrip("-").isdigit():
            number = int(reference)
            if number in self.users:
                return self.private_chat(bot, self.users[number])
            if number in self.groups and bot.id in self.groups[number].members:
                return self.groups[number]
        raise bad_request("chat not found" if reference else "chat_id is empty")

    def post(self, chat, sender, content, markup=None):
        """Puts a message into a chat; telling the bots is the caller's business."""
        with self.changed:
            public = {
                "message_id": next(self.message_ids),
                "from": sender.public(),
                "chat": chat.public(),
                "date": int(time.time()),
                **content,
            }
            if markup and "inline_keyboard" in markup:
                public["reply_markup"] = markup
            message = Message(public, 0, markup)
            chat.messages[message.id] = message
            UpdateQueue.highest = max(UpdateQueue.highest, message.id)
            self.touch(chat, message)
            return message

    def touch(self, chat, message):
        """Marks a message as changed, for those who wait for it."""
        with self.changed:
            message.revision = chat.revision = self.bump()

    def bots_in(self, chat):
        if chat.type == "private":
            return [chat.bot]
        return [b for b in self.bots.values() if chat.members.get(b.id) in IN_GROUP]

    def broadcast(self, chat, message, kind="message"):
        """Delivers a message to every bot in the chat that Telegram lets see it."""
        for bot in self.bots_in(chat):
            if sees(bot, chat, message.public):
                bot.queue.push(kind, message.public)

    def say_service(self, chat, sender, content):
        message = self.post(chat, sender, content)
        self.broadcast(chat, message)
        return message

    def keep_file(self, upload, folder):
        unique = secrets.token_urlsafe(9)
        suffix = "." + upload.name.rpartition(".")[2] if "." in upload.name else ""
        path = f"{folder}/file_{len(self.files)}{suffix}"
        file_id = "BQAC" + secrets.token_urlsafe(30)
        stored = StoredFile(file_id, unique, upload.name, upload.data, upload.mime, path)
        self.files[stored.id] = stored
        return stored


SERVICE = (
    "new_chat_members",
    "left_chat_member",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "group_chat_created",
    "pinned_message",
)


def sees(bot, chat, message):
    """Privacy mode: in groups a bot sees commands, replies to it, mentions, service messages."""
    in_private = chat.type == "private"
    if in_private or not bot.privacy or chat.members.get(bot.id) in ("administrator", "creator"):
        return True
    if any(key in message for key in SERVICE):
        return True
    if message.get("reply_to_message", {}).get("from", {}).get("id") == bot.id:
        return True
    return _addresses(bot, message)


def _addresses(bot, message):
    text = message.get("text") or message.get("caption") or ""
    found = message.get("entities") or message.get("caption_entities") or []
    for entity in found:
        part = slice_of(text, entity).lower()
        if entity["type"] == "mention" and part == f"@{bot.username}".lower():
            return True
        if entity["type"] == "bot_command":
            _, _, addressee = part.partition("@")
            if addressee in ("", bot.username.lower()):
                return True
    return False
