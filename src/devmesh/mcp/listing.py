"""tools/list as bytes: pages of what the gateway shows this caller, each encoded once for all who see the same."""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from typing import Any, Final

import msgspec

from devmesh.gateway.model import ListedTool, Listing
from devmesh.mcp.errors import Refused
from devmesh.mcp.protocol import INVALID_PARAMS, TOOLS_TTL_MS, cacheable

PAGE_SIZE: Final = 100
_CACHE_BYTES: Final = 8 * 1024 * 1024
_FORMS: Final = {b"dot": "dot", b"underscore": "underscore", b"": ""}
_MAX_CURSOR: Final = 512

_Key = tuple[str, str, bool, str]


def form_of(value: bytes) -> str:
    """Return the form of names that X-Mesh-Tool-Names asks for, '' without it; raise Refused for any but the two."""
    form = _FORMS.get(value.strip().lower())
    if form is None:
        raise Refused(INVALID_PARAMS, "X-Mesh-Tool-Names must be 'dot' or 'underscore'.")
    return form


class Pages:
    """Encoded pages, the least recently used dropped beyond 8 MB."""

    __slots__ = ("_bytes", "_pages", "_room")

    def __init__(self, room: int = _CACHE_BYTES) -> None:
        self._pages: OrderedDict[_Key, bytes] = OrderedDict()
        self._bytes = 0
        self._room = room

    def page(self, listing: Listing, cursor: Any, *, form: str, is_modern: bool) -> bytes:
        """Return the `result` of tools/list after `cursor` (None: the first page); raise Refused for a foreign one."""
        if cursor is not None and (type(cursor) is not str or len(cursor) > _MAX_CURSOR):
            raise _unknown_cursor()
        key = (listing.etag, form, is_modern, cursor or "")
        page = self._pages.get(key)
        if page is None:
            page = _encoded(listing, cursor, form=form, is_modern=is_modern)
            self._keep(key, page)
        else:
            self._pages.move_to_end(key)
        return page

    def _keep(self, key: _Key, page: bytes) -> None:
        self._pages[key] = page
        self._bytes += len(page)
        while self._bytes > self._room:
            _, dropped = self._pages.popitem(last=False)
            self._bytes -= len(dropped)


def _encoded(listing: Listing, cursor: str | None, *, form: str, is_modern: bool) -> bytes:
    start = 0 if cursor is None else _after(listing, cursor)
    shown = listing.tools[start : start + PAGE_SIZE]
    result: dict[str, Any] = {"tools": [_described(tool, form) for tool in shown]}
    if start + PAGE_SIZE < len(listing.tools):
        result["nextCursor"] = _cursor_at(shown[-1])
    return msgspec.json.encode(cacheable(result, TOOLS_TTL_MS) if is_modern else result)


def _described(tool: ListedTool, form: str) -> dict[str, Any]:
    return {
        "name": tool.name if form == "dot" else tool.alias,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema,
        "annotations": {
            "title": tool.title,
            "readOnlyHint": tool.read_only,
            "destructiveHint": tool.destructive,
            "idempotentHint": tool.idempotent,
            "openWorldHint": tool.open_world,
        },
    }


def _cursor_at(tool: ListedTool) -> str:
    """Return the cursor behind `tool`; it names a place in the caller's own list, so unsealed it grants nothing."""
    return base64.urlsafe_b64encode(b"after:" + tool.name.encode()).decode().rstrip("=")


def _after(listing: Listing, cursor: str) -> int:
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise _unknown_cursor() from None
    for index, tool in enumerate(listing.tools):
        if plain == f"after:{tool.name}":
            if _cursor_at(tool) == cursor:
                return index + 1
            break
    raise _unknown_cursor()


def _unknown_cursor() -> Refused:
    return Refused(INVALID_PARAMS, "params.cursor is not one of this list. Leave it out to start from the first page.")
