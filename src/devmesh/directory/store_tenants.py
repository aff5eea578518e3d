"""Rows of tenants, and of who belongs to which."""

from __future__ import annotations

from uuid import UUID

from devmesh.db.pool import Tx
from devmesh.directory.model import Tenant

_TENANT = "id, organization_id, name, slug, created_at"


async def add(tx: Tx, organization_id: UUID, tenant_id: UUID, name: str, slug: str) -> Tenant | None:
    """Keep a new tenant; None if the organization has one of that slug, waiting for whoever is just adding it."""
    row = await tx.one(
        "insert into tenants (id, organization_id, name, slug) values ($1, $2, $3, $4) on conflict do nothing "
        f"returning {_TENANT}",
        tenant_id,
        organization_id,
        name,
        slug,
    )
    return Tenant(**row) if row else None


async def get(tx: Tx, organization_id: UUID, tenant_id: UUID) -> Tenant | None:
    """Return the tenant, if it is the organization's."""
    row = await tx.one(
        f"select {_TENANT} from tenants where organization_id = $1 and id = $2", organization_id, tenant_id
    )
    return Tenant(**row) if row else None


async def named(tx: Tx, organization_id: UUID, name: str) -> Tenant | None:
    """Return the organization's tenant whose id or slug is `name`; no slug has the form of an id."""
    row = await tx.one(
        f"select {_TENANT} from tenants where organization_id = $1 and (id::text = lower($2) or slug = lower($2))",
        organization_id,
        name,
    )
    return Tenant(**row) if row else None


async def page(
    tx: Tx, organization_id: UUID, user_id: UUID | None, after: UUID | None, limit: int | None
) -> list[Tenant]:
    """Return the tenants in which the user starts or is a member (None: all), oldest first, those after `after`."""
    rows = await tx.all(
        f"select {_TENANT} from tenants t where organization_id = $1 and ($3::uuid is null or id > $3) "
        "and ($2::uuid is null "
        "or exists (select from users u where u.organization_id = $1 and u.id = $2 and u.tenant_id = t.id) "
        "or exists (select from memberships m where m.organization_id = $1 and m.tenant_id = t.id "
        "and m.user_id = $2)) order by id limit $4",
        organization_id,
        user_id,
        after,
        limit,
    )
    return [Tenant(**row) for row in rows]


async def is_member(tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> bool:
    """Return whether the user was made a member of the tenant."""
    return bool(
        await tx.value(
            "select exists (select from memberships where organization_id = $1 and tenant_id = $2 and user_id = $3)",
            organization_id,
            tenant_id,
            user_id,
        )
    )


async def add_member(tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> bool:
    """Make the user a member of the tenant, both of the organization; return whether this was new."""
    added = await tx.run(
        "insert into memberships (organization_id, tenant_id, user_id) select t.organization_id, t.id, u.id "
        "from tenants t join users u on u.organization_id = t.organization_id "
        "where t.organization_id = $1 and t.id = $2 and u.id = $3 for key share on conflict do nothing",
        organization_id,
        tenant_id,
        user_id,
    )
    return added > 0


async def remove_member(tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> bool:
    """End the membership; return whether there was one."""
    removed = await tx.run(
        "delete from memberships where organization_id = $1 and tenant_id = $2 and user_id = $3",
        organization_id,
        tenant_id,
        user_id,
    )
    return removed > 0


async def hold(tx: Tx, organization_id: UUID, tenant_id: UUID) -> bool:
    """Return whether there is such a tenant; it is not removed before the transaction ends."""
    found = await tx.value(
        "select true from tenants where organization_id = $1 and id = $2 for key share", organization_id, tenant_id
    )
    return found is not None


async def move_people(tx: Tx, organization_id: UUID, tenant_id: UUID) -> None:
    """Let who starts in this tenant start where else they may act: in another of theirs, or if they may in the first.

    Whoever may act nowhere else is left where they are.
    """
    await tx.run(
        "update users u set tenant_id = coalesce("
        "(select m.tenant_id from memberships m where m.organization_id = $1 and m.user_id = u.id "
        "and m.tenant_id <> $2 order by m.created_at, m.tenant_id limit 1), "
        "case when u.role in ('owner', 'admin') then u.organization_id end, u.tenant_id) "
        "where u.organization_id = $1 and u.tenant_id = $2",
        organization_id,
        tenant_id,
    )


async def people(tx: Tx, organization_id: UUID, tenant_id: UUID) -> list[UUID]:
    """Return the users who start in the tenant, the oldest first."""
    rows = await tx.all(
        "select id from users where organization_id = $1 and tenant_id = $2 order by id", organization_id, tenant_id
    )
    return [row["id"] for row in rows]


async def remove(tx: Tx, organization_id: UUID, tenant_id: UUID) -> bool:
    """Remove the tenant with its keys, credentials and memberships; nobody may start in it any more."""
    removed = await tx.run("delete from tenants where organization_id = $1 and id = $2", organization_id, tenant_id)
    return removed > 0


async def count(tx: Tx, organization_id: UUID) -> int:
    """Return how many tenants the organization has."""
    found: int = await tx.value("select count(*) from tenants where organization_id = $1", organization_id)
    return found
