"""What must hold before anything is changed; each check yields what is wrong and what to do.

All are asked, so that the sysadmin learns everything at once. Nothing here changes the machine.
Used by install.py.
"""

import ipaddress
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.installer import host, settings, webserver
from scripts.installer.options import CODE, STATE, Options

MIB = 2**20
STATE_MIB, CODE_MIB, CODE_INODES = 128, 300, 12_000
PROGRAMS = ("nginx", "logrotate", "openssl", "curl")
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{LABEL}\.)*{LABEL}")
# What means nothing but itself between quotes in nginx's configuration (see site.py).
PLAIN_PATH = re.compile(r"/[^\x00-\x1f\"\\$@]+")
TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{3,100}")
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.M)
OLDEST = {"debian": (12,), "ubuntu": (24, 4)}


def problems(options: Options, source: Path) -> list[str]:
    """Everything that keeps this installation from starting."""
    if os.geteuid() != 0:
        return ["install.sh must run as root: sudo ./scripts/install.sh …"]
    return [*_systemd(), *_programs(), *_space(), *of_options(options, source), *_nginx(options)]


def of_options(options: Options, source: Path) -> list[str]:
    """What is wrong with what the sysadmin gave, wherever it is tried."""
    return [
        *_domain(options),
        *_port_number(options),
        *_certificate(options),
        *_token(options),
        *_wheelhouse(options, source),
    ]


def warnings(options: Options) -> list[str]:
    """What the sysadmin should know but may want so."""
    return [*_distribution(), *_certificate_name(options)]


def _systemd() -> Iterator[str]:
    if not Path("/run/systemd/system").is_dir():
        yield "systemd does not run this machine: to try it without, use ./scripts/run.sh."


def _programs() -> Iterator[str]:
    missing = [name for name in PROGRAMS if not _which(name)]
    if host.attempt(sys.executable, "-Ic", "import ensurepip, venv").returncode:
        missing.append("python3-venv")
    if missing:
        wanted = " ".join(missing)
        yield f"Missing: {', '.join(missing)}. Install with: apt-get install {wanted}"


def _which(name: str) -> str | None:
    return shutil.which(name, path=host.ENVIRONMENT["PATH"])


def _distribution() -> Iterator[str]:
    found = platform.freedesktop_os_release()
    oldest = OLDEST.get(found.get("ID", ""))
    version = tuple(int(part) for part in re.findall("[0-9]+", found.get("VERSION_ID", "")))
    # Debian's testing has no number.
    if oldest is None or (version and version < oldest):
        name = found.get("PRETTY_NAME", "This system")
        yield f"{name} is not one this was tried on: Debian 12 and 13, Ubuntu 24.04. Going on."


def _space() -> Iterator[str]:
    first = not os.path.lexists(STATE / "calendar.db")
    needed = {CODE: CODE_MIB, STATE: STATE_MIB if first else 16}
    by_disk: dict[int, dict[Path, int]] = {}
    for folder, mib in needed.items():
        there = next(part for part in (folder, *folder.parents) if part.is_dir())
        by_disk.setdefault(there.stat().st_dev, {})[there] = mib
    for folders in by_disk.values():
        room = os.statvfs(next(iter(folders)))
        mib, wanted = room.f_bavail * room.f_frsize // MIB, sum(folders.values())
        names = " and ".join(map(str, folders))
        if mib < wanted:
            yield f"{names}: {mib} MiB are free, {wanted} are needed. Free some space there."
        if room.f_files and room.f_favail < CODE_INODES:
            yield f"{names}: only {room.f_favail} inodes are free. Delete some small files there."


def _domain(options: Options) -> Iterator[str]:
    if not options.domain:
        yield "Which domain? Give --domain calendar.example.org"
    elif not HOSTNAME.fullmatch(options.domain) and not _is_address(options.domain):
        shown = ascii(options.domain[:100])
        yield f"{shown} is not a host name: give --domain calendar.example.org"


def _is_address(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 4
    except ValueError:
        return False


def _port_number(options: Options) -> Iterator[str]:
    if _port(options) is None:
        shown = ascii(options.https_port[:20])
        yield f"{shown} is not a port: give --https-port a number from 1 to 65535, such as 9443."


def _port(options: Options) -> int | None:
    text = options.https_port
    good = text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) < 65536
    return int(text) if good else None


