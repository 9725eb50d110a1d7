"""nginx's file for one installation, and the Mini App's addresses in a release.

Hides the template in nginx/ and what differs between nginx versions and machines. Standard library
only: install.sh runs it with the system's Python.
"""

import re
import socket
from pathlib import Path

NGINX = Path(__file__).resolve().parent.parent.parent / "nginx"
ERROR_LOG = "/var/log/birthday-calendar/error.log"
# A release's version, `0.1.0-1a2b3c4d5e`; nginx reads this pattern too.
VERSION = r"[0-9][0-9A-Za-z.+]{0,40}-[0-9a-f]{10}"
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# Short, and without other names: it cannot be taken back from those who have seen it.
HSTS = "max-age=604800"
HTTP2_BY_ITSELF = (1, 25, 1)


def render(
    domain: str,
    https_port: int,
    certificate: Path,
    key: Path,
    nginx_version: str,
    *,
    port_80: bool = True,
    hsts: bool = False,
    ipv6: bool = True,
) -> str:
    """The text of sites-available/birthday-calendar.conf for nginx of this version ("1.22.1").

    `port_80`: may port 80 be used too. `hsts`: may browsers be told to insist on a valid
    certificate, so never with a self-signed one. Both count only beside port 443: what else stands
    under this name is not ours. `ipv6`: see `has_ipv6`. Raises ValueError for a value that nginx
    would misread.
    """
    http2_by_itself = _version(nginx_version) >= HTTP2_BY_ITSELF
    options = "ssl" if http2_by_itself else "ssl http2"
    listen = _listen(https_port, ipv6, f" {options}") + ["http2 on;"] * http2_by_itself
    values = {
        "HTTP_CONF": _settings("http.conf"),
        "LOCATIONS_CONF": _indented(_settings("locations.conf"), 4),
        "DOMAIN": _host(domain),
        "AUTHORITY": domain if https_port == 443 else f"{domain}:{https_port}",
        "LISTEN": "\n    ".join(listen),
        "LISTEN_80": "\n    ".join(_listen(80, ipv6)),
        "CERTIFICATE": _path(certificate),
        "KEY": _path(key),
        "HSTS": HSTS if hsts and https_port == 443 else "",
        "VERSION": VERSION,
    }
    text, _, plain = (NGINX / "site.conf.template").read_text().partition("@PORT_80@\n")
    if port_80 and https_port == 443:
        text += plain
    return _filled(text, values).replace("error_log stderr", f"error_log {ERROR_LOG}")


def has_ipv6() -> bool:
    """Whether nginx could listen on IPv6 here: where the kernel has none, it would not start."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
    except OSError:
        return False
    return True


def version_index(miniapp: Path, version: str) -> None:
    """Let a release's index.html name its files under /assets/<version>/.

    Raises ValueError if the version is not of the form that nginx serves, or nothing changes.
    """
    if not re.fullmatch(VERSION, version):
        raise ValueError(f"{version}: a release's version looks like 0.1.0-1a2b3c4d5e.")
    index = miniapp / "index.html"
    text = index.read_text(encoding="utf-8")
    versioned, count = re.subn(r'((?:href|src)=")static/', rf"\g<1>/assets/{version}/", text)
    if count == 0 or '"static/' in versioned:
        raise ValueError(f"{index}: its addresses are not the static/… that were expected.")
    index.write_text(versioned, encoding="utf-8")


def _version(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+\.\d+\.\d+", text):
        raise ValueError(f"{text}: an nginx version looks like 1.22.1.")
    return tuple(int(part) for part in text.split("."))


def _host(domain: str) -> str:
    if len(domain) > 253 or not re.fullmatch(rf"{LABEL}(\.{LABEL})*", domain):
        raise ValueError(f"{domain}: not a host name (other alphabets are written xn--…).")
    return domain


def _path(path: Path) -> str:
    # nginx would take $ for a variable, and quotes and backslashes for its own.
    if not path.is_absolute() or not re.fullmatch(r"[^\x00-\x1f\"\\$@]+", str(path)):
        raise ValueError(f"{path}: give an absolute path without quotes, backslashes, $ and @.")
    return str(path)


def _listen(port: int, ipv6: bool, options: str = "") -> list[str]:
    if not 0 < port < 65536:
        raise ValueError(f"{port}: a port is a number from 1 to 65535.")
    return [f"listen {host}{port}{options};" for host in ("", "[::]:")[: 1 + ipv6]]


def _settings(name: str) -> str:
    """One of the files that run.sh includes, without the comment at its top."""
    lines = (NGINX / name).read_text().splitlines()
    while lines[0].startswith("#"):
        lines.pop(0)
    return "\n".join(lines).strip("\n")


def _indented(text: str, columns: int) -> str:
    return "\n".join(f"{' ' * columns}{line}" if line else "" for line in text.splitlines())


def _filled(text: str, values: dict[str, str]) -> str:
    """The template with its values; raises ValueError if a placeholder is left."""
    filled = re.sub(r"@([A-Z0-9_]+)@", lambda found: values.get(found[1], found[0]), text)
    if left := re.findall(r"@[A-Z0-9_]+@", filled):
        raise ValueError(f"nginx/site.conf.template: {', '.join(left)} has no value.")
    return filled
