"""What test hosts are made of, made once and kept outside the clone: Debians, and a wheelhouse.

Everything appears under its final name only when it is complete, so a cut-off run leaves no half.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.world import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "birthday-calendar-tests"
SUITES = {"bookworm": "3.11", "trixie": "3.13"}  # each with its Python
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "procps", "nginx-light", "logrotate", "python3-venv"),
    *("ca-certificates", "iproute2", "curl", "openssl", "libfribidi0", "fonts-dejavu-core"),
)


def debian(suite):
    """The folder of a freshly bootstrapped Debian; never to be written to."""
    return _kept(f"{suite}-{_digest(' '.join(PACKAGES).encode())}", lambda at: _debian(suite, at))


def wheelhouse():
    """A folder with all that requirements.txt names, for every Debian's Python."""
    requirements = ROOT / "requirements.txt"
    return _kept(f"wheels-{_digest(requirements.read_bytes())}", _wheels)


def _digest(data):
    return hashlib.sha256(data).hexdigest()[:10]


def _kept(name, make):
    kept = CACHE / name
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=CACHE))
        try:
            new.chmod(0o755)
            _twice(lambda: make(new))
            new.rename(kept)
        except OSError:
            if not kept.exists():  # or else another run was quicker
                raise
        finally:
            shutil.rmtree(new, ignore_errors=True)
    return kept


def _twice(make):
    """A mirror may fail once."""
    try:
        make()
    except subprocess.CalledProcessError:
        make()


def _debian(suite, folder):
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    packages = ",".join(PACKAGES)
    subprocess.run(
        ["mmdebstrap", "--variant=minbase", f"--include={packages}", suite, folder], check=True
    )


def _wheels(folder):
    for python in SUITES.values():
        fetch = [sys.executable, "-m", "pip", "download", "-qq", "--only-binary", ":all:"]
        which = ["--python-version", python, "--require-hashes", "-r", ROOT / "requirements.txt"]
        subprocess.run([*fetch, "--disable-pip-version-check", *which, "-d", folder], check=True)
