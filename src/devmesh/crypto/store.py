"""Rows of the key ring and of the data keys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from devmesh.db.pool import Tx


async def ring(tx: Tx, purpose: str) -> list[tuple[int, bytes]]:
    """Return (version, wrapped key) of that purpose."""
    rows = await tx.all("select version, wrapped from ring_keys where purpose = $1 order by version", purpose)
    return [(row["version"], row["wrapped"]) for row in rows]


async def whole_ring(tx: Tx) -> list[tuple[str, int, bytes]]:
    """Return (purpose, version, wrapped key) of every purpose."""
    rows = await tx.all("select purpose, version, wrapped from ring_keys order by purpose, version")
    return [(row["purpose"], row["version"], row["wrapped"]) for row in rows]


async def ring_history(tx: Tx, purpose: str) -> list[tuple[int, bytes, datetime]]:
    """Return (version, wrapped key, since when) of that purpose, the oldest first."""
    rows = await tx.all(
        "select version, wrapped, created_at from ring_keys where purpose = $1 order by version", purpose
    )
    return [(row["version"], row["wrapped"], row["created_at"]) for row in rows]


async def newest_in_ring(tx: Tx, purpose: str) -> int:
    """Return the newest version of that purpose; 0 if there is none."""
    newest: int = await tx.value("select coalesce(max(version), 0) from ring_keys where purpose = $1", purpose)
    return newest


async def add_to_ring(tx: Tx, purpose: str, version: int, wrapped: bytes) -> None:
    """Keep a wrapped key, unless another process was first."""
    await tx.run(
        "insert into ring_keys (purpose, version, wrapped) values ($1, $2, $3) on conflict do nothing",
        purpose,
        version,
        wrapped,
    )


async def data_key(tx: Tx, organization_id: UUID, user_id: UUID | None) -> tuple[UUID, bytes] | None:
    """Return the id and the wrapped data key of the user, or of the organization itself.

    Until the transaction ends nobody else gets it: an owner's credentials are replaced one after the other.
    """
    row = await tx.one(
        "select id, wrapped from data_keys where organization_id = $1 and user_id is not distinct from $2 for update",
        organization_id,
        user_id,
    )
    return (row["id"], row["wrapped"]) if row else None


async def remove_data_key(tx: Tx, organization_id: UUID, user_id: UUID | None) -> UUID | None:
    """Destroy the wrapped data key of the user, or of the organization itself; return its id."""
    found: UUID | None = await tx.value(
        "delete from data_keys where organization_id = $1 and user_id is not distinct from $2 returning id",
        organization_id,
        user_id,
    )
    return found


async def add_data_key(tx: Tx, organization_id: UUID, user_id: UUID | None, key_id: UUID, wrapped: bytes) -> None:
    """Keep a wrapped data key, unless there is one."""
    await tx.run(
        "insert into data_keys (id, organization_id, user_id, wrapped) values ($1, $2, $3, $4) on conflict do nothing",
        key_id,
        organization_id,
        user_id,
        wrapped,
    )
