"""Message text: HTML of parse_mode to text and entities, and the entities Telegram finds itself.

Offsets and lengths are in UTF-16 units, as in the Bot API. Used by the Bot API methods and by
what people type.
"""

import html
import re

from .errors import bad_request

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_TAG = re.compile(r"<(/?)([^\s<>/]*)((?:\s[^<>]*)?)>")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*(?:=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""")
_NAMED = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
_FOUND = [
    ("url", re.compile(r"(?:https?://|\bt\.me/)[^\s<>\"]*[^\s<>\".,:;!?)'\]]")),
    ("email", re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b")),
    ("bot_command", re.compile(r"(?<![\w/@:<>])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/<>])")),
    ("mention", re.compile(r"(?<![\w@/])@[A-Za-z]\w{3,31}")),
    ("hashtag", re.compile(r"(?<!\w)#\w*[^\W\d]\w*")),
]


def utf16_length(text):
    return len(text.encode("utf-16-le")) // 2


def slice_of(text, entity):
    """The part of `text` that `entity` covers."""
    units = text.encode("utf-16-le")
    start = entity["offset"] * 2
    return units[start : start + entity["length"] * 2].decode("utf-16-le")


def parse(text, parse_mode, given=None):
    """(plain text, entities) of what a bot sends; raises 400 as Telegram does."""
    mode = (parse_mode or "").lower()
    if mode not in ("", "html"):
        raise bad_request("unsupported parse_mode")  # Markdown is not simulated
    entities = list(given or [])
    if mode == "html":
        text, entities = _Reader(text).read()
    text, entities = _trim(text, entities)
    return text, found_in(text, entities)


def found_in(text, already=()):
    """`already` plus the commands, mentions, links and hashtags that Telegram finds by itself."""
    entities = list(already)
    taken = [e for e in already if e["type"] in ("pre", "code", "text_link")]
    for kind, pattern in _FOUND:
        for match in pattern.finditer(text):
            entity = {
                "offset": utf16_length(text[: match.start()]),
                "length": utf16_length(match.group()),
                "type": kind,
            }
            if not any(_overlap(entity, other) for other in taken):
                entities.append(entity)
                taken.append(entity)
    return sorted(entities, key=lambda e: (e["offset"], -e["length"]))


def _overlap(one, other):
    return (
        one["offset"] < other["offset"] + other["length"]
        and other["offset"] < one["offset"] + one["length"]
    )


def _trim(text, entities):
    shift = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    size = utf16_length(text)
    kept = []
    for entity in entities:
        start = max(entity["offset"] - shift, 0)
        end = min(entity["offset"] - shift + entity["length"], size)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return text, kept


class _Reader:
    """One pass over HTML text: holds the plain text so far and the tags still open."""

    def __init__(self, source):
        self.source = source
        self.at = 0
        self.out = []
        self.length = 0
        self.open = []
        self.entities = []

    def read(self):
        while self.at < len(self.source):
            if self.source[self.at] == "<":
                self._tag()
            else:
                self._text()
        if self.open:
            name = self.open[-1][0]
            raise _unparsable(f'Can\'t find end tag corresponding to start tag "{name}"')
        return "".join(self.out), sorted(self.entities, key=lambda e: (e["offset"], -e["length"]))

    def _text(self):
        end = self.source.find("<", self.at)
        end = len(self.source) if end < 0 else end
        piece = self.source[self.at : end]
        piece = _NAMED.sub(lambda match: html.unescape(match.group()), piece)
        self.out.append(piece)
        self.length += utf16_length(piece)
        self.at = end

    def _tag(self):
        match = _TAG.match(self.source, self.at)
        place = len(self.source[: self.at].encode())
        if not match:
            raise _unparsable(self._broken(place))
        closing, name, rest = match.group(1), match.group(2).lower(), match.group(3)
        if closing:
            self._close(name, place)
        else:
            self._open(name, dict(_attributes(rest)), place)
        self.at = match.end()

    def _broken(self, place):
        name = re.match(r"</?([^\s<>]*)", self.source[self.at :]).group(1)
        if ">" in self.source[self.at :] or name.lower() not in _TAGS:
            return f'Unsupported start tag "{name}" at byte offset {place}'
        return f"Unclosed start tag at byte offset {place}"

    def _open(self, name, attributes, place):
        spoiler = name != "span" or attributes.get("class") == "tg-spoiler"
        if name not in _TAGS or not spoiler:
            raise _unparsable(f'Unsupported start tag "{name}" at byte offset {place}')
        self.open.append((name, attributes, self.length, len(self.out)))

    def _close(self, name, place):
        if not self.open:
            raise _unparsable(f"Unexpected end tag at byte offset {place}")
        expected, attributes, start, first = self.open.pop()
        if name and name != expected:
            raise _unparsable(
                f'Unmatched end tag at byte offset {place}, expected "</{expected}>",'
                f' found "</{name}>"'
            )
        if self.length > start:
            entity = {"offset": start, "length": self.length - start, "type": _TAGS[expected]}
            self._keep(entity, attributes, "".join(self.out[first:]))

    def _keep(self, entity, attributes, inner):
        if entity["type"] == "text_link":
            entity["url"] = attributes.get("href") or inner
        if entity["type"] == "blockquote" and "expandable" in attributes:
            entity["type"] = "expandable_blockquote"
        if entity["type"] == "custom_emoji":
            entity["custom_emoji_id"] = attributes.get("emoji-id", "")
        if entity["type"] == "code" and attributes.get("class", "").startswith("language-"):
            entity["language"] = attributes["class"].removeprefix("language-")
        if entity["type"] == "pre":
            self._absorb_code(entity)
        elif entity["type"] == "code" and not self._inside_pre():
            entity.pop("language", None)
        self.entities.append(entity)

    def _inside_pre(self):
        return any(name == "pre" for name, *_ in self.open)

    def _absorb_code(self, entity):
        # <pre><code class="language-x"> is one entity with a language, not two.
        same = [
            e
            for e in self.entities
            if e["type"] == "code"
            and (e["offset"], e["length"]) == (entity["offset"], entity["length"])
        ]
        for code in same:
            self.entities.remove(code)
            if "language" in code:
                entity["language"] = code["language"]


def _attributes(rest):
    for name, value in _ATTRIBUTE.findall(rest):
        if value[:1] in ("'", '"'):
            value = value[1:-1]
        yield name.lower(), html.unescape(value)


def _unparsable(why):
    return bad_request(f"can't parse entities: {why}")
