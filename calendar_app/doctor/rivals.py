"""Who else on this machine polls Telegram with our token: processes and containers, by name.

The doctor asks when Telegram reports a conflict. Nobody can see another program's token, so what
is named are programs with a connection to Telegram, and else those that look like a bot.
"""

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from .. import config
from ..logs import mask
from . import machine, telegram
from .causes import CAUSES, Check
from .machine import Place
from .remedies import OWN_SERVICES

PROC = Path("/proc")
# Telegram's own networks (core.telegram.org/resources/cidr.txt).
NETWORKS = [
    ip_network(each)
    for each in (
        *("91.105.192.0/23", "91.108.4.0/22", "91.108.8.0/22", "91.108.12.0/22"),
        *("91.108.16.0/22", "91.108.20.0/22", "91.108.56.0/22", "149.154.160.0/20"),
        *("185.76.151.0/24", "2001:67c:4e8::/48", "2001:b28:f23c::/46"),
    )
]
LOCK = "@birthday-calendar-bot-"
# Established, or being made (tcp_states.h).
CONNECTED = {"01", "02"}
LIKE_A_BOT = re.compile(r"(?i)(?:^|[/._-])(?:\w*bot|aiogram|telebot|telegram\w*)(?:[/._-]|$)")
INTERPRETERS = re.compile(r"^(?:python|node|bun|deno|ruby|php|java|perl)[\d.]*$")
CONTAINER = re.compile(r"(?:docker|libpod|cri-containerd)[-/]([0-9a-f]{64})")
# A service of this machine's own systemd; one in a container has another path, or namespace.
SERVICE = re.compile(r":/system\.slice/(?:[^/\n]+\.slice/)*([\w@.:\\-]+\.service)(?:/|$)", re.M)
SHOWN = 3
DOCKER_SECONDS = 0.4

Address = tuple[str, int]


@dataclass(frozen=True)
class Rival:
    """A program that may be the other one: what it is, and what ends it for good."""

    name: str
    fix: str


def named(conflict: Check, place: Place, until: float) -> Check:
    """The conflict with the programs of this machine that may be behind it, if there are any."""
    if place.installed and not machine.is_root():
        return replace(conflict, details=f"{conflict.details} {machine.NOT_ROOT}".strip())
    found = list(dict.fromkeys(_look(place, until)))[:SHOWN]
    if not found:
        said = "No other bot is seen on this machine: it runs elsewhere."
        return replace(conflict, details=f"{conflict.details} {said}".strip())
    said = "On this machine: " + "; ".join(rival.name for rival in found)
    fix = f"{found[0].fix}  # else: {CAUSES['bot-conflict'].fix.partition('  # ')[2]}"
    return replace(conflict, details=f"{conflict.details} {said}".strip(), fix=fix)


def _look(place: Place, until: float) -> Iterator[Rival]:
    """Those that are connected to Telegram; only where there are none, those that look like it."""
    processes = _others(place, until)
    talking = _talking(processes, _Signs(_lock(place), _telegram(place)), until)
    suspects = talking or [pid for pid in processes if _looks_like_a_bot(pid)]
    for pid in suspects[:SHOWN]:
        yield _rival(pid)


# --- processes ---------------------------------------------------------------------------


def _others(place: Place, until: float) -> list[int]:
    """All processes but ours: this one, its parents, and the units of the service."""
    mine = {os.getpid(), os.getppid()}
    found = []
    for entry in PROC.iterdir():
        if time.monotonic() > until:
            break
        if entry.name.isdigit() and int(entry.name) not in mine and not _is_ours(entry, place):
            found.append(int(entry.name))
    return sorted(found)


def _is_ours(entry: Path, place: Place) -> bool:
    if place.installed:
        return _service(int(entry.name)) in OWN_SERVICES
    # Beside run.sh: who works on the same state.
    variables = _text(entry / "environ").split("\0")
    return f"VAR_DIR={place.state}" in variables


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _looks_like_a_bot(pid: int) -> bool:
    """By the name of its script or module, or of the folder that it works in."""
    words = _words(pid)
    if not INTERPRETERS.match(Path(words[0]).name):
        return False
    names = [*words[1:4], Path(_link(PROC / str(pid) / "cwd")).name]
    return any(LIKE_A_BOT.search(Path(name).name) for name in names)


