"""The tools over HTTP: the same catalogue and the same path as over MCP."""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct

from devmesh.access import Caller
from devmesh.gateway.call import Gateway
from devmesh.gateway.model import ListedTool
from devmesh.gateway.passed import passed_through
from devmesh.gateway.rests import most_of
from devmesh.http.routing import Cursor, Limit, Repeat, Request, cursor_of, get, position_of, post


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


@get("/tools", scope="any")
async def list_tools(gateway: Gateway, caller: Caller, limit: Limit = 200, cursor: Cursor = None) -> ToolList:
    """List the tools that you may call."""
    tools = (await gateway.listing(caller)).tools
    start = position_of(cursor, str) or ""
    after = [tool for tool in tools if tool.name > start]
    page = after[:limit]
    next_cursor = cursor_of(page[-1].name) if len(after) > limit else None
    return ToolList([ToolShown.of(tool) for tool in page], len(page), next_cursor)


@get("/tools/{name:str}", scope="any")
async def show_tool(gateway: Gateway, caller: Caller, name: str) -> ToolShown:
    """Show one tool and its arguments."""
    return ToolShown.of(await gateway.show(caller, name))


async def _may_execute(gateway: Gateway, caller: Caller, name: str, data: Execute, request: Request) -> None:
    request.spends_itself()
    await gateway.admit(caller, name, data.arguments)


@post("/tools/{name:str}/execute", scope="tool", status=200, repeat=Repeat(outside=True, allowed=_may_execute))
async def execute_tool(gateway: Gateway, caller: Caller, name: str, data: Execute, request: Request) -> Executed:
    """Call a tool."""
    passed = passed_through(request.pairs)
    most = most_of(caller, request.header("x-mesh-result-bytes"))
    request.spends_itself()
    done = await gateway.run(caller, name, data.arguments, passed, most)
    result = done.structured if done.structured is not None else done.text
    meta = dict(done.meta)
    return Executed(result, done.is_error, meta.pop("receipt", None), meta)


ROUTES = [list_tools, show_tool, execute_tool]
