"""The doctor's look at what stands before the web API: nginx, its certificate, its logs' rotation.

Like `machine`, of which it is the other half: each check is a function of `Place`.
"""

import http.client
import re
import socket
import ssl
import subprocess
import time
from contextlib import closing
from pathlib import Path

from .. import health
from . import machine, remedies
from .causes import SUDO, Check, error, ok, skipped, warning
from .machine import ASK_SECONDS, NO_SYSTEMD, NOT_ROOT, Place, run

ETC = Path("/etc/birthday-calendar")
OWN_ROTATION = Path("/etc/logrotate.d/birthday-calendar")
SOON_DAYS = 14
# Ours are rotated each minute once they have 4 MB; a storm may write much of that in a minute.
ROTATED_BYTES = 64 * 2**20
RELOAD = remedies.RELOAD_NGINX
RENEW = "sudo certbot renew && sudo systemctl reload nginx  # or put a new one at its place"


def options() -> dict[str, str]:
    """What install.sh was told: DOMAIN, HTTPS_PORT, perhaps CERTIFICATE."""
    try:
        rows = (ETC / "install.conf").read_text().splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, _, value in (row.partition("=") for row in rows)}


# --- nginx -------------------------------------------------------------------------------


def nginx(place: Place) -> list[Check]:
    """Whether nginx runs, likes its configuration, and leads to us."""
    down, invalid = "nginx-down", "nginx-config-invalid"
    unit = place.units.get("nginx.service")
    if unit is None or not place.installed:
        return [skipped(down, NO_SYSTEMD), skipped(invalid, NO_SYSTEMD)]
    judged = _configuration()
    if unit["ActiveState"] != "active":
        # With a configuration that it refuses, starting it is no remedy yet.
        fix = judged.fix if judged.status == "error" else ""
        return [error(down, f"nginx is {unit['ActiveState']} ({unit['Result']})", "", fix), judged]
    return (
        [*_through(options()), judged]
        if judged.status != "error"
        else [ok(down, "nginx runs."), judged]
    )


def _configuration() -> Check:
    cause = "nginx-config-invalid"
    if not machine.is_root():
        return skipped(cause, NOT_ROOT, SUDO)
    done = run("nginx", "-t")
    if done is None:
        return skipped(cause, "nginx -t gave no answer.")
    if done.returncode == 0:
        return ok(cause, "nginx -t finds nothing wrong.")
    rows = done.stderr.splitlines() or ["no reason given"]
    wrong = next((row for row in rows if "[emerg]" in row), rows[0])
    if "No space left" in wrong:
        return error("disk-full", f"nginx cannot write: {wrong}")
    if re.search(r"\((?:13|1): ", wrong) and not machine.may_do_all():
        # It opens logs for writing and gives away folders; our own unit may do neither.
        return skipped(cause, f"nginx -t cannot be tried here: {wrong}", SUDO)
    return error(cause, f"nginx refuses its configuration: {wrong}")


def _through(known: dict[str, str]) -> list[Check]:
    """One request as a client sends it."""
    cause = "nginx-down"
    if "DOMAIN" not in known:
        return [ok(cause, "nginx runs."), skipped("site", "The domain is not known here.")]
    try:
        status, answer = _as_client(known["DOMAIN"], int(known.get("HTTPS_PORT", 443)))
    except ConnectionRefusedError:
        said = f"nginx runs, but does not listen on port {known.get('HTTPS_PORT', 443)}"
        fix = f"{remedies.RESTART['nginx.service']}  # else: sudo nginx -T | grep listen"
        return [error(cause, said, "", fix)]
    except (OSError, http.client.HTTPException, ValueError) as problem:
        fix = "sudo tail /var/log/birthday-calendar/error.log"
        return [ok(cause, "nginx runs."), warning("site", f"nginx did not answer: {problem}", fix)]
    if answer == health.ALIVE:
        return [ok(cause, "nginx runs."), ok("site", "Our site answers through nginx.")]
    fix = "sudo nginx -T | grep -n server_name; sudo tail /var/log/birthday-calendar/error.log"
    return [ok(cause, "nginx runs."), warning("site", f"nginx answers /health with {status}", fix)]


def _as_client(domain: str, port: int) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(domain)) as asking:
        asking.sock = _tls(domain, port)
        asking.request("GET", "/health")
        answer = asking.getresponse()
        return answer.status, answer.read(1000)


