"""Rows of organizations, and the route to them by slug."""

from __future__ import annotations

from uuid import UUID

import msgspec

from devmesh.db.pool import Record, Tx
from devmesh.directory.model import Organization, Policies

_ORGANIZATION = "id, name, slug, plan, created_at, policies"


async def any_organization(tx: Tx) -> bool:
    """Return whether any organization is registered."""
    return bool(await tx.value("select exists (select from route_organizations)"))


async def organizations(tx: Tx, after: UUID | None, limit: int) -> list[UUID]:
    """Return which organizations there are, the oldest first, those after `after`."""
    rows = await tx.all(
        "select organization_id from route_organizations where $1::uuid is null or organization_id > $1 "
        "order by organization_id limit $2",
        after,
        limit,
    )
    return [row["organization_id"] for row in rows]


async def organization_of_slug(tx: Tx, digests: list[bytes]) -> UUID | None:
    """Return the organization whose slug has one of these digests."""
    found: UUID | None = await tx.value(
        "select organization_id from route_organizations where slug_digest = any($1)", digests
    )
    return found


async def add_organization(
    tx: Tx, organization_id: UUID, slug_digest: bytes, name: str, slug: str, plan: str
) -> Organization | None:
    """Keep a new organization and the route to it; None if the slug is taken, waiting for whoever is just taking it."""
    row = await tx.one(
        "insert into organizations (id, name, slug, plan) values ($1, $2, $3, $4) on conflict do nothing "
        f"returning {_ORGANIZATION}",
        organization_id,
        name,
        slug,
        plan,
    )
    if row is None:
        return None
    await tx.run(
        "insert into route_organizations (slug_digest, organization_id) values ($1, $2)", slug_digest, organization_id
    )
    return _organization(row)


async def organization(tx: Tx, organization_id: UUID) -> Organization | None:
    """Return the organization."""
    row = await tx.one(f"select {_ORGANIZATION} from organizations where id = $1", organization_id)
    return _organization(row) if row else None


async def lock(tx: Tx, organization_id: UUID) -> Organization | None:
    """Return the organization; nobody else locks it until the transaction ends."""
    # `no key`: whoever merely refers to the row (a new user, a new tenant) need not wait.
    row = await tx.one(f"select {_ORGANIZATION} from organizations where id = $1 for no key update", organization_id)
    return _organization(row) if row else None


async def rename(tx: Tx, organization_id: UUID, name: str) -> Organization | None:
    """Give the organization another name."""
    row = await tx.one(
        f"update organizations set name = $2 where id = $1 returning {_ORGANIZATION}", organization_id, name
    )
    return _organization(row) if row else None


async def set_plan(tx: Tx, organization_id: UUID, plan: str) -> Organization | None:
    """Put the organization on another plan."""
    row = await tx.one(
        f"update organizations set plan = $2 where id = $1 returning {_ORGANIZATION}", organization_id, plan
    )
    return _organization(row) if row else None


async def set_policies(tx: Tx, organization_id: UUID, policies: Policies) -> Organization | None:
    """Keep the policies in place of the former ones."""
    row = await tx.one(
        f"update organizations set policies = $2 where id = $1 returning {_ORGANIZATION}",
        organization_id,
        msgspec.json.encode(policies).decode(),
    )
    return _organization(row) if row else None


async def remove(tx: Tx, organization_id: UUID) -> bool:
    """Remove the organization with everything of it but the audit; return whether it was there."""
    return bool(await tx.run("delete from organizations where id = $1", organization_id))


def _organization(row: Record) -> Organization:
    return Organization(**{**row, "policies": msgspec.json.decode(row["policies"], type=Policies)})
