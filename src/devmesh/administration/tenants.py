"""The rules about tenants: who makes and removes them, and who may act in which."""

from __future__ import annotations

from uuid import UUID

from devmesh.access import Caller
from devmesh.administration.model import FirstTenant, MembershipNotFound, NewTenant, TenantHasPeople, UserNotFound
from devmesh.administration.standing import Standing
from devmesh.audit.service import Audit
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory import names
from devmesh.directory.model import (
    TENANT_CHANGED,
    USER_CHANGED,
    Tenant,
    TenantLimitReached,
    TenantNotFound,
    TenantSlugTaken,
)
from devmesh.directory.plans import Plans
from devmesh.directory.tenants import Tenants
from devmesh.directory.users import Users
from devmesh.errors import Fault, Invalid, InvalidKey

_WRITE = "tenants:write"
_NAMED = 20


class TenantAdministration:
    """Makes, lists and removes tenants of the caller's organization, and says who belongs to them."""

    def __init__(
        self,
        db: Database,
        standing: Standing,
        tenants: Tenants,
        users: Users,
        plans: Plans,
        changes: Changes,
        audit: Audit,
    ) -> None:
        self._db = db
        self._standing = standing
        self._tenants = tenants
        self._users = users
        self._plans = plans
        self._changes = changes
        self._audit = audit

    async def create(self, caller: Caller, new: NewTenant) -> Tenant:
        """Make the tenant; raise Invalid, TenantSlugTaken or TenantLimitReached."""
        caller.require(_WRITE)
        name, slug = _checked(new)
        try:
            async with self._db.acting(caller.organization_id) as tx:
                organization, _ = await self._standing.take(tx, caller, _WRITE)
                plan = self._plans.of(organization.plan)
                tenant = await self._tenants.add(tx, organization.id, plan, name, slug)
                await self._audit.record_in(tx, caller, "tenant.create", str(tenant.id), slug=slug)
        except (TenantSlugTaken, TenantLimitReached) as refusal:
            self._audit.refused(caller, "tenant.create", refusal.code)
            raise
        return tenant

    async def page(self, caller: Caller, limit: int, after: UUID | None) -> list[Tenant]:
        """Return the tenants that the caller's person may act in, the oldest first."""
        caller.require("tenants:read")
        async with self._db.acting(caller.organization_id) as tx:
            me = await self._users.get(tx, caller.organization_id, caller.user_id)
            if me is None:
                raise InvalidKey
            return await self._tenants.of(tx, caller.organization_id, me, limit=limit, after=after)

    async def remove(self, caller: Caller, tenant_id: UUID) -> None:
        """Remove the tenant: its keys and credentials are gone at once.

        Raises TenantNotFound, FirstTenant, or TenantHasPeople if anybody would be left without a tenant.
        """
        caller.require(_WRITE)
        try:
            async with self._db.acting(caller.organization_id) as tx:
                await self._standing.take(tx, caller, _WRITE)
                tenant = await self._tenants.named(tx, caller.organization_id, str(tenant_id))
                if tenant is None:
                    raise TenantNotFound
                await self._clear(tx, tenant)
                await self._tenants.remove(tx, caller.organization_id, tenant_id)
                await self._audit.record_in(tx, caller, "tenant.remove", str(tenant_id), slug=tenant.slug)
                await self._changes.announce(tx, TENANT_CHANGED, str(tenant_id))
        except (FirstTenant, TenantHasPeople) as refusal:
            self._audit.refused(caller, "tenant.remove", refusal.code, target=str(tenant_id))
            raise

    async def add_member(self, caller: Caller, tenant_id: UUID, user_id: UUID) -> None:
        """Let the user act in the tenant too; raise TenantNotFound or UserNotFound."""
        caller.require(_WRITE)
        async with self._db.acting(caller.organization_id) as tx:
            await self._standing.take(tx, caller, _WRITE)
            if await self._tenants.named(tx, caller.organization_id, str(tenant_id)) is None:
                raise TenantNotFound
            if await self._users.get(tx, caller.organization_id, user_id) is None:
                raise UserNotFound
            if await self._tenants.add_member(tx, caller.organization_id, tenant_id, user_id):
                await self._tell(tx, caller, "tenant.member.add", tenant_id, user_id)

    async def remove_member(self, caller: Caller, tenant_id: UUID, user_id: UUID) -> None:
        """Take back what `add_member` gave: the user's keys in the tenant stop at once; raise MembershipNotFound."""
        caller.require(_WRITE)
        async with self._db.acting(caller.organization_id) as tx:
            await self._standing.take(tx, caller, _WRITE)
            if not await self._tenants.remove_member(tx, caller.organization_id, tenant_id, user_id):
                raise MembershipNotFound
            await self._tell(tx, caller, "tenant.member.remove", tenant_id, user_id)

    async def _clear(self, tx: Tx, tenant: Tenant) -> None:
        if tenant.id == tenant.organization_id:
            raise FirstTenant("The first tenant cannot be removed.")
        left = await self._tenants.clear(tx, tenant.organization_id, tenant.id)
        if left:
            raise TenantHasPeople(
                f"{len(left)} of your people start in this tenant and may act in no other.",
                extra={"user_ids": [str(user_id) for user_id in left[:_NAMED]]},
            )

    async def _tell(self, tx: Tx, caller: Caller, action: str, tenant_id: UUID, user_id: UUID) -> None:
        await self._audit.record_in(tx, caller, action, str(tenant_id), user_id=str(user_id))
        await self._changes.announce(tx, USER_CHANGED, str(user_id))


def _checked(new: NewTenant) -> tuple[str, str]:
    found, faults = [], []
    for field, read in (("name", names.name), ("slug", names.slug)):
        try:
            found.append(read(getattr(new, field)))
        except ValueError as error:
            faults.append(Fault(field, str(error)))
    if faults:
        raise Invalid(faults)
    return found[0], found[1]
