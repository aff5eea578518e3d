"""Rows of results that are longer than what was shown of them."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from devmesh.db.pool import Record, Tx


class Most(NamedTuple):
    """How many results of a caller are kept, and how many bytes of all of a tenant's."""

    of_caller: int
    bytes_of_tenant: int


async def keep(
    tx: Tx,
    organization_id: UUID,
    tenant_id: UUID,
    of: tuple[UUID, UUID | None],
    row: tuple[UUID, str, bytes],
    lifetime: timedelta,
    most: Most,
) -> None:
    """Keep a result (id, tool, sealed) of the caller `of` (user, key); only as many of the newest stay as may."""
    await tx.run(
        "delete from result_rests where organization_id = $1 and tenant_id = $2 and (expires_at <= now() or id in ("
        "select id from result_rests where organization_id = $1 and tenant_id = $2 and user_id = $3 "
        "and key_id is not distinct from $4 order by expires_at desc offset $5) or id in ("
        "select id from (select id, sum(octet_length(sealed)) over (order by expires_at desc, id desc) as so_far "
        "from result_rests where organization_id = $1 and tenant_id = $2) newest where so_far > $6))",
        organization_id,
        tenant_id,
        *of,
        most.of_caller - 1,
        most.bytes_of_tenant - len(row[2]),
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
