"""The bot token and the key made from it, in two files for root only: see `config`.

They stand beside the configuration file. Both are replaced or neither: what is written first is
put back when the second cannot be.
"""

from pathlib import Path

from .. import config
from ..errors import AppError
from . import files

LONGEST = 4096
NAMES = ("bot-token", "webapp-key")
FORM = "This is no bot token: it looks like 1234567890:AAF… and comes from @BotFather."


class BadToken(AppError):
    """The token cannot be taken; the sentence says what is wrong, never the token."""


def read_file(path: Path) -> str:
    """The token in a file; raises BadToken for what is no ordinary file."""
    try:
        with files.opened(path, follow=True) as file:
            return file.read(LONGEST).decode("ascii", "replace")
    except OSError as error:
        raise BadToken(f"{path} cannot be read: {error.strerror}.") from None


def store(folder: Path, token: str) -> None:
    """Write token and key into the folder; an empty token empties both. Raises BadToken."""
    token = token.strip()
    if token and not config.TOKEN.fullmatch(token):
        raise BadToken(FORM)
    key = config.webapp_key(token).hex() if token else ""
    texts = dict(zip(NAMES, (token, key), strict=True))
    before = {name: _known(folder / name) for name in NAMES}
    try:
        for name in NAMES:
            files.write(folder / name, texts[name].encode())
    except OSError:
        for name in NAMES:
            if _known(folder / name) != before[name]:
                files.write(folder / name, before[name].encode())
        raise


def is_set(folder: Path) -> bool | None:
    """Whether a token is there; None where that cannot be seen."""
    try:
        return (folder / NAMES[0]).lstat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        return None


def _known(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
