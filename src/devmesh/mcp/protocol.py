"""The names, numbers and stamps of the protocol."""

from __future__ import annotations

from typing import Any, Final

from devmesh import __version__

MODERN: Final = "2026-07-28"
# Newest first. With `initialize`, and without a version header the oldest.
LEGACY: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
VERSIONS: Final = (MODERN, *LEGACY)
BATCHING: Final = LEGACY[-1]

# JSON-RPC 2.0, section 5.1, and the specification's own (basic/index, "Error Codes").
PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022
LEGACY_RESOURCE_NOT_FOUND: Final = -32002

META_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
META_SERVER: Final = "io.modelcontextprotocol/serverInfo"

# Method -> the member of params that the header Mcp-Name repeats.
NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}

SERVER_INFO: Final = {"name": "devmesh", "title": "Developer Mesh", "version": __version__}
# What a connected service adds is seen within half a minute; the rest changes with our version only.
TOOLS_TTL_MS: Final = 30_000
FIXED_TTL_MS: Final = 300_000


def cacheable(result: dict[str, Any], ttl_ms: int) -> dict[str, Any]:
    """Return the complete, privately cacheable result with the stamps that 2026-07-28 asks for."""
    stamps = {"resultType": "complete", "ttlMs": ttl_ms, "cacheScope": "private", "_meta": {META_SERVER: SERVER_INFO}}
    return {**result, **stamps}
