"""An entry as a call has it under way."""

from __future__ import annotations

from typing import Any

from devmesh.audit.entry import Entry
from devmesh.audit.model import Actor
from devmesh.audit.service import Audit


async def opened(
    audit: Audit, caller: Actor, *, tool: str | None = None, service: str | None = None, arguments: Any = None
) -> Entry:
    """Return the entry of a tool call whose intent is durable."""
    entry = audit.entry(caller, "tool.call", tool)
    await entry.open(service=service, arguments=arguments)
    return entry
