"""`devmesh import-gateway`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from devmesh.access.scopes import is_scope
from devmesh.cli import importing, litellm
from devmesh.cli.services_file import FileFaults, Service

# ContextForge's export holds no keys, teams or people: docs/guide/migration.md.
_READERS = {"litellm": litellm.read}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files, what the keys may do here, where the server is, and where the new keys go."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        nargs="+",
        help="what LiteLLM answered to GET /key/list?return_full_object=true, a file for each page",
    )
    parser.add_argument(
        "--from", dest="source", choices=_READERS, required=True, help="the gateway that the keys are of"
    )
    parser.add_argument(
        "--teams", type=Path, metavar="FILE", help="what it answered to GET /team/list: the teams' names"
    )
    parser.add_argument("--scopes", required=True, help="what each key may do here: 'tools:read:github contexts:read'")
    parser.add_argument(
        "--tenant", default="no-team", help="slug of the tenant for keys that are of no team (default: no-team)"
    )
    importing.arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Give each key that still works there one here, in its team's tenant; 1 if any could not be given one."""
    return importing.run(options, partial(_read, options))


def _read(options: argparse.Namespace) -> Sequence[Service]:
    scopes = tuple(options.scopes.replace(",", " ").split())
    wrong = [scope for scope in scopes if not is_scope(scope)]
    if wrong or not scopes:
        raise FileFaults(f"--scopes: these are no scopes: {', '.join(wrong) or 'none is named'}.")
    return _READERS[options.source](options.file, options.teams, scopes, options.tenant)
