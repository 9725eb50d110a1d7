"""Cards: real rendering in every script, sizes that fit, the QR code, and what may not be there."""

import dataclasses
import io
import re
import shutil
import unicodedata
from pathlib import Path

import pytest
import segno
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from calendar_app import cards, errors
from calendar_app.cards import Card, artwork, draw, fonts, segments, typesetting
from calendar_app.cards.typesetting import Box, fit

NOTO = Path("/usr/share/fonts/truetype/noto")
CJK = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
BODY, TITLE = cards.BODY, cards.TITLE
WIDE = Box(20, 20, 1160, 200)
NOBODY_HAS_IT = "\U0010fffd"
NAMES = {
    "Latin": "Zoë Ångström", "Cyrillic": "Щукина Ёлка", "Greek": "Αθηνά", "Arabic": "محمد علي",
    "Hebrew": "שרה לוי", "Chinese": "王小明", "Japanese": "さくら花子", "Korean": "김철수",
    "Devanagari": "श्रीमती क्षत्रिय", "Thai": "น้ำใจ", "Georgian": "ნინო", "Armenian": "Արամ",
    "Tamil": "தமிழ்", "Amharic": "አበበ", "emoji": "🎂👍🏿👩🏽‍🚀", "flags": "🇩🇪🏴󠁧󠁢󠁥󠁮󠁧󠁿", "keycap": "1️⃣",
}  # fmt: skip
TEXT = "Пусть каждый день приносит что-то доброе, а рядом будут те, кого любят. "
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
# What is hard, more often than chance would have it.
HARD = st.text(
    st.sampled_from("aЖ محש🎂👩\u200d🏽🇩🇪\ufe0f\u20e3क्षน้\u0301﷽\n\t\x00\u202e1.,(王あ𒐫\ufffd")
)


def card(greeting="Happy birthday!", name="Ada Lovelace", url=None, **more):
    others = {"position": "", "company": "", "day": "10 December", "language": "en"} | more
    return Card(full_name=name, greeting_text=greeting, qr_url=url, **others)


def opened(png):
    image = Image.open(io.BytesIO(png))
    image.load()
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (1200, 1600))
    return image


def inked(text, style=BODY, size=60):
    """The text alone on white, cut to its ink; None if there is none."""
    image = Image.new("RGB", (1200, 260), "white")
    fit(text, style, WIDE, size).draw(image, (WIDE.x, WIDE.y), "#000", centred=False)
    found = ImageChops.invert(image).getbbox()
    return image.crop(found) if found else None


def gaps(image):
    """How many empty gaps there are between the letters."""
    columns = ImageChops.invert(image.convert("L")).resize((image.width, 1), Image.Resampling.BOX)
    return len(re.findall("0+", "".join(str(int(level > 0)) for level in columns.tobytes())))


def ems(text, style=BODY):
    (line,) = fit(text, style, WIDE, 40).lines
    return line.ems()


def order(text, style=BODY):
    """The runs' texts as they stand from left to right."""
    (line,) = fit(text, style, WIDE, 20).lines
    return [run.text.strip() for run in line.runs]


def written(block):
    """All that the block says, in the order in which it was written, without spaces."""
    lines = (sorted(line.runs, key=lambda run: run.level) for line in block.lines)
    return sorted("".join(run.text for line in lines for run in line).replace(" ", ""))


@pytest.mark.parametrize("script", NAMES)
@pytest.mark.parametrize("style", [BODY, TITLE])
def test_every_character_of_a_name_has_a_glyph(script, style):
    for cluster in segments.clusters(NAMES[script].replace(" ", "")):
        font = fonts.choose(cluster, style)
        assert font.has(cluster), (font, cluster)
        assert font.coloured == (script in ("emoji", "flags", "keycap"))
        box, drawn = inked(NOBODY_HAS_IT, style), inked(cluster, style)
        assert drawn
        assert (drawn.size, drawn.tobytes()) != (box.size, box.tobytes())


