"""The nginx that others use too: what it serves already, whether it is content, reloading it.

It is tested before every reload, reloaded only for a change of ours, and never stopped. Used by
checks.py, install.py and removal.py.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scripts.installer import host

NGINX_CONF = Path("/etc/nginx/nginx.conf")
SITE = Path("/etc/nginx/sites-available/birthday-calendar.conf")
SITE_LINK = Path("/etc/nginx/sites-enabled/birthday-calendar.conf")
ENABLED = "/etc/nginx/sites-enabled/"
LISTEN_STATE = "0A"
CERTIFICATE = re.compile(r'^\s*ssl_certificate(?:_key)? "([^"]+)";', re.M)
FILE_MARK = re.compile(r"^# configuration file (.+):$", re.M)
WORD = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\#[^\n]*|[{};]|[^\s{};"']+""")


@dataclass
class Server:
    """One server block of a site."""

    file: str
    listens: list[list[str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def ports(self) -> dict[int, bool]:
        """Each TCP port it listens on, and whether it speaks TLS there."""
        words = self.listens or [["80"]]
        found = {_port(listen[0]): "ssl" in listen[1:] for listen in words if "quic" not in listen}
        return {port: tls for port, tls in found.items() if port}


def _port(address: str) -> int | None:
    if address.startswith("unix:"):
        return None
    number = re.search(r"(?:^|:)([0-9]+)$", address)
    return int(number[1]) if number else 80


def fault() -> str | None:
    """What nginx has against its configuration, or None."""
    done = host.attempt("nginx", "-t", "-q")
    return host.last_words(done) if done.returncode else None


def is_ours(fault: str) -> bool:
    """Whether our own site is to blame, say by a certificate that is gone: a run mends that."""
    site = host.look(SITE)
    named = CERTIFICATE.findall(site.content.decode()) if site else []
    return any(name in fault for name in [SITE.name, *named])


def dump() -> str:
    """The whole configuration, with a mark before each file; "" when nginx refuses it."""
    done = host.attempt("nginx", "-T", "-q")
    return "" if done.returncode else done.stdout


def includes_sites(dumped: str) -> bool:
    """Whether the http block takes the files of sites-enabled that end in .conf."""
    wanted = {f"{ENABLED}*", f"{ENABLED}*.conf", "sites-enabled/*", "sites-enabled/*.conf"}
    return any(
        where[-1:] == ["http"] and words[:1] == ["include"] and words[1] in wanted
        for _, where, words in _statements(dumped)
    )


def servers(dumped: str) -> list[Server]:
    """The server blocks of all others."""
    found: list[Server] = []
    for file, where, words in _statements(dumped):
        if file in (str(SITE), str(SITE_LINK)) or where[-1:] != ["server"]:
            continue
        if words == ["{"]:
            found.append(Server(file))
        elif words[0] == "listen":
            found[-1].listens.append(words[1:])
        elif words[0] == "server_name":
            found[-1].names.update(word.strip("\"'").lower() for word in words[1:])
    return found


def _statements(dumped: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """(file, the blocks around it, words) of each statement; a block's first is `{`."""
    parts = FILE_MARK.split(dumped)
    for file, text in zip(parts[1::2], parts[2::2], strict=True):
        # The files that nginx.conf includes stand behind it, not in it: sites belong to http.
        where, words = [] if file == str(NGINX_CONF) else ["http"], []
        for word in WORD.findall(text):
            if word.startswith("#"):
                continue
            if word not in "{};":
                words.append(word)
                continue
            if word == "{":
                where.append(words[0] if words else "")
                yield file, list(where), ["{"]
            elif word == "}":
                where = where[:-1]
            elif words:
                yield file, list(where), words
            words = []


def version() -> str:
    """nginx's version, such as 1.22.1."""
    said = host.attempt("nginx", "-v").stderr
    found = re.search(r"nginx/([0-9.]+)", said)
    return found[1] if found else "1.0.0"


def put(files: host.Files) -> bool:
    """Make our site's files so and have nginx take them; returns whether anything changed.

    What nginx does not accept is taken back at once, and nginx never sees it.
    """
    before = {path: host.look(path) for path in files}
    if not host.place(files):
        return False
    refused = fault()
    if refused:
        host.place(before)
        raise host.Failed(f"nginx refuses the new site, which was taken back: {refused}")
    reload()
    return True


def reload() -> None:
    """Have nginx read its configuration anew, or start it where it does not run."""
    host.run("systemctl", "reload" if is_running() else "start", "nginx.service")


def ensure_running() -> None:
    """Start nginx where it does not run, now and at boot."""
    if not is_running():
        host.run("systemctl", "start", "nginx.service")
    if host.attempt("systemctl", "is-enabled", "--quiet", "nginx.service").returncode:
        host.note("nginx.service")
        host.run("systemctl", "enable", "--quiet", "nginx.service")


def is_running() -> bool:
    """Whether nginx runs under systemd."""
    return not host.attempt("systemctl", "is-active", "--quiet", "nginx.service").returncode


def is_free(domain: str, port: int) -> bool:
    """Whether our site can also be the one of that name on a port, beside all others there."""
    others = servers(dump())
    if any(tls for server in others for number, tls in server.ports().items() if number == port):
        return False
    taken = any(domain in server.names for server in others if port in server.ports())
    return not taken and not foreigners(port)


def foreigners(port: int) -> set[str]:
    """The programs other than nginx that listen on a TCP port of this machine."""
    return {_program(inode) for inode in _listening(port)} - {"nginx"}


def _listening(port: int) -> Iterator[str]:
    """The inodes of the sockets that listen there."""
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        lines = table.read_text().splitlines()[1:] if table.exists() else []
        for columns in map(str.split, lines):
            if columns[3] == LISTEN_STATE and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9]


def _program(inode: str) -> str:
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(handle.readlink()) == f"socket:[{inode}]":
                return (handle.parent.parent / "comm").read_text().strip()
        except OSError:
            continue
    return "another program"
