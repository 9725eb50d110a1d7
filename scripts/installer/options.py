"""What the sysadmin asked for: the command line, and what earlier runs were told.

Only domain, port and certificate are kept, in /etc/birthday-calendar/install.conf; what is given
again wins. Nothing is judged here but the grammar: checks.py does that. Used by install.py.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from scripts.installer import host

CODE = Path("/opt/birthday-calendar")
STATE = Path("/var/lib/birthday-calendar")
LOGS = Path("/var/log/birthday-calendar")
CONFIGURATION = Path("/etc/birthday-calendar")
INSTALL_CONF = CONFIGURATION / "install.conf"
SELF_SIGNED = CONFIGURATION / "tls" / "cert.pem", CONFIGURATION / "tls" / "key.pem"
# A token has at most 121 characters; whoever names a disk image by mistake shall not wait.
LONGEST_TOKEN_FILE = 4096


@dataclass(frozen=True)
class Options:
    """What to do, with what; `certificate` and `key` are None for a self-signed pair."""

    action: str = "install"
    domain: str = ""
    https_port: str = "443"
    certificate: Path | None = None
    key: Path | None = None
    token: str | None = None
    offline: Path | None = None
    skip_backup: bool = False
    accept_changes: bool = False
    non_interactive: bool = False

    @property
    def pair(self) -> tuple[Path, Path]:
        """The certificate and its key, wherever they are from."""
        if self.certificate and self.key:
            return self.certificate, self.key
        return SELF_SIGNED

    @property
    def address(self) -> str:
        """The public address of the Mini App."""
        port = "" if self.https_port == "443" else f":{self.https_port}"
        return f"https://{self.domain}{port}/"


def parse(argv: list[str], conf: Path = INSTALL_CONF) -> Options:
    """The command line with what is kept; relative paths count from where the user stands."""
    given = _parser().parse_args(argv)
    if (given.cert is None) != (given.key is None):
        _parser().error("--cert and --key belong together: give both")
    before = kept(conf)
    options = replace(
        before,
        action=_action(given),
        domain=_plain_domain(given.domain) if given.domain is not None else before.domain,
        https_port=given.https_port or before.https_port,
        token=_token(given.token_file),
        offline=_absolute(given.offline),
        skip_backup=given.skip_backup,
        accept_changes=given.accept_changes,
        non_interactive=given.non_interactive,
    )
    if given.cert is not None:
        options = replace(options, certificate=_absolute(given.cert), key=_absolute(given.key))
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="install.sh",
        description="Install Birthday Calendar under systemd and nginx, or upgrade it. Domain, "
        "port and certificate are kept for the next run.",
        allow_abbrev=False,
    )
    option = parser.add_argument
    option("--domain", metavar="NAME", help="the name under which people reach this machine")
    option("--https-port", metavar="N", help="the public port (443)")
    option("--cert", metavar="FILE", type=Path, help="a certificate with its chain (PEM)")
    option("--key", metavar="FILE", type=Path, help="its key; without both: self-signed")
    option("--token-file", metavar="FILE", type=Path, help="a file with the bot's token")
    option("--offline", metavar="DIR", type=Path, help="a wheelhouse: nothing is downloaded")
    option("--skip-backup", action="store_true", help="upgrade without a backup before it")
    option("--accept-changes", action="store_true", help="upgrade though reminders change")
    option("--non-interactive", action="store_true", help="never ask")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--rollback", action="store_true", help="go back one release; data stays")
    action.add_argument("--uninstall", action="store_true", help="keeps data and configuration")
    action.add_argument("--list-steps", action="store_true", help=argparse.SUPPRESS)
    option("--purge", action="store_true", help="with --uninstall: data and configuration too")
    return parser


def _action(given: argparse.Namespace) -> str:
    if given.purge and not given.uninstall:
        _parser().error("--purge goes with --uninstall: it deletes all data")
    if given.purge:
        return "purge"
    chosen = [name for name in ("rollback", "uninstall", "list_steps") if getattr(given, name)]
    return chosen[0] if chosen else "install"


def _plain_domain(domain: str) -> str:
    """As a name server knows it: small letters, xn-- for others, no dot at the end."""
    name = domain.strip().rstrip(".").lower()
    try:
        return name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        return name


def _absolute(path: Path | None) -> Path | None:
    # Links stay links: certbot's point to the newest certificate.
    return path.absolute() if path else None


def _token(path: Path | None) -> str | None:
    """The text of the token file; "" when there is none in it, which no check lets pass."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_TOKEN_FILE).decode("ascii", "replace").strip()
    except OSError as error:
        raise host.Failed(f"The token file {path} cannot be read: {error.strerror}.") from None


def kept(conf: Path = INSTALL_CONF) -> Options:
    """What earlier runs were told."""
    try:
        lines = conf.read_text().splitlines()
    except FileNotFoundError:
        return Options()
    except OSError as error:
        raise host.Failed(f"{conf} cannot be read: {error.strerror}.") from None
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    found = {name.strip(): value.strip() for name, _, value in pairs if value.strip()}
    both = "CERTIFICATE" in found and "CERTIFICATE_KEY" in found
    return Options(
        domain=found.get("DOMAIN", ""),
        https_port=found.get("HTTPS_PORT", "443"),
        certificate=Path(found["CERTIFICATE"]) if both else None,
        key=Path(found["CERTIFICATE_KEY"]) if both else None,
    )


def install_conf(options: Options) -> host.File:
    """What the next run shall know."""
    lines = [
        "# The options of install.sh, kept for its next run; what is given there again wins.",
        f"DOMAIN={options.domain}",
        f"HTTPS_PORT={options.https_port}",
    ]
    if options.certificate:
        lines += [f"CERTIFICATE={options.certificate}", f"CERTIFICATE_KEY={options.key}"]
    return host.File("".join(f"{line}\n" for line in lines).encode())


def ask_domain(options: Options) -> Options:
    """The same options with a domain, asked for where a person sits at a terminal."""
    if options.domain or options.non_interactive or not sys.stdin.isatty():
        return options
    answer = input("The name under which people reach this machine (calendar.example.org): ")
    return replace(options, domain=_plain_domain(answer))
