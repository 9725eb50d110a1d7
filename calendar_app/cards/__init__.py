"""The birthday card: a PNG with a name, a greeting and, if wanted, a QR code.

Callers may give any text; it is shrunk to fit and never cut. A card has no place for the
comment of a birthday, so it cannot be printed by mistake.
"""

import io
import threading
import zlib
from dataclasses import dataclass

import segno
from PIL import Image, ImageDraw

from .. import texts
from ..texts import N_
from . import artwork
from .fonts import Style
from .typesetting import Box, fit

SIZE = (artwork.WIDTH, artwork.HEIGHT)
TITLE, VERSE = Style("NotoSerifDisplay", "Bold"), Style("NotoSerif", "Regular")
BODY, SMALL = Style("NotoSans", "Regular"), Style("NotoSans", "Bold")
INK, PALE_INK = "#2b2438", "#6f6780"
# Inside the paper, clear of its edges.
LEFT, RIGHT, BOTTOM = 132, SIZE[0] - 132, SIZE[1] - 116
# With more characters than this the greeting gets more room and starts at the side.
LONG = 480
GAP = 28
# A code's dots are at least so many pixels wide: Telegram shrinks a photo to 960 by 1280.
QR_SIZE, QR_DOT, QR_QUIET = 250, 4, 4
# Bounds memory, and fonts are not for two threads at once.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Card:
    """What a card says: `day` is a date as its reader writes it, `language` is the heading's.

    `greeting_text` has 1 to 2000 characters; of the others all but `full_name` may be empty.
    """

    full_name: str
    position: str
    company: str
    day: str
    greeting_text: str
    qr_url: str | None
    language: str


def draw(card: Card) -> bytes:
    """The card as a PNG of `SIZE` pixels.

    Raises Unavailable, and says what to install, if the server lacks fonts.
    """
    with _one_at_a_time:
        image = _paint(card)
    png = io.BytesIO()
    image.save(png, "PNG", compress_level=6)
    return png.getvalue()


def _paint(card: Card) -> Image.Image:
    palettes = artwork.PALETTES
    palette = palettes[zlib.crc32(card.full_name.encode("utf-8", "replace")) % len(palettes)]
    long = len(card.full_name + card.position + card.company + card.greeting_text) > LONG
    top = artwork.HIGH if long else artwork.LOW
    image = artwork.picture(palette, top).copy()
    code = _draw_code(image, card.qr_url) if card.qr_url else None
    y = _draw_heading(image, card, palette.accent, top + 34)
    # Long text flows round the code, short text stands above it.
    height = (code.y if code and not long else BOTTOM) - y
    box = Box(LEFT, y, RIGHT - LEFT, height)
    block = fit(card.greeting_text, *((BODY, box, 44, code) if long else (VERSE, box, 60)))
    spare = 0 if long else (height - block.height) // 2
    block.draw(image, (LEFT, y + spare), INK, centred=not long)
    return image


def _draw_heading(image: Image.Image, card: Card, accent: str, y: int) -> int:
    """Draws who is congratulated, and when, from `y` down; where the greeting may begin."""
    role = " · ".join(filter(str.strip, (card.position, card.company)))
    parts = (
        (texts.say(card.language, N_("Happy birthday!")), SMALL, 36, 54, accent),
        (card.full_name, TITLE, 104, 270, INK),
        (role, BODY, 34, 80, PALE_INK),
    )
    for text, style, largest, height, ink in parts:
        block = fit(text, style, Box(LEFT, y, RIGHT - LEFT, height), largest)
        if block.width:
            block.draw(image, (LEFT, y), ink, centred=True)
            y += block.height + GAP // 2
    day = fit(card.day, SMALL, Box(LEFT, y, RIGHT - LEFT, 50), 34)
    day.draw(image, (LEFT, y), accent, centred=True)
    _rule(image, y + day.height // 2, day.width and day.width // 2 + GAP, accent)
    return y + day.height + GAP + GAP // 2


def _rule(image: Image.Image, y: int, clear: int, ink: str) -> None:
    """Draws a line on either side of the day, `clear` pixels from the middle."""
    middle = (LEFT + RIGHT) // 2
    for start, end in ((LEFT, middle - clear), (middle + clear, RIGHT)):
        if start < end:
            ImageDraw.Draw(image).line((start, y, end, y), ink, 2)


def _draw_code(image: Image.Image, url: str) -> Box:
    """Draws the QR code in the lower right corner; where it is, with what must stay clear."""
    code = segno.make(url, error="l", micro=False)
    dots = code.symbol_size(border=QR_QUIET)[0]
    dot = max(QR_DOT, QR_SIZE // dots)
    png = io.BytesIO()
    code.save(png, "png", scale=dot, border=QR_QUIET, dark=INK, light=artwork.PAPER)
    side, quiet = dots * dot, QR_QUIET * dot
    place = Box(RIGHT + quiet - side, BOTTOM + quiet - side, side, side)
    image.paste(Image.open(png).convert("RGB"), (place.x, place.y))
    return place
