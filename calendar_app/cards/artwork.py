"""The picture behind a card, drawn by code: a sky, a garland, balloons, confetti, a cake, paper.

For `cards` only. Everything is painted at twice its size and then halved, which smooths the
edges; coordinates below are those of the finished card.
"""

import functools
import math
import random
from collections.abc import Iterable
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 1200, 1600
MARGIN = 72
# Where the paper begins: low under a large cake, or high to leave room for much text.
LOW, HIGH = 470, 330
PAPER = "#fffdf9"
Point = tuple[float, float]


class Palette(NamedTuple):
    """Colours that go together: the sky's corners, the accent of the text, four for decoration."""

    sky: tuple[str, str, str, str]
    accent: str
    colours: tuple[str, str, str, str]


PALETTES = (
    Palette(
        ("#ffd3a5", "#ffb3ba", "#fd8fa6", "#c86dd7"),
        "#b8336a",
        ("#ff5d8f", "#ffb627", "#7b4bd6", "#2ec4b6"),
    ),
    Palette(
        ("#bdeaf5", "#8fd3f4", "#6fb1fc", "#4f6fd8"),
        "#2456b5",
        ("#ff6b6b", "#ffd166", "#2a6fdb", "#06b6a4"),
    ),
    Palette(
        ("#f3d9ff", "#d8b4fe", "#a98bf0", "#6d5bd0"),
        "#6b3fc4",
        ("#f472b6", "#fbbf24", "#7c3aed", "#38bdf8"),
    ),
    Palette(
        ("#e3f9c9", "#a8e6a1", "#63cfa7", "#2f9e9e"),
        "#17766b",
        ("#ff7a59", "#ffc93c", "#1f9d8b", "#e84a8a"),
    ),
    Palette(
        ("#fff0b3", "#ffd27a", "#ff9f68", "#f2637e"),
        "#c2410c",
        ("#e63973", "#ff8a1f", "#7048c6", "#12a5a0"),
    ),
    Palette(
        ("#54489c", "#3a3f8f", "#2b2f77", "#171a4a"),
        "#4338a0",
        ("#ff77a9", "#ffd166", "#8f7bff", "#4fd1c5"),
    ),
)


@functools.lru_cache(maxsize=2)
def picture(palette: Palette, top: int) -> Image.Image:
    """A card without its text, the paper starting at `top`; to be copied, not drawn on."""
    image = _sky(palette)
    brush = _Brush(image, palette, random.Random(top))  # noqa: S311 - a picture, not a secret
    brush.bokeh()
    brush.garland()
    brush.confetti()
    brush.balloons()
    _lay_paper(image, top)
    brush.cake(WIDTH / 2, top + 4, (top - 120) / 300)
    return image.reduce(2)


