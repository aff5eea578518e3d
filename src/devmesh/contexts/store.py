"""Rows of contexts, of their tags, and how many there are. One that has expired is never among them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from devmesh.contexts.model import Draft, Filters, Listed, folded
from devmesh.db.pool import Tx

_LISTED = (
    "c.id, c.name, c.tags, c.agent_id, c.version, c.created_by, c.created_at, c.updated_at, c.expires_at "
    "from contexts c where c.organization_id = $1 and c.tenant_id = $2 "
    "and (c.expires_at is null or c.expires_at > now())"
)


async def add(tx: Tx, organization_id: UUID, tenant_id: UUID, context_id: UUID, user_id: UUID, draft: Draft) -> None:
    """Keep a new context, without its content."""
    await tx.run(
        "insert into contexts (organization_id, tenant_id, id, name, folded, tags, agent_id, version, created_by, "
        "created_at, updated_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, 1, $8, now(), now(), $9)",
        organization_id,
        tenant_id,
        context_id,
        draft.name,
        folded(draft.name),
        draft.tags,
        draft.agent_id,
        user_id,
        draft.expires_at,
    )
    await _tag(tx, organization_id, tenant_id, context_id, draft.tags)


async def change(
    tx: Tx, organization_id: UUID, tenant_id: UUID, context_id: UUID, draft: Draft, versions: Sequence[int] | None
) -> int | None:
    """Give the context its next version and return it; None if there is no such context, or it is at none of them.

    Whoever changes the same one at the same time is waited for, and what they left is what is compared.
    """
    version: int | None = await tx.value(
        "update contexts c set version = version + 1, name = $4, folded = $5, tags = $6, agent_id = $7, "
        # Of the moment in which the row is ours: a transaction that waited began before the one it waited for.
        "expires_at = $8, updated_at = clock_timestamp() where organization_id = $1 and tenant_id = $2 and id = $3 "
        "and (expires_at is null or expires_at > now()) and ($9::int[] is null or version = any($9)) returning version",
        organization_id,
        tenant_id,
        context_id,
        draft.name,
        folded(draft.name),
        draft.tags,
        draft.agent_id,
        draft.expires_at,
        versions,
    )
    if version is not None:
        await tx.run(
            "delete from context_tags where organization_id = $1 and tenant_id = $2 and context_id = $3",
            organization_id,
            tenant_id,
            context_id,
        )
        await _tag(tx, organization_id, tenant_id, context_id, draft.tags)
    return version


async def get(tx: Tx, organization_id: UUID, tenant_id: UUID, context_id: UUID) -> Listed | None:
    """Return the context."""
    row = await tx.one(f"select {_LISTED} and c.id = $3", organization_id, tenant_id, context_id)
    return Listed(**row) if row else None


async def page(tx: Tx, organization_id: UUID, tenant_id: UUID, filters: Filters) -> list[Listed]:
    """Return the contexts that match, the newest first."""
    # Only what is asked for is in the statement, so that each form of it has the plan that its indexes allow.
    conditions, arguments = [], [organization_id, tenant_id, filters.limit]
    for condition, asked in (
        ("c.id < {}", filters.before),
        ("c.agent_id = {}", filters.agent_id),
        ("c.name = {}", filters.name),
        ("strpos(c.folded, {}) > 0", folded(filters.q)),
        *((_TAGGED, tag) for tag in dict.fromkeys(filters.tags)),
    ):
        if asked:
            arguments.append(asked)
            conditions.append(" and " + condition.format(f"${len(arguments)}"))
    rows = await tx.all(f"select {_LISTED}{''.join(conditions)} order by c.id desc limit $3", *arguments)
    return [Listed(**row) for row in rows]


_TAGGED = (
    "c.id in (select t.context_id from context_tags t where t.organization_id = $1 and t.tenant_id = $2 and t.tag = {})"
)


async def remove(
    tx: Tx, organization_id: UUID, tenant_id: UUID, context_id: UUID, versions: Sequence[int] | None
) -> int | None:
    """Delete the context with all its versions and return which was the last; None as `change` does."""
    version: int | None = await tx.value(
        "delete from contexts where organization_id = $1 and tenant_id = $2 and id = $3 "
        "and (expires_at is null or expires_at > now()) and ($4::int[] is null or version = any($4)) returning version",
        organization_id,
        tenant_id,
        context_id,
        versions,
    )
    if version is not None:
        await count(tx, organization_id, tenant_id, -1)
    return version


async def purge(tx: Tx, organization_id: UUID, tenant_id: UUID, most: int) -> int:
    """Delete at most so many that have expired, those in use elsewhere left for another time; return how many."""
    gone = await tx.run(
        "delete from contexts c using (select id from contexts where organization_id = $1 and tenant_id = $2 "
        "and expires_at <= now() order by expires_at limit $3 for update skip locked) e "
        "where c.organization_id = $1 and c.tenant_id = $2 and c.id = e.id",
        organization_id,
        tenant_id,
        most,
    )
    if gone:
        await count(tx, organization_id, tenant_id, -gone)
    return gone


async def count(tx: Tx, organization_id: UUID, tenant_id: UUID, more: int) -> None:
    """Add to the number of the tenant's contexts."""
    await tx.run(
        "insert into context_counts as n (organization_id, tenant_id, contexts) values ($1, $2, greatest($3, 0)) "
        "on conflict (organization_id, tenant_id) do update set contexts = n.contexts + $3",
        organization_id,
        tenant_id,
        more,
    )


async def counted(tx: Tx, organization_id: UUID) -> int:
    """Return how many contexts all tenants of the organization have, those among them that have just expired."""
    found: int = await tx.value(
        "select coalesce(sum(contexts), 0)::bigint from context_counts where organization_id = $1", organization_id
    )
    return found


async def _tag(tx: Tx, organization_id: UUID, tenant_id: UUID, context_id: UUID, tags: Sequence[str]) -> None:
    if tags:
        await tx.run(
            "insert into context_tags (organization_id, tenant_id, tag, context_id) "
            "select $1, $2, tag, $3 from unnest($4::text[]) as tag",
            organization_id,
            tenant_id,
            context_id,
            tags,
        )
