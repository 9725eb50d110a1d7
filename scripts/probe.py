"""Asks whether something answers, on a local port or a unix socket. Used by run.py."""

import http.client
import socket
from http import HTTPStatus
from pathlib import Path

SECONDS = 5


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def answers(where: Path | int, path: str) -> bool:
    """Whether GET `path` has the answer 200 at a unix socket (a Path) or a local port."""
    if isinstance(where, Path):
        connection: http.client.HTTPConnection = _UnixConnection(where)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", where, timeout=SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A local port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bind_error(port: int) -> OSError | None:
    """Why nobody could listen on this local port now, or None."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None
