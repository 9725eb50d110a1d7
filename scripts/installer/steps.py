"""The steps of an installation and of a rollback, each a small thing that may be cut off.

What a step leaves half done, the same step does anew in the next run. A step returns what else
there is to say, if anything. Used by install.py, which knows the way back.
"""

import os
import pwd
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from scripts.installer import host, layout, options, rehearsal, releases, settings, units, webserver
from scripts.installer.host import Failed
from scripts.installer.options import Options

USER = "birthday-calendar"
VERB_ENVIRONMENT = {"ENV_FILE": str(settings.ENV), "STATE_DIRECTORY": str(options.STATE)}


@dataclass
class Run:
    """What one run knows.

    `back`: it goes back to a release that ran before; `before`: what stood there, once that may
    have changed.
    """

    options: Options
    source: Path
    release: Path
    back: bool = False
    before: host.Files = field(default_factory=dict)
    changed: set[Path] = field(default_factory=set)

    @property
    def release_before(self) -> Path | None:
        """The release that `current` pointed to before this run."""
        link = self.before.get(releases.CURRENT)
        return Path(os.fsdecode(link.content)) if link else None


class Step(NamedTuple):
    """One step: its name for tests, its line for the sysadmin, and what it does."""

    name: str
    text: str
    do: Callable[[Run], str | None]


def _verb(run: Run, verb: str, *arguments: str, given: str = "", seconds: float = 3600) -> str:
    """What the new release's own command says; raises Failed with its words."""
    python = run.release / ".venv" / "bin" / "python"
    command = (python, "-I", "-m", "calendar_app", verb, *arguments)
    done = host.attempt(*command, given=given, env=VERB_ENVIRONMENT, seconds=seconds)
    if done.returncode:
        raise Failed(host.last_words(done, 40))
    return done.stdout.strip()


def _make_user(run: Run) -> None:
    host.place(layout.foundation(run.source))
    host.run("systemd-sysusers", layout.SYSUSERS)
    host.run("systemd-tmpfiles", "--create", layout.TMPFILES)


def _configure(run: Run) -> str | None:
    host.make_folder(options.CONFIGURATION)
    settings.make_credentials()
    group = pwd.getpwnam(USER).pw_gid
    made = settings.make_env(run.source / ".env.example", run.options, group)
    return f"{settings.ENV} was made: every setting is explained there" if made else None


def _copy(run: Run) -> str | None:
    releases.clear()
    if releases.is_complete(run.release):
        return "this version is there already"
    # Versions that never ran, because they failed, would fill the disk.
    releases.prune()
    releases.copy(run.source, run.release)
    return None


def _install_packages(run: Run) -> None:
    if _is_draft(run):
        releases.install_packages(run.release, run.options.offline)


def _complete(run: Run) -> None:
    if _is_draft(run):
        releases.complete(run.release)


def _is_draft(run: Run) -> bool:
    return releases.draft(run.release).exists()


def _remember(run: Run) -> None:
    run.before = layout.remember(run.release, run.options)


def _set_token(run: Run) -> str | None:
    token, advice = run.options.token, None
    if token is None and not settings.has_token():
        token = settings.token_in(settings.ENV.read_text(errors="replace"))
        if token:
            advice = f"it was taken from {settings.ENV}: delete it there"
    if token:
        _verb(run, "set-token", given=f"{token}\n", seconds=120)
    return advice


def _check_config(run: Run) -> None:
    _verb(run, "check-config", seconds=60)


def _back_up(run: Run) -> str | None:
    if run.options.skip_backup:
        return "left out, as asked"
    if run.release_before is None and not os.path.lexists(options.STATE / "calendar.db"):
        return "there is nothing yet"
    try:
        return _verb(run, "backup")
    except Failed as failure:
        raise Failed(
            f"The backup before the upgrade failed: {failure}\n"
            "Mend that, or upgrade without one: install.sh --skip-backup"
        ) from None


def _prove(run: Run) -> str | None:
    before = run.release_before
    if before is None or before == run.release:
        return None
    accept = ["--accept-changes"] if run.options.accept_changes else []
    return _verb(run, "prove-upgrade", "--before", str(before), *accept).replace("\n", "\n  ")


def _migrate(run: Run) -> None:
    try:
        _verb(run, "migrate")
    except Failed as failure:
        raise Failed(f"The database cannot be brought up to date: {failure}") from None


