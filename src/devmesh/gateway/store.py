"""Rows of results that are longer than what was shown of them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from devmesh.db.pool import Record, Tx


async def keep(
    tx: Tx,
    organization_id: UUID,
    tenant_id: UUID,
    of: tuple[UUID, UUID | None],
    row: tuple[UUID, str, bytes],
    lifetime: timedelta,
    most: int,
) -> None:
    """Keep a result (id, tool, sealed) of the caller `of` (user, key); only its newest `most` stay."""
    await tx.run(
        "delete from result_rests where organization_id = $1 and tenant_id = $2 and (expires_at <= now() or id in ("
        "select id from result_rests where organization_id = $1 and tenant_id = $2 and user_id = $3 "
        "and key_id is not distinct from $4 order by expires_at desc offset $5))",
        organization_id,
        tenant_id,
        *of,
        most - 1,
    )
    await tx.run(
        "insert into result_rests (id, organization_id, tenant_id, user_id, key_id, tool, sealed, expires_at) "
        "values ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)",
        row[0],
        organization_id,
        tenant_id,
        *of,
        *row[1:],
        lifetime,
    )


async def get(tx: Tx, organization_id: UUID, tenant_id: UUID, of: tuple[UUID, UUID | None], id_: UUID) -> Record | None:
    """Return tool and sealed result, None if it has expired or is not that caller's."""
    return await tx.one(
        "select tool, sealed from result_rests where organization_id = $1 and tenant_id = $2 and user_id = $3 "
        "and key_id is not distinct from $4 and id = $5 and expires_at > now()",
        organization_id,
        tenant_id,
        *of,
        id_,
    )


async def expire(tx: Tx, organization_id: UUID, tenant_id: UUID) -> int:
    """Remove what has expired in the tenant, and return how many there were."""
    return await tx.run(
        "delete from result_rests where organization_id = $1 and tenant_id = $2 and expires_at <= now()",
        organization_id,
        tenant_id,
    )
