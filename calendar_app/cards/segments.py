"""Where text may be cut and which way its parts run; for `typesetting`.

Pure functions on strings, near enough to Unicode's annexes 9 (directions), 14 (lines) and 29
(characters): what they leave out are explicit directions, which `clean` drops, and dictionaries.
"""

import itertools
import re
import unicodedata

# Emoji have 10 characters at most; a taller tower of marks stands in pieces beside each other.
LONGEST_CLUSTER = 16
ZWNJ, ZWJ = "\u200c\u200d"
SKIN_TONES = ("\U0001f3fb", "\U0001f3ff")
FLAG_LETTERS = ("\U0001f1e6", "\U0001f1ff")
FLAG_TAGS = ("\U000e0020", "\U000e007f")
HANGUL = ("\uac00", "\ud7a3")
# Emoji start here; what is below, such as digits and ©, is one only when a sign asks for it.
FIRST_EMOJI = "\u231a"
# Classes of UAX #9 that matter to a line, a letter for each; the rest is neutral, O.
BIDI = {"L": "L", "R": "R", "AL": "A", "EN": "E", "AN": "N", "CS": "S", "ES": "S", "ET": "T"}


def clean(text: str) -> str:
    """The text without what cannot be seen: control characters, spaces at the ends of lines.

    Line breaks stay, two in a row at most.
    """
    text = re.sub("\r\n?|[\x85\u2028\u2029]", "\n", unicodedata.normalize("NFC", text))
    text = re.sub(r"[^\S\n\xa0\u202f]", " ", text)
    seen = "".join(char for char in text if char == "\n" or not _is_control(char))
    return re.sub("\n{3,}", "\n\n", "\n".join(map(str.strip, seen.split("\n")))).strip()


def _is_control(char: str) -> bool:
    kept = char in (ZWNJ, ZWJ) or _within(FLAG_TAGS, char)
    return unicodedata.category(char) in ("Cc", "Cf", "Cs") and not kept


def _within(ends: tuple[str, str], char: str) -> bool:
    return ends[0] <= char <= ends[1]


def clusters(text: str) -> list[str]:
    """What people see as one character each, near enough to UAX #29."""
    found: list[str] = []
    for char in text:
        if found and len(found[-1]) < LONGEST_CLUSTER and _joins(found[-1], char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _joins(cluster: str, char: str) -> bool:
    if unicodedata.category(char) in ("Mn", "Mc", "Me") or char in (ZWNJ, ZWJ):
        return True
    if _within(FLAG_LETTERS, char):
        return len(cluster) == 1 and _within(FLAG_LETTERS, cluster)
    if _within(SKIN_TONES, char) or _within(FLAG_TAGS, char):
        return cluster[0] >= FIRST_EMOJI
    # A consonant under a virama, as in Devanagari, is one shape with the next.
    virama = unicodedata.combining(cluster[-1]) == 9 and char.isalpha()
    return virama or cluster[-1] == ZWJ


def pieces(text: str) -> list[str]:
    """The text cut wherever a line may end, near enough to UAX #14."""
    cut = clusters(text)
    found = cut[:1] or [""]
    for before, after in itertools.pairwise(cut):
        if _may_break(before, after):
            found.append(after)
        else:
            found[-1] += after
    return found


def _may_break(before: str, after: str) -> bool:
    if before == " " or after == " ":
        return after != " "
    if unicodedata.category(after[0]) in ("Pe", "Pf", "Po", "Pd"):
        return False
    opening = unicodedata.category(before[0]) in ("Ps", "Pi")
    return before in ("-", "–", "—", "/") or (not opening and (_is_wide(before) or _is_wide(after)))


def _is_wide(cluster: str) -> bool:
    """Whether a line may break beside it without a space: Chinese, Japanese, emoji."""
    wide = unicodedata.east_asian_width(cluster[0]) in ("W", "F")
    return wide and not _within(HANGUL, cluster[0])


def levels(cut: list[str], base: str) -> list[int]:
    """Embedding levels by the rules W2 to I2 of UAX #9, for a paragraph based on L or R."""
    classes = (BIDI.get(unicodedata.bidirectional(cluster[0]), "O") for cluster in cut)
    line = base + "".join(classes) + base
    line = re.sub("A[^LRA]*", lambda found: found[0].replace("E", "N"), line)
    line = re.sub("(?<=E)S(?=E)|T+(?=E)|(?<=E)T+", lambda found: "E" * len(found[0]), line)
    line = re.sub("L[^LRA]*", lambda found: found[0].replace("E", "L"), line).replace("A", "R")
    line = re.sub("(?<=L)[STO]+(?=L)", lambda found: "L" * len(found[0]), line)
    line = re.sub("(?<=[REN])[STO]+(?=[REN])", lambda found: "R" * len(found[0]), line)
    levels = {"R": 1, "E": 2, "N": 2, "L": 0 if base == "L" else 2}
    return [levels[found] for found in re.sub("[STO]", base, line)[1:-1]]
