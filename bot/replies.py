"""What a handler answers with: plain records, sent only after what they tell of is stored."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Button:
    """A button under a message: gives `data` back (1–64 bytes), opens the Mini App or an address,
    or copies a text (1–256 characters)."""

    text: str
    data: str = ""
    web_app: str = ""
    url: str = ""
    copy: str = ""


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True)
class Say:
    """A new message in Telegram's HTML; `ask` invites a reply (needed in groups)."""

    chat_id: int
    html: str
    keyboard: Keyboard = ()
    ask: bool = False
    reply_to: int | None = None


@dataclass(frozen=True)
class Edit:
    """A message of the bot, written anew."""

    chat_id: int
    message_id: int
    html: str
    keyboard: Keyboard = ()


@dataclass(frozen=True)
class Answer:
    """Ends the waiting of a pressed button, with a short note if given."""

    callback_id: str
    text: str = ""


@dataclass(frozen=True)
class Menu:
    """The commands and the menu button of a private chat, in that language."""

    chat_id: int
    language: str


Reply = Say | Edit | Answer | Menu


def column(*buttons: Button) -> Keyboard:
    """One button a row."""
    return tuple((button,) for button in buttons)


def grid(buttons: list[Button], width: int) -> Keyboard:
    """Buttons in rows of `width`."""
    return tuple(tuple(buttons[at : at + width]) for at in range(0, len(buttons), width))
