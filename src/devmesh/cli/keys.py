"""`devmesh keys`: each action is a module of its own, so that a scan before a commit loads no database driver."""

from __future__ import annotations

import argparse
import importlib
from typing import Protocol, cast

# What `crypto.ring.ROTATING` holds; a test compares them.
PURPOSES = ("jwt",)


class Action(Protocol):
    """What an action's module offers."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; return the exit code."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    about = "make a new key of the installation's own, which is used from now on"
    rotate = actions.add_parser("rotate", help=about, description=f"devmesh keys rotate: {about}.")
    rotate.add_argument(
        "purpose", choices=PURPOSES, help="jwt: what access tokens are signed with; nobody is logged out"
    )
    about = "have everything that the master key wraps wrapped by a new version of it, while servers run"
    master = actions.add_parser("rotate-master", help=about, description=f"devmesh keys rotate-master: {about}.")
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
    module = importlib.import_module(f"devmesh.cli.keys_{options.action.replace('-', '_')}")
    return cast("Action", module).run(options)
