"""Content lines, of which vCard and iCalendar are made (RFC 6350, 3.2; RFC 5545, 3.1).

Read one component after the other, so that a file of any size takes little memory; nothing is
looked at but what is asked for, so that oddities elsewhere in a file do no harm.
"""

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..texts import N_
from .entries import Refused

BROKEN = N_("What begins at line {line} does not end: export the list again.")
WIDEST = 75
BREAK = re.compile("\r\n|\n|\r")
# Both take what they find and never try again, so that no text makes them slow.
PARAM = re.compile(r'(?:[^;"]++|"[^"]*+"?)++')
PART = re.compile(r"((?:[^;\\]++|\\.?)*+)(?:;|\Z)", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Property:
    """A value as it stands in the file, and the parameters before it, by their upper-case names."""

    value: str
    params: dict[str, str]

    @property
    def text(self) -> str:
        """The value as the text that it means."""
        return unescaped(self.value)

    @property
    def parts(self) -> list[str]:
        """The texts of a value that has several, divided by `;`; the last is empty."""
        return [unescaped(part).strip() for part in PART.findall(self.value)]


Component = dict[str, Property]


def components(text: str, kind: str, wanted: frozenset[str]) -> Iterator[tuple[int, Component]]:
    """The components of that kind with their first line's number and the wanted properties.

    What is nested in them is not looked at. Raises Refused where one does not end.
    """
    stack: list[str] = []
    # `depth`: of the component that is being read, 0 outside of any.
    begun, found, depth = 0, Component(), 0
    for number, head, value in _lines(text):
        name = head.partition(";")[0].rpartition(".")[2].upper()
        inside = value.strip().upper()
        if name == "BEGIN":
            stack.append(inside)
            if inside == kind and not depth:
                begun, found, depth = number, {}, len(stack)
        elif name == "END":
            _end(stack, inside, begun or number)
            if len(stack) < depth:
                yield begun, found
                depth = 0
        elif name in wanted and len(stack) == depth > 0:
            found.setdefault(name, _property(head, value))
    if stack:
        _end(stack, "", begun or 1)


def _end(stack: list[str], name: str, line: int) -> None:
    if not stack or stack.pop() != name:
        raise Refused(BROKEN, line=line)


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Number, what stands before the colon, and value of each unfolded line."""
    pieces: list[str] = []
    first = start = number = 0
    quoted = False
    for end in [*(match.span() for match in BREAK.finditer(text)), (len(text), len(text))]:
        raw, start, number = text[start : end[0]], end[1], number + 1
        if quoted and pieces[-1].endswith("="):
            pieces[-1] = pieces[-1][:-1]
            pieces.append(raw)
        elif raw[:1] in (" ", "\t") and pieces:
            pieces.append(raw[1:])
        else:
            yield from _line(first, pieces)
            first, pieces = number, [raw]
            quoted = "QUOTED-PRINTABLE" in raw.partition(":")[0].upper()
    yield from _line(first, pieces)


def _line(number: int, pieces: list[str]) -> Iterator[tuple[int, str, str]]:
    line = "".join(pieces)
    head, colon, value = line.partition(":")
    if len(head.split('"')) % 2 == 0:
        # The colon stands in a quoted parameter.
        end = line.find('":', len(head))
        head, value = line[: end + 1], line[end + 2 :]
    if colon:
        yield number, head.strip(), value


def _property(head: str, value: str) -> Property:
    params = {}
    for param in PARAM.findall(head)[1:]:
        name, equals, content = param.partition("=")
        # vCard 2.1 leaves the name of a parameter out.
        params[name.upper() if equals else "ENCODING"] = (content if equals else name).strip('"')
    if params.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":
        value = _decoded(quopri.decodestring(value.encode()), params.get("CHARSET", "utf-8"))
    return Property(value, params)


def _decoded(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset)
    except (LookupError, ValueError):
        return data.decode("utf-8", errors="replace")


def unescaped(text: str) -> str:
    """What a text means: line breaks, commas and semicolons are written with a backslash."""
    if "\\" not in text:
        return text
    return ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], text)


def escaped(text: str) -> str:
    """The text as the value of a property."""
    for char, written in (("\\", "\\\\"), ("\n", "\\n"), (",", "\\,"), (";", "\\;")):
        text = text.replace(char, written)
    return text


def folded(line: str) -> str:
    """The line as it is written: at most 75 bytes, the rest after a line break and a space."""
    if len(line.encode()) <= WIDEST:
        return line + "\r\n"
    written, width = [], 0
    for char in line:
        size = len(char.encode())
        if width + size > WIDEST:
            written.append("\r\n ")
            width = 1
        written.append(char)
        width += size
    return "".join(written) + "\r\n"
