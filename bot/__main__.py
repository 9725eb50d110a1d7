"""The bot process: `python -m bot`. Starts, beats, stops; SIGTERM ends it within 5 s.

Two loops in threads of their own, so that trouble with getting updates never keeps reminders
back: one gets updates and answers, one sends what is due. systemd is pinged while both move.
"""

import argparse
import logging
import logging.config
import signal
import sys
import threading
import time
from collections.abc import Callable

from telebot import TeleBot, apihelper
from telebot import logger as telebot_logger

from calendar_app import (
    calendars,
    config,
    guard,
    health,
    incoming,
    logs,
    models,
    notify,
    opening,
    room,
)
from calendar_app.config import Config
from calendar_app.zones import EVERY_SECONDS, Zones

from . import lock
from .clock import TRUSTED_SECONDS, Clock
from .delivery import Delivery
from .greeter import Greeter
from .heartbeat import Heartbeat
from .intake import Intake
from .members import Members
from .menus import Menus
from .sender import Sender
from .status import Reports, Status
from .talk import World
from .trouble import diagnose, is_trouble
from .updates import Polling, Updates
from .webhook import Webhook
from .wire import NotTelegram, Wire

log = logging.getLogger("bot")

LOOK_SECONDS = 1
# After what nobody foresaw: its traceback must not fill the journal.
BROKEN_PAUSE = 10
MENU_PAUSE = 600
# What is being sent when the stop comes is finished; the held poll is simply left.
STOP_SECONDS = 4
CONNECT_SECONDS, READ_SECONDS = 5, 15


def main() -> int:
    """Run until SIGTERM or SIGINT; returns the exit status."""
    arguments = _arguments()
    try:
        settings = config.load()
    except config.ConfigError as error:
        notify.refuse(str(error))
        return config.EX_CONFIG
    logging.config.dictConfig(logs.settings(settings.log_level))
    logs.mask_exceptions()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    room.give_way(settings.state_dir)
    try:
        lock.hold(settings.state_dir)
        opening.open_database(settings)
    except (lock.Taken, models.OldCode, models.Unusable) as error:
        notify.refuse(str(error))
        return 1
    guard.start(settings)
    calendars.ensure_shared(settings, int(time.time()))
    notify.tell("READY=1")
    if settings.greeting_api_url:
        _thread("greeter", Greeter(settings, stop).run)
    if not settings.enable_telegram_bot:
        _idle("disabled by ENABLE_TELEGRAM_BOT", stop)
    elif settings.bot_token is None:
        _idle("no token: give one with birthday-calendar set-token", stop)
    else:
        _run(settings, arguments.take_over, stop)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Run the bot.")
    parser.add_argument(
        "--take-over", action="store_true", help="remove the webhook that another program has set"
    )
    return parser.parse_args()


def _idle(why: str, stop: threading.Event) -> None:
    """Nothing to do until somebody changes the configuration and restarts the bot."""
    status = Status()
    status.set("disabled", why)
    _beat_until(stop, status, lambda _: None)


def _beat_until(stop: threading.Event, status: Status, look: Callable[[int], None]) -> None:
    """Say that we live and how we are, and call `look`, until stopped."""
    while True:
        now = int(time.time())
        status.beat(now)
        look(now)
        if status.moves():
            notify.tell("WATCHDOG=1")
        if stop.wait(health.BEAT_SECONDS):
            return


def _run(settings: Config, take_over: bool, stop: threading.Event) -> None:
    clock = Clock()
    bot = _telebot(settings, Wire(clock))
    menus = Menus(bot, settings)
    status, sender, members = Status(), Sender(bot, menus, stop), Members(bot, stop, clock)
    intake = Intake(bot, sender, status, clock)
    loops = [
        _thread("updates", _updates(intake, settings, take_over=take_over).run),
        _thread("menus", lambda: _register_menus(menus, status, stop)),
        _thread("members", members.run),
        _thread("zones", lambda: _follow_zones(stop)),
        _thread("reminders", Delivery(sender, members, settings, status, clock).run),
    ]
    if settings.heartbeat_url:
        _thread("heartbeat", Heartbeat(settings.heartbeat_url, status, stop).run)
    reports = Reports(status)
    _beat_until(stop, status, lambda now: reports.look(clock.ahead, TRUSTED_SECONDS, now))
    notify.tell("STOPPING=1")
    deadline = time.monotonic() + STOP_SECONDS
    # The reminders first: a poll that is held open has nothing to lose.
    for loop in reversed(loops):
        loop.join(max(0, min(deadline - time.monotonic(), STOP_SECONDS / 2)))
    status.set("stopped")
    status.beat(int(time.time()))


def _updates(intake: Intake, settings: Config, *, take_over: bool) -> Updates:
    bot = intake.bot
    if settings.bot_mode == "webhook":
        get = Webhook(intake, settings).step
    else:
        get = Polling(intake, incoming.address(settings), take_over).step
    turn = lock.Turn(config.webapp_key(bot.token), settings.state_dir)
    return Updates(intake, get, turn, lambda: _introduce(bot, settings))


def _thread(name: str, run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def _telebot(settings: Config, wire: Wire) -> TeleBot:
    """telebot as a plain client of the Bot API: no threads, no handlers, no repeating."""
    for handler in list(telebot_logger.handlers):
        telebot_logger.removeHandler(handler)
    apihelper.API_URL = settings.telegram_api_url + "/bot{0}/{1}"
    apihelper.CONNECT_TIMEOUT, apihelper.READ_TIMEOUT = CONNECT_SECONDS, READ_SECONDS
    apihelper.RETRY_ON_ERROR = False
    apihelper.CUSTOM_REQUEST_SENDER = wire.ask
    return TeleBot(settings.bot_token, threaded=False, validate_token=False)


def _introduce(bot: TeleBot, settings: Config) -> World:
    """Ask Telegram who we are."""
    me = apihelper.get_me(bot.token)
    name = me.get("username") if isinstance(me, dict) else None
    if not isinstance(name, str):
        raise NotTelegram("HTTP status 200, and no bot's name")
    log.info("this is @%s", name)
    health.introduce(name, int(time.time()))
    return World(settings, name)


def _follow_zones(stop: threading.Event) -> None:
    """Let what is due follow the time zones, from the start on and whenever they change."""
    known, pause = Zones(), LOOK_SECONDS
    while not stop.wait(pause):
        pause = EVERY_SECONDS
        try:
            known.refresh()
            known.follow()
        except (models.Trouble, OSError) as error:
            log.warning("reminders do not follow the time zones yet: %s", error)
            pause = BROKEN_PAUSE
        except Exception:
            log.exception("following the time zones failed in an unforeseen way")


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
            log.warning("commands and menu are not registered yet: %s", diagnose(error).detail)
            pause = MENU_PAUSE


if __name__ == "__main__":
    sys.exit(main())
