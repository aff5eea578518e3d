"""What administrators send, what they get, and what stands against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from devmesh.access import Role
from devmesh.errors import Conflict, Forbidden, NotFound
from devmesh.http.body import Body


class UserChange(Body, frozen=True):
    """The body of PATCH /users/{id}; what is left out stays as it is."""

    role: Role | UnsetType = UNSET
    name: str | UnsetType = UNSET
    is_active: Annotated[bool, Meta(description="false suspends: sessions end and keys stop at once.")] | UnsetType = (
        UNSET
    )


class NewTenant(Body, frozen=True):
    """The body of POST /tenants."""

    name: str
    slug: str


class OrganizationChange(Body, frozen=True):
    """The body of PATCH /organization; what is left out stays as it is."""

    name: str | UnsetType = UNSET


class NewPolicies(Body, frozen=True):
    """The body of PUT /organization/policies: what may be left out stays as it is then, all else is sent.

    So none is switched off by being forgotten.
    """

    require_mfa: Annotated[bool, Meta(description="Sessions may do nothing until a second factor was shown.")]
    password_policy: Annotated[
        Literal["standard", "nist"], Meta(description="nist: new passwords have at least 15 characters.")
    ]
    max_key_age_days: (
        Annotated[
            int,
            Meta(ge=1, le=3650, description="A key stops so many days after it was made or rotated; null: never."),
        ]
        | UnsetType
        | None
    ) = UNSET
    passthrough: (
        Annotated[bool, Meta(description="Whether calls may bring a credential along in X-Service-* headers.")]
        | UnsetType
    ) = UNSET


class Removal(Body, frozen=True):
    """The body of DELETE /organization."""

    confirm: Annotated[str, Meta(description="The organization's slug, typed by whoever means it.")]


@dataclass(frozen=True, slots=True)
class Used:
    """How much of something there is, and how much the plan allows; None is unlimited."""

    used: int
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an organization uses of its plan; `invitations` are pending ones, which take places of users."""

    plan: str
    users: Used
    invitations: Used
    agents: Used
    keys: Used
    credentials: Used
    contexts: Used
    tenants: Used


class UserNotFound(NotFound):
    """The organization has no such user."""

    code = "user_not_found"
    hint = "GET /api/v1/users lists the users of your organization."
    detail = "Your organization has no user with this id."


class MembershipNotFound(NotFound):
    """The user was not made a member of that tenant."""

    code = "membership_not_found"
    hint = (
        "Only what PUT /api/v1/tenants/{id}/members/{user_id} gave can be taken back; a start tenant or a role stays."
    )
    detail = "The user is no member of this tenant, or no such tenant or user is there."


class LastOwner(Conflict):
    """Without an active owner nobody could make another one."""

    code = "last_owner"
    error = "Last Owner"
    hint = "Make somebody else an owner first: PATCH /api/v1/users/{id} with role 'owner'."


class AboveYourOwn(Forbidden):
    """Nobody changes whoever stands above them, nor lifts anybody, themselves included, above their own role."""

    code = "above_your_own_role"
    hint = "Ask an owner of your organization."


class FirstTenant(Conflict):
    """The first tenant is the organization's own; it goes with the organization."""

    code = "first_tenant"
    error = "First Tenant"
    hint = "Remove another tenant, or the organization: DELETE /api/v1/organization."


class TenantHasPeople(Conflict):
    """People start in the tenant who may act nowhere else; `user_ids` in the reply names the first of them."""

    code = "tenant_has_people"
    error = "Tenant Has People"
    hint = (
        "Make them members of another tenant first, in which they start from then on: "
        "PUT /api/v1/tenants/{id}/members/{user_id}; or remove them."
    )
