"""Telegram in trouble, another program with the bot's token, the bot's process killed."""

import time

from tests.system.faults.fault import Fault
from tests.system.installation import BOT, TELEGRAM_PORT
from tests.telegram.probes import Raw
from tests.world import TOKEN, wait_for

TOKEN_FILE = "/etc/birthday-calendar/bot-token"
# Somebody's own bot, started by hand and forgotten.
FORGOTTEN = f"""
import time, urllib.request
address = "http://127.0.0.1:{TELEGRAM_PORT}/bot" + open("/root/token").read().strip()
while True:
    try:
        urllib.request.urlopen(address + "/getUpdates?timeout=20", timeout=30).read()
    except OSError:
        pass
    time.sleep(0.5)
"""
SET_TOKEN = "birthday-calendar set-token --file /root/token"


def start_a_forgotten_bot(at):
    at.machine.write("/root/forgotten_bot.py", FORGOTTEN)
    at.run("systemd-run -q --unit=forgotten python3 /root/forgotten_bot.py")


def set_a_webhook(at):
    inside = at.machine.network.inside
    inside(Raw(at.telegram, TOKEN).ok, "setWebhook", url="http://127.0.0.1:9/a-framework-of-mine")


def down_for_an_hour(at):
    """An hour in ten seconds: the reminders of that hour are due already."""
    at.telegram.go_down()
    now = int(time.time())
    at.recipients.promise([now - 3600 + 60 * minute for minute in range(60)])


def up_again(at):
    at.machine.network.inside(at.telegram.come_back)


def block_by_a_third(at):
    for who in list(at.recipients.waiting)[::3]:
        at.recipients.waiting[who].block()
        at.recipients.not_for.add(who)


def all_of_them_are_in_the_ledger(at):
    """Who blocked the bot before the reminder came has it as failed, with Telegram's reason."""
    ledger = at.recipients.ledger()
    for who in at.recipients.not_for:
        state, reason, _ = ledger[who]
        assert (state, "blocked" in reason) == ("failed", True) or at.recipients.came(who)


def kill_the_bot_while_it_sends(at):
    """Telegram has a reminder already, and the bot does not know it yet."""
    slow = at.telegram.fail("sendMessage", times=None, delay_ms=1000)
    try:
        wait_for(lambda: _in_flight(at), 60)
        at.run(f"kill -KILL {at.main_pid(BOT)}")
    finally:
        at.telegram.clear_faults(slow)


def _in_flight(at):
    waiting = set(map(str, at.recipients.waiting))
    calls = at.telegram.calls("sendMessage")[-20:]
    return any(call.status == 0 and str(call.chat) in waiting for call in calls)


def clear(at):
    at.telegram.clear_faults()


# An answer that is on its way when it begins is given up after three tries; one from each who
# writes. The message itself was worked off.
IN_FLIGHT = 3

FAULTS = [
    Fault(
        "second poller here",
        start_a_forgotten_bot,
        "systemctl stop forgotten",
        cause="bot-conflict",
        well_within=120,
    ),
    Fault(
        "second poller elsewhere",
        lambda at: at.telegram.second_poller(),
        lambda at: at.telegram.second_poller(on=False),
        cause="bot-conflict",
        well_within=120,
    ),
    Fault("webhook set", set_a_webhook, "birthday-calendar take-over", cause="webhook-set"),
    Fault(
        "token revoked",
        lambda at: at.telegram.revoke(),
        lambda at: at.telegram.revoke(on=False),
        cause="bot-unauthorized",
    ),
    Fault(
        "token malformed",
        f"echo not-a-token >{TOKEN_FILE}; systemctl restart {BOT} || true",
        SET_TOKEN,
        cause="bot-unauthorized",
    ),
    Fault("Telegram down for an hour", down_for_an_hour, up_again, cause="telegram-unreachable"),
    Fault(
        "Telegram answers HTML",
        lambda at: at.telegram.fail(None, times=None, html=True),
        clear,
        cause="telegram-unreachable",
        unanswered=IN_FLIGHT,
    ),
    Fault(
        "429 storm",
        lambda at: at.telegram.fail(None, times=None, retry_after=2),
        clear,
        cause="telegram-unreachable",
        unanswered=IN_FLIGHT,
    ),
    Fault(
        "403 for a third of the users",
        block_by_a_third,
        "true",
        cause=None,
        afterwards=all_of_them_are_in_the_ledger,
    ),
    Fault(
        "bot SIGKILL in the middle of a send",
        kill_the_bot_while_it_sends,
        unanswered=1,
        doubled=12,
        seconds=5,
        quick=True,
    ),
]
