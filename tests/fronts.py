"""The production site in a real nginx, with its paths moved into a folder, before a stub app."""

import http.client
import os
import socketserver
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from scripts.installer import site
from tests.running import ask
from tests.world import ROOT, free_port, wait_for

VERSION = "0.1.0-1a2b3c4d5e"
DOMAIN = "calendar.example.org"
NGINX = "/usr/sbin/nginx"
AROUND = """{user}daemon off; pid {folder}/nginx.pid; error_log {folder}/main.log;
worker_processes 2; worker_rlimit_nofile 2048; events {{ worker_connections 1024; }}
http {{
    access_log {folder}/other.log;
    client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/temp; uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
    server_tokens off; gzip on; gzip_types application/json; {others}
    include {folder}/site.conf;
}}
"""


def certificate(folder):
    """A self-signed pair in this folder."""
    openssl = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", f"/CN={DOMAIN}", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run([*openssl.split(), *names], check=True, capture_output=True)


def installed_version():
    """The version of the nginx that is installed, "1.22.1"."""
    told = subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=True).stderr
    return told.partition("nginx/")[2].split()[0]


def write(folder, port, others="", **more):
    """The rendered site in this folder with an nginx.conf around it; returns that file."""
    pair = folder / "cert.pem", folder / "key.pem"
    text = site.render(DOMAIN, port, *pair, installed_version(), ipv6=site.has_ipv6(), **more)
    for theirs, ours in {
        "/var/log/birthday-calendar": folder / "log",
        "/opt/birthday-calendar": folder / "opt",
        "/run/birthday-calendar-web.sock": folder / "web.sock",
    }.items():
        text = text.replace(theirs, str(ours))
    (folder / "log").mkdir(exist_ok=True)
    (folder / "site.conf").write_text(text)
    user = "user root; " if os.geteuid() == 0 else ""
    around = AROUND.format(folder=folder, others=others, user=user)
    (folder / "nginx.conf").write_text(around)
    return folder / "nginx.conf"


def release(folder):
    """The Mini App as an installation has it."""
    miniapp = folder / "opt" / "releases" / VERSION / "calendar_app" / "miniapp"
    source = ROOT / "calendar_app" / "miniapp"
    miniapp.parent.mkdir(parents=True)
    subprocess.run(["cp", "-r", source, miniapp], check=True)
    site.version_index(miniapp, VERSION)
    (folder / "opt" / "current").symlink_to(f"releases/{VERSION}")
    return miniapp


class App(socketserver.ThreadingUnixStreamServer):
    """Answers 201 and notes each request; closes a kept connection as soon as it is used again."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path):
        self.path, self.seen = path, []
        super().__init__(str(path), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()
        self.path.unlink(missing_ok=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    used = False

    def handle_one_request(self):
        if self.used:
            self.rfile.read(1)  # a request begins: that is the moment
            self.close_connection = True
            return
        self.used = True
        super().handle_one_request()

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, body))
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", '"strong"')
        self.send_header("Content-Length", "2000")
        self.end_headers()
        self.wfile.write(b"{}".ljust(2000))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_message(self, *_):
        pass


class Front:
    """nginx with the site, at `port`."""

    def __init__(self, folder, **more):
        self.folder, self.port = folder, free_port()
        certificate(folder)
        self.miniapp = release(folder)
        self.conf = write(folder, self.port, **more)
        command = [NGINX, "-e", folder / "main.log", "-p", folder, "-c", self.conf]
        self.process = subprocess.Popen(command)
        wait_for(self._listens)

    def _listens(self):
        assert self.process.poll() is None, (self.folder / "main.log").read_text()
        try:
            return self.ask("GET", "/health")
        except OSError:
            return None

    def connection(self, protocols=("http/1.1",)):
        """An open TLS connection that believes any certificate."""
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(list(protocols))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context)
        connection.timeout = 30
        connection.connect()
        return connection

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body)."""
        headers = {"Host": f"{DOMAIN}:{self.port}"} | (headers or {})
        return ask(self.connection(), method, path, body, headers)

    def log(self, name):
        return (self.folder / "log" / f"{name}.log").read_text()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def rotation(folder):
    """logrotate's file with its paths in this folder; returns the command that reads it."""
    text = (ROOT / "logrotate" / "birthday-calendar").read_text()
    owner, group = folder.owner(), folder.group()
    for theirs, ours in {
        "/var/log/birthday-calendar": str(folder / "log"),
        "/run/nginx.pid": str(folder / "nginx.pid"),
        "0640 www-data adm": f"0640 {owner} {group}",
    }.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    Path(folder / "logrotate.conf").write_text(text)
    return ["/usr/sbin/logrotate", "--state", folder / "state", folder / "logrotate.conf"]
