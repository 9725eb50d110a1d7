"""The bot process: `python -m bot`. Starts, beats, stops; SIGTERM ends it within 5 s.

Two loops in threads of their own, so that trouble with getting updates never keeps reminders
back: one polls and answers, one sends what is due. systemd is pinged while both of them move.
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

from calendar_app import calendars, config, health, logs, models, notify, reminders
from calendar_app.config import Config

from .handlers import World
from .menus import Menus
from .operators import Operators
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
        notify.refuse(str(error))
        return config.EX_CONFIG
    logging.config.dictConfig(logs.settings(settings.log_level))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    models.connect(settings.database_url)
    try:
        models.migrate()
    except models.OldCode as error:
        notify.refuse(str(error))
        return 1
    calendars.ensure_shared(settings, int(time.time()))
    notify.tell("READY=1")
    if not settings.enable_telegram_bot:
        _idle("disabled by ENABLE_TELEGRAM_BOT", stop)
    elif settings.bot_token is None:
        _idle("no token: give one with birthday-calendar set-token", stop)
    else:
        _run(settings, stop)
    return 0


def _idle(why: str, stop: threading.Event) -> None:
    """Nothing to do until somebody changes the configuration and restarts the bot."""
    status = Status()
    status.set("disabled", why)
    _beat_until(stop, status)


def _beat_until(stop: threading.Event, status: Status) -> None:
    status.beat(int(time.time()))
    while not stop.wait(health.BEAT_SECONDS):
        status.beat(int(time.time()))
        if status.moves():
            notify.tell("WATCHDOG=1")


def _run(settings: Config, stop: threading.Event) -> None:
    bot = _telebot(settings)
    menus = Menus(bot, settings)
    status, sender = Status(), Sender(bot, menus, stop)
    poller = Poller(bot, sender, status, lambda: _introduce(bot, settings))
    loops = [
        _thread("updates", poller.run),
        _thread("menus", lambda: _register_menus(menus, status, stop)),
        _thread("reminders", lambda: _send_reminders(sender, settings, status)),
    ]
    _beat_until(stop, status)
    notify.tell("STOPPING=1")
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


def _send_reminders(sender: Sender, settings: Config, status: Status) -> None:
    """Plan and send what is due, alerts to the operators too, until stopped."""
    owner = f"{socket.gethostname()}/{os.getpid()}"
    operators = Operators(sender, settings)
    while not sender.stop.is_set():
        status.moved("reminders")
        try:
            operators.tell(int(time.time()))
            reminders.plan(int(time.time()))
            while not sender.stop.is_set() and reminders.deliver(
                sender.send, int(time.time()), owner, settings.default_language
            ):
                status.moved("reminders")
        except models.Trouble as error:
            log.error("reminders wait for the database: %s", error)
        except Exception:
            log.exception("sending reminders failed in an unforeseen way")
        sender.stop.wait(LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
