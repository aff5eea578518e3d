"""The command line: `devmesh COMMAND`.

Each command is a module of this package with `arguments(parser)` and `run(options) -> exit code`.
They are loaded by name, one per run: `serve` is a long-lived parent that must not carry what the
others need.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from devmesh import __version__
from devmesh.client.parser import Parser

# A new command is a line here and a module: first people's, then what runs an installation.
COMMANDS = {
    "register": "register an organization at a server, and log in as its owner",
    "login": "log in to a server, for the commands that follow",
    "logout": "end the login",
    "whoami": "show who your login or your key stands for",
    "connect": "store your credential for a service, and have the service say whose it is",
    "disconnect": "destroy a credential that is stored for a service",
    "tools": "find tools, and call them",
    "contexts": "keep JSON documents that agents share",
    "audit": "show what happened in your organization",
    "ide": "tell an editor or an agent of your server",
    "completion": "print what makes your shell complete these commands",
    "serve": "run the gateway: PostgreSQL and the workers, until it is asked to stop",
    "migrate": "bring the database up to date without serving",
    "keys": "make, list, rotate and revoke API keys; find them in text; rotate the installation's own",
    "organizations": "list the organizations, or put one on another plan",
    "import-basic-auth": "give services that used basic authentication a tenant and a key each, over a server's API",
    "import-gateway": "give the keys of another gateway a counterpart each, over a server's API",
    "demo": "walk through it all against a stand-in for GitHub, and end",
    "doctor": "say what is wrong with this installation and how to mend it",
}


_USAGE = 2
# What a shell says of a program that SIGPIPE ended.
_PIPE_CLOSED = 141


class Command(Protocol):
    """What a command's module offers."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""

    def run(self, options: argparse.Namespace) -> int:
        """Do it; return the exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command named on the command line; return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = Parser(prog="devmesh", description="One gateway between AI agents and services.")
    parser.add_argument("--version", action="version", version=f"devmesh {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        child = commands.add_parser(name, help=summary, description=f"devmesh {name}: {summary}.")
        if given[:1] == [name]:
            _command(name).arguments(child)
    if not given:
        parser.print_help(sys.stderr)
        return _USAGE
    options = parser.parse_args(given)
    try:
        code = _command(options.command).run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough; nor is what is still buffered written when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    return code


def port(text: str) -> int:
    """Return the port that an option names; for argparse, which shows the message."""
    number = int(text)
    if not 0 <= number <= 65535:  # noqa: PLR2004 - said in the message
        raise argparse.ArgumentTypeError("from 1 to 65535 (0: any that is free)")
    return number


def _command(name: str) -> Command:
    return cast("Command", importlib.import_module(f"devmesh.cli.{name.replace('-', '_')}"))
