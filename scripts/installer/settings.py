"""What install.sh puts into /etc/birthday-calendar: env, the two credentials, a certificate.

An env that exists is never written. The token goes to the release's own `set-token`, by its
standard input; here nobody knows how the credentials look. Used by install.py.
"""

import ipaddress
import os
import re
import tempfile
from pathlib import Path

from scripts.installer import host
from scripts.installer.options import CONFIGURATION, SELF_SIGNED, Options

ENV = CONFIGURATION / "env"
BOT_TOKEN = CONFIGURATION / "bot-token"
WEBAPP_KEY = CONFIGURATION / "webapp-key"
CREDENTIALS = (BOT_TOKEN, WEBAPP_KEY)
HEADER = """\
# The configuration of Birthday Calendar, every key with its default: a key that is left out or
# empty has it too. Values are taken as they are: no $VARIABLES inside.
# After a change: birthday-calendar check-config, then
# systemctl restart birthday-calendar-web birthday-calendar-bot
# The bot's token does not belong here: birthday-calendar set-token
"""
# They are run.sh's own.
NOT_HERE = {"TELEGRAM_BOT_TOKEN", "HTTP_PORT"}
TOKEN_LINE = re.compile(
    r"^[ \t]*(?:export[ \t]+)?TELEGRAM_BOT_TOKEN[ \t]*=[ \t]*['\"]?([^\s'\"#]+)", re.M
)
YEARS_10 = "3650"


def make_env(example: Path, options: Options, group: int) -> bool:
    """Make env where there is none; else only its owner and mode are put right."""
    if ENV.exists():
        os.chown(ENV, 0, group)
        ENV.chmod(0o640)
        return False
    content = env_from(example.read_text(), options).encode()
    host.place({ENV: host.File(content, 0o640, (0, group))})
    return True


def env_from(example: str, options: Options) -> str:
    """A first env, from the text of .env.example."""
    _, _, keys = example.partition("\n\n")
    text, comment = [HEADER], []
    for line in keys.splitlines():
        name, equals, _ = line.partition("=")
        comment.append(line)
        if not equals or line.startswith("#"):
            continue
        if name not in NOT_HERE:
            text += comment
        comment = []
    webapp = options.address if options.certificate else ""
    return (
        "\n".join(text).replace("TELEGRAM_WEBAPP_URL=\n", f"TELEGRAM_WEBAPP_URL={webapp}\n") + "\n"
    )


def make_credentials() -> None:
    """The files that units name must be there; empty means no token yet."""
    for path in CREDENTIALS:
        if host.look(path) is None:
            host.place({path: host.File(b"", 0o600)})
        path.chmod(0o600)
        os.chown(path, 0, 0)


def token_in(env: str) -> str | None:
    """A token that somebody wrote into env, where run.sh has it."""
    found = TOKEN_LINE.search(env)
    return found[1] if found else None


def has_token() -> bool:
    """Whether a token was set already."""
    return bool(BOT_TOKEN.read_text().strip())


def webapp_key() -> bytes | None:
    """The key that signs initData, or None without a token."""
    text = WEBAPP_KEY.read_text().strip()
    return bytes.fromhex(text) if text else None


def self_signed(options: Options) -> host.Files:
    """The pair to put in place: what stands there if it will do, else a new one."""
    if options.certificate is not None:
        return {}
    if pair_fault(*SELF_SIGNED) is None and names(SELF_SIGNED[0], options.domain):
        return {}
    certificate, key = make_pair(options.domain)
    return {
        SELF_SIGNED[0]: host.File(certificate, 0o644),
        SELF_SIGNED[1]: host.File(key, 0o600),
    }


def make_pair(domain: str) -> tuple[bytes, bytes]:
    """A new certificate for that name, signed by itself, and its key."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "cert.pem", Path(folder) / "key.pem"
        host.run(
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-noenc", "-days", YEARS_10, "-subj", "/CN=birthday-calendar"),
            *("-addext", f"subjectAltName={_alternative_name(domain)}"),
            *("-out", certificate, "-keyout", key),
        )
        return certificate.read_bytes(), key.read_bytes()


def _alternative_name(domain: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(domain)}"
    except ValueError:
        return f"DNS:{domain}"


def pair_fault(certificate: Path, key: Path) -> str | None:
    """What keeps a certificate and its key from serving, or None."""
    of_certificate = host.attempt("openssl", "x509", "-in", certificate, "-noout", "-pubkey")
    if of_certificate.returncode:
        return f"{certificate} is not a certificate in PEM form that can be read"
    of_key = host.attempt("openssl", "pkey", "-in", key, "-pubout", "-passin", "pass:")
    if of_key.returncode:
        return f"{key} is not a key in PEM form that can be read without a password"
    if of_certificate.stdout != of_key.stdout:
        return f"{key} is not the key of {certificate}"
    if host.attempt("openssl", "x509", "-in", certificate, "-noout", "-checkend", "0").returncode:
        return f"{certificate} has expired"
    return None


def names(certificate: Path, domain: str) -> bool:
    """Whether a certificate was made for that name."""
    kind = "-checkip" if _alternative_name(domain).startswith("IP:") else "-checkhost"
    said = host.attempt("openssl", "x509", "-in", certificate, "-noout", kind, domain)
    return "does match" in said.stdout


def trusted(options: Options) -> bool:
    """Whether somebody other than itself vouches for the certificate, so that Telegram may."""
    if options.certificate is None:
        return False
    asked = ("-noout", "-subject_hash", "-issuer_hash")
    hashes = host.run("openssl", "x509", "-in", options.certificate, *asked).split()
    return len(set(hashes)) > 1
