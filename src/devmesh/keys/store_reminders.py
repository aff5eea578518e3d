"""Which keys end soon and whose owners were not told so yet, and former secrets whose grace is over."""

from __future__ import annotations

from uuid import UUID

from devmesh.db.pool import Record, Tx
from devmesh.keys.store import END

_LOCK = 0x6B657973


async def lock(tx: Tx) -> bool:
    """Return whether nobody else holds the lock; it is held until the transaction ends."""
    return bool(await tx.value("select pg_try_advisory_xact_lock($1)", _LOCK))


async def take(tx: Tx, organization_id: UUID, tenant_id: UUID, limit: int) -> list[Record]:
    """Mark owners as told of keys that end within 14 days, or one, and return what to tell them; at most `limit`.

    A key that was made or rotated later than that before its end is one that is meant to be short-lived. Nobody is
    written to under an address that was never verified.
    """
    return await tx.all(
        "with due as (select k.id, k.ends_at, d.days, p.email, k.slug from (select k.*, o.slug, "
        f"{END} as ends_at from api_keys k join organizations o on o.id = k.organization_id "
        "where k.organization_id = $1 and k.tenant_id = $2 and k.revoked_at is null) k "
        "join users p on p.organization_id = k.organization_id and p.id = k.user_id "
        "and p.is_active and p.verified_at is not null "
        "cross join lateral (select case when k.ends_at <= now() + interval '1 day' then 1 else 14 end as days) d "
        "where k.ends_at > now() and k.ends_at <= now() + interval '14 days' "
        "and coalesce(k.rotated_at, k.created_at) < k.ends_at - make_interval(days => d.days) "
        "and (k.warned_of is distinct from k.ends_at or k.warned_days > d.days) order by k.id limit $3) "
        "update api_keys k set warned_of = due.ends_at, warned_days = due.days from due "
        "where k.organization_id = $1 and k.tenant_id = $2 and k.id = due.id "
        "returning k.id, k.key_type, k.key_prefix, due.ends_at, due.days, due.email, due.slug",
        organization_id,
        tenant_id,
        limit,
    )


async def forget_former(tx: Tx, organization_id: UUID, tenant_id: UUID) -> None:
    """Forget former secrets whose grace is over."""
    await tx.run(
        "delete from route_keys r using api_keys k where k.organization_id = $1 and k.tenant_id = $2 "
        "and k.previous_until <= now() and r.key_id = k.id and r.digest = k.previous_digest",
        organization_id,
        tenant_id,
    )
    await tx.run(
        "update api_keys set previous_digest = null, previous_until = null "
        "where organization_id = $1 and tenant_id = $2 and previous_until <= now()",
        organization_id,
        tenant_id,
    )
