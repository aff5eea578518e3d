"""Rows of API keys, their uses and their routing digests."""

from __future__ import annotations

from uuid import UUID

from devmesh.access import KeyType
from devmesh.db.pool import Record, Tx
from devmesh.db.tally import Uses
from devmesh.keys.model import Key

_COLUMNS = (
    "k.id, k.user_id, k.key_type, k.name, k.key_prefix, k.scopes, k.rate_limit, k.rate_window, k.created_at, "
    "k.expires_at, k.revoked_at, u.last_used_at, coalesce(u.usage_count, 0) as usage_count"
)


async def insert(tx: Tx, organization_id: UUID, tenant_id: UUID, key: Key, digest: bytes) -> None:
    """Keep the key and the digest that it is found by."""
    await tx.run(
        "insert into api_keys (id, organization_id, tenant_id, user_id, key_type, name, key_prefix, scopes, "
        "rate_limit, rate_window, expires_at, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        key.id,
        organization_id,
        tenant_id,
        key.user_id,
        key.key_type.value,
        key.name,
        key.key_prefix,
        key.scopes,
        key.rate_limit,
        key.rate_window,
        key.expires_at,
        key.created_at,
    )
    await tx.run(
        "insert into route_keys (digest, organization_id, tenant_id, key_id) values ($1, $2, $3, $4)",
        digest,
        organization_id,
        tenant_id,
        key.id,
    )
    if key.key_type is KeyType.AGENT:
        await tx.run(
            "insert into agent_keys (key_id, organization_id, expires_at) values ($1, $2, $3)",
            key.id,
            organization_id,
            key.expires_at,
        )


async def agents(tx: Tx, organization_id: UUID) -> int:
    """Return how many agent keys of the organization, in all its tenants, are neither revoked nor expired."""
    found: int = await tx.value(
        "select count(*) from agent_keys where organization_id = $1 and (expires_at is null or expires_at > now())",
        organization_id,
    )
    return found


async def count(tx: Tx, organization_id: UUID, tenant_id: UUID) -> int:
    """Return how many keys of the tenant are neither revoked nor expired."""
    found: int = await tx.value(
        "select count(*) from api_keys where organization_id = $1 and tenant_id = $2 "
        "and revoked_at is null and (expires_at is null or expires_at > now())",
        organization_id,
        tenant_id,
    )
    return found


async def tenant_of(tx: Tx, organization_id: UUID, key_id: UUID) -> UUID | None:
    """Return the tenant of the organization's key, unless it is revoked."""
    found: UUID | None = await tx.value(
        "select tenant_id from route_keys where organization_id = $1 and key_id = $2", organization_id, key_id
    )
    return found


async def route(tx: Tx, digests: list[bytes]) -> tuple[UUID, UUID, UUID] | None:
    """Return the organization, tenant and key that one of the digests belongs to."""
    row = await tx.one(
        "select organization_id, tenant_id, key_id from route_keys where digest = any($1::bytea[])", digests
    )
    return (row["organization_id"], row["tenant_id"], row["key_id"]) if row else None


async def grant(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID) -> Record | None:
    """Return what is needed to act by the key, if it is live and so is its owner."""
    return await tx.one(
        "select k.id, k.key_type, k.scopes, k.rate_limit, k.rate_window, k.expires_at, "
        "p.id as user_id, p.role, p.email, p.name, t.name as tenant_name, t.slug as tenant_slug, "
        "o.slug as organization_slug, o.plan "
        "from api_keys k "
        "join users p on p.id = k.user_id and p.organization_id = k.organization_id "
        "join tenants t on t.id = k.tenant_id and t.organization_id = k.organization_id "
        "join organizations o on o.id = k.organization_id "
        "where k.organization_id = $1 and k.tenant_id = $2 and k.id = $3 "
        "and k.revoked_at is null and p.is_active and (k.expires_at is null or k.expires_at > now()) "
        # Who may no longer act in a tenant has no keys in it either.
        "and (p.role in ('owner', 'admin') or p.tenant_id = k.tenant_id or exists (select from memberships m "
        "where m.organization_id = $1 and m.tenant_id = k.tenant_id and m.user_id = p.id))",
        organization_id,
        tenant_id,
        key_id,
    )


async def of_tenant(
    tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID | None, after: UUID | None, limit: int
) -> list[Key]:
    """Return the tenant's keys, of one user or of all, oldest first, those after the key `after`."""
    rows = await tx.all(
        f"select {_COLUMNS} from api_keys k left join api_key_usage u on u.key_id = k.id "
        "where k.organization_id = $1 and k.tenant_id = $2 and ($3::uuid is null or k.user_id = $3) "
        "and ($4::uuid is null or k.id > $4) order by k.id limit $5",
        organization_id,
        tenant_id,
        user_id,
        after,
        limit,
    )
    return [_key(row) for row in rows]


async def revoke(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID) -> bool:
    """Mark the key revoked and forget its digest; False if it was already."""
    await tx.run(
        "delete from route_keys where organization_id = $1 and tenant_id = $2 and key_id = $3",
        organization_id,
        tenant_id,
        key_id,
    )
    await tx.run("delete from agent_keys where organization_id = $1 and key_id = $2", organization_id, key_id)
    return bool(
        await tx.run(
            "update api_keys set revoked_at = now() "
            "where organization_id = $1 and tenant_id = $2 and id = $3 and revoked_at is null",
            organization_id,
            tenant_id,
            key_id,
        )
    )


async def get(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID) -> Key | None:
    """Return the tenant's key, revoked or not; None if the tenant has no such key."""
    row = await tx.one(
        f"select {_COLUMNS} from api_keys k left join api_key_usage u on u.key_id = k.id "
        "where k.organization_id = $1 and k.tenant_id = $2 and k.id = $3",
        organization_id,
        tenant_id,
        key_id,
    )
    return _key(row) if row else None


async def hold(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID) -> Key | None:
    """Return the key if it is live; it stays so until the transaction ends, for a revocation waits."""
    row = await tx.one(
        f"select {_COLUMNS} from api_keys k left join api_key_usage u on u.key_id = k.id "
        "where k.organization_id = $1 and k.tenant_id = $2 and k.id = $3 "
        "and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) for share of k",
        organization_id,
        tenant_id,
        key_id,
    )
    return _key(row) if row else None


async def add_uses(tx: Tx, organization_id: UUID, tenant_id: UUID, uses: Uses) -> None:
    """Add to the use counts; a key that is gone is passed over."""
    await tx.run(
        "insert into api_key_usage (key_id, organization_id, tenant_id, usage_count, last_used_at) "
        "select k.id, k.organization_id, k.tenant_id, n.uses, n.at "
        "from unnest($3::uuid[], $4::bigint[], $5::timestamptz[]) as n (id, uses, at) "
        # Locked, so that it cannot be deleted between being found and being referred to; one that is just being
        # deleted is passed over: to wait for it while holding others would be a deadlock.
        "join api_keys k on k.id = n.id and k.organization_id = $1 and k.tenant_id = $2 for key share of k skip locked "
        "on conflict (key_id) do update set usage_count = api_key_usage.usage_count + excluded.usage_count, "
        "last_used_at = greatest(api_key_usage.last_used_at, excluded.last_used_at)",
        organization_id,
        tenant_id,
        [use[0] for use in uses],
        [use[1] for use in uses],
        [use[2] for use in uses],
    )


def _key(row: Record) -> Key:
    return Key(**{**row, "key_type": KeyType(row["key_type"])})
