"""Releases: built complete or not at all, each with its own venv; which one ran before which.

`current` points to the one that runs. A release's file PREVIOUS names the one that ran before it
was first switched to; followed from release to release, that is the way back. Used by install.py.
"""

import hashlib
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from scripts.installer import host, site
from scripts.installer.options import CODE

RELEASES = CODE / "releases"
CURRENT = CODE / "current"
FOLDERS = ("bot", "calendar_app", "logrotate", "nginx", "scripts", "systemd")
FILES = (
    *(".env.example", "LICENSE", "README.md", "README.ru.md"),
    *("pyproject.toml", "requirements.txt"),
)
KEPT = 3
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
# How pip reaches an index is the machine's affair; all else of root's environment is not.
PIP_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
IMPORTS = "import bot.__main__, calendar_app.__main__, calendar_app.api"


def contents(source: Path) -> list[str]:
    """The files of a release, by their names in the clone; nothing hidden, nothing compiled."""
    found = [name for name in FILES if (source / name).is_file()]
    for folder in FOLDERS:
        for path in (source / folder).rglob("*"):
            inside = path.relative_to(source)
            odd = any(part.startswith(".") or part == "__pycache__" for part in inside.parts)
            if not odd and path.suffix != ".pyc" and path.is_file() and not path.is_symlink():
                found.append(str(inside))
    return sorted(found)


def version(source: Path) -> str:
    """The version of a clone: another file, or another Python under it, is another version."""
    if source.parent == RELEASES:
        return source.name
    digest = hashlib.sha256(f"{sys.version_info[0]}.{sys.version_info[1]}".encode())
    for name in contents(source):
        content = (source / name).read_bytes()
        digest.update(f"\0{name}\0{_mode(source / name):o}\0{len(content)}\0".encode() + content)
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    return f"{project['version']}-{digest.hexdigest()[:10]}"


def _mode(path: Path) -> int:
    return 0o755 if os.access(path, os.X_OK) else 0o644


def is_complete(release: Path) -> bool:
    """Whether a release is there and can be started."""
    return (release / "RELEASE").is_file() and not _python(release, "-c", IMPORTS).returncode


def copy(source: Path, release: Path) -> None:
    """Begin a release beside its place: its files."""
    if source.parent == RELEASES:
        raise host.Failed(f"{source} is damaged: run install.sh from a clone of this version.")
    new = draft(release)
    host.make_folder(RELEASES)
    for name in contents(source):
        target = new / name
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        target.write_bytes((source / name).read_bytes())
        target.chmod(_mode(source / name))


def install_packages(release: Path, wheelhouse: Path | None) -> None:
    """Go on with it: its venv, with exactly what requirements.txt names."""
    new = draft(release)
    host.run(sys.executable, "-I", "-m", "venv", new / ".venv")
    where = ["--no-index", "--find-links", wheelhouse] if wheelhouse else []
    _pip(
        *(new, "install", "--require-hashes", "--only-binary", ":all:", "--no-compile"),
        *("-r", new / "requirements.txt", *where),
    )
    # Nothing of the venv is started by name, and nothing is installed into it any more.
    _pip(new, "uninstall", "--yes", "pip", "setuptools")
    for program in (new / ".venv" / "bin").iterdir():
        if not program.name.startswith("python"):
            program.unlink()


def complete(release: Path) -> None:
    """End it: what it must know of itself, bytecode, and its name."""
    new, name = draft(release), release.name
    (packages,) = (new / ".venv" / "lib").glob("python3*/site-packages")
    (packages / "birthday-calendar.pth").write_text(f"{release}\n")
    site.version_index(new / "calendar_app" / "miniapp", name)
    (new / "RELEASE").write_text(f"{name}\n")
    host.run(new / ".venv" / "bin" / "python", "-I", "-m", "compileall", "-q", "-j", "0", new)
    host.run("sync", "-f", new)
    if release.exists():
        release.rename(_waste(release))
    new.rename(release)
    clear()


def clear() -> None:
    """Remove what runs that were cut off left of releases."""
    for pattern in (".new-*", ".old-*"):
        for leftover in RELEASES.glob(pattern):
            shutil.rmtree(leftover)


def draft(release: Path) -> Path:
    """Where a release stands until it is complete."""
    return release.with_name(f".new-{release.name}")


def _waste(release: Path) -> Path:
    return release.with_name(f".old-{release.name}")


def _python(release: Path, *arguments: str | Path, **more: object) -> host.Done:
    return host.attempt(release / ".venv" / "bin" / "python", "-I", *arguments, **more)


def _pip(release: Path, *arguments: str | Path) -> None:
    given = {name: value for name, value in os.environ.items() if _is_pips(name)}
    done = _python(release, *PIP, *arguments, env=given, seconds=1800)
    if done.returncode:
        raise host.Failed(f"The Python packages cannot be installed: {host.last_words(done)}")


def _is_pips(name: str) -> bool:
    return name.upper() in PIP_VARIABLES or name.startswith("PIP_")


def current() -> Path | None:
    """The release that `current` points to, if it is there."""
    return _release(str(CURRENT.readlink())) if CURRENT.is_symlink() else None


def previous(release: Path) -> Path | None:
    """The release that ran before this one, if it is still there."""
    try:
        return _release((release / "PREVIOUS").read_text().strip())
    except FileNotFoundError:
        return None


def _release(name: str) -> Path | None:
    release = RELEASES / Path(name).name
    return release if (release / "RELEASE").is_file() else None


def follow(release: Path, before: Path | None) -> None:
    """Note which release runs before `release` is switched to."""
    if before is not None and before != release:
        host.place({release / "PREVIOUS": host.File(f"{before.name}\n".encode())})


def prune() -> list[str]:
    """Keep three: the current one, the way back from it, then the newest; returns who went."""
    newest = sorted(RELEASES.glob("[!.]*"), key=lambda path: -path.stat().st_ctime)
    kept = list(dict.fromkeys([*_way_back(), *newest]))[:KEPT]
    gone = [release for release in newest if release not in kept]
    for release in gone:
        # First its name: half a release must not look like one.
        release.rename(_waste(release))
    clear()
    return [release.name for release in gone]


def _way_back() -> Iterator[Path]:
    release, seen = current(), set()
    while release is not None and release not in seen:
        yield release
        seen.add(release)
        release = previous(release)