def _tls(domain: str, port: int) -> ssl.SSLSocket:
    """A connection to this machine under the site's name, whatever its certificate is like."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), ASK_SECONDS)
    return context.wrap_socket(plain, server_hostname=domain)


# --- the certificate ---------------------------------------------------------------------


def certificate(place: Place) -> list[Check]:
    """How long the certificate that clients are shown still holds."""
    cause, known = "certificate-expired", options()
    if not place.installed or "DOMAIN" not in known:
        return [skipped(cause, "This is not an installed site.")]
    try:
        with closing(_tls(known["DOMAIN"], int(known.get("HTTPS_PORT", 443)))) as channel:
            shown = _described(ssl.DER_cert_to_PEM_cert(channel.getpeercert(True) or b""))
    except (OSError, ValueError):
        shown = None
    path = known.get("CERTIFICATE") or str(ETC / "tls/cert.pem")
    try:
        stored = _described(Path(path).read_text()) if machine.is_root() else None
    except (OSError, ValueError):
        stored = None
    if shown is None and stored is None:
        return [skipped(cause, f"Neither nginx nor {path} shows a certificate.", SUDO)]
    return [_judged(shown or stored or {}, stored)]


def _described(pem: str) -> dict[str, str]:
    """`notAfter`, `subject` and `issuer`, as openssl tells them."""
    done = subprocess.run(  # noqa: S603 - a program of the system, no shell
        ["/usr/bin/openssl", "x509", "-noout", "-enddate", "-subject", "-issuer"],
        input=pem, capture_output=True, timeout=ASK_SECONDS, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ValueError("openssl cannot read it")
    return dict(row.split("=", 1) for row in done.stdout.splitlines() if "=" in row)


def _judged(shown: dict[str, str], stored: dict[str, str] | None) -> Check:
    cause, days = "certificate-expired", _days(shown)
    if days < SOON_DAYS and stored and _days(stored) >= SOON_DAYS:
        said, fix = "nginx still shows the old certificate; the file has a newer one", RELOAD
        return error(cause, said, "", fix) if days < 0 else _soon(said, fix)
    if days < 0:
        return error(cause, f"The certificate expired {-days:.0f} days ago")
    if days < SOON_DAYS:
        return _soon(f"The certificate expires in {days:.0f} days", RENEW)
    if stored and _days(stored) < SOON_DAYS:
        said = "nginx shows a good certificate, but the file that it will read next does not hold"
        return _soon(said, RENEW)
    if shown["subject"] == shown["issuer"]:
        fix = "sudo ./scripts/install.sh --cert FILE --key FILE"
        return warning(
            cause, "The certificate is self-signed: Telegram will not open the site", fix
        )
    return ok(cause, f"The certificate holds for {days:.0f} days.")


def _soon(said: str, fix: str) -> Check:
    return warning("certificate-expired", said, fix, alarm=True)


def _days(described: dict[str, str]) -> float:
    return (ssl.cert_time_to_seconds(described["notAfter"]) - time.time()) / 86400


# --- rotation of logs --------------------------------------------------------------------


def rotation(place: Place) -> list[Check]:
    """Whether logs are rotated: the last real runs, and what a dry run says."""
    cause = "log-rotation-broken"
    if not place.installed:
        return [skipped(cause, NO_SYSTEMD)]
    for name in ("birthday-calendar-logrotate.service", "logrotate.service"):
        unit = place.units.get(name, {})
        if unit.get("Result", "success") != "success":
            fix = f"systemctl status {name}; sudo journalctl -u {name} -n 20  # names the entry"
            return [error(cause, f"{name} failed: {unit['Result']}", "", fix)]
    if not OWN_ROTATION.exists():
        return [error(cause, f"{OWN_ROTATION} is missing", "", remedies.ROTATE)]
    grown = [path for path in machine.LOGS.glob("*.log") if _size(path) > ROTATED_BYTES]
    if grown:
        said = f"{grown[0]} has {_size(grown[0]) // 2**20} MiB: it was not rotated"
        return [error(cause, said, "", remedies.RESTART["birthday-calendar-logrotate.timer"])]
    if not machine.is_root():
        return [skipped(cause, NOT_ROOT, SUDO)]
    done = run("logrotate", "-d", "/etc/logrotate.conf")
    wrong = [row for row in done.stderr.splitlines() if row.startswith("error:")] if done else []
    if wrong:
        return [error(cause, f"logrotate leaves entries out: {wrong[0]}", "\n".join(wrong))]
    return [ok(cause, "logrotate finds nothing wrong.")]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
