"""Which file of a release goes where on the machine, and how all of it is put back.

A release is active when its files stand in these places and `current` points to it. Before they
change, what stands there is remembered on disk, so that even a run after one that was killed can
put it back. Used by install.py and removal.py.
"""

import json
import sys
from pathlib import Path

from scripts.installer import host, settings, units, webserver
from scripts.installer.host import File, Files
from scripts.installer.options import CODE, INSTALL_CONF, Options, install_conf
from scripts.installer.releases import CURRENT

REMEMBERED = CODE / "unfinished"
COMMAND = Path("/usr/local/bin/birthday-calendar")
HOOK = Path("/etc/letsencrypt/renewal-hooks/deploy/birthday-calendar")
JOURNALD = Path("/etc/systemd/journald.conf.d/50-birthday-calendar.conf")
LOGROTATE = Path("/etc/logrotate.d/birthday-calendar")
SYSUSERS = Path("/etc/sysusers.d/birthday-calendar.conf")
TMPFILES = Path("/etc/tmpfiles.d/birthday-calendar.conf")
# Where each file of a release goes; the units of its systemd/ go to systemd's folder.
PLACES = {
    SYSUSERS: "systemd/birthday-calendar.sysusers",
    TMPFILES: "systemd/birthday-calendar.tmpfiles",
    JOURNALD: "systemd/50-birthday-calendar.conf",
    LOGROTATE: "logrotate/birthday-calendar",
}
COMMAND_TEXT = b"""\
#!/bin/sh
ENV_FILE=/etc/birthday-calendar/env STATE_DIRECTORY=/var/lib/birthday-calendar \\
exec /opt/birthday-calendar/current/.venv/bin/python -I -m calendar_app "$@"
"""
HOOK_TEXT = b"""\
#!/bin/sh
# certbot has a new certificate: nginx shall serve it.
exec systemctl reload nginx
"""
RENDER = """\
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from scripts.installer import site
asked = json.load(sys.stdin)
asked.update(certificate=Path(asked["certificate"]), key=Path(asked["key"]))
sys.stdout.write(site.render(**asked, ipv6=site.has_ipv6()))
"""


def foundation(release: Path) -> Files:
    """What the user and the folders come from; it is needed first and harms nobody."""
    return {path: File((release / PLACES[path]).read_bytes()) for path in (SYSUSERS, TMPFILES)}


def files(release: Path, options: Options) -> Files:
    """Everything of a release but nginx's site and `current`; None where nothing shall be."""
    placed = {path: File((release / name).read_bytes()) for path, name in PLACES.items()}
    stale: Files = dict.fromkeys(units.installed())
    ours = {
        units.FOLDER / path.name: File(path.read_bytes())
        for path in sorted((release / "systemd").iterdir())
        if path.suffix[1:] in units.KINDS
    }
    return {
        **stale,
        **ours,
        **placed,
        COMMAND: File(COMMAND_TEXT, 0o755),
        HOOK: File(HOOK_TEXT, 0o755) if _is_certbots(options) else None,
        INSTALL_CONF: install_conf(options),
    }


def _is_certbots(options: Options) -> bool:
    certificate = options.certificate
    return certificate is not None and certificate.is_relative_to("/etc/letsencrypt")


def site(release: Path, options: Options) -> Files:
    """nginx's site and the certificate it names, as that release would have them."""
    asked = {
        "domain": options.domain,
        "https_port": int(options.https_port),
        "certificate": str(options.pair[0]),
        "key": str(options.pair[1]),
        "nginx_version": webserver.version(),
        "port_80": webserver.is_free(options.domain, 80),
        "hsts": settings.trusted(options),
    }
    text = host.run(sys.executable, "-IBc", RENDER, release, given=json.dumps(asked))
    return {
        **settings.self_signed(options),
        webserver.SITE: File(text.encode()),
        webserver.SITE_LINK: host.link(webserver.SITE),
    }


def remember(release: Path, options: Options) -> Files:
    """Write down what stands in all these places; returns it.

    What a run that was cut off had written down is older, and stays: it worked.
    """
    paths = [*files(release, options), *settings.CREDENTIALS, *settings.SELF_SIGNED]
    paths += [webserver.SITE, webserver.SITE_LINK, CURRENT]
    found = {path: host.look(path) for path in paths} | remembered()
    text = json.dumps({str(path): file and file.as_json() for path, file in found.items()})
    host.place({REMEMBERED: File(text.encode(), 0o600)})
    return found


def remembered() -> dict[Path, File | None]:
    """What a run that has not ended wrote down; empty when the last one ended well."""
    if not REMEMBERED.exists():
        return {}
    found = json.loads(REMEMBERED.read_text())
    return {Path(path): file and File.from_json(file) for path, file in found.items()}


def forget() -> None:
    """The files that stand now are good."""
    host.place({REMEMBERED: None})