def _certificate(options: Options) -> Iterator[str]:
    if options.certificate is None or options.key is None or not _which("openssl"):
        return
    pair = (options.certificate, options.key)
    for path in pair:
        if not PLAIN_PATH.fullmatch(str(path)):
            yield f"{ascii(str(path))}: give a path without quotes, backslashes, $ and @."
        if not path.is_file():
            yield f"{path} is not there: give --cert FILE --key FILE that are."
    if all(path.is_file() for path in pair):
        fault = settings.pair_fault(*pair)
        if fault:
            yield f"{fault}: give --cert FILE --key FILE that belong together."


def _certificate_name(options: Options) -> Iterator[str]:
    certificate = options.certificate
    if certificate and certificate.is_file() and not settings.names(certificate, options.domain):
        yield f"{certificate} was not made for {options.domain}: browsers will refuse it."


def _token(options: Options) -> Iterator[str]:
    if options.token is not None and not TOKEN.fullmatch(options.token):
        yield (
            "The token file does not hold a bot token as BotFather gives it "
            f"(1234567890:AA…), but {len(options.token)} other characters."
        )


def _wheelhouse(options: Options, source: Path) -> Iterator[str]:
    folder = options.offline
    if folder is None:
        return
    if not folder.is_dir():
        yield f"{folder} is not a folder: give --offline the wheelhouse."
        return
    wheels = [path.name for path in folder.glob("*.whl")]
    required = REQUIREMENT.findall((source / "requirements.txt").read_text())
    missing = [
        f"{name}=={version}" for name, version in required if not _has(wheels, name, version)
    ]
    if missing:
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        yield (
            f"{folder} lacks wheels for Python {python} on {platform.machine()}: "
            f"{_some(missing)}. Make it on a machine with the same system: "
            f"python3 -m pip wheel -w DIR -r requirements.txt"
        )


def _some(names: list[str], most: int = 8) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _has(wheels: list[str], name: str, version: str) -> bool:
    start = re.sub(r"[-_.]+", "_", name).lower()
    for wheel in wheels:
        parts = wheel.removesuffix(".whl").split("-")
        same = re.sub(r"[-_.]+", "_", parts[0]).lower() == start and parts[1:2] == [version]
        if same and _fits(*parts[-3:]):
            return True
    return False


def _fits(python: str, abi: str, machine: str) -> bool:
    """Whether a wheel with these tags can run here; pip has the last word."""
    major, minor = sys.version_info[:2]
    ours = {f"py{major}", f"cp{major}{minor}", f"py{major}{minor}"}
    stable = abi == "abi3" and python.startswith("cp3")
    here = machine == "any" or machine.endswith(f"_{platform.machine()}")
    return here and (stable or bool(ours & set(python.split("."))))


def _nginx(options: Options) -> Iterator[str]:
    if not _which("nginx"):
        return
    fault = webserver.fault()
    if fault and not webserver.is_ours(fault):
        yield f"nginx does not accept its configuration as it is today: mend that first. {fault}"
    dumped = webserver.dump()
    if dumped and not webserver.includes_sites(dumped):
        yield (
            f"{webserver.NGINX_CONF} does not include sites-enabled: "
            f"add `include {webserver.ENABLED}*;` inside its http block."
        )
    port = _port(options)
    if port is not None:
        servers = webserver.servers(dumped)
        yield from _neighbours(servers, options.domain, port)
        yield from _foreign_ports(servers, port)


def _neighbours(servers: list[webserver.Server], domain: str, port: int) -> Iterator[str]:
    for server in servers:
        tls = server.ports().get(port)
        if tls is False:
            yield (
                f"{server.file} listens on port {port} without ssl, so this port cannot speak "
                "TLS: choose another --https-port, or change that site."
            )
        elif tls and domain in server.names:
            yield (
                f"{server.file} already serves {domain} on port {port}: "
                "choose another --domain or --https-port, or remove that site."
            )


def _foreign_ports(servers: list[webserver.Server], port: int) -> Iterator[str]:
    """Ports that another program has taken: ours, and if nginx has yet to start, all of its."""
    wanted = {port}
    if not webserver.is_running():
        wanted |= {number for server in servers for number in server.ports()}
    for number in sorted(wanted):
        owners = webserver.foreigners(number)
        if owners:
            what = "choose another --https-port, or stop it" if number == port else "stop it"
            yield f"Port {number} is in use by {', '.join(sorted(owners))}: {what}."
