"""Rows of API keys, their uses and their routing digests."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from devmesh.access import KeyType
from devmesh.db.pool import Record, Tx
from devmesh.db.tally import Uses
from devmesh.keys.model import Key, Live

# When a key ends: as it says itself, or by its organization's policy, which counts from its present secret.
END = (
    "least(k.expires_at, coalesce(k.rotated_at, k.created_at) "
    "+ make_interval(days => (o.policies ->> 'max_key_age_days')::integer))"
)
_COLUMNS = (
    "k.id, k.user_id, k.key_type, k.name, k.key_prefix, k.scopes, k.rate_limit, k.rate_window, k.created_at, "
    "k.expires_at, k.revoked_at, u.last_used_at, coalesce(u.usage_count, 0) as usage_count, k.allowed_ips, "
    "k.allowed_services, k.tool_names, k.result_bytes, k.version, k.rotation, k.rotated_at, k.previous_until, "
    f"{END} as ends_at"
)
_MAY_ACT = (
    "(p.role in ('owner', 'admin') or p.tenant_id = k.tenant_id or exists (select from memberships m "
    "where m.organization_id = $1 and m.tenant_id = k.tenant_id and m.user_id = p.id))"
)
_KEYS = (
    "api_keys k join organizations o on o.id = k.organization_id left join api_key_usage u on u.key_id = k.id "
    "where k.organization_id = $1 and k.tenant_id = $2"
)


async def insert(tx: Tx, organization_id: UUID, tenant_id: UUID, key: Key, digest: bytes) -> None:
    """Keep the key and the digest that it is found by."""
    await tx.run(
        "insert into api_keys (id, organization_id, tenant_id, user_id, key_type, name, key_prefix, scopes, "
        "rate_limit, rate_window, expires_at, created_at, allowed_ips, allowed_services, tool_names, "
        "result_bytes) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
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
        key.allowed_ips,
        key.allowed_services,
        key.tool_names,
        key.result_bytes,
    )
    await _add_route(tx, organization_id, tenant_id, key.id, digest)
    await tx.run(
        "insert into live_keys (key_id, organization_id, user_id, key_type, expires_at) values ($1, $2, $3, $4, $5)",
        key.id,
        organization_id,
        key.user_id,
        key.key_type.value,
        key.expires_at,
    )


async def live(tx: Tx, organization_id: UUID, user_id: UUID) -> Live:
    """Return how many keys the organization, and of these its user, has in all tenants."""
    row = await tx.one(
        "select count(*) as keys, count(*) filter (where user_id = $2) as of_user, "
        "count(*) filter (where key_type = 'agent') as agents "
        "from live_keys where organization_id = $1 and (expires_at is null or expires_at > now())",
        organization_id,
        user_id,
    )
    return Live(**row) if row else Live(0, 0, 0)


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


async def grant(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID, digests: list[bytes]) -> Record | None:
    """Return what is needed to act by the key, by the secret with one of the digests, if it and its owner are live."""
    return await tx.one(
        "select k.id, k.key_type, k.scopes, k.rate_limit, k.rate_window, k.allowed_ips, k.allowed_services, "
        "k.tool_names, k.result_bytes, k.ends_at, k.shown as rotation, p.id as user_id, p.role, p.email, p.name, "
        "t.name as tenant_name, t.slug as tenant_slug, k.slug as organization_slug, k.plan "
        "from (select k.*, o.slug, o.plan, k.rotation - s.former::integer as shown, "
        f"least({END}, case when s.former then k.previous_until end) as ends_at from api_keys k "
        "join organizations o on o.id = k.organization_id "
        "cross join lateral (select coalesce(k.previous_digest = any($4::bytea[]), false) as former) s) k "
        "join users p on p.id = k.user_id and p.organization_id = k.organization_id "
        "join tenants t on t.id = k.tenant_id and t.organization_id = k.organization_id "
        "where k.organization_id = $1 and k.tenant_id = $2 and k.id = $3 "
        "and k.revoked_at is null and p.is_active and (k.ends_at is null or k.ends_at > now()) "
        # Looked at again: it may have been rotated since the route was read.
        "and exists (select from route_keys r where r.organization_id = $1 and r.key_id = k.id and r.digest = any($4)) "
        # Gateway keys are an owner's, and so they are nobody else's.
        "and (k.key_type <> 'gateway' or p.role = 'owner') "
        # Who may no longer act in a tenant has no keys in it either.
        f"and {_MAY_ACT}",
        organization_id,
        tenant_id,
        key_id,
        digests,
    )


async def person(tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> Record | None:
    """Return the role, address and name of an active person who may act in the tenant."""
    return await tx.one(
        "select p.role, p.email, p.name from users p "
        "join tenants k on k.organization_id = p.organization_id and k.id = $2 "
        f"where p.organization_id = $1 and p.id = $3 and p.is_active and {_MAY_ACT.replace('k.tenant_id', 'k.id')}",
        organization_id,
        tenant_id,
        user_id,
    )


async def of_tenant(
    tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID | None, after: UUID | None, limit: int
) -> list[Key]:
    """Return the tenant's keys, of one user or of all, oldest first, those after the key `after`."""
    rows = await tx.all(
        f"select {_COLUMNS} from {_KEYS} and ($3::uuid is null or k.user_id = $3) "
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
    # The key first, as all that changes, rotates or ends one has it: in another order they would wait for each other.
    revoked = await tx.run(
        "update api_keys set revoked_at = now(), version = version + 1, previous_digest = null, "
        "previous_until = null where organization_id = $1 and tenant_id = $2 and id = $3 and revoked_at is null",
        organization_id,
        tenant_id,
        key_id,
    )
    await tx.run(
        "delete from route_keys where organization_id = $1 and tenant_id = $2 and key_id = $3",
        organization_id,
        tenant_id,
        key_id,
    )
    await tx.run("delete from live_keys where organization_id = $1 and key_id = $2", organization_id, key_id)
    return bool(revoked)


async def get(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID) -> Key | None:
    """Return the tenant's key, revoked or not; None if the tenant has no such key."""
    row = await tx.one(f"select {_COLUMNS} from {_KEYS} and k.id = $3", organization_id, tenant_id, key_id)
    return _key(row) if row else None


async def hold(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID) -> Key | None:
    """Return the key, revoked or not; it stays as it is until the transaction ends, for a revocation waits."""
    row = await tx.one(
        f"select {_COLUMNS} from {_KEYS} and k.id = $3 for share of k", organization_id, tenant_id, key_id
    )
    return _key(row) if row else None


async def lock(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID) -> Key | None:
    """Return the key, revoked or not; nobody else changes it or holds it until the transaction ends."""
    row = await tx.one(
        f"select {_COLUMNS} from {_KEYS} and k.id = $3 for no key update of k", organization_id, tenant_id, key_id
    )
    return _key(row) if row else None


async def change(tx: Tx, organization_id: UUID, tenant_id: UUID, key: Key) -> None:
    """Keep what may be changed of the key as it is in `key`, as the next version."""
    await tx.run(
        "update api_keys set name = $4, scopes = $5, expires_at = $6, rate_limit = $7, rate_window = $8, "
        "allowed_ips = $9, allowed_services = $10, tool_names = $11, result_bytes = $12, "
        "previous_until = case when previous_digest is not null then least(previous_until, $6) end, "
        "version = version + 1 where organization_id = $1 and tenant_id = $2 and id = $3",
        organization_id,
        tenant_id,
        key.id,
        key.name,
        key.scopes,
        key.expires_at,
        key.rate_limit,
        key.rate_window,
        key.allowed_ips,
        key.allowed_services,
        key.tool_names,
        key.result_bytes,
    )
    await tx.run(
        "update live_keys set expires_at = $3 where organization_id = $1 and key_id = $2",
        organization_id,
        key.id,
        key.expires_at,
    )


async def rotate(
    tx: Tx, organization_id: UUID, tenant_id: UUID, key: Key, digest: bytes, until: datetime | None
) -> None:
    """Have the key found by `digest` and shown as in `key`; its present secret lives on until `until` or ends now.

    The one before that ends now in any case.
    """
    owned = organization_id, tenant_id, key.id
    await tx.run(
        "delete from route_keys r using api_keys k where k.organization_id = $1 and k.tenant_id = $2 and k.id = $3 "
        "and r.organization_id = $1 and r.key_id = k.id and ($4::timestamptz is null or r.digest = k.previous_digest)",
        *owned,
        until,
    )
    await tx.run(
        "update api_keys set previous_digest = (select r.digest from route_keys r where r.organization_id = $1 "
        "and r.key_id = $3), previous_until = $4, key_prefix = $5, rotated_at = now(), rotation = rotation + 1, "
        "version = version + 1 where organization_id = $1 and tenant_id = $2 and id = $3",
        *owned,
        until,
        key.key_prefix,
    )
    await _add_route(tx, *owned, digest)


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


async def _add_route(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID, digest: bytes) -> None:
    await tx.run(
        "insert into route_keys (digest, organization_id, tenant_id, key_id) values ($1, $2, $3, $4)",
        digest,
        organization_id,
        tenant_id,
        key_id,
    )
