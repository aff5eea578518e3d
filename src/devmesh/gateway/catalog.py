"""Which tools there are, and which of them this caller sees."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from operator import attrgetter

import msgspec

from devmesh.access import Caller, KeyType
from devmesh.credentials.reach import Reach
from devmesh.gateway.builtin import BUILTIN
from devmesh.gateway.model import ListedTool, Listing, UnknownTool
from devmesh.upstream.model import Connector, Tool, load_tools

_MOST = 512
# A name that is typed out of memory is close to the right one; more than three would be noise.
_NEAREST = 3
# Longer than any name of ours; comparing costs the product of both lengths.
_LONGEST = 64


class Catalog:
    """All tools by name (`github.create_issue`) and by alias (`github_create_issue`).

    A service's tools are made when one of them, or a list with them, is first asked for.
    """

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = {BUILTIN.name: BUILTIN, **connectors}
        self._found: dict[str, Tool] = {}
        self._listed: dict[str, ListedTool] = {}
        self._listings: dict[tuple[object, ...], Listing] = {}

    async def find(self, name: str) -> Tool:
        """Return the tool of that name or alias; raise UnknownTool naming the nearest."""
        tool = self._found.get(name) or self._look_for(name)
        if tool is None:
            await load_tools(self._connectors.values())
            raise UnknownTool(name, self._nearest(name))
        self._found[name] = tool
        return tool

    def _look_for(self, name: str) -> Tool | None:
        for service, connector in self._connectors.items():
            if name.startswith((f"{service}.", f"{service}_")):
                return connector.tools.get(name[len(service) + 1 :])
        return None

    def _nearest(self, name: str) -> tuple[str, ...]:
        known = [tool.name for connector in self._connectors.values() for tool in connector.tools.values()]
        if "." not in name:
            known += [one.replace(".", "_") for one in known]
        return tuple(difflib.get_close_matches(name[:_LONGEST].lower(), known, n=_NEAREST))

    async def listing(self, caller: Caller, reach: frozenset[Reach]) -> Listing:
        """Return the tools that the caller may call with what is stored (`reach`), by name."""
        bounds = caller.bounds
        alone = caller.key_type is KeyType.GATEWAY and bounds.owner_id is None
        seen = (caller.rights.scopes, caller.role, caller.key_type, alone, bounds.services, reach)
        known = self._listings.get(seen)
        if known is None:
            reached = {BUILTIN.name: Reach(BUILTIN.name), **{one.service: one for one in reach}}
            await load_tools(self._connectors[name] for name in sorted(reached.keys() & self._connectors.keys()))
            tools = tuple(
                self._shown(tool)
                for service, connector in self._connectors.items()
                if service in reached
                for tool in reached[service].serves(connector.tools.values())
                if may_call(caller, tool)
            )
            tools = tuple(sorted(tools, key=attrgetter("name")))
            etag = hashlib.sha256(msgspec.json.encode(tools)).hexdigest()[:32]
            known = Listing(tools, etag)
            while len(self._listings) >= _MOST:
                self._listings.pop(next(iter(self._listings)))
            self._listings[seen] = known
        return known

    async def show(self, caller: Caller, name: str) -> ListedTool:
        """Return the tool if the caller may call it, connected or not; raise UnknownTool otherwise."""
        tool = await self.find(name)
        if not may_call(caller, tool):
            raise UnknownTool(name, ())
        return self._shown(tool)

    def _shown(self, tool: Tool) -> ListedTool:
        shown = self._listed.get(tool.name)
        if shown is None:
            shown = self._listed[tool.name] = _listed(tool)
        return shown


def may_call(caller: Caller, tool: Tool) -> bool:
    """Return whether the caller's rights reach the tool (of `call_api`: at least for a read)."""
    if caller.key_type is KeyType.GATEWAY and caller.bounds.owner_id is None:
        return False
    if tool.connector is BUILTIN:
        return not caller.is_cut
    return caller.reaches(tool.connector.name) and caller.rights.allows_tool(tool.name, read_only=tool.may_read)


def _listed(tool: Tool) -> ListedTool:
    return ListedTool(
        name=tool.name,
        alias=tool.name.replace(".", "_"),
        title=f"{tool.connector.title}: {tool.name.partition('.')[2].replace('_', ' ')}",
        description=tool.description,
        input_schema=msgspec.Raw(msgspec.json.encode(tool.arguments.schema)),
        read_only=tool.read_only,
        destructive=tool.destructive,
        idempotent=tool.idempotent,
        open_world=tool.connector is not BUILTIN,
    )
