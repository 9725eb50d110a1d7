"""Finds every sentence that the code says, for the test that all of them are translated."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Function names, and which of their arguments are sentences: (language, sentence) in `texts`,
# the sentence first in the bot's Talk.
SAYING = {"say", "html", "label", "note", "count", "N_"}


def sentences() -> dict[str, tuple[str, str | None]]:
    """Where each sentence stands, by its text: `{singular: ("file:line", plural or None)}`."""
    found = {}
    for folder in ("calendar_app", "bot"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text())):
                if isinstance(call, ast.Call) and _name(call.func) in SAYING:
                    said = [a.value for a in call.args if _is_text(a)]
                    if said:
                        plural = said[1] if _name(call.func) == "count" else None
                        found[said[0]] = (f"{path.relative_to(ROOT)}:{call.lineno}", plural)
    return found


def _name(function):
    return getattr(function, "attr", None) or getattr(function, "id", None)


def _is_text(argument):
    return isinstance(argument, ast.Constant) and isinstance(argument.value, str)
