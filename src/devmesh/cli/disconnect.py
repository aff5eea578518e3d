"""`devmesh disconnect`."""

from __future__ import annotations

import argparse

from devmesh.cli import people
from devmesh.client.asking import sure
from devmesh.client.failure import Failed
from devmesh.client.screen import Color
from devmesh.client.server import in_path


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which credential."""
    parser.add_argument("service", help="which service")
    parser.add_argument("--label", help="the credential of this name, of several")
    parser.add_argument("--organization", action="store_true", help="the one for everybody in the organization")
    people.of_asking(parser)
    people.of_server(parser)


def run(options: argparse.Namespace) -> int:
    """Destroy the stored credential; 4 if there is none."""
    return people.told(_disconnect, options)


def _disconnect(options: argparse.Namespace) -> None:
    server, screen = people.server(options), people.screen(options)
    whose = "the organization's" if options.organization else "your"
    if not sure(f"Destroy {whose} credential for {options.service}? Calls with it end at once.", yes=options.yes):
        raise Failed("Nothing was destroyed.")
    query = {"owner": "organization" if options.organization else "user", "label": options.label}
    server.ask("DELETE", f"/credentials/{in_path(options.service)}", query=query)
    gone = {"service": options.service, "label": options.label, "destroyed": True}
    screen.show(gone, lambda: screen.say("It is destroyed.", Color.GREEN))