def _sky(palette: Palette) -> Image.Image:
    corners = Image.new("RGB", (2, 2))
    for number, colour in enumerate(palette.sky):
        corners.paste(colour, (number % 2, number // 2, number % 2 + 1, number // 2 + 1))
    return corners.resize((2 * WIDTH, 2 * HEIGHT), Image.Resampling.BICUBIC)


def _lay_paper(image: Image.Image, top: int) -> None:
    paper = (MARGIN, top, WIDTH - MARGIN, HEIGHT - MARGIN)
    shadow = Image.new("L", (WIDTH // 4, HEIGHT // 4))
    place = [edge // 4 + down for edge, down in zip(paper, (0, 5, 0, 5), strict=True)]
    ImageDraw.Draw(shadow).rounded_rectangle(place, 12, 110)
    shadow = shadow.filter(ImageFilter.GaussianBlur(8)).resize(image.size)
    image.paste("#2a1438", (0, 0), shadow)
    ImageDraw.Draw(image).rounded_rectangle([2 * edge for edge in paper], 88, PAPER)


class _Brush:
    """Draws in the colours of a palette, half transparent where a colour has eight digits."""

    def __init__(self, image: Image.Image, palette: Palette, chance: random.Random) -> None:
        self.drawing = ImageDraw.Draw(image, "RGBA")
        self.colours = palette.colours
        self.chance = chance

    def oval(self, centre: Point, across: float, down: float, colour: str) -> None:
        """An ellipse with its two radii."""
        (x, y) = centre
        edges = (x - across, y - down, x + across, y + down)
        self.drawing.ellipse([2 * edge for edge in edges], colour)

    def shape(self, corners: Iterable[Point], colour: str) -> None:
        """A polygon."""
        self.drawing.polygon([(2 * x, 2 * y) for x, y in corners], colour)

    def block(self, edges: tuple[float, float, float, float], round_by: float, colour: str) -> None:
        """A rectangle (left, top, right, bottom) with round corners."""
        self.drawing.rounded_rectangle([2 * edge for edge in edges], 2 * round_by, colour)

    def line(self, points: Iterable[Point], width: float, colour: str) -> None:
        """A line through the points."""
        scaled = [(2 * x, 2 * y) for x, y in points]
        self.drawing.line(scaled, colour, round(2 * width), joint="curve")

    def bokeh(self) -> None:
        """Large pale discs of light."""
        for _ in range(26):
            radius = self.chance.uniform(20, 130)
            centre = (self.chance.uniform(0, WIDTH), self.chance.uniform(0, HEIGHT))
            self.oval(centre, radius, radius, "#ffffff" + self.chance.choice(("12", "1c", "26")))

    def garland(self) -> None:
        """Two strings of pennants along the top."""
        for left, right in ((-30, WIDTH / 2), (WIDTH / 2, WIDTH + 30)):
            span = right - left
            string = [(left + span * t / 48, 14 + 300 * (t / 48) * (1 - t / 48)) for t in range(49)]
            self.line(string, 2.5, "#ffffffcc")
            for number in range(8):
                start, end = string[6 * number + 1], string[6 * number + 5]
                tip = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 62)
                self.shape((start, end, tip), self.colours[number % 4])
                self.shape((start, ((start[0] + end[0]) / 2, start[1]), tip), "#ffffff30")

    def balloons(self) -> None:
        """A bunch at either side."""
        places = ((118, 300, 74), (232, 214, 62), (66, 458, 58), (1082, 296, 76), (972, 212, 60))
        for number, (x, y, size) in enumerate((*places, (1140, 462, 56))):
            self.balloon((x, y), size, self.colours[(number * 3) % 4])

    def balloon(self, centre: Point, size: float, colour: str) -> None:
        """A balloon on its string; `size` is half its width."""
        x, y = centre
        knot = y + size * 1.2
        waves = [(x + 9 * math.sin(t / 3), knot + 10 + 9 * t) for t in range(36)]
        self.line(waves, 2, "#ffffffb0")
        self.oval(centre, size, size * 1.2, colour)
        self.shape(((x, knot - 5), (x - 10, knot + 13), (x + 10, knot + 13)), colour)
        self.oval((x + size * 0.1, y + size * 0.15), size * 0.8, size * 0.95, "#ffffff14")
        self.oval((x - size * 0.36, y - size * 0.5), size * 0.2, size * 0.3, "#ffffff8c")

    def confetti(self) -> None:
        """Scraps of paper all over, fewer further down."""
        for number in range(190):
            x = self.chance.uniform(0, WIDTH)
            y = HEIGHT * self.chance.random() ** 1.6
            if abs(x - WIDTH / 2) < 190 and y < LOW:
                continue  # where the cake is
            colour = (*self.colours, "#ffffff")[number % 5]
            size = self.chance.uniform(5, 11)
            if number % 3:
                self.shape(_turned((x, y), size, self.chance.uniform(0, math.pi)), colour)
            else:
                self.oval((x, y), size * 0.6, size * 0.6, colour)

    def cake(self, middle: float, bottom: float, scale: float) -> None:
        """A cake of two tiers that stands on `bottom`, 300 units high."""

        def at(x: float, y: float) -> Point:
            return (middle + x * scale, bottom - y * scale)

        def tier(half: float, low: float, high: float, colour: str) -> None:
            self.block((*at(-half, high), *at(half, low)), 18 * scale, colour)
            self.block((*at(-half, high), *at(half, high - 30)), 15 * scale, "#fff7ef")
            for number in range(round(half / 14)):
                x = 28 * number - half + 14
                drip = 12 + 17 * (number * 7 % 4) / 3
                self.block(
                    (*at(x - 11, high - 15), *at(x + 11, high - 30 - drip)), 11 * scale, "#fff7ef"
                )

        self.oval(at(0, 8), 190 * scale, 12 * scale, "#ffffff")
        self.oval(at(0, 4), 190 * scale, 9 * scale, "#e9e2ee")
        tier(154, 10, 120, self.colours[0])
        tier(98, 112, 204, self.colours[2])
        for number in range(5):
            self.candle(at(36 * number - 72, 200), scale, self.colours[(number + 1) % 4])

    def candle(self, foot: Point, scale: float, colour: str) -> None:
        """A burning candle, 80 units high."""
        x, y = foot
        top = y - 50 * scale
        self.block((x - 6 * scale, top, x + 6 * scale, y), 4 * scale, colour)
        for stripe in (8, 22, 36):
            band = [
                (x - 6 * scale, top + (stripe + 7) * scale),
                (x + 6 * scale, top + stripe * scale),
            ]
            self.line(band, 4 * scale, "#ffffffd0")
        self.oval((x, top - 18 * scale), 22 * scale, 26 * scale, "#fff3b030")
        self.oval((x, top - 15 * scale), 8 * scale, 14 * scale, "#ffb627")
        self.oval((x, top - 11 * scale), 4 * scale, 8 * scale, "#fff4c2")


def _turned(centre: Point, size: float, angle: float) -> list[Point]:
    """The corners of a narrow rectangle, turned by the angle (radians)."""
    x, y = centre
    long, short = complex(math.cos(angle), math.sin(angle)) * size, 0.45j
    edges = (long * (1 + short), long * (1 - short), -long * (1 + short), -long * (1 - short))
    return [(x + edge.real, y + edge.imag) for edge in edges]
