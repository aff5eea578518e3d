"""`devmesh import-basic-auth`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from devmesh.cli import importing
from devmesh.cli.services_file import read


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the file, where the server is, and where the new keys go."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="the services: one name a line, an htpasswd file, .csv, .json or .yaml with the fields service (or "
        "username), and if need be tenant and scopes; passwords in it are read past",
    )
    importing.arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Give each service a tenant and a key, unless it has them, and say so; 1 if any could not be given them."""
    return importing.run(options, partial(read, options.file))
