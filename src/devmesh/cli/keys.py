"""`devmesh keys`: what an action needs is loaded for it alone, so that a scan loads no database driver."""

from __future__ import annotations

import argparse
import importlib
from datetime import timedelta
from typing import Protocol, cast

from devmesh.cli import keys_people, people

# What `crypto.ring.ROTATING` holds; a test compares them.
PURPOSES = ("jwt",)
_OF_PEOPLE = ("create", "list", "revoke")


class Action(Protocol):
    """What an action's module offers."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; return the exit code."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    keys_people.arguments(lambda name, about: people.action(actions, "keys", name, about))
    about = "give an API key a new secret, shown this once; or make a new key of the installation's own"
    rotate = people.action(actions, "keys", "rotate", about)
    rotate.add_argument(
        "which",
        help="an API key's id, name or prefix; or, where the installation is, jwt: what access tokens are signed with "
        "from then on (nobody is logged out)",
    )
    rotate.add_argument(
        "--grace",
        type=keys_people.duration,
        default=timedelta(),
        metavar="TIME",
        help="how long the former secret works still, such as 1h or 90s (default: it ends at once)",
    )
    people.of_server(rotate)
    about = "have everything that the master key wraps wrapped by a new version of it, while servers run"
    master = actions.add_parser("rotate-master", help=about, description=f"devmesh keys rotate-master: {about}.")
    people.of_asking(master)
    master.add_argument(
        "--destroy-old",
        action="store_true",
        help="destroy the older versions at the end, and exchange master.key where the server made it",
    )
    about = "find API keys in text by their form and checksum; ends with 1 if there are any"
    scan = actions.add_parser("scan", help=about, description=f"devmesh keys scan: {about}.")
    scan.add_argument(
        "path", nargs="*", default=["."], help="files and directories; - is standard input (default: this directory)"
    )
    scan.add_argument("--json", action="store_true", help="a JSON object a line instead of text")
    scan.add_argument(
        "--pattern", action="store_true", help="only print the regular expression, for other scanners, and end"
    )


def run(options: argparse.Namespace) -> int:
    """Do the action; return its exit code."""
    return cast("Action", importlib.import_module(f"devmesh.cli.{_module(options)}")).run(options)


def _module(options: argparse.Namespace) -> str:
    of_people = options.which not in PURPOSES if options.action == "rotate" else options.action in _OF_PEOPLE
    return "keys_people" if of_people else f"keys_{options.action.replace('-', '_')}"
