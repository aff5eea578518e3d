"""In which tenant a key is made: the caller's own, another that the caller may act in, or a new one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from devmesh.access import Caller
from devmesh.audit.service import Audit
from devmesh.db.pool import Tx
from devmesh.directory import names
from devmesh.directory.model import Tenant, TenantNotFound
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants
from devmesh.directory.users import Users
from devmesh.errors import Fault, Invalid, InvalidKey, TenantNotAllowed

# Whoever holds it makes keys in every tenant of the organization, and new tenants with them.
ADMINISTERS = "tenants:write"
_NOT_YOURS = "Leave tenant_id out, or name a tenant of your organization that you may act in, by id or slug."
_NO_TENANT = "You may act in no tenant with this id or slug."
_NOT_MADE = (
    f"You may act in no tenant with this id or slug; a key in another one, or in a new one, needs {ADMINISTERS}."
)
_NO_ID = "Your organization has no tenant with this id."


@dataclass(frozen=True, slots=True)
class Place:
    """The tenant for a key, and whether it was made for it."""

    tenant_id: UUID
    created: bool = False


class Places:
    """Finds the tenant that a caller names by id or slug."""

    def __init__(
        self, directory: Directory, tenants: Tenants, users: Users, audit: Audit, plans: Plans, *, autocreate: bool
    ) -> None:
        self._directory = directory
        self._tenants = tenants
        self._users = users
        self._audit = audit
        self._plans = plans
        self._autocreate = autocreate

    async def place(self, tx: Tx, caller: Caller, named: str | None) -> Place:
        """Return where the key is made; an administrator's new slug becomes a tenant within `tx`.

        Raises TenantNotAllowed, Invalid for what is neither id nor slug, TenantNotFound where tenants are not made
        this way, and TenantLimitReached.
        """
        if named is None or _is_own(caller, named):
            return Place(caller.tenant_id)
        if not caller.rights.allows(ADMINISTERS):
            return Place(await self.existing(tx, caller, named, makes=True))
        found = await self._tenants.named(tx, caller.organization_id, named)
        return Place(found.id) if found else await self._made(tx, caller, named)

    async def existing(self, tx: Tx, caller: Caller, named: str | None, *, makes: bool = False) -> UUID:
        """Return the id of the tenant, which the caller may act in; raise TenantNotAllowed.

        `makes`: whoever may administer would make the tenant if there is none, and the refusal says so.
        """
        if named is None or _is_own(caller, named):
            return caller.tenant_id
        found = await self._tenants.named(tx, caller.organization_id, named)
        if found is None or not await self._may_act(tx, caller, found):
            # One reply for a tenant that is not theirs and for one that is not there: neither tells of the other.
            if makes:
                raise TenantNotAllowed(_NOT_MADE, hint=_NOT_YOURS, extra={"required_scopes": [ADMINISTERS]})
            raise TenantNotAllowed(_NO_TENANT, hint=_NOT_YOURS)
        return found.id

    async def hold(self, tx: Tx, caller: Caller, place: Place) -> bool:
        """Return whether the tenant and the caller's person are there; neither is removed before `tx` ends."""
        return await self._tenants.hold(tx, caller.organization_id, place.tenant_id) and await self._users.hold(
            tx, caller.organization_id, caller.user_id
        )

    async def _made(self, tx: Tx, caller: Caller, named: str) -> Place:
        if _has_an_ids_form(named):
            raise TenantNotAllowed(_NO_ID, hint=_NOT_YOURS)
        try:
            slug = names.slug(named)
        except ValueError as error:
            raise Invalid([Fault("tenant_id", f"names no tenant of yours, and as a slug it {error}")]) from None
        if not self._autocreate:
            raise TenantNotFound(
                f"Your organization has no tenant '{slug}'.", hint="Make it first: POST /api/v1/tenants."
            )
        # The order in which removals lock: the organization before its tenants.
        organization = await self._directory.lock(tx, caller.organization_id)
        if organization is None:
            raise InvalidKey
        plan = self._plans.of(organization.plan)
        tenant, created = await self._tenants.get_or_add(tx, organization.id, plan, slug)
        if created:
            await self._audit.record_in(tx, caller, "tenant.create", str(tenant.id), slug=slug)
        return Place(tenant.id, created)

    async def _may_act(self, tx: Tx, caller: Caller, tenant: Tenant) -> bool:
        """Whether the caller may act there: a key in its own tenant alone, unless it administers the organization."""
        if caller.rights.allows(ADMINISTERS):
            return True
        if caller.session_id is None:
            return False
        user = await self._directory.user(tx, caller.organization_id, caller.user_id)
        return user is not None and await self._tenants.allowed(tx, caller.organization_id, user, tenant.id)


def _is_own(caller: Caller, named: str) -> bool:
    return named in (str(caller.tenant_id), caller.person.tenant_slug)


def _has_an_ids_form(named: str) -> bool:
    try:
        UUID(named)
    except ValueError:
        return False
    return True
