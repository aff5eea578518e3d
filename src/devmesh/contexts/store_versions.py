"""Rows of the versions of contexts: the present one and the former ones that are kept, each with its document."""

from __future__ import annotations

from uuid import UUID

from msgspec import Raw

from devmesh.contexts.model import KEPT, Context, Draft, Version
from devmesh.db.pool import Tx


async def add(
    tx: Tx, organization_id: UUID, tenant_id: UUID, context_id: UUID, version: int, user_id: UUID, draft: Draft
) -> None:
    """Keep that version, as of when the context was written."""
    await tx.run(
        "insert into context_versions (organization_id, tenant_id, context_id, version, name, tags, agent_id, "
        "expires_at, content, written_by, written_at) select c.organization_id, c.tenant_id, c.id, $4, $5, $6, $7, $8, "
        "$9, $10, c.updated_at from contexts c where c.organization_id = $1 and c.tenant_id = $2 and c.id = $3",
        organization_id,
        tenant_id,
        context_id,
        version,
        draft.name,
        draft.tags,
        draft.agent_id,
        draft.expires_at,
        bytes(draft.content).decode(),
        user_id,
    )


async def trim(tx: Tx, organization_id: UUID, tenant_id: UUID, context_id: UUID, version: int, most_bytes: int) -> None:
    """Let go of the oldest versions before `version`: KEPT stay at most, and no more than are `most_bytes` together."""
    await tx.run(
        "delete from context_versions v using ("
        "select version, row_number() over newest as place, sum(octet_length(content)) over newest as size "
        "from context_versions where organization_id = $1 and tenant_id = $2 and context_id = $3 and version < $4 "
        "window newest as (order by version desc)) former "
        "where v.organization_id = $1 and v.tenant_id = $2 and v.context_id = $3 and v.version = former.version "
        "and (former.place > $5 or former.size > $6)",
        organization_id,
        tenant_id,
        context_id,
        version,
        KEPT,
        most_bytes,
    )


async def get(tx: Tx, organization_id: UUID, tenant_id: UUID, context_id: UUID, version: int | None) -> Context | None:
    """Return the context as of that version (None: the present one)."""
    row = await tx.one(
        "select c.id, v.name, v.tags, v.agent_id, v.content, v.version, c.created_at, v.written_at as updated_at, "
        "v.expires_at from contexts c join context_versions v on v.organization_id = c.organization_id "
        "and v.tenant_id = c.tenant_id and v.context_id = c.id and v.version = coalesce($4, c.version) "
        "where c.organization_id = $1 and c.tenant_id = $2 and c.id = $3 "
        "and (c.expires_at is null or c.expires_at > now())",
        organization_id,
        tenant_id,
        context_id,
        version,
    )
    return Context(**{**row, "content": Raw(row["content"])}) if row else None


async def page(
    tx: Tx, organization_id: UUID, tenant_id: UUID, context_id: UUID, before: int | None, limit: int
) -> list[Version]:
    """Return the versions that are kept, the newest first, those before `before`."""
    rows = await tx.all(
        "select version, name, tags, octet_length(content) as size, written_by, written_at from context_versions "
        "where organization_id = $1 and tenant_id = $2 and context_id = $3 and ($4::int is null or version < $4) "
        "order by version desc limit $5",
        organization_id,
        tenant_id,
        context_id,
        before,
        limit,
    )
    return [Version(**row) for row in rows]
