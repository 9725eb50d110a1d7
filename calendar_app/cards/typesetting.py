"""Text in any script, mixed in one line, as lines that fit a box; for `cards`.

Pillow shapes a run of text in one font and direction (libraqm with HarfBuzz and FriBidi). What
it leaves open is decided here: where the runs are, in which order they stand, where a line may
break and how large the text can be.
"""

import bisect
import functools
import itertools
import math
import operator
import unicodedata
from typing import NamedTuple

from PIL import Image, ImageDraw

from . import fonts, segments

LEADING = 1.36
# Below this size in pixels line breaks are given up, before the text becomes smaller still.
LEGIBLE = 20


class Box(NamedTuple):
    """A rectangle of the image, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Room(NamedTuple):
    """How many ems a line may fill: `ems`, or `beside` from the line of number `below` on."""

    ems: float
    beside: float = 0.0
    below: float = math.inf

    def at(self, number: int) -> float:
        """The ems for the line of that number in the block."""
        return self.beside if number >= self.below else self.ems


class Run(NamedTuple):
    """Text of one font and one embedding level; an odd level runs to the left."""

    font: fonts.Font
    level: int
    text: str

    @property
    def direction(self) -> str:
        """The direction, as Pillow names it."""
        return "rtl" if self.level % 2 else "ltr"

    def ems(self) -> float:
        """How wide it is, in ems."""
        return self.font.ems(self.text, self.direction)


class Line(NamedTuple):
    """The runs of a line from left to right, where it starts, and the ems that it may fill."""

    runs: list[Run]
    rtl: bool
    room: float

    def ems(self) -> float:
        """How wide it is, in ems."""
        return sum(run.ems() for run in self.runs)


class Block(NamedTuple):
    """Lines of a size in pixels."""

    lines: list[Line]
    size: int

    @property
    def height(self) -> int:
        """How high it is, in pixels."""
        return round(len(self.lines) * self.size * LEADING)

    @property
    def width(self) -> int:
        """How wide its widest line is, in pixels."""
        return round(max(line.ems() for line in self.lines) * self.size)

    def draw(self, image: Image.Image, corner: tuple[int, int], ink: str, centred: bool) -> None:
        """Draws the lines from the upper left corner down, in the middle or where each starts."""
        for number, line in enumerate(self.lines):
            spare = (line.room - line.ems()) * self.size
            x = corner[0] + (spare / 2 if centred else spare * line.rtl)
            y = corner[1] + self.size * (LEADING * number + 1.04)
            for run in line.runs:
                draw = _draw_emoji if run.font.coloured else _draw_letters
                draw(image, run, (x, y), self.size, ink)
                x += run.ems() * self.size


def fit(text: str, style: fonts.Style, box: Box, largest: int, notch: Box | None = None) -> Block:
    """The whole text as large as fits the box, `largest` pixels at most.

    Down to half of that no word is broken. A `notch` is kept clear: a part of the box in its
    lower right corner. Raises Unavailable as `fonts.choose` does.
    """
    paragraphs = [_Paragraph(line, style) for line in segments.clean(text).split("\n")]
    room_at = functools.partial(_room, box, notch)

    def fits(size: int) -> bool:
        whole = size <= largest / 2 or all(found.widest * size <= box.width for found in paragraphs)
        return whole and _count(paragraphs, room_at(size)) * size * LEADING <= box.height

    sizes = range(largest, 0, -1)
    size = sizes[min(bisect.bisect_left(sizes, True, key=fits), largest - 1)]
    if size < LEGIBLE and len(paragraphs) > 1:
        return fit(" ".join(text.split()), style, box, largest, notch)
    room = room_at(size) if notch else _balanced(paragraphs, box.width / size)
    lines: list[Line] = []
    for found in paragraphs:
        lines += found.lines(room, len(lines))
    # What is balanced is narrower than the box, in whose middle it then stands.
    return Block([line._replace(room=room_at(size).at(n)) for n, line in enumerate(lines)], size)


def _room(box: Box, notch: Box | None, size: int) -> Room:
    if notch is None:
        return Room(box.width / size)
    above = math.floor((notch.y - box.y) / (size * LEADING))
    return Room(box.width / size, (notch.x - box.x) / size, above)


class _Paragraph:
    """Text without line breaks, with the widths of what stands between its spaces."""

    def __init__(self, text: str, style: fonts.Style) -> None:
        self.style = style
        strong = (unicodedata.bidirectional(char) for char in text)
        self.base = "R" if next((c for c in strong if c in ("L", "R", "AL")), "L") != "L" else "L"
        self.pieces = segments.pieces(text)
        self.ems = functools.cache(lambda piece: sum(run.ems() for run in self._runs(piece)))
        self.widest = max(self.ems(piece.rstrip(" ")) for piece in self.pieces)

    def wrap(self, room: Room, first: int) -> list[str]:
        """The text in lines, the first being that number of the block.

        Only what has no room in a line of its own is broken anywhere.
        """
        lines, width = [""], 0.0
        least = min(room.at(first), room.at(first + len(self.pieces)))
        for piece in self.pieces:
            whole = self.widest <= least or self.ems(piece.rstrip(" ")) <= least
            for part in [piece] if whole else segments.clusters(piece):
                wider = width + self.ems(part.rstrip(" "))
                if lines[-1] and wider > room.at(first + len(lines) - 1):
                    lines.append("")
                    width = 0.0
                lines[-1] += part
                width += self.ems(part)
        return lines

    def lines(self, room: Room, first: int) -> list[Line]:
        """The same, ready to be drawn."""
        return [
            Line(self._runs(line.rstrip(" ")), self.base == "R", room.at(first + number))
            for number, line in enumerate(self.wrap(room, first))
        ]

    def _runs(self, text: str) -> list[Run]:
        cut = segments.clusters(text)
        levels = segments.levels(cut, self.base)
        placed = zip(_fonts(cut, self.style), levels, cut, strict=True)
        runs = [
            Run(*alike, "".join(cluster for _, _, cluster in group))
            for alike, group in itertools.groupby(placed, operator.itemgetter(0, 1))
        ]
        return _reversed(_reversed(runs, 2), 1)


def _count(paragraphs: list[_Paragraph], room: Room) -> int:
    lines = 0
    for found in paragraphs:
        lines += len(found.wrap(room, lines))
    return lines


def _balanced(paragraphs: list[_Paragraph], ems: float) -> Room:
    """The narrowest room that needs no more lines and breaks no more words than `ems`."""
    lines = _count(paragraphs, Room(ems))
    least = min(ems, max(found.widest for found in paragraphs))
    rooms = [Room(least + (ems - least) * part / 24) for part in range(25)]
    enough = bisect.bisect_left(rooms, True, key=lambda room: _count(paragraphs, room) <= lines)
    return rooms[min(enough, 24)]


def _fonts(clusters: list[str], style: fonts.Style) -> list[fonts.Font]:
    """A font for each cluster; spaces, digits and signs stay in the one before if it has them."""
    found: list[fonts.Font] = []
    for cluster in clusters:
        follows = len(cluster) == 1 and unicodedata.category(cluster)[0] in "PZN"
        stays = found and follows and not found[-1].coloured and found[-1].has(cluster)
        found.append(found[-1] if stays else fonts.choose(cluster, style))
    return found


def _reversed(runs: list[Run], level: int) -> list[Run]:
    """The runs with each row of that level or higher turned round (rule L2 of UAX #9)."""
    found: list[Run] = []
    for turned, group in itertools.groupby(runs, lambda run: run.level >= level):
        row = list(group)
        found += reversed(row) if turned else row
    return found


def _draw_letters(
    image: Image.Image, run: Run, place: tuple[float, float], size: int, ink: str
) -> None:
    font = run.font.sized(size)
    ImageDraw.Draw(image).text(place, run.text, ink, font, "ls", direction=run.direction)


def _draw_emoji(
    image: Image.Image, run: Run, place: tuple[float, float], size: int, ink: str
) -> None:
    """Draws the bitmaps in the one size that they have and shrinks them to the text's."""
    font, full = run.font.sized(size), fonts.EMOJI_SIZE
    width = max(1, round(font.getlength(run.text, direction=run.direction)))
    strip = Image.new("RGBA", (width, full * 5 // 4), "#ffffff00")
    drawing = ImageDraw.Draw(strip)
    drawing.text((0, full), run.text, ink, font, "ls", direction=run.direction, embedded_color=True)
    scale = size * fonts.EMOJI_SCALE / full
    width, height = (max(1, round(edge * scale)) for edge in strip.size)
    small = strip.resize((width, height), reducing_gap=1.5)
    image.paste(small, (round(place[0]), round(place[1] - full * scale)), small)
