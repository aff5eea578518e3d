"""Organizations, their tenants and their people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from devmesh.access import Role
from devmesh.errors import Conflict, NotFound

# Kinds of change that caches hear of (db/changes.py); the text is the id.
USER_CHANGED = "user"
TENANT_CHANGED = "tenant"
ORGANIZATION_CHANGED = "organization"


class Policies(Struct, frozen=True, forbid_unknown_fields=True):
    """What an organization asks of its people beyond the rules that hold for everybody."""

    require_mfa: bool = False
    password_policy: Literal["standard", "nist"] = "standard"  # noqa: S105 - the name of a rule
    max_key_age_days: int | None = None
    passthrough: bool = True


_NO_POLICIES = Policies()


@dataclass(frozen=True, slots=True)
class Organization:
    """Who is registered; `plan` is a name in the plans file."""

    id: UUID
    name: str
    slug: str
    plan: str
    created_at: datetime
    policies: Policies = _NO_POLICIES


@dataclass(frozen=True, slots=True)
class Tenant:
    """A part of an organization in which keys and credentials live; the first one has the organization's id."""

    id: UUID
    organization_id: UUID
    name: str
    slug: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person in one organization; `tenant_id` is the tenant in which the person starts."""

    id: UUID
    organization_id: UUID
    tenant_id: UUID
    email: str
    name: str
    role: Role
    verified_at: datetime | None
    is_active: bool
    created_at: datetime
    last_login_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a user is found who is known by the e-mail address alone."""

    organization_id: UUID
    user_id: UUID


class SlugTaken(Conflict):
    """Another organization has the slug."""

    code = "slug_taken"
    hint = (
        "Choose another organization_slug. If you registered it, log in: `devmesh login`, or POST /api/v1/auth/login; "
        "if it is your team's, ask its owner for an invitation."
    )


class TenantNotFound(NotFound):
    """The organization has no such tenant."""

    code = "tenant_not_found"
    hint = "GET /api/v1/tenants lists the tenants of your organization."
    detail = "Your organization has no tenant with this id."


class TenantSlugTaken(Conflict):
    """Another tenant of the organization has the slug."""

    code = "tenant_slug_taken"
    hint = "GET /api/v1/tenants lists the tenants of your organization; choose another slug."


class TenantLimitReached(Conflict):
    """The organization has as many tenants as its plan allows."""

    code = "tenant_limit_reached"
    error = "Tenant Limit Reached"
    hint = "Remove a tenant that is not needed any more (DELETE /api/v1/tenants/{id}), or ask for another plan."


class EmailTaken(Conflict):
    """The organization has a user with that e-mail address already."""

    code = "email_taken"
    hint = "GET /api/v1/users lists the users of your organization."
