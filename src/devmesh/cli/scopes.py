"""What `--scope` is held against before a key is made: a mistyped name in it would open nothing, unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from devmesh.cli import services
from devmesh.client.failure import Refused
from devmesh.client.screen import Color, Screen
from devmesh.client.server import Server, in_path

_OURS = "mesh"
_NO_TOOL = "unknown_tool"
# There is such a scope, for the wildcards' sake, and nothing that it is needed for.
_NOTHING = "tools:write"


def check(server: Server, scopes: Iterable[str], screen: Screen) -> None:
    """Raise Failed for a scope that names a service that there is none of; note one that opens no tool.

    What is no tool may be an operation for `call_api`. Nothing is looked up for a caller who may not see it, and the
    form of a scope is the server's to judge.
    """
    for scope in scopes:
        if scope.startswith(_NOTHING):
            screen.note(f"{scope} opens no tool: tools:read and tools:execute do.", Color.YELLOW)
    for scope, service, tool in _named(scopes):
        try:
            services.named(server, service)
            if tool and "*" not in tool:
                server.ask("GET", f"/tools/{in_path(f'{service}.{tool}')}")
        except Refused as refused:
            if refused.problem == _NO_TOOL:
                screen.note(f"{scope} opens no tool. {refused.hint}", Color.YELLOW)


def _named(scopes: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield each scope of tools that names a service, the service, and what it names of it."""
    for scope in scopes:
        resource, _, rest = scope.partition(":")
        service, _, tool = rest.partition(":")[2].partition(".")
        # What ends with * may stand for a service that is yet to come.
        if resource == "tools" and service and "*" not in service and service != _OURS:
            yield scope, service, tool
