"""What Telegram refuses in a reply_markup. Used by the methods that send or edit messages."""

from urllib.parse import urlsplit

from .errors import bad_request

_ACTIONS = (
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "pay",
)
_KINDS = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")


def check(markup, chat, local):
    """The markup if Telegram takes it in this chat, None for none; raises 400."""
    if markup in (None, ""):
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    kind = next((kind for kind in _KINDS if kind in markup), None)
    if kind is None:
        return None
    if kind == "inline_keyboard":
        for button in _buttons(markup[kind]):
            _check_inline(button, chat, local)
        return markup if any(markup[kind]) else None
    if kind == "keyboard":
        for button in _buttons(markup[kind]):
            _check_reply(button, chat, local)
    return markup


def check_web_app(web_app, local):
    """The address of a Mini App: https, and for a local server plain http too."""
    url = web_app.get("url", "") if isinstance(web_app, dict) else ""
    allowed = ("https", "http") if local else ("https",)
    if urlsplit(url).scheme not in allowed or not urlsplit(url).hostname:
        raise bad_request(f"Web App URL '{url}' is invalid: Only HTTPS links are allowed")


def _buttons(rows):
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("field of the keyboard must be an Array of Arrays")
    return [button for row in rows for button in row]


def _check_inline(button, chat, local):
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: expected an Object")
    if not str(button.get("text", "")).strip():
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be non-empty')
    if not any(action in button for action in _ACTIONS):
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if "callback_data" in button and not 1 <= _size(button["callback_data"]) <= 64:
        raise bad_request("BUTTON_DATA_INVALID")
    if "web_app" in button:
        _check_web_app_button(button, chat, local)
    if "url" in button and urlsplit(str(button["url"])).scheme not in ("http", "https", "tg"):
        raise bad_request("BUTTON_URL_INVALID")


def _check_reply(button, chat, local):
    text = button.get("text") if isinstance(button, dict) else button
    if not isinstance(text, str) or not text.strip():
        raise bad_request('can\'t parse keyboard button: Field "text" must be non-empty')
    if isinstance(button, dict) and "web_app" in button:
        _check_web_app_button(button, chat, local)
    asks = ("request_users", "request_chat", "request_contact", "request_location")
    if isinstance(button, dict) and chat.type != "private" and any(ask in button for ask in asks):
        raise bad_request("BUTTON_TYPE_INVALID")


def _check_web_app_button(button, chat, local):
    if chat.type != "private":
        raise bad_request("BUTTON_TYPE_INVALID")
    check_web_app(button["web_app"], local)


def _size(data):
    return len(data.encode()) if isinstance(data, str) else 0
