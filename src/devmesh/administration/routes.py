"""Administration over HTTP: users, tenants and the organization."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from devmesh.access import Caller, Role
from devmesh.administration.model import (
    NewPolicies,
    NewTenant,
    OrganizationChange,
    Removal,
    Usage,
    UserChange,
)
from devmesh.administration.organization import OwnOrganization
from devmesh.administration.people import People, sees_all
from devmesh.administration.tenants import TenantAdministration
from devmesh.administration.usage import Uses
from devmesh.directory.model import Organization, Policies, Tenant, User
from devmesh.http.routing import Cursor, Limit, cursor_of, delete, get, patch, position_of, post, put


class UserShown(Struct, frozen=True):
    """A user; only administrators see more than the name, for everybody else the rest is null."""

    id: UUID
    name: str
    email: str | None = None
    role: Role | None = None
    is_active: bool | None = None
    email_verified: bool | None = None
    tenant_id: UUID | None = None
    created_at: datetime | None = None
    last_login_at: datetime | None = None

    @classmethod
    def of(cls, user: User, *, whole: bool) -> UserShown:
        """Return the user as replies show it."""
        if not whole:
            return cls(user.id, user.name)
        return cls(
            id=user.id,
            name=user.name,
            email=user.email,
            role=user.role,
            is_active=user.is_active,
            email_verified=user.verified_at is not None,
            tenant_id=user.tenant_id,
            created_at=user.created_at,
            last_login_at=user.last_login_at,
        )


class UserList(Struct, frozen=True):
    """One page of users."""

    users: list[UserShown]
    count: int
    next_cursor: str | None


class TenantShown(Struct, frozen=True):
    """A tenant."""

    id: UUID
    name: str
    slug: str
    created_at: datetime

    @classmethod
    def of(cls, tenant: Tenant) -> TenantShown:
        """Return the tenant as replies show it."""
        return cls(tenant.id, tenant.name, tenant.slug, tenant.created_at)


class TenantList(Struct, frozen=True):
    """One page of tenants."""

    tenants: list[TenantShown]
    count: int
    next_cursor: str | None


class OrganizationShown(Struct, frozen=True):
    """Your organization; nobody changes its slug, and its plan only the operator."""

    id: UUID
    name: str
    slug: str
    plan: str
    policies: Policies
    created_at: datetime

    @classmethod
    def of(cls, organization: Organization) -> OrganizationShown:
        """Return the organization as replies show it."""
        known = organization
        return cls(known.id, known.name, known.slug, known.plan, known.policies, known.created_at)


@get("/users", scope="users:read")
async def list_users(people: People, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> UserList:
    """List the users of your organization."""
    found = await people.page(caller, limit + 1, position_of(cursor, UUID))
    page = [UserShown.of(user, whole=sees_all(caller)) for user in found[:limit]]
    return UserList(page, len(page), cursor_of(page[-1].id) if len(found) > limit else None)


@patch("/users/{user_id:uuid}", scope="users:write")
async def change_user(people: People, caller: Caller, user_id: UUID, data: UserChange) -> UserShown:
    """Change a user's role or name, or suspend the user; it acts on the next request."""
    return UserShown.of(await people.change(caller, user_id, data), whole=True)


@delete("/users/{user_id:uuid}", scope="users:write", status=204)
async def remove_user(people: People, caller: Caller, user_id: UUID) -> None:
    """Remove a user: sessions, keys and credentials are gone at once, the audit stays."""
    await people.remove(caller, user_id)


@post("/tenants", scope="tenants:write", status=201)
async def create_tenant(tenants: TenantAdministration, caller: Caller, data: NewTenant) -> TenantShown:
    """Make a tenant of your organization."""
    return TenantShown.of(await tenants.create(caller, data))


@get("/tenants", scope="tenants:read")
async def list_tenants(
    tenants: TenantAdministration, caller: Caller, limit: Limit = 50, cursor: Cursor = None
) -> TenantList:
    """List the tenants that you may act in."""
    found = await tenants.page(caller, limit + 1, position_of(cursor, UUID))
    page = [TenantShown.of(tenant) for tenant in found[:limit]]
    return TenantList(page, len(page), cursor_of(page[-1].id) if len(found) > limit else None)


@delete("/tenants/{tenant_id:uuid}", scope="tenants:write", status=204)
async def remove_tenant(tenants: TenantAdministration, caller: Caller, tenant_id: UUID) -> None:
    """Remove a tenant with its keys and credentials; never the first."""
    await tenants.remove(caller, tenant_id)


@put("/tenants/{tenant_id:uuid}/members/{user_id:uuid}", scope="tenants:write", status=204)
async def add_member(tenants: TenantAdministration, caller: Caller, tenant_id: UUID, user_id: UUID) -> None:
    """Let a user act in a tenant, beside the one in which the user starts."""
    await tenants.add_member(caller, tenant_id, user_id)


@delete("/tenants/{tenant_id:uuid}/members/{user_id:uuid}", scope="tenants:write", status=204)
async def remove_member(tenants: TenantAdministration, caller: Caller, tenant_id: UUID, user_id: UUID) -> None:
    """Let a user act in a tenant no more; the user's keys there stop at once."""
    await tenants.remove_member(caller, tenant_id, user_id)


@get("/organization", scope="organization:read")
async def show_organization(organization: OwnOrganization, caller: Caller) -> OrganizationShown:
    """Show your organization."""
    return OrganizationShown.of(await organization.show(caller))


@patch("/organization", scope="organization:write")
async def change_organization(
    organization: OwnOrganization, caller: Caller, data: OrganizationChange
) -> OrganizationShown:
    """Rename your organization."""
    return OrganizationShown.of(await organization.change(caller, data))


@delete("/organization", scope="session", status=204)
async def remove_organization(organization: OwnOrganization, caller: Caller, data: Removal) -> None:
    """Remove your organization with everything of it but the audit; for a logged-in owner, who names its slug."""
    await organization.remove(caller, data.confirm)


@get("/organization/usage", scope="organization:read")
async def show_usage(uses: Uses, caller: Caller) -> Usage:
    """Show what your organization has, beside what its plan allows."""
    return await uses.usage(caller)


@get("/organization/policies", scope="policies:read")
async def show_policies(organization: OwnOrganization, caller: Caller) -> Policies:
    """Show what your organization asks of its people."""
    return await organization.policies(caller)


@put("/organization/policies", scope="policies:write")
async def set_policies(organization: OwnOrganization, caller: Caller, data: NewPolicies) -> Policies:
    """Ask something else of your organization's people, live sessions included."""
    return await organization.set_policies(caller, data)


ROUTES = (
    list_users,
    change_user,
    remove_user,
    create_tenant,
    list_tenants,
    remove_tenant,
    add_member,
    remove_member,
    show_organization,
    change_organization,
    remove_organization,
    show_usage,
    show_policies,
    set_policies,
)