@pytest.mark.parametrize("text", [NOBODY_HAS_IT, "\ue123", "\u0378", "\ufffe", "\U000f0000"])
def test_what_no_font_has_is_a_box(text):
    found = inked(text)
    assert found.size == inked(NOBODY_HAS_IT).size
    # Hollow, and no emoji.
    assert found.getpixel((found.width // 2, found.height // 2)) == (255, 255, 255)


def test_what_the_fonts_say_they_have_is_what_pillow_draws():
    for path, chars in [
        ("NotoSans-Regular.ttf", "aЖ中ع\U0001f382"),
        ("NotoColorEmoji.ttf", "aЖ中ع\U0001f382"),
        ("NotoSansArabic-Regular.ttf", "aЖ中ع\U0001f382"),
    ]:
        font = fonts.Font(str(NOTO / path))
        missing = bytes(font.sized(60).getmask("\U0010fffd"))
        for char in chars:
            drawn = bytes(font.sized(60).getmask(char))
            assert font.has(char) == (drawn != missing), (path, char)
    assert fonts.Font(str(CJK), 2).has("王あ김")
    assert not fonts.Font(str(CJK), 2).has("ع")


def test_arabic_letters_are_joined():
    apart = "\u200c".join("محمد")
    assert not gaps(inked("محمد"))
    assert gaps(inked(apart)) == 3


def test_hindi_letters_are_one_shape_and_accents_stand_on_their_letter():
    assert ems("क्ष") < ems("क्\u200cष")
    assert ems("e\u0323\u030b") == pytest.approx(ems("e\u0323"), abs=0.01)
    assert ems("น้ำ") < ems("นน")


@pytest.mark.parametrize("emoji", ["👩🏽‍🚀", "👨‍👩‍👧‍👦", "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1️⃣", "👍🏿", "❤️", "❤"])
def test_an_emoji_of_many_characters_is_one_coloured_picture(emoji):
    assert segments.clusters(emoji) == [emoji]
    assert ems(emoji) == pytest.approx(ems("🎂"))
    colours = inked(emoji).convert("HSV").getchannel("S").getextrema()
    # This font's families are grey.
    assert colours[1] > 60 or emoji.startswith("👨")


def test_skin_tones_differ():
    assert len({inked(emoji).tobytes() for emoji in ("👍", "👍🏻", "👍🏿")}) == 3


@pytest.mark.parametrize(("text", "runs"), [
    ("Привет, Ada!", ["Привет, Ada!"]),
    ("שלום Ada", ["Ada", "שלום"]),
    ("שלום, Ada בת 36!", ["!", "36", "בת", "Ada", ",", "שלום"]),
    ("Ada שלום 36 לוי!", ["Ada", "לוי", "36", "שלום", "!"]),
    ("ב-12.05.2024 נפגש", ["נפגש", "12.05.2024", "ב-"]),
])  # fmt: skip
def test_right_to_left_text_stands_where_it_belongs(text, runs):
    assert [run for run in order(text) if run] == runs


def test_hebrew_begins_at_the_right():
    image = Image.new("RGB", (1200, 260), "white")
    fit("שלום", BODY, WIDE, 40).draw(image, (WIDE.x, WIDE.y), "#000", centred=False)
    left, _, right, _ = ImageChops.invert(image).getbbox()
    assert left > 900
    assert right > 1150


@pytest.mark.parametrize(("text", "pieces"), [
    ("one two  three", ["one ", "two  ", "three"]),
    ("no\xa0break", ["no\xa0break"]),
    ("self-made", ["self-", "made"]),
    ("你好，世界。", ["你", "好，", "世", "界。"]),
    ("「你好」", ["「你", "好」"]),
    ("🎂🎉!", ["🎂", "🎉!"]),
    ("생일 축하", ["생일 ", "축하"]),
    ("", [""]),
])  # fmt: skip
def test_lines_break_where_they_may(text, pieces):
    assert segments.pieces(text) == pieces


@pytest.mark.parametrize(("text", "shown"), [
    ("a\x00b\x07c\x7f", "abc"), ("a\r\nb\rc\u2028d", "a\nb\nc\nd"), ("a\tb", "a b"),
    ("\u202eabc\u200f", "abc"), ("a \n  b", "a\nb"), ("a\n\n\n\nb", "a\n\nb"), ("  a ", "a"),
    ("👩\u200d🚀", "👩\u200d🚀"), ("e\u0301", "é"),
])  # fmt: skip
def test_what_cannot_be_seen_is_dropped(text, shown):
    assert segments.clean(text) == shown


def test_control_characters_change_nothing():
    assert draw(card("Happy\x00 birthday!\x1b", day="10\x07 December")) == draw(
        card("Happy birthday!")
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400) | HARD)
@examples(deadline=None, max_examples=80)
def test_no_character_is_lost_and_all_fit(text):
    box = Box(0, 0, 400, 300)
    block = fit(text, BODY, box, 40)
    assert written(block) == sorted(re.sub(r"[ \n]", "", segments.clean(text)))
    assert block.height <= box.height or block.size == 1
    assert block.width <= box.width + 1 or block.size == 1


@pytest.mark.parametrize("text", [
    TEXT * 27, "王小明生日快乐" * 280, "🎂🎉" * 1000, "W" * 2000, "a\n" * 1000,
    "عيد ميلاد سعيد " * 130,    "﷽" * 2000, "सुखी जीवन " * 200,
])  # fmt: skip
@pytest.mark.parametrize(
    "url", [None, "https://t.me/birthday_bot", "https://example.org/" + "x" * 492]
)
def test_the_longest_texts_stay_on_the_paper_and_off_the_code(text, url):
    filled = opened(draw(card(text[:2000], url=url)))
    # As long a text that shows nothing but one dot.
    empty = opened(draw(card("." + " " * 1998 + "\u200d", url=url)))
    left, top, right, bottom = ImageChops.difference(filled, empty).getbbox()
    assert left >= artwork.MARGIN + 30
    assert top > artwork.HIGH
    assert right <= 1200 - artwork.MARGIN - 30
    assert bottom <= 1600 - artwork.MARGIN - 10
    if url:
        place = cards._draw_code(Image.new("RGB", cards.SIZE), url)
        corners = (place.x, place.y, place.x + place.width, place.y + place.height)
        assert not ImageChops.difference(filled.crop(corners), empty.crop(corners)).getbbox()


@pytest.mark.parametrize("text", [TEXT * 27, "Happy birthday to you, dear Ada! " * 60])
def test_two_thousand_letters_are_legible(text):
    box = Box(cards.LEFT, 700, cards.RIGHT - cards.LEFT, cards.BOTTOM - 700)
    assert fit(text[:2000], BODY, box, 44).size >= 22


def test_a_short_text_is_large_and_no_word_of_it_is_broken():
    box = Box(0, 0, 940, 600)
    block = fit("Happy birthday!", BODY, box, 60)
    assert block.size == 60
    narrow = fit("Поздравительнейшая открытка", TITLE, Box(0, 0, 700, 300), 104)
    assert [line.runs[0].text for line in narrow.lines] == ["Поздравительнейшая", "открытка"]


@pytest.mark.parametrize("name", [
    "W" * 200, "Очень Длинное Имя " * 11, "王" * 200, "محمد " * 40, "👩🏽‍🚀" * 50, "\u0301" * 200,
    "z" + "\u0300" * 199, "\u200b" * 5, NOBODY_HAS_IT,
])  # fmt: skip
def test_any_name_fits(name):
    more = {"position": "P" * 200, "company": "К" * 200}
    opened(draw(card(name=name[:200], url="https://t.me/x", **more)))


URLS = [
    "https://t.me/x",
    "tg://resolve?domain=birthday_bot&start=abc",
    "https://x.org/" + "é" * 249,
]


@pytest.mark.parametrize("url", URLS)
def test_the_code_says_the_address(url):
    image = opened(draw(card("Hi", url=url))).convert("L")
    area = image.crop((600, 1000, 1200 - artwork.MARGIN - 20, 1600 - artwork.MARGIN - 20))
    dark = area.point(lambda level: 255 * (level < 128))
    # The code is all that is dark down there; the text stands above it.
    code = dark.crop((0, dark.height // 3, dark.width, dark.height)).getbbox()
    matrix = [list(row) for row in segno.make(url, error="l", micro=False).matrix]
    dot = (code[2] - code[0]) // len(matrix)
    assert dot >= 4
    x, y = code[0], code[3] - dot * len(matrix) + dark.height // 3
    read = [
        [dark.getpixel((x + dot * column + dot // 2, y + dot * row + dot // 2)) // 255
         for column in range(len(matrix))]
        for row in range(len(matrix))
    ]  # fmt: skip
    assert read == matrix
    size = dot * len(matrix)
    around = dark.crop((x - 4 * dot, y - 4 * dot, x + size + 4 * dot, y + size + 4 * dot))
    ImageDraw.Draw(around).rectangle((4 * dot, 4 * dot, 4 * dot + size, 4 * dot + size), 0)
    assert not around.getbbox(), "the quiet zone is not quiet"


def test_a_card_has_no_place_for_a_comment():
    fields = [field.name for field in dataclasses.fields(Card)]
    assert fields == [
        "full_name",
        "position",
        "company",
        "day",
        "greeting_text",
        "qr_url",
        "language",
    ]


def test_the_same_card_is_the_same_picture_and_names_have_their_own_colours():
    assert draw(card()) == draw(card())
    skies = {
        opened(draw(card(name=name))).getpixel((2, 1590)) for name in ("Ada", "Eve", "Bob", "Max")
    }
    assert len(skies) > 1


@pytest.fixture
def no_fonts(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "FONTS", tmp_path)
    fonts.choose.cache_clear()
    fonts._fonts.cache_clear()
    yield tmp_path
    fonts.choose.cache_clear()


def test_without_fonts_the_error_says_what_to_install(no_fonts):
    with pytest.raises(errors.Unavailable) as caught:
        draw(card())
    assert "fonts-noto-core" in caught.value.params["packages"]
    assert "{packages}" in caught.value.message


def test_one_font_is_enough(no_fonts):
    shutil.copy("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", no_fonts)
    opened(draw(card("С днём рождения 🎂 王", url="https://t.me/x")))


@given(st.builds(card, st.text(min_size=1, max_size=2000) | HARD, ANY | HARD, st.none() | st.just("tg://x"),
                 position=ANY, company=ANY, day=st.sampled_from(["5 мая", ""])))  # fmt: skip
@examples(deadline=None, max_examples=30)
def test_any_card_can_be_drawn(drawn):
    opened(draw(drawn))


@pytest.mark.parametrize("palette", artwork.PALETTES)
def test_text_of_every_palette_is_readable(palette):
    def light(colour):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    for ink in (palette.accent, cards.INK, cards.PALE_INK):
        assert (light(artwork.PAPER) + 0.05) / (light(ink) + 0.05) >= 4.5


def test_nothing_normal_is_left_out_of_a_cluster():
    for text in NAMES.values():
        assert "".join(segments.clusters(text)) == text
        assert "".join(segments.pieces(text)) == text
        assert unicodedata.is_normalized("NFC", segments.clean(text))
    assert typesetting.LEADING > 1
