"""`devmesh whoami`."""

from __future__ import annotations

import argparse

from devmesh.cli import people
from devmesh.client.failure import Refused
from devmesh.client.progress import Progress
from devmesh.client.server import Reply, Server
from devmesh.client.session import Key


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where."""
    people.of_server(parser)


def run(options: argparse.Namespace) -> int:
    """Show who the key or the login stands for; 3 if for nobody."""
    return people.told(_show, options)


def _show(options: argparse.Namespace) -> None:
    with Progress("asking the server") as progress:
        server = people.server(options, progress)
        who = _profile(server)
    screen, by_key = people.screen(options), isinstance(server.credential, Key)
    kind = f"the {who['key_type']} key in {people.KEY}" if by_key else "your login"
    facts = {
        "you": f"{who['name']} <{who['email']}>",
        "role": who["role"],
        "organization": who["organization_slug"],
        "tenant": who["tenant_name"],
        "by": kind,
        "scopes": " ".join(who["scopes"]),
        "server": server.address.url,
    }
    screen.show({**who, "url": server.address.url}, lambda: screen.facts(facts))


def _profile(server: Server) -> Reply:
    try:
        return server.ask("GET", "/auth/profile")
    except Refused as refused:
        if refused.problem == "insufficient_scope":
            refused.hint = f"The key works, for what its scopes name. Unset {people.KEY} to be shown your login."
        raise
