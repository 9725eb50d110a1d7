"""What people do in chats: write, press, open the Mini App, follow links, block."""

import base64

from .. import people, webapps
from ..args import Upload
from ..methods import files
from .table import LONGEST_WAIT, operation, place, seen, user_of


@operation
def send(world, p):
    _, user, chat = place(world, p)
    content = dict(p.get("content") or {})
    if p.get("text") is not None:
        content["text"] = p["text"]
    if p.get("reply_to"):
        content = {**people.reply_content(chat, p["reply_to"]), **content}
    return seen(people.send(world, user, chat, content))


@operation
def send_file(world, p):
    _, user, chat = place(world, p)
    upload = Upload(p["name"], base64.b64decode(p["data"]), p.get("mime", ""))
    stored = world.keep_file(upload, "documents")
    content = {"document": files.document(stored)}
    if p.get("photo"):
        content = {"photo": files.photo(stored)}
    if p.get("caption"):
        content["caption"] = p["caption"]
    return seen(people.send(world, user, chat, content))


@operation
def edit(world, p):
    _, _, chat = place(world, p)
    return seen(people.edit(world, chat, p["message"], p["text"]))


@operation
def press(world, p):
    """Presses a button found by its text or data; for a callback waits `wait` s for its answer."""
    bot, user, chat = place(world, p)
    message, button = people.find_button(chat, p["button"], p.get("message"))
    if "web_app" in button:
        return _app(world, p, button["web_app"]["url"])
    if "url" in button:
        return {"kind": "url", "url": button["url"]}
    if "callback_data" in button:
        data = button["callback_data"]
        query_id = people.press_callback(world, user, chat, message, data)
        return {**callback(world, {"id": query_id, "wait": p.get("wait", 0)}), "bot": bot.id}
    if asks := [key for key in button if key.startswith("request_")]:
        raise LookupError(f"{p['button']!r} is a {asks[0]}: send its answer as content instead")
    sent = people.send(world, user, chat, {"text": button["text"]})
    return {"kind": "message", "message": seen(sent)}


@operation
def callback(world, p):
    """How a pressed button was answered, after at most `wait` seconds."""
    query = world.callbacks[str(p["id"])]
    world.wait_until(lambda: query.answer is not None, min(p.get("wait", 0), LONGEST_WAIT))
    answered = query.answer is not None
    shown = query.answer or {"text": "", "show_alert": False, "url": ""}
    seconds = query.answered - query.asked if answered else None
    return {"kind": "callback", "id": p["id"], "answered": answered, "seconds": seconds, **shown}


def _app(world, p, url):
    bot, user, chat = place(world, p)
    more = {"start_param": p.get("start_param"), **(p.get("fields") or {})}
    if chat.type != "private":
        more |= {"query_id": None, "chat_instance": chat.id * 7919, "chat_type": chat.type}
    data = webapps.init_data(bot, user, world.private_chat(bot, user), **more)
    launch = webapps.launch(url, data, p.get("theme") or "light", p.get("start_param"))
    return {"kind": "web_app", "url": url, "init_data": data, "launch": launch}


@operation
def open_app(world, p):
    """Opens the Mini App by a button, by the menu button, or at `url` or the configured address."""
    bot, user, _ = place(world, p)
    if p.get("button"):
        opened = press(world, p)
        if opened["kind"] != "web_app":
            raise LookupError(f"{p['button']!r} opens no Mini App")
        return opened
    menu = webapps.menu_button(bot, user)
    url = p.get("url") or menu.get("web_app", {}).get("url") or world.webapp_url
    if not url:
        raise LookupError("no Mini App: the bot set no menu button and no address is configured")
    return _app(world, p, url)


@operation
def follow(world, p):
    """Follows a link: t.me links start the bot or open its Mini App, others are given back."""
    link = people.read_link(world, p["url"])
    if link is None:
        return {"kind": "url", "url": p["url"]}
    bot, kind, payload = link
    user = user_of(world, p)
    if kind == "startapp":
        return open_app(world, {**p, "url": None, "bot": bot.id, "start_param": payload or None})
    if kind == "start":
        chat = world.private_chat(bot, user)
        sent = people.send(world, user, chat, {"text": f"/start {payload}".strip()})
        return {"kind": "message", "message": seen(sent)}
    return {"kind": kind, "url": p["url"]}


@operation
def block(world, p):
    people.block(world, place(world, p)[2])
    return True


@operation
def allow(world, p):
    """The user starts the bot without a word, unblocks it, or allows it to write (`by_app`)."""
    _, user, chat = place(world, p)
    people.allow(world, chat)
    if p.get("by_app"):
        world.say_service(chat, user, {"write_access_allowed": {"from_request": True}})
    return True