def _rehearse(run: Run) -> None:
    try:
        # The web has its rehearsal; two bots cannot poll, so of the bot only this much is tried.
        python = run.release / ".venv" / "bin" / "python"
        host.run(python, "-Ic", releases.IMPORTS, user=USER)
        rehearsal.rehearse(run.release, settings.webapp_key())
    except Failed as failure:
        raise Failed(f"{run.release.name} does not work here: {failure}") from None


def _place_files(run: Run) -> None:
    placed = layout.files(run.release, run.options)
    gone = [path.name for path, file in placed.items() if file is None and path.exists()]
    units.disable([name for name in gone if name.rpartition(".")[2] in units.KINDS])
    run.changed |= host.place(placed)


def _switch(run: Run) -> None:
    if not run.back:
        releases.follow(run.release, run.release_before)
    host.place({releases.CURRENT: host.link(run.release)})


def _start_units(run: Run) -> None:
    if layout.JOURNALD in run.changed:
        host.run("systemctl", "restart", "systemd-journald.service")
    host.run("systemctl", "daemon-reload")
    units.enable(units.installed())
    changed = {path.name for path in run.changed if path.exists()}
    # A new socket needs its service out of the way; an unchanged one stays, with who waits in it.
    if units.SOCKET in changed:
        host.run("systemctl", "stop", units.WEB, units.SOCKET)
    host.run("systemctl", "start", units.SOCKET)
    timers = sorted(name for name in changed if name.endswith(".timer"))
    if timers:
        host.run("systemctl", "try-restart", *timers)


def _restart_web(_: Run) -> None:
    units.restart(units.WEB)


def _restart_bot(_: Run) -> None:
    units.restart(units.BOT)
    host.run("systemctl", "start", units.TARGET)


def _tell_nginx(run: Run) -> None:
    webserver.put(layout.site(run.release, run.options))
    webserver.ensure_running()


def _ask(run: Run) -> None:
    asked, live = rehearsal.questions(settings.webapp_key()), rehearsal.LIVE_SOCKET
    rehearsal.ask("the service", lambda: rehearsal.on_socket(live), asked)
    asked = rehearsal.through_nginx(run.options)
    rehearsal.ask("nginx", lambda: rehearsal.on_nginx(run.options), asked)


def activate(run: Run) -> None:
    """Have systemd and nginx take the files that were put back; raises Failed."""
    _start_units(run)
    _restart_web(run)
    _restart_bot(run)
    retire(run.changed)
    _ask(run)


def retire(changed: set[Path]) -> None:
    """Have the programs of others notice which of their files were put back, or are gone."""
    host.run("systemctl", "daemon-reload")
    if changed & NGINX_FILES and webserver.is_running():
        fault = webserver.fault()
        if fault:
            raise Failed(f"nginx does not accept its configuration, and was not reloaded: {fault}")
        webserver.reload()
    if layout.JOURNALD in changed:
        host.run("systemctl", "restart", "systemd-journald.service")


def _keep(run: Run) -> str | None:
    layout.forget()
    gone = [] if run.back else releases.prune()
    return f"removed {', '.join(gone)}" if gone else None


SWITCH = (
    Step("files", "Putting units and settings in their places", _place_files),
    Step("current", "Switching to this version", _switch),
    Step("units", "Telling systemd", _start_units),
    Step("web", "Restarting the web service", _restart_web),
    Step("bot", "Restarting the bot", _restart_bot),
    Step("nginx", "Telling nginx", _tell_nginx),
    Step("ask", "Asking the service, on its socket and through nginx", _ask),
    Step("keep", "Keeping the last three releases", _keep),
)
INSTALL = (
    Step("user", "Making the user and the folders", _make_user),
    Step("configure", "Writing the configuration, where there is none", _configure),
    Step("copy", "Copying the code", _copy),
    Step("packages", "Installing the Python packages", _install_packages),
    Step("complete", "Completing the release", _complete),
    Step("remember", "Remembering how everything stands", _remember),
    Step("token", "Setting the bot's token, if one was given", _set_token),
    Step("check-config", "Checking the configuration", _check_config),
    Step("backup", "Backing up the data", _back_up),
    Step("prove", "Comparing the reminders to come with those of the version before", _prove),
    Step("migrate", "Bringing the database up to date", _migrate),
    Step("rehearse", "Trying this version beside the one that runs", _rehearse),
    *SWITCH,
)
ROLLBACK = (
    Step("remember", "Remembering how everything stands", _remember),
    Step("check-config", "Checking the configuration", _check_config),
    Step("rehearse", "Trying it beside the one that runs", _rehearse),
    *SWITCH,
)
NGINX_FILES = {webserver.SITE, webserver.SITE_LINK, *options.SELF_SIGNED}
