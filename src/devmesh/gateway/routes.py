"""The tools over HTTP: the same catalogue and the same path as over MCP."""

from __future__ import annotations

from typing import Any

from litestar import Request, Router
from msgspec import Raw, Struct

from devmesh.access import Caller
from devmesh.gateway.call import Gateway
from devmesh.gateway.model import ListedTool
from devmesh.gateway.passed import passed_through
from devmesh.http.routing import get, post


class ToolShown(Struct, frozen=True):
    """A tool as the catalogue shows it."""

    name: str
    title: str
    description: str
    input_schema: Raw
    read_only: bool
    destructive: bool
    idempotent: bool

    @classmethod
    def of(cls, tool: ListedTool) -> ToolShown:
        """Return the tool as replies show it."""
        return cls(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=tool.input_schema,
            read_only=tool.read_only,
            destructive=tool.destructive,
            idempotent=tool.idempotent,
        )


class ToolList(Struct, frozen=True):
    """One page of tools, by name."""

    tools: list[ToolShown]
    count: int
    next_cursor: str | None


class Execute(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /tools/{name}/execute."""

    arguments: dict[str, Any] = {}


class Executed(Struct, frozen=True):
    """The outcome of one call; `meta` is what MCP has in `_meta`."""

    result: Any
    is_error: bool
    receipt: dict[str, str] | None
    meta: dict[str, Any]


def routes(gateway: Gateway) -> list[Router]:
    """Return the routes under /tools."""

    @get("/", scope="tools:read", summary="List the tools that you may call")
    async def list_tools(caller: Caller, limit: int = 200, cursor: str | None = None) -> ToolList:
        tools = (await gateway.listing(caller)).tools
        after = [tool for tool in tools if cursor is None or tool.name > cursor]
        page = after[: max(1, min(limit, 200))]
        next_cursor = page[-1].name if len(after) > len(page) else None
        return ToolList([ToolShown.of(tool) for tool in page], len(page), next_cursor)

    @get("/{name:str}", scope="tools:read", summary="Show one tool and its arguments")
    async def show_tool(caller: Caller, name: str) -> ToolShown:
        return ToolShown.of(gateway.show(caller, name))

    @post("/{name:str}/execute", scope=None, status=200, summary="Call a tool")
    async def execute_tool(caller: Caller, name: str, data: Execute, request: Request[Any, Any, Any]) -> Executed:
        passed = passed_through(request.scope["headers"])
        done = await gateway.run(caller, name, data.arguments, passed)
        result = done.structured if done.structured is not None else done.text
        meta = dict(done.meta)
        return Executed(result, done.is_error, meta.pop("receipt", None), meta)

    return [Router("/tools", route_handlers=[list_tools, show_tool, execute_tool], tags=["Tools"])]
