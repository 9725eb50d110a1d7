"""The HTTP server: keep-alive, one thread for each connection, which it can tear or let hang.

It hands /bot… to `botapi`, /simulator/control/… to `control` and serves the page itself. Used by
`simulator` only.
"""

import contextlib
import io
import json
import mimetypes
import select
import socket
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from werkzeug import Request

from . import botapi, control
from .botapi import Reply
from .errors import TornConnectionError

PAGE = Path(__file__).parent / "page"
_LOOK_AT_CLIENT = 0.2
_POLL_FOR_SHUTDOWN = 0.05
_SECURE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Connection:
    """What is left of a connection while its request is worked off."""

    def __init__(self, sock, world):
        self.sock = sock
        self.world = world

    def alive(self):
        """Whether the client is still there, as far as its socket tells."""
        try:
            readable, _, _ = select.select([self.sock], [], [], 0)
            return not readable or bool(self.sock.recv(1, socket.MSG_PEEK))
        except (OSError, ValueError):
            return False

    def wait(self, seconds):
        """Lets time pass; TornConnectionError when the client leaves or the simulator ends."""
        until = time.monotonic() + seconds
        while (remaining := until - time.monotonic()) > 0:
            time.sleep(min(remaining, _LOOK_AT_CLIENT))
            if self.world.closed or not self.alive():
                raise TornConnectionError


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        try:
            reply = self._reply(self._request())
        except TornConnectionError:
            self.close_connection = True
            return
        self._write(reply)

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        ahead = self.server.world.settings.clock_ahead
        return super().date_time_string((timestamp or time.time()) + ahead)

    def _reply(self, request):
        world = self.server.world
        if request.path.startswith("/simulator/control/"):
            return control.answer(world, request)
        if request.path == "/simulator":
            return Reply(308, b"", headers={"Location": "simulator/"})
        if request.path.startswith("/simulator/file/"):
            return _file(world, request.path.removeprefix("/simulator/file/"))
        if request.path.startswith("/simulator/"):
            return _page(request.path.removeprefix("/simulator/"))
        return botapi.answer(world, request, Connection(self.connection, world))

    def _request(self):
        path, _, query = self.path.partition("?")
        body = self._body()
        return Request(
            {
                "REQUEST_METHOD": self.command,
                "PATH_INFO": unquote(path, "latin-1"),
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": str(self.server.server_port),
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(body),
            }
        )

    def _body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self):
        while size := int(self.rfile.readline().partition(b";")[0] or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers

    def _write(self, reply):
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """Listens from its construction on; `start` serves in a thread, `stop` tears everything."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address, world):
        self.world = world
        self.open = set()
        super().__init__(address, Handler)

    def start(self):
        thread = threading.Thread(
            target=self.serve_forever, args=(_POLL_FOR_SHUTDOWN,), daemon=True
        )
        thread.start()

    def stop(self):
        self.shutdown()
        self.server_close()
        for sock in list(self.open):
            _tear(sock)

    def process_request(self, request, client_address):
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):  # noqa: ARG002
        error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
        if isinstance(error, ConnectionError):
            return  # the client went away
        self.world.bugs.append(traceback.format_exc())
        print(self.world.bugs[-1], file=sys.stderr)


def _tear(sock):
    with contextlib.suppress(OSError):  # it was closed meanwhile
        sock.shutdown(socket.SHUT_RDWR)


def _page(name):
    files = {str(p.relative_to(PAGE)): p for p in PAGE.rglob("*") if p.is_file()}
    path = files.get(name + "index.html" if name == "" or name.endswith("/") else name)
    if path is None:
        return Reply(404, json.dumps({"ok": False, "error": "no such page"}).encode())
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = "text/javascript" if path.suffix == ".js" else kind
    text = kind.startswith("text/") or kind == "application/json"
    return Reply(200, path.read_bytes(), kind + ("; charset=utf-8" if text else ""), _SECURE)


def _file(world, file_id):
    """A photo or document for the page, which knows no token."""
    stored = world.files.get(file_id)
    if stored is None:
        return Reply(404, b"no such file", "text/plain")
    image = stored.data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8"))
    disposition = {} if image else {"Content-Disposition": "attachment"}
    kind = "image/*" if image else "application/octet-stream"
    return Reply(200, stored.data, kind, _SECURE | disposition)
