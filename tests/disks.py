"""Small file systems to be filled to the last byte or inode."""

import os
import shutil
import subprocess
from contextlib import contextmanager

import pytest

MIB = 2**20


@contextmanager
def small_disk(folder, mib, inodes=100_000):
    """A file system of its own at that folder; only root can make one."""
    folder.mkdir()
    options = f"size={mib}m,nr_inodes={inodes},mode=755"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


class Disk:
    """A mounted disk, and what a stranger writes on it."""

    def __init__(self, folder):
        self.folder = folder
        self.filler = folder / "filler"

    def free(self):
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, leave=0):
        """Writes until only so many bytes are free."""
        with self.filler.open("ab", buffering=0) as file:
            while self.free() > leave:
                try:
                    file.write(bytes(min(MIB, max(4096, self.free() - leave))))
                except OSError:
                    return

    def fill_inodes(self):
        """Makes files until there is no inode left."""
        self.filler.mkdir()
        for number in range(10**6):
            try:
                (self.filler / str(number)).touch()
            except OSError:
                return

    def empty(self):
        """What the stranger wrote goes away."""
        if self.filler.is_dir():
            shutil.rmtree(self.filler)
        else:
            self.filler.unlink()
