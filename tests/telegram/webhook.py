"""Delivers a bot's updates to its webhook, one after the other, with growing pauses on failure.

Started and ended by the methods setWebhook and deleteWebhook.
"""

import threading
import time
from dataclasses import dataclass, field

import requests


@dataclass
class Webhook:
    url: str
    secret: str = ""
    max_connections: int = 40
    last_error_date: int = 0
    last_error_message: str = ""
    ended: bool = False
    session: requests.Session = field(default_factory=requests.Session)


def start(queue, hook, answer):
    """Delivers in a thread until `stop`; `answer(body)` gets what the webhook replied."""
    hook.session.trust_env = False  # a proxy of the machine is not for the simulator
    thread = threading.Thread(target=_deliver, args=(queue, hook, answer), daemon=True)
    thread.start()


def stop(queue, hook):
    with queue.changed:
        hook.ended = True
        queue.changed.notify_all()


def info(queue, hook):
    """The WebhookInfo that getWebhookInfo answers."""
    shown = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(queue.pending),
    }
    if hook:
        shown["max_connections"] = hook.max_connections
    if hook and hook.last_error_message:
        shown["last_error_date"] = hook.last_error_date
        shown["last_error_message"] = hook.last_error_message
    if queue.allowed:
        shown["allowed_updates"] = queue.allowed
    return shown


def _deliver(queue, hook, answer):
    pause = queue.settings.webhook_retry
    while update := _next(queue, hook):
        problem, reply = _post(hook, update, queue.settings.webhook_timeout)
        if problem:
            _remember(queue, hook, problem)
            _rest(queue, hook, pause)
            pause = min(pause * 2, queue.settings.webhook_retry_most)
            continue
        pause = queue.settings.webhook_retry
        _done(queue, update)
        if reply:
            answer(reply)


def _next(queue, hook):
    with queue.changed:
        while not (queue.pending or hook.ended or queue.closed):
            queue.changed.wait()
        return None if hook.ended or queue.closed else queue.pending[0]


def _done(queue, update):
    with queue.changed:
        if queue.pending and queue.pending[0] is update:
            queue.pending.popleft()


def _post(hook, update, timeout):
    headers = {"X-Telegram-Bot-Api-Secret-Token": hook.secret} if hook.secret else {}
    try:
        answer = hook.session.post(
            hook.url, json=update, headers=headers, timeout=timeout, allow_redirects=False
        )
    except requests.exceptions.ConnectTimeout:
        return "Connection timed out", None
    except requests.exceptions.Timeout:
        return "Read timeout expired", None
    except requests.RequestException:
        return "Connection refused", None
    if not 200 <= answer.status_code < 300:
        return f"Wrong response from the webhook: {answer.status_code} {answer.reason}", None
    return None, _method_call(answer)


def _method_call(answer):
    """A webhook may answer with a method call instead of making it."""
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) and "method" in body else None


def _remember(queue, hook, problem):
    with queue.changed:
        hook.last_error_date = int(time.time())
        hook.last_error_message = problem


def _rest(queue, hook, pause):
    until = time.monotonic() + pause
    with queue.changed:
        while not (hook.ended or queue.closed) and time.monotonic() < until:
            queue.changed.wait(max(until - time.monotonic(), 0))