def _words(pid: int) -> list[str]:
    return _text(PROC / str(pid) / "cmdline").rstrip("\0").split("\0")


# --- connections -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Signs:
    """What gives a rival away: the lock's name begins so, or it is connected to one of these."""

    lock: str
    servers: set[Address]


def _lock(place: Place) -> str:
    """The name of our token's lock; what all such names begin with where the token is not ours."""
    secret = telegram.token(place.config) if place.config else ""
    if not secret:
        return LOCK
    return LOCK + config.derived(config.webapp_key(secret), "name of the lock").hex()[:32]


def _telegram(place: Place) -> set[Address]:
    """Where a Bot API server of another place than Telegram's own listens."""
    parts = urlsplit(place.config.telegram_api_url) if place.config else urlsplit("")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not parts.hostname or parts.hostname == "api.telegram.org":
        return set()
    with suppress(OSError):
        known = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        return {(found[4][0], port) for found in known}
    return set()


def _talking(processes: list[int], signs: _Signs, until: float) -> list[int]:
    """The processes that give themselves away, in whatever network of this machine."""
    seen: dict[str, set[str]] = {}
    found = []
    for pid in processes:
        if time.monotonic() > until:
            break
        network = _link(PROC / str(pid) / "ns/net")
        if network and network not in seen:
            seen[network] = set(_connections(pid, signs))
        if seen.get(network) and seen[network] & set(_sockets(pid)):
            found.append(pid)
    return found


def _connections(pid: int, signs: _Signs) -> Iterator[str]:
    """The sockets of locks and of connections, as the links in /proc/PID/fd name them."""
    for row in _text(PROC / str(pid) / "net/unix").splitlines()[1:]:
        columns = row.split()
        if columns[-1].startswith(signs.lock):
            yield f"socket:[{columns[6]}]"
    for table in ("tcp", "tcp6"):
        for row in _text(PROC / str(pid) / "net" / table).splitlines()[1:]:
            columns = row.split()
            if columns[3] in CONNECTED and _is_telegram(_address(columns[2]), signs.servers):
                yield f"socket:[{columns[9]}]"


def _address(text: str) -> Address:
    """`0100007F:1F90` of /proc/net/tcp: words of four bytes in the machine's order."""
    number, _, port = text.partition(":")
    raw = bytes.fromhex(number)
    raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    found = ip_address(raw)
    return str(getattr(found, "ipv4_mapped", None) or found), int(port, 16)


def _is_telegram(address: Address, servers: set[Address]) -> bool:
    found = ip_address(address[0])
    return address in servers or any(found in network for network in NETWORKS)


def _sockets(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for handle in (PROC / str(pid) / "fd").iterdir():
            yield _link(handle)


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


# --- names -------------------------------------------------------------------------------


def _rival(pid: int) -> Rival:
    """What it is called, and how it is ended so that nothing starts it again."""
    group = _text(PROC / str(pid) / "cgroup")
    shown = f"process {pid} (user {_user(pid)}): {mask(' '.join(_words(pid)))[:200]}"
    container = CONTAINER.search(group)
    if container:
        name = _container(container[1])
        fix = f"sudo docker update --restart=no {name}; sudo docker stop {name}"
        return Rival(f"container {name}, {shown}", fix)
    service = _service(pid)
    if service and not service.startswith(("user@", "ssh", "docker", "containerd", "cron")):
        return Rival(f"{service}, {shown}", f"sudo systemctl disable --now {service}")
    return Rival(shown, f"sudo kill {pid}")


def _service(pid: int) -> str:
    """The unit of this machine's systemd that a process belongs to, "" if none."""
    if _link(PROC / str(pid) / "ns/pid") != _link(PROC / "self/ns/pid"):
        return ""
    found = SERVICE.search(_text(PROC / str(pid) / "cgroup"))
    return found[1] if found else ""


def _user(pid: int) -> int | str:
    try:
        return (PROC / str(pid)).stat().st_uid
    except OSError:
        return "?"


def _container(number: str) -> str:
    """The container's name, or the beginning of its number where docker does not answer."""
    command = ("docker", "inspect", "--format", "{{.Name}}", number[:12])
    done = machine.run(*command, seconds=DOCKER_SECONDS)
    name = done.stdout.strip().lstrip("/") if done and done.returncode == 0 else ""
    return name if re.fullmatch(r"[\w.-]+", name) else number[:12]
