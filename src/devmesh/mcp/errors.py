"""What goes wrong on the wire, as HTTP status and JSON-RPC error."""

from __future__ import annotations

import logging
import math
from typing import Any, Final

from devmesh.errors import Invalid, MeshError, Unauthenticated
from devmesh.http.body import MalformedJson
from devmesh.mcp.exchange import Exchange
from devmesh.mcp.protocol import INTERNAL_ERROR, INVALID_PARAMS, PARSE_ERROR
from devmesh.mcp.replies import Id, Reply, failure
from devmesh.metrics import REFUSALS

_LOG: Final = logging.getLogger(__name__)
_CHALLENGE: Final = b'Bearer realm="devmesh"'
_INVALID_TOKEN: Final = b'Bearer realm="devmesh", error="invalid_token"'


class Refused(Exception):
    """A JSON-RPC error to answer with; `status` is the HTTP status of a reply that holds it alone.

    `request_id` is the JSON-RPC id where the message shows one though it is refused.
    """

    def __init__(
        self, code: int, message: str, *, status: int = 400, data: Any = None, request_id: Id | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = data
        self.request_id = request_id


def told(error: Exception, exchange: Exchange) -> Reply:
    """Return the reply that tells the error; a fault of our own is logged whole under the request's id."""
    if isinstance(error, Refused):
        known = error.request_id if exchange.request_id is None else exchange.request_id
        return failure(error.status, known, error.code, error.message, error.data)
    if isinstance(error, MeshError):
        return _told_of(error, exchange.request_id, exchange.trace_id)
    trace_id = exchange.trace_id
    _LOG.error("MCP request %s failed", trace_id, exc_info=error)
    message = f"Internal error. Try again; if it persists, give the request_id {trace_id} to your administrator."
    return failure(500, exchange.request_id, INTERNAL_ERROR, message, {"request_id": trace_id})


def _told_of(error: MeshError, request_id: Id | None, trace_id: str) -> Reply:
    """Return the error under its HTTP status; its JSON-RPC code is that status, outside the reserved range."""
    REFUSALS.add(error.code)
    data: dict[str, Any] = {"code": error.code, "hint": error.hint, "request_id": trace_id, **error.extra}
    headers: list[tuple[bytes, bytes]] = []
    wait = ""
    if error.retry_after is not None:
        seconds = max(1, math.ceil(error.retry_after))
        data["retry_after"] = seconds
        wait = f" retry_after: {seconds} s."
        headers.append((b"retry-after", b"%d" % seconds))
    if isinstance(error, Unauthenticated):
        missing = type(error) is Unauthenticated
        headers.append((b"www-authenticate", _CHALLENGE if missing else _INVALID_TOKEN))
    code, status = _numbers(error)
    detail = "" if error.detail == error.error else f": {error.detail.rstrip('.')}"
    return failure(status, request_id, code, f"{error.error}{detail}. {error.hint}{wait}", data, headers)


def _numbers(error: MeshError) -> tuple[int, int]:
    if isinstance(error, MalformedJson):
        return PARSE_ERROR, 400
    if isinstance(error, Invalid):
        return INVALID_PARAMS, 400
    return error.status, error.status
