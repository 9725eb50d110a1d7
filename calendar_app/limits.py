"""How many requests an address or a user may make: token buckets shared by all workers.

The buckets lie in memory that the forked workers share. A lost race between two workers costs
one count, so no lock is needed.
"""

import hashlib
import mmap
import secrets
import struct
import time

from .errors import TooMany
from .texts import N_

PER_SECOND = 50
BURST = 200
SLOTS = 1 << 16
TOO_MANY = N_("Too many requests. Wait a moment, then go on more slowly.")
_BUCKET = struct.Struct("dd")


class Limits:
    """Buckets that fill by PER_SECOND up to BURST; to be made before the workers are forked."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SLOTS * _BUCKET.size)
        # Nobody outside can choose a name that falls into another's slot.
        self._key = secrets.token_bytes(16)

    def spend(self, name: str) -> None:
        """Take one request from that name's bucket; raises TooMany when it is empty."""
        at, now = self._slot(name), time.monotonic()
        used, since = _BUCKET.unpack_from(self._memory, at)
        used = max(0.0, used - (now - since) * PER_SECOND)
        if used > BURST - 1:
            seconds = max(1, round((used - BURST + 1) / PER_SECOND))
            raise TooMany(TOO_MANY, seconds)
        _BUCKET.pack_into(self._memory, at, used + 1, now)

    def _slot(self, name: str) -> int:
        digest = hashlib.blake2b(name.encode(), digest_size=4, key=self._key).digest()
        return int.from_bytes(digest) % SLOTS * _BUCKET.size
