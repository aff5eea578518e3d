"""What a leaked secret ends: the same statements whatever it is, so that nothing is told by how long they take."""

from __future__ import annotations

from uuid import UUID

from devmesh.db.pool import Record, Tx


async def end(tx: Tx, organization_id: UUID, tenant_id: UUID, key_id: UUID, digests: list[bytes]) -> Record | None:
    """End the secret with one of the digests: the whole key, or the former secret alone; None if there is none.

    Returns the key's `user_id`, `key_type`, `key_prefix` and whether it is `revoked`.
    """
    ended = await tx.one(
        "update api_keys set version = version + 1, previous_digest = null, previous_until = null, "
        # Who rotated it with a grace has ended it already: the present secret is not the one that leaked.
        "revoked_at = case when previous_digest = any($4::bytea[]) then null else now() end "
        "where organization_id = $1 and tenant_id = $2 and id = $3 and revoked_at is null and exists ("
        "select from route_keys r where r.organization_id = $1 and r.key_id = $3 and r.digest = any($4::bytea[])) "
        "returning user_id, key_type, key_prefix, revoked_at is not null as revoked",
        organization_id,
        tenant_id,
        key_id,
        digests,
    )
    revoked = ended is not None and ended["revoked"]
    await tx.run(
        "delete from route_keys where organization_id = $1 and key_id = $2 and ($3 or digest = any($4::bytea[]))",
        organization_id,
        key_id,
        revoked,
        digests,
    )
    await tx.run(
        "delete from live_keys where organization_id = $1 and key_id = $2 and $3", organization_id, key_id, revoked
    )
    return ended
