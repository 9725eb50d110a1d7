"""The operator's command: `birthday-calendar VERB`, or `python -m calendar_app VERB`.

Reads the command line, gives root up where it is not needed (see `privileges`), and turns what
goes wrong into one sentence. Exit status: 0, 1 for what failed, 2 for a wrong command line, 78
for a bad configuration. A new verb is one entry of VERBS.
"""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import config, doctor, logs, simulation
from .operation import exchanging, explaining, privileges, proof, purging, trouble, verbs

Add = Callable[[argparse.ArgumentParser], Any]
# Whose rights a verb needs: those of the state's owner alone, root's besides (it gives them up
# by itself where it touches the state), or nobody's in particular.
STATE, MIXED, ANY = "state", "mixed", "any"


@dataclass(frozen=True)
class Verb:
    """What one verb is for, what it does, as whom, and with which arguments."""

    summary: str
    run: Callable[[argparse.Namespace, Any], int]
    rights: str = STATE
    arguments: Add | None = None
    configured: bool = True
    hidden: bool = False


def _status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def _backup(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--list", action="store_true", help="list the proven backups instead")


def _restore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", type=verbs.named, help="a path, or a name of `backup --list`"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _purge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def _set_token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, help="read the token from this file, not from stdin")
    parser.add_argument("--remove", action="store_true", help="take the token away")


VERBS = {
    "status": Verb("how the service is, on one screen", verbs.show_status, MIXED, _status),
    "doctor": Verb(
        "find what is wrong, its root cause, and the remedy",
        doctor.run,
        ANY,
        doctor.arguments,
        False,
    ),
    "backup": Verb("make a backup now, and prove it", verbs.backup, STATE, _backup),
    "restore": Verb("put a backup in the place of the database", verbs.restore, MIXED, _restore),
    "purge": Verb(
        "delete for good what was left 30 days ago; asks first", purging.run, STATE, _purge
    ),
    "rollback": Verb(
        "go back to the release before; data stays", verbs.rollback, ANY, configured=False
    ),
    "set-token": Verb(
        "set the bot token (typed, or from stdin)", verbs.set_token, ANY, _set_token, False
    ),
    "check-config": Verb("check the configuration as the service does", verbs.check_config),
    "simulate": Verb(
        "print the reminders of days to come, unsent",
        simulation.run,
        STATE,
        simulation.arguments,
    ),
    "why": Verb(
        "tell why a reminder came, will come, or did not",
        explaining.run,
        STATE,
        explaining.arguments,
    ),
    "take-over": Verb("remove the webhook that another program has set", verbs.take_over, MIXED),
    "release-ballast": Verb(
        "give back the room that is kept for a full disk", verbs.release_ballast
    ),
    "import": Verb(
        "put a list of birthdays into a calendar", exchanging.take, MIXED, exchanging.of_import
    ),
    "export": Verb(
        "write a calendar's birthdays to a file", exchanging.give, STATE, exchanging.of_export
    ),
    "migrate": Verb("bring the database's schema up to date", verbs.migrate, hidden=True),
    "prove-upgrade": Verb(
        "tell what this release would send otherwise than another",
        proof.run,
        STATE,
        proof.arguments,
        hidden=True,
    ),
}


def main(argv: list[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    os.umask(0o077)
    logs.mask_exceptions()
    args = _parser().parse_args(argv)
    verb = VERBS[args.verb]
    try:
        return verb.run(args, _settings(verb))
    except config.ConfigError as error:
        return _fail(str(error), config.EX_CONFIG)
    except KeyboardInterrupt:
        return _fail("Interrupted.", 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        said = trouble.sentence(error)
        if said is None:
            raise
        return _fail(said, 1)


def _settings(verb: Verb) -> config.Config | None:
    """The configuration, read with no more rights than the verb needs."""
    state = config.state_dir()
    if verb.rights != ANY:
        privileges.check(state)
        # In a clone there is nothing that needs root, and the .env may be somebody else's.
        if verb.rights == STATE or not config.installed():
            privileges.drop(state)
    return config.load() if verb.configured else None


def _fail(sentence: str, code: int) -> int:
    print(privileges.printable(sentence), file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="birthday-calendar",
        description="Operate the birthday calendar.",
        epilog="birthday-calendar VERB --help tells more of one.",
    )
    parser.add_argument("--version", action="version", version=config.release())
    verbs_of = parser.add_subparsers(dest="verb", required=True, metavar="VERB", title="verbs")
    for name, verb in VERBS.items():
        more = {} if verb.hidden else {"help": verb.summary}
        own = verbs_of.add_parser(name, description=f"{verb.summary.capitalize()}.", **more)
        if verb.arguments:
            verb.arguments(own)
    return parser


if __name__ == "__main__":
    sys.exit(main())
