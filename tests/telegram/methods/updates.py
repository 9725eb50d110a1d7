"""getMe, getUpdates, the webhook methods, and the answers to pressed buttons."""

import re
import time
from urllib.parse import urlsplit

from .. import updates, webhook
from ..args import Args
from ..errors import ApiError, bad_request
from .registry import METHODS, Call, method

_LONGEST_POLL = 50
_WEBHOOK_PORTS = (None, 80, 88, 443, 8443)


@method("getMe")
def get_me(call):
    return {
        **call.bot.public(),
        "can_join_groups": True,
        "can_read_all_group_messages": not call.bot.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": bool(call.world.webapp_url),
    }


@method("logOut", "close")
def log_out(call):  # noqa: ARG001
    return True


@method("getUpdates")
def get_updates(call):
    queue = call.bot.queue
    poll = updates.Poll(
        offset=call.args.integer("offset"),
        limit=call.args.integer("limit", 100, 1, 100),
        timeout=call.args.integer("timeout", 0, 0, _LONGEST_POLL),
    )
    if not queue.webhook_url:
        _remember_allowed(call)
    return queue.poll(poll, call.alive)


def _remember_allowed(call):
    allowed = call.args.json("allowed_updates")
    if allowed is None:
        return
    if not isinstance(allowed, list):
        raise bad_request("expected an Array of String as allowed updates")
    call.bot.queue.allowed = allowed


@method("setWebhook")
def set_webhook(call):
    url = call.args.text("url").strip()
    if not url:
        return delete_webhook(call)
    _check_webhook(call, url)
    _remember_allowed(call)
    with call.world.changed:
        _end_webhook(call)
        call.bot.queue.end_held(updates.WEBHOOK_SET)
        call.bot.queue.webhook_url = url
        call.bot.webhook = webhook.Webhook(
            url,
            call.args.text("secret_token"),
            call.args.integer("max_connections", 40, 1, 100),
        )
    webhook.start(call.bot.queue, call.bot.webhook, lambda body: _run(call, body))
    return True


@method("deleteWebhook")
def delete_webhook(call):
    _end_webhook(call)
    return True


@method("getWebhookInfo")
def get_webhook_info(call):
    with call.world.changed:
        return webhook.info(call.bot.queue, call.bot.webhook)


def _end_webhook(call):
    with call.world.changed:
        if call.args.flag("drop_pending_updates"):
            call.bot.queue.drop_pending()
        if call.bot.webhook:
            webhook.stop(call.bot.queue, call.bot.webhook)
        call.bot.webhook = None
        call.bot.queue.webhook_url = ""


def _check_webhook(call, url):
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise bad_request("bad webhook: Failed to resolve host: Name or service not known")
    if not call.local and parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if not call.local and parts.port not in _WEBHOOK_PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", call.args.text("secret_token")):
        raise bad_request("secret token contains unallowed characters")


def _run(call, body):
    """Works off the method call that a webhook answered with; its result goes nowhere."""
    _, function = METHODS.get(str(body.pop("method")).lower(), (None, None))
    try:
        if function:
            function(Call(call.world, call.bot, Args(body), call.alive))
    except ApiError:
        pass  # as with Telegram, the bot never learns of it


@method("answerCallbackQuery")
def answer_callback_query(call):
    if len(call.args.text("text")) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    with call.world.changed:
        query = call.world.callbacks.get(call.args.text("callback_query_id"))
        now = time.monotonic()
        late = query and now > query.asked + call.world.settings.callback_lifetime
        if not query or late or query.answer is not None or query.bot is not call.bot:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        query.answered = now
        query.answer = {
            "text": call.args.text("text"),
            "show_alert": call.args.flag("show_alert"),
            "url": call.args.text("url"),
        }
        call.world.bump()
    return True
