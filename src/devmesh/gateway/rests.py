"""Results that are longer than what an agent takes at once: kept sealed for minutes, read on by handle."""

from __future__ import annotations

import asyncio
import re
import zlib
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from devmesh.access import Caller
from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.sealing import SealBroken, place, seal, unseal
from devmesh.db.pool import Database
from devmesh.directory.round import Round, every_tenant
from devmesh.directory.service import Directory
from devmesh.errors import Fault, Invalid, NotFound
from devmesh.gateway import store
from devmesh.gateway.cut import Part, bytes_of, is_cut_by_items, items_from, size_of, text_from
from devmesh.gateway.model import ToolResult
from devmesh.ids import new_id

# What a result may be long unless somebody says otherwise: some 25,000 tokens, as much as clients commonly take.
RESULT_BYTES = 100_000
LEAST_BYTES = 1_000
MOST_BYTES = 8 * 1024 * 1024  # more is not taken from a service
_MOST_DIGITS = 9
LIFETIME = timedelta(minutes=15)
# Of one caller; each is at most as long as the longest answer that is taken from a service, and packed.
_MOST_OF_CALLER = 20
_BYTES_OF_TENANT = 256 * 1024 * 1024
_HANDLE = re.compile(r"(?P<id>[0-9a-f]{32})-(?P<start>[0-9]{1,9})")
_ITEMS, _BYTES = b"i", b"b"


class ResultGone(NotFound):
    """The handle is of no result that is kept for this caller."""

    code = "result_gone"
    hint = "Results are kept for 15 minutes, for whoever called. If the tool only reads, call it again."


class Read(NamedTuple):
    """A part of a kept result, and the tool that it is of."""

    tool: str
    part: Part


class Rests:
    """Keeps what did not fit, for the caller alone who called the tool."""

    def __init__(self, db: Database, data_keys: DataKeys) -> None:
        self._db = db
        self._data_keys = data_keys

    async def cut(self, caller: Caller, tool: str, result: ToolResult, most: int) -> ToolResult:
        """Return the result's first `most` bytes with a handle for the rest, which is kept for a while."""
        whole, id_ = bytes_of(result), new_id()
        kind = _ITEMS if is_cut_by_items(result, most) else _BYTES
        organization_id, of = caller.organization_id, _of(caller)
        # Megabytes take a quarter of a second, in which other calls go on.
        packed = kind + await asyncio.to_thread(zlib.compress, whole, 1)
        async with self._db.acting(organization_id, caller.tenant_id) as tx:
            _, key = await self._data_keys.of(tx, organization_id, caller.user_id)
            row = (id_, tool, seal(key, packed, _place(caller, id_, tool)))
            most_kept = store.Most(_MOST_OF_CALLER, _BYTES_OF_TENANT)
            await store.keep(tx, organization_id, caller.tenant_id, of, row, LIFETIME, most_kept)
        return shown(_part(packed[:1], whole, 0, most, id_), dict(result.meta))

    async def read_on(self, caller: Caller, handle: str, most: int) -> Read:
        """Return the part that the handle names; raise ResultGone."""
        named = _HANDLE.fullmatch(handle)
        if named is None:
            raise ResultGone("That is no handle of a result.", hint="Pass the handle as the tool's result gave it.")
        id_ = UUID(named["id"])
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            row = await store.get(tx, caller.organization_id, caller.tenant_id, _of(caller), id_)
            if row is None:
                raise ResultGone("The result is no longer kept.")
            _, key = await self._data_keys.of(tx, caller.organization_id, caller.user_id)
        try:
            packed = unseal(key, row["sealed"], _place(caller, id_, row["tool"]))
        except SealBroken:
            raise ResultGone("The result is no longer kept.") from None
        whole = zlib.decompress(packed[1:])
        return Read(row["tool"], _part(packed[:1], whole, int(named["start"]), most, id_))


class RestsExpiry(Round):
    """Removes the results whose time is over from tenants where nobody calls any more."""

    def __init__(self, db: Database, directory: Directory) -> None:
        super().__init__("expired results", self.sweep)
        self._db = db
        self._directory = directory

    async def sweep(self) -> int:
        """Remove what has expired in every tenant; return how many."""
        gone = 0
        async for organization_id, tenant_id in every_tenant(self._db, self._directory):
            async with self._db.acting(organization_id, tenant_id) as tx:
                gone += await store.expire(tx, organization_id, tenant_id)
        return gone


def most_of(caller: Caller, value: str | bytes | None) -> int:
    """Return the most bytes to show: what X-Mesh-Result-Bytes asks for, no more than the key's own; raise Invalid."""
    own = caller.bounds.result_bytes
    if value is None:
        return own or RESULT_BYTES
    text = value.strip()
    if not text.isdigit() or len(text) > _MOST_DIGITS or not LEAST_BYTES <= int(text) <= MOST_BYTES:
        raise Invalid([Fault("X-Mesh-Result-Bytes", f"must be a number from {LEAST_BYTES} to {MOST_BYTES}")])
    return min(int(text), own or MOST_BYTES)


def fits(result: ToolResult, most: int) -> bool:
    """Return whether the result is of at most `most` bytes; what went wrong is told whole."""
    return result.is_error or size_of(result) <= most


def shown(part: Part, meta: dict[str, Any]) -> ToolResult:
    """Return the part as a tool's result."""
    return ToolResult(part.text, part.structured, is_error=False, meta=meta)


def _part(kind: bytes, whole: bytes, start: int, most: int, id_: UUID) -> Part:
    return (items_from if kind == _ITEMS else text_from)(whole, start, most, id_.hex)


def _of(caller: Caller) -> tuple[UUID, UUID | None]:
    return caller.user_id, caller.key_id


def _place(caller: Caller, id_: UUID, tool: str) -> bytes:
    session = () if caller.session_id is None else (caller.session_id,)
    return place("result", caller.organization_id, caller.tenant_id, *_of(caller), *session, id_, tool)
