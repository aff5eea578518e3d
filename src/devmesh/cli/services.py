"""The services that a server knows, by the names that people type."""

from __future__ import annotations

import difflib

from devmesh.client.failure import Exit, Failed
from devmesh.client.server import Reply, Server


def named(server: Server, name: str) -> Reply:
    """Return the service of that name, in whatever case; raise Failed with the nearest name if there is none."""
    services: list[Reply] = server.ask("GET", "/services").listed("services")
    names = [str(one["service"]) for one in services]
    if name.lower() not in names:
        nearest = difflib.get_close_matches(name.lower(), names, n=1)
        there = f"Did you mean {nearest[0]}?" if nearest else f"There is {', '.join(names)}."
        raise Failed(f"There is no service '{name}'.", there, Exit.NOT_FOUND)
    return services[names.index(name.lower())]
