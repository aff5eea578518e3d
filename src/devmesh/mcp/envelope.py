"""A JSON-RPC message out of a parsed body: its members have the right types, or it is refused."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from devmesh.mcp.errors import Refused
from devmesh.mcp.protocol import INVALID_REQUEST
from devmesh.mcp.replies import Id

_MAX_ID_TEXT: Final = 256
_MAX_ID_NUMBER: Final = 2**63
_MAX_METHOD: Final = 128


class Message(NamedTuple):
    """A request, or with `request_id` None a notification."""

    request_id: Id | None
    method: str
    params: dict[str, Any]


def message_of(value: Any) -> Message:
    """Return the request or notification that a JSON value is; raise Refused (-32600) naming what is wrong."""
    if type(value) is not dict:
        raise Refused(INVALID_REQUEST, "Invalid request: it must be one JSON object.")
    request_id: Id | None = None
    if "id" in value:
        request_id = _id_of(value["id"])
    if value.get("jsonrpc") != "2.0":
        raise Refused(INVALID_REQUEST, "Invalid request: jsonrpc must be '2.0'.", request_id=request_id)
    method = value.get("method")
    if type(method) is not str or not 0 < len(method) <= _MAX_METHOD:
        raise Refused(INVALID_REQUEST, "Invalid request: method must be a short string.", request_id=request_id)
    params = value.get("params")
    if params is None:
        params = {}
    elif type(params) is not dict:
        raise Refused(INVALID_REQUEST, "Invalid request: params must be an object.", request_id=request_id)
    return Message(request_id, method, params)


def _id_of(value: Any) -> Id:
    if type(value) is str and len(value) <= _MAX_ID_TEXT:
        return value
    if type(value) is int and -_MAX_ID_NUMBER <= value < _MAX_ID_NUMBER:
        return value
    raise Refused(
        INVALID_REQUEST,
        f"Invalid request: id must be an integer of 64 bits or a string of at most {_MAX_ID_TEXT} characters.",
    )
