"""The bot process: `python -m bot`. Starts, beats, stops; SIGTERM ends it within 5 s.

Two loops in threads of their own, so that trouble with getting updates never keeps reminders
back: one polls and answers, one sends what is due.
"""

import logging
import logging.config
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

from telebot import TeleBot, apihelper
from telebot import logger as telebot_logger

from calendar_app import calendars, config, health, logs, models, reminders
from calendar_app.config import Config

from .handlers import World
from .menus import Menus
from .sender import Sender, failure, is_trouble
from .status import Status
from .updates import Poller

log = logging.getLogger("bot")

LOOK_SECONDS = 1
MENU_PAUSE = 600
# What is being sent when the stop comes is finished; the held poll is simply left.
STOP_SECONDS = 4
CONNECT_SECONDS, READ_SECONDS = 5, 15


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit status."""
    try:
        settings = config.load()
    except config.ConfigError as error:
        print(error, file=sys.stderr)
        return config.EX_CONFIG
    logging.config.dictConfig(logs.settings(settings.log_level))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    models.connect(settings.database_url)
    models.migrate()
    calendars.ensure_shared(settings, int(time.time()))
    if not settings.enable_telegram_bot:
        return _idle("disabled", "switched off by ENABLE_TELEGRAM_BOT")
    if settings.bot_token is None:
        return _idle("disabled", "no bot token yet: set one with set-token")
    _run(settings, stop)
    return 0


def _idle(state: str, why: str) -> int:
    """Nothing to do: say so and end well."""
    health.beat(state, why, int(time.time()))
    log.info("the bot does nothing: %s", why)
    return 0


def _run(settings: Config, stop: threading.Event) -> None:
    bot = _telebot(settings)
    menus = Menus(bot, settings)
    status, sender = Status(), Sender(bot, menus, stop)
    poller = Poller(bot, sender, status, lambda: _introduce(bot, settings))
    loops = [
        _thread("updates", poller.run),
        _thread("menus", lambda: _register_menus(menus, status, stop)),
        _thread("reminders", lambda: _send_reminders(sender, settings)),
    ]
    while not stop.wait(health.BEAT_SECONDS):
        status.beat(int(time.time()))
    deadline = time.monotonic() + STOP_SECONDS
    # The reminders first: a poll that is held open has nothing to lose.
    for loop in reversed(loops):
        loop.join(max(0, min(deadline - time.monotonic(), STOP_SECONDS / 2)))
    status.set("stopped")
    status.beat(int(time.time()))


def _thread(name: str, run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _telebot(settings: Config) -> TeleBot:
    """telebot as a plain client of the Bot API: no threads, no handlers, no repeating."""
    for handler in list(telebot_logger.handlers):
        telebot_logger.removeHandler(handler)
    apihelper.API_URL = settings.telegram_api_url + "/bot{0}/{1}"
    apihelper.CONNECT_TIMEOUT, apihelper.READ_TIMEOUT = CONNECT_SECONDS, READ_SECONDS
    apihelper.RETRY_ON_ERROR = False
    return TeleBot(settings.bot_token, threaded=False, validate_token=False)


def _introduce(bot: TeleBot, settings: Config) -> World:
    """Ask Telegram who we are."""
    me = bot.get_me()
    log.info("this is @%s", me.username)
    health.introduce(me.username or "", int(time.time()))
    return World(settings, me.username or "")


def _register_menus(menus: Menus, status: Status, stop: threading.Event) -> None:
    """Tell Telegram our commands and menu button, once it answers; nothing else waits for it."""
    pause = LOOK_SECONDS
    while not stop.wait(pause):
        if status.state != "ok":
            continue
        try:
            menus.register()
            return
        except Exception as error:
            if not is_trouble(error):
                raise
            log.warning("commands and menu are not registered yet: %s", failure(error).reason)
            pause = MENU_PAUSE


def _send_reminders(sender: Sender, settings: Config) -> None:
    """Plan and send what is due, until stopped."""
    owner = f"{socket.gethostname()}/{os.getpid()}"
    while not sender.stop.is_set():
        try:
            reminders.plan(int(time.time()))
            while not sender.stop.is_set() and reminders.deliver(
                sender.send, int(time.time()), owner, settings.default_language
            ):
                pass
        except models.Trouble as error:
            log.error("reminders wait for the database: %s", error)
        except Exception:
            log.exception("sending reminders failed in an unforeseen way")
        sender.stop.wait(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
