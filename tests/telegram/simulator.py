"""The simulator as tests hold it: starts the server and offers every operation as a method.

What people do are methods of the handles that it gives out (`handles`).
"""

import secrets
import time

import requests

from . import control
from .handles import Bot, Call, Group, User
from .server import Server
from .settings import Settings
from .world import World

_WAIT_SLICE = 5  # seconds that one control request over HTTP waits


class Simulator:
    """A running Telegram on 127.0.0.1; ends with `close()` or the `with` block.

    `pace` multiplies the pauses of Telegram's server (3 s before a second 409 and so on): tests
    that need not prove those pauses pass 0.1 or less. `port=0` takes a free port. With
    `listening=False` it can be populated first: `come_back` then starts to listen.
    """

    def __init__(self, port=0, pace=1.0, webapp_url="", listening=True):
        self.world = World(Settings().scaled(pace))
        self.world.webapp_url = webapp_url
        self._handles = {}
        self._server = None
        self.port = port
        if listening:
            self.come_back()

    @classmethod
    def connect(cls, url):
        """Drives a Simulator of another process, by the address of its server."""
        self = cls.__new__(cls)
        self.world = self._server = None
        self._handles = {}
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        return self

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(quiet=kind is not None)

    def close(self, quiet=False):
        """Tears all connections; raises when the simulator itself made a mistake meanwhile."""
        if self.world is None:
            return
        self.world.close()
        self.go_down()
        if self.world.bugs and not quiet:
            raise AssertionError("bug in the simulator:\n" + "\n".join(self.world.bugs))

    def go_down(self):
        """Stops listening and tears all connections; the world stays for `come_back`."""
        if self._server:
            self._server.stop()
        self._server = None

    def come_back(self):
        """Listens again on the same port after `go_down`."""
        if self._server is None:
            self._server = Server(("127.0.0.1", self.port), self.world)
            self._server.start()
            self.port = self._server.server_port
            self.url = f"http://127.0.0.1:{self.port}"

    def perform(self, operation, **params):
        """One operation of the control API; the handles and methods below are made of it."""
        params = {key: value for key, value in params.items() if value is not None}
        if self.world is not None:
            return control.perform(self.world, operation, params)
        address = f"{self.url}/simulator/control/{operation}"
        answer = self._session.post(address, json=params, timeout=_WAIT_SLICE + 60).json()
        if not answer["ok"]:
            raise LookupError(answer["error"])
        return answer["result"]

    def handle(self, kind, key):
        """The one handle of a user or group: it remembers which messages it gave out already."""
        return self._handles.setdefault((kind, key), kind(self, key))

    # --- the stage ---

    def add_bot(self, token=None, username=None, name=None, privacy=True):
        """A bot; without a token it gets a random one. The first is everybody's default bot."""
        token = token or f"{7_000_000_000 + secrets.randbelow(10**9)}:{secrets.token_urlsafe(26)}"
        shown = self.perform("add_bot", token=token, username=username, name=name, privacy=privacy)
        return Bot(self, token, shown["id"], shown["username"])

    def add_user(self, first_name="Anna", id=None, **fields):
        """A person; `fields`: last_name, username, language_code, is_premium, birthdate."""
        user_id = id or 5_000_000_000 + secrets.randbelow(10**9)  # beyond 32 bits, as today's are
        self.perform("add_user", id=user_id, first_name=first_name, **fields)
        return self.handle(User, user_id)

    def add_group(self, title, *members, bots=None, supergroup=False, id=None):
        """A group of these users, the first being its creator, and by default the first bot."""
        if bots is None:
            bots = [bot["id"] for bot in self.perform("state")["bots"][:1]]
        shown = self.perform(
            "add_group",
            title=title,
            members=[member.id for member in members],
            bots=[getattr(bot, "id", bot) for bot in bots],
            supergroup=supergroup,
            id=id,
        )
        return self.handle(Group, shown["id"])

    def user(self, user_id):
        return self.handle(User, user_id)

    def group(self, chat_id):
        return self.handle(Group, chat_id)

    # --- looking on ---

    def calls(self, method=None, chat=None, bot=None, after=0):
        """The calls of the Bot API so far, as Call records, oldest first."""
        chat, bot = getattr(chat, "id", chat), getattr(bot, "id", bot)
        found = self.perform("calls", method=method, chat=chat, bot=bot, after=after)
        return [Call(**record) for record in found]

    def wait_for_calls(self, method, count=1, timeout=60, chat=None):
        """Waits until `method` was called and answered `count` times; returns these calls."""
        until = time.monotonic() + timeout
        while True:
            found = [call for call in self.calls(method, chat) if call.status]
            if len(found) >= count:
                return found
            if time.monotonic() > until:
                raise AssertionError(f"{len(found)} of {count} calls of {method} in {timeout} s")
            time.sleep(0.02)

    def init_data(self, user, bot=None, **fields):
        """Signed initData; `fields`: auth_date, start_param, chat_type, … (None: left out)."""
        return self.perform(
            "init_data", user=getattr(user, "id", user), bot=getattr(bot, "id", bot), fields=fields
        )

    def state(self):
        """Bots (with pending updates, whether one polls …), users, groups, faults."""
        return self.perform("state")

    # --- trouble ---

    def fail(self, method=None, *, chat=None, bot=None, **what):
        """Injects a fault, returns its id.

        Which calls: `method`, `chat`, `bot`; `times` of them (1), None until cleared. What:
        `status`+`description`, `retry_after` (429), `html` (502), `body`, `drop="before"|"after"`
        the processing, `hang` seconds then torn, `delay_ms`.
        """
        chat, bot = getattr(chat, "id", chat), getattr(bot, "id", bot)
        fault = {"method": method, "chat": chat, "bot": bot, **what}
        return self.perform("fail", fault=fault)

    def clear_faults(self, fault_id=None):
        self.perform("clear_faults", id=fault_id)

    def revoke(self, bot=None, on=True):
        """The bot's token is refused with 401; `on=False` takes it back."""
        self.perform("revoke", bot=getattr(bot, "id", bot), on=on)

    def limit_sending(self, enabled=True, **limits):
        """Telegram's limits on sending; `limits`: per_second, per_chat_second, chat_burst,
        per_group_minute."""
        self.perform("limits", enabled=enabled, **limits)

    def second_poller(self, on=True, bot=None, steals=False):
        """A second instance polls with the bot's token; if it `steals` it confirms updates too."""
        bot = getattr(bot, "id", bot)
        self.perform("second_poller", bot=bot, on=on, steals=steals)

    def set_delays(self, **seconds):
        """Changes single fields of `Settings`, such as callback_lifetime."""
        self.perform("settings", **seconds)
