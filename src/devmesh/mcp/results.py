"""Every answer that is the same for all callers, encoded once."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from devmesh.mcp.envelope import Message
from devmesh.mcp.errors import Refused
from devmesh.mcp.protocol import (
    FIXED_TTL_MS,
    INVALID_PARAMS,
    LEGACY,
    LEGACY_RESOURCE_NOT_FOUND,
    METHOD_NOT_FOUND,
    SERVER_INFO,
    VERSIONS,
    cacheable,
)

INSTRUCTIONS: Final = (
    "Developer Mesh calls the services a team works in with the caller's own credentials. Tools are named "
    "service.operation and all of them are in tools/list. Call mesh.list_services to see which services are "
    "connected, which are missing, and how the person connects one. A tool's error says what to do next."
)
# We list no prompts and no resources, and say so when asked: clients ask whether or not we declare them.
_CAPABILITIES: Final[dict[str, Any]] = {"tools": {}, "prompts": {}, "resources": {}}
_EMPTY_LISTS: Final = {
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}


def _initialized(version: str) -> bytes:
    result = {"protocolVersion": version, "capabilities": _CAPABILITIES, "serverInfo": SERVER_INFO}
    return msgspec.json.encode({**result, "instructions": INSTRUCTIONS})


_DISCOVERED: Final = {"supportedVersions": VERSIONS, "capabilities": _CAPABILITIES, "instructions": INSTRUCTIONS}
_MODERN: Final[dict[str, bytes]] = {
    "server/discover": msgspec.json.encode(cacheable(_DISCOVERED, FIXED_TTL_MS)),
    **{method: msgspec.json.encode(cacheable({member: []}, FIXED_TTL_MS)) for method, member in _EMPTY_LISTS.items()},
}
_LEGACY: Final[dict[str, bytes]] = {
    "ping": b"{}",
    **{method: msgspec.json.encode({member: []}) for method, member in _EMPTY_LISTS.items()},
}
_INITIALIZED: Final[dict[str, bytes]] = {version: _initialized(version) for version in LEGACY}


def fixed_result(message: Message, *, modern: bool) -> bytes:
    """Return the `result` of a request whose answer no caller changes; raise Refused for a method that we have not.

    A refused request is an HTTP error in the era of 2026-07-28 only: earlier clients take it for a broken session.
    """
    result = (_MODERN if modern else _LEGACY).get(message.method)
    if result is not None:
        return result
    if message.method == "initialize" and not modern:
        return _negotiated(message)
    raise _refusal(message.method, modern=modern)


def _negotiated(message: Message) -> bytes:
    """Return the answer in the version that the client asks for if we speak it, else in our latest with a handshake."""
    version = message.params.get("protocolVersion")
    if type(version) is not str:
        raise Refused(INVALID_PARAMS, "params.protocolVersion must be a string.", status=200)
    return _INITIALIZED.get(version) or _INITIALIZED[LEGACY[0]]


def _refusal(method: str, *, modern: bool) -> Refused:
    status = 400 if modern else 200
    if method == "prompts/get":
        return Refused(INVALID_PARAMS, "Unknown prompt: there are none here.", status=status)
    if method == "resources/read":
        code = INVALID_PARAMS if modern else LEGACY_RESOURCE_NOT_FOUND
        return Refused(code, "Resource not found: there are none here.", status=status)
    return Refused(METHOD_NOT_FOUND, f"Method not found: {method}", status=404 if modern else 200)
