"""Which tools a token is good for, by the scopes that its service said it has."""

from __future__ import annotations

from collections.abc import Iterable

from devmesh.upstream.model import Tool

Scopes = tuple[str, ...]


def enables(granted: Scopes | None, tool: Tool) -> bool:
    """Return whether a token with these scopes may be good for the tool: where nothing is known, it may."""
    if granted is None or not tool.needs:
        return True
    return any(tool.connector.implies(granted, needed) for needed in tool.needs)


def divided(granted: Scopes | None, tools: Iterable[Tool]) -> tuple[list[Tool], list[Tool]]:
    """Return the tools that the scopes are good for, and those that they are known not to be."""
    enabled: list[Tool] = []
    hidden: list[Tool] = []
    for tool in tools:
        (enabled if enables(granted, tool) else hidden).append(tool)
    return enabled, hidden
