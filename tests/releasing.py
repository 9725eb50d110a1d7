"""Releases that differ in one thing, each with a Python of its own; what is changed in them."""

import shutil
import sys
import sysconfig
from pathlib import Path

from tests.world import ROOT

AN_HOUR_LATER = """
_instant = instant


def instant(*args):
    return _instant(*args) + 3600
"""
MUTED_OR_NOT = """
_objection = objection


def objection(person, *args):
    return _objection(person._replace(muted=False), *args)
"""
OTHER_WORDS = """
_html = html


def html(*args):
    return "Hear, hear! " + _html(*args)
"""
NO_NAMES = """

def html(*args):
    return "It is somebody's birthday."
"""
MORE_RULES = '''"""Everybody is reminded three days before, too."""


def up(_migrator, db):
    db.execute_sql(
        "INSERT INTO reminder_rules"
        " (calendar_id, recipient_id, kind, days_before, next_date, next_due_at)"
        " SELECT calendar_id, recipient_id, kind, 3, next_date, next_due_at"
        " FROM reminder_rules WHERE kind = 'birthday' AND days_before = 0"
    )
'''
CRASH = """

def messages(*args):
    raise KeyError("Ada Lovelace")
"""
SUICIDE = """

def run(*args):
    import os

    os.kill(os.getpid(), 9)
"""
FOREVER = """

def messages(*args):
    import time

    time.sleep(600)
"""


class Releases:
    """Releases as install.sh builds them, each with a Python that finds its code and no other."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name, changed=None, text=""):
        """A release; `text` is what is added to the end of the file `changed`."""
        release = self.folder / name
        shutil.copytree(ROOT / "calendar_app", release / "calendar_app")
        (release / "RELEASE").write_text(f"{name}\n")
        self._make_python(release)
        if changed:
            with (release / "calendar_app" / changed).open("a") as file:
                file.write(text)
        return release

    @staticmethod
    def _make_python(release):
        python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        packages = release / ".venv" / "lib" / python / "site-packages"
        packages.mkdir(parents=True)
        (release / ".venv" / "bin").mkdir()
        (release / ".venv" / "bin" / "python").symlink_to(Path(sys.executable).resolve())
        (release / ".venv" / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
        ours = sysconfig.get_path("purelib")
        (packages / "birthday-calendar.pth").write_text(f"{release}\n{ours}\n")
