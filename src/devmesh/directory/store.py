"""Rows of organizations, tenants and users, and the two routes to them: by slug and by e-mail address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from devmesh.access import Role
from devmesh.db.pool import Record, Tx
from devmesh.directory.model import Organization, Policies, Tenant, User, Whereabouts

_ORGANIZATION = "id, name, slug, plan, created_at, policies"
_USER = "id, organization_id, tenant_id, email, name, role, verified_at, is_active, created_at, last_login_at"


async def any_organization(tx: Tx) -> bool:
    """Return whether any organization is registered."""
    return bool(await tx.value("select exists (select from route_organizations)"))


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


async def add_tenant(tx: Tx, organization_id: UUID, tenant_id: UUID, name: str, slug: str) -> Tenant | None:
    """Keep a new tenant; None if the organization has one of that slug."""
    row = await tx.one(
        "insert into tenants (id, organization_id, name, slug) values ($1, $2, $3, $4) on conflict do nothing "
        "returning id, organization_id, name, slug, created_at",
        tenant_id,
        organization_id,
        name,
        slug,
    )
    return Tenant(**row) if row else None


async def tenant(tx: Tx, organization_id: UUID, tenant_id: UUID) -> Tenant | None:
    """Return the tenant, if it is the organization's."""
    row = await tx.one(
        "select id, organization_id, name, slug, created_at from tenants where organization_id = $1 and id = $2",
        organization_id,
        tenant_id,
    )
    return Tenant(**row) if row else None


async def tenant_named(tx: Tx, organization_id: UUID, name: str) -> Tenant | None:
    """Return the organization's tenant whose id or slug is `name`; no slug has the form of an id."""
    row = await tx.one(
        "select id, organization_id, name, slug, created_at from tenants "
        "where organization_id = $1 and (id::text = lower($2) or slug = lower($2))",
        organization_id,
        name,
    )
    return Tenant(**row) if row else None


async def add_user(tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID, **columns: Any) -> User | None:
    """Keep a new user with `email`, `name`, `role` and `password_hash`; None if the organization has the address."""
    row = await tx.one(
        "insert into users (id, organization_id, tenant_id, email, name, role, password_hash) "
        f"values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning {_USER}",
        user_id,
        organization_id,
        tenant_id,
        columns["email"],
        columns["name"],
        columns["role"],
        columns["password_hash"],
    )
    return _user(row) if row else None


async def user(tx: Tx, organization_id: UUID, user_id: UUID) -> User | None:
    """Return the user, if it is the organization's."""
    row = await tx.one(f"select {_USER} from users where organization_id = $1 and id = $2", organization_id, user_id)
    return _user(row) if row else None


async def set_verified(tx: Tx, organization_id: UUID, user_id: UUID) -> bool:
    """Note that the user reads mail under the address; return whether this was new."""
    changed = await tx.run(
        "update users set verified_at = now() where organization_id = $1 and id = $2 and verified_at is null",
        organization_id,
        user_id,
    )
    return changed > 0


async def add_route_of_email(tx: Tx, organization_id: UUID, user_id: UUID, email_digest: bytes) -> None:
    """Make the user findable by e-mail address."""
    await tx.run(
        "insert into route_emails (email_digest, organization_id, user_id) values ($1, $2, $3)",
        email_digest,
        organization_id,
        user_id,
    )


async def users_of_email(tx: Tx, digests: list[bytes]) -> list[Whereabouts]:
    """Return every user whose e-mail address has one of these digests, the oldest first."""
    rows = await tx.all(
        "select organization_id, user_id from route_emails where email_digest = any($1) order by user_id", digests
    )
    return [Whereabouts(**row) for row in rows]


def _organization(row: Record) -> Organization:
    return Organization(**{**row, "policies": msgspec.json.decode(row["policies"], type=Policies)})


def _user(row: Record) -> User:
    return User(**{**row, "role": Role(row["role"])})
