"""Which of the fonts that Debian has installed draws a character; for `typesetting`.

Pillow draws text in one font and puts a box where that has no glyph. The fonts' own `cmap`
tables say what they have, so they are read here, each when it is first asked for.
"""

import bisect
import functools
import mmap
import re
import struct
import unicodedata
from array import array
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont, features

from ..errors import Unavailable
from ..texts import N_
from . import segments

FONTS = Path("/usr/share/fonts")
PACKAGES = "fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji fonts-dejavu-core libfribidi0"
OURS = re.compile(
    r"(Noto(?:Sans|Serif|Naskh|Color)\w*|DejaVuSans)(?:-(Regular|Bold))?\.(?:ttf|ttc)"
)
EMOJI = "NotoColorEmoji"
# Its bitmaps have one size in pixels; letters of the text's size beside them look best if
# they are made a little smaller than that.
EMOJI_SIZE, EMOJI_SCALE = 109, 0.92
# The fonts for Chinese, Japanese and Korean are five in a file; the third is simplified Chinese.
CJK, HAN = "CJK", 2
MEASURED_AT = 64
TEXT_SIGN, EMOJI_SIGN, KEYCAP = "\ufe0e\ufe0f\u20e3"
# First and last characters of the ranges that a font has, both in order.
Ranges = tuple[array, array]


class Style(NamedTuple):
    """How text is meant to look: the family to prefer, and `Bold` or `Regular`."""

    family: str
    weight: str


class Font(NamedTuple):
    """One font of a file."""

    path: str
    index: int = 0

    @property
    def coloured(self) -> bool:
        """Whether it is the one of emoji, which are bitmaps of `EMOJI_SIZE`."""
        return EMOJI in self.path

    def has(self, text: str) -> bool:
        """Whether it has a glyph for every character that shows."""
        starts, ends = _coverage(self)
        for char in (ord(char) for char in text if not invisible(char)):
            at = bisect.bisect_right(starts, char) - 1
            if at < 0 or char > ends[at]:
                return False
        return True

    def sized(self, pixels: int) -> ImageFont.FreeTypeFont:
        """The font as Pillow's; a coloured one as it is, whatever size is asked for."""
        return _opened(self, EMOJI_SIZE if self.coloured else pixels)

    def ems(self, text: str, direction: str) -> float:
        """How wide the text is in ems, the same at every size."""
        size, scale = (EMOJI_SIZE, EMOJI_SCALE) if self.coloured else (MEASURED_AT, 1)
        return self.sized(size).getlength(text, direction=direction) / size * scale


def invisible(char: str) -> bool:
    """Whether it only changes how its neighbours look: joiners, selectors, tags."""
    return unicodedata.category(char) == "Cf" or "\ufe00" <= char <= "\ufe0f"


@functools.lru_cache(maxsize=4096)
def choose(cluster: str, style: Style) -> Font:
    """The first font that has the whole cluster, else its first character, else any.

    Raises Unavailable if there are no fonts, or if Pillow finds no FriBidi to shape text with.
    """
    fonts = _fonts(FONTS, style)
    if not fonts or fonts[0].coloured or not features.check("fribidi"):
        raise Unavailable(
            N_("Cards need these Debian packages on the server: {packages}"), packages=PACKAGES
        )
    tried = (*fonts[-1:], *fonts) if _is_emoji(cluster) else fonts
    for part in (cluster, cluster[0]):
        for font in tried:
            if font.has(part):
                return font
    return fonts[0]


def _is_emoji(cluster: str) -> bool:
    asked = EMOJI_SIGN in cluster or KEYCAP in cluster
    return TEXT_SIGN not in cluster and (asked or cluster[0] >= segments.FIRST_EMOJI)


@functools.lru_cache(maxsize=8)
def _fonts(folder: Path, style: Style) -> tuple[Font, ...]:
    """All fonts, the best for that style first, the coloured one last."""
    names = {
        path: found for path in folder.rglob("*.tt[fc]") if (found := OURS.fullmatch(path.name))
    }

    def unlike(path: Path) -> tuple[bool | str, ...]:
        family, weight = names[path][1], names[path][2] or "Regular"
        wrong = (weight != style.weight, family != style.family, not family.startswith("NotoSans"))
        return (family == EMOJI, *wrong, family)

    found = sorted(names, key=unlike)
    return tuple(Font(str(path), HAN if CJK in path.name else 0) for path in found)


@functools.lru_cache(maxsize=32)
def _opened(font: Font, pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font.path, pixels, font.index)


@functools.cache
def _coverage(font: Font) -> Ranges:
    file = Path(font.path).open("rb")  # noqa: SIM115 - mmap keeps what it needs of it
    with file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _ranges(data, _cmap(data, font.index))


def _cmap(data: mmap.mmap, index: int) -> int:
    """Where in the file the table begins that maps characters to glyphs (OpenType, `cmap`)."""
    start = _number(data, ">I", 12 + 4 * index) if data[:4] == b"ttcf" else 0
    records = range(start + 12, start + 12 + 16 * _number(data, ">H", start + 4), 16)
    return next(_number(data, ">I", at + 8) for at in records if data[at : at + 4] == b"cmap")


def _ranges(data: mmap.mmap, cmap: int) -> Ranges:
    """The characters of the table; format 12 has them all, format 4 those below U+10000."""
    records = range(cmap + 4, cmap + 4 + 8 * _number(data, ">H", cmap + 2), 8)
    tables = [cmap + _number(data, ">I", at + 4) for at in records]
    formats = {_number(data, ">H", table): table for table in tables}
    if at := formats.get(12):
        numbers = struct.unpack_from(f">{3 * _number(data, '>I', at + 12)}I", data, at + 16)
        return array("I", numbers[::3]), array("I", numbers[1::3])
    at = formats[4]
    count = _number(data, ">H", at + 6) // 2
    ends, starts = (f">{count}H", at + 14), (f">{count}H", at + 16 + 2 * count)
    return tuple(
        array("I", struct.unpack_from(form, data, place)) for form, place in (starts, ends)
    )


def _number(data: mmap.mmap, form: str, at: int) -> int:
    return struct.unpack_from(form, data, at)[0]
