"""Rows of invitations, and the routes to them by their tokens' digests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from devmesh.access import Role
from devmesh.db.pool import Record, Tx
from devmesh.invitations.model import Invitation

_INVITATION = "id, organization_id, tenant_id, email, name, role, invited_by, created_at, expires_at"
# An invitation stands as long as its time and whoever gave it: one who was removed leaves no door open behind.
_STANDS = (
    "expires_at > now() and exists (select from users u where u.organization_id = $1 and u.id = invited_by "
    "and u.is_active and u.role in ('owner', 'admin'))"
)


async def route(tx: Tx, digests: list[bytes]) -> tuple[UUID, UUID] | None:
    """Return (organization, invitation) of the token with one of these digests."""
    row = await tx.one("select organization_id, invitation_id from route_invitations where digest = any($1)", digests)
    return (row["organization_id"], row["invitation_id"]) if row else None


async def get(tx: Tx, organization_id: UUID, invitation_id: UUID) -> Invitation | None:
    """Return the invitation if it still stands."""
    row = await tx.one(
        f"select {_INVITATION} from invitations where organization_id = $1 and id = $2 and {_STANDS}",
        organization_id,
        invitation_id,
    )
    return _invitation(row) if row else None


async def page(tx: Tx, organization_id: UUID, limit: int, after: UUID | None) -> list[Invitation]:
    """Return invitations that stand, the oldest first, those after the invitation `after`."""
    rows = await tx.all(
        f"select {_INVITATION} from invitations where organization_id = $1 and ($3::uuid is null or id > $3) "
        f"and {_STANDS} order by id limit $2",
        organization_id,
        limit,
        after,
    )
    return [_invitation(row) for row in rows]


async def count_others(tx: Tx, organization_id: UUID, email: str) -> int:
    """Return how many invitations stand, one to this address left out."""
    found: int = await tx.value(
        f"select count(*) from invitations where organization_id = $1 and lower(email) <> lower($2) and {_STANDS}",
        organization_id,
        email,
    )
    return found


async def forget_fallen(tx: Tx, organization_id: UUID) -> None:
    """Remove the invitations that no longer stand, and the routes to them."""
    await tx.run(f"delete from invitations where organization_id = $1 and not ({_STANDS})", organization_id)


async def keep(
    tx: Tx, organization_id: UUID, tenant_id: UUID, invitation_id: UUID, lifetime: timedelta, **columns: Any
) -> Invitation:
    """Keep an invitation with `email`, `name`, `role`, `invited_by`; one to the same address is renewed."""
    (row,) = await tx.all(
        "insert into invitations (id, organization_id, tenant_id, email, name, role, invited_by, expires_at) "
        "values ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval) on conflict (organization_id, lower(email)) "
        "do update set tenant_id = $3, email = $4, name = $5, role = $6, invited_by = $7, "
        f"expires_at = now() + $8::interval returning {_INVITATION}",
        invitation_id,
        organization_id,
        tenant_id,
        columns["email"],
        columns["name"],
        columns["role"],
        columns["invited_by"],
        lifetime,
    )
    return _invitation(row)


async def set_route(tx: Tx, organization_id: UUID, invitation_id: UUID, digest: bytes) -> None:
    """Make the token of that digest the one and only that leads to the invitation."""
    await tx.run(
        "delete from route_invitations where organization_id = $1 and invitation_id = $2",
        organization_id,
        invitation_id,
    )
    await tx.run(
        "insert into route_invitations (digest, organization_id, invitation_id) values ($1, $2, $3)",
        digest,
        organization_id,
        invitation_id,
    )


async def remove(tx: Tx, organization_id: UUID, invitation_id: UUID) -> Invitation | None:
    """Remove the invitation with the route to it, and return what it was."""
    row = await tx.one(
        f"delete from invitations where organization_id = $1 and id = $2 returning {_INVITATION}",
        organization_id,
        invitation_id,
    )
    return _invitation(row) if row else None


def _invitation(row: Record) -> Invitation:
    return Invitation(**{**row, "role": Role(row["role"])})
