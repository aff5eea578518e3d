"""One HTTP request to `/mcp`: what came with it, and what is known of it so far."""

from __future__ import annotations

from msgspec import Struct

from devmesh.access import Caller
from devmesh.http.problem import Header, Receive
from devmesh.mcp.replies import Id


class Exchange(Struct):
    """A request that is being answered; `caller` is None until it is authenticated.

    `request_id` is the JSON-RPC id of the message in hand, None while it is not known; `trace_id` is the id under
    which the log has the request. `fields` are the headers as a dict, one value a name.
    """

    headers: list[Header]
    fields: dict[bytes, bytes]
    receive: Receive
    trace_id: str
    caller: Caller | None = None
    request_id: Id | None = None
