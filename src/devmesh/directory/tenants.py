"""The tenants of an organization and who may act in which, within the transaction of whoever decides."""

from __future__ import annotations

from uuid import UUID

from devmesh.access import Role
from devmesh.db.pool import Tx
from devmesh.directory import store_tenants as store
from devmesh.directory.model import Tenant, TenantLimitReached, TenantSlugTaken, User
from devmesh.directory.plans import Plan
from devmesh.ids import new_id

# They act in every tenant of their organization.
EVERYWHERE = (Role.OWNER, Role.ADMIN)


class Tenants:
    """Reads and changes tenants; asks for no right, announces and records nothing: that is the caller's part."""

    async def add(self, tx: Tx, organization_id: UUID, plan: Plan, name: str, slug: str) -> Tenant:
        """Add a tenant with that checked slug to the organization, which `tx` has locked and which has that plan.

        Raises TenantSlugTaken, and TenantLimitReached if the plan has no place for it: then `tx` must not be committed.
        """
        added = await store.add(tx, organization_id, new_id(), name, slug)
        if added is None:
            raise TenantSlugTaken(f"Your organization has a tenant with the slug '{slug}'.")
        await self._check_room(tx, organization_id, plan)
        return added

    async def get_or_add(self, tx: Tx, organization_id: UUID, plan: Plan, slug: str) -> tuple[Tenant, bool]:
        """Return the tenant with that checked slug, and whether it was made for this, as `add` makes one."""
        added = await store.add(tx, organization_id, new_id(), slug, slug)
        if added is not None:
            await self._check_room(tx, organization_id, plan)
            return added, True
        found = await store.named(tx, organization_id, slug)
        if found is None:
            raise TenantSlugTaken(f"The tenant '{slug}' was removed while it was asked for.")
        return found, False

    async def named(self, tx: Tx, organization_id: UUID, id_or_slug: str) -> Tenant | None:
        """Return the organization's tenant with that id or slug."""
        return await store.named(tx, organization_id, id_or_slug)

    async def of(
        self, tx: Tx, organization_id: UUID, user: User | None, *, limit: int | None = None, after: UUID | None = None
    ) -> list[Tenant]:
        """Return the tenants that the user may act in (None: all), the oldest first, those after the tenant `after`."""
        only = None if user is None or user.role in EVERYWHERE else user.id
        return await store.page(tx, organization_id, only, after, limit)

    async def allowed(self, tx: Tx, organization_id: UUID, user: User, tenant_id: UUID) -> bool:
        """Return whether the user may act in that tenant of the organization."""
        if user.role in EVERYWHERE:
            return await store.get(tx, organization_id, tenant_id) is not None
        return tenant_id == user.tenant_id or await store.is_member(tx, organization_id, tenant_id, user.id)

    async def hold(self, tx: Tx, organization_id: UUID, tenant_id: UUID) -> bool:
        """Return whether there is such a tenant; it is not removed before `tx` ends."""
        return await store.hold(tx, organization_id, tenant_id)

    async def add_member(self, tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> bool:
        """Let the user act in the tenant, both of the organization; return whether this was new."""
        return await store.add_member(tx, organization_id, tenant_id, user_id)

    async def remove_member(self, tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> bool:
        """Let the user act there no more, unless by role or because they start there; return whether they were let."""
        return await store.remove_member(tx, organization_id, tenant_id, user_id)

    async def clear(self, tx: Tx, organization_id: UUID, tenant_id: UUID) -> list[UUID]:
        """Let people who start there start elsewhere; return those who may act nowhere else, and so stay.

        Elsewhere is the tenant that they became members of first, or for owners and administrators the first one.
        """
        await store.move_people(tx, organization_id, tenant_id)
        return await store.people(tx, organization_id, tenant_id)

    async def remove(self, tx: Tx, organization_id: UUID, tenant_id: UUID) -> bool:
        """Remove the tenant, in which nobody starts any more, with its keys and credentials."""
        return await store.remove(tx, organization_id, tenant_id)

    async def count(self, tx: Tx, organization_id: UUID) -> int:
        """Return how many tenants the organization has."""
        return await store.count(tx, organization_id)

    async def _check_room(self, tx: Tx, organization_id: UUID, plan: Plan) -> None:
        if plan.max_tenants is not None and await store.count(tx, organization_id) > plan.max_tenants:
            raise TenantLimitReached(f"The plan '{plan.name}' has places for {plan.max_tenants} tenants.")
