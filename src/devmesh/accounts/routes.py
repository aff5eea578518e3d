"""Registration, mailed links and the own profile over HTTP: guide 2, section 1."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from devmesh.access import Caller, KeyType, Role
from devmesh.accounts import pages
from devmesh.accounts.model import MailedToken, NewOrganization, ProfileChange, Registration, ResendTo
from devmesh.accounts.profile import Profiles
from devmesh.accounts.service import Accounts
from devmesh.accounts.shown import UserShown
from devmesh.audit.model import Visitor
from devmesh.http.routing import Request, Response, get, patch, post

_VERIFY = pages.load("verify")
_RESET = pages.load("reset")


class OrganizationShown(Struct, frozen=True):
    """An organization with what its plan allows; null is unlimited."""

    id: UUID
    name: str
    slug: str
    subscription_tier: str
    max_users: int | None
    max_agents: int | None


class Registered(Struct, frozen=True):
    """The one reply that shows an organization's first key."""

    organization: OrganizationShown
    user: UserShown
    api_key: str
    message: str

    @classmethod
    def of(cls, made: Registration) -> Registered:
        """Return the reply for a registration just made."""
        organization, plan, owner = made.organization, made.plan, made.owner
        return cls(
            OrganizationShown(
                organization.id, organization.name, organization.slug, plan.name, plan.max_users, plan.max_agents
            ),
            UserShown.of(owner),
            made.api_key,
            "Organization registered successfully. Please check your email to verify your account.",
        )

    def __repr__(self) -> str:
        return f"Registered({self.organization.slug!r})"


class Told(Struct, frozen=True):
    """A sentence for a person."""

    message: str


class TenantShown(Struct, frozen=True):
    """The tenant that the caller acts in."""

    id: UUID
    name: str
    slug: str


class Profile(Struct, frozen=True):
    """Who the caller is, and what the credential that was sent may do."""

    id: UUID
    email: str
    name: str
    role: Role
    tenant_id: UUID
    tenant_name: str
    tenant: TenantShown
    organization_id: UUID
    organization_slug: str
    scopes: tuple[str, ...]
    key_type: KeyType | None

    @classmethod
    def of(cls, caller: Caller) -> Profile:
        """Return the caller's profile; all of it is known since the caller was authenticated."""
        person = caller.person
        return cls(
            id=caller.user_id,
            email=person.email,
            name=person.name,
            role=caller.role,
            tenant_id=caller.tenant_id,
            tenant_name=person.tenant_name,
            tenant=TenantShown(caller.tenant_id, person.tenant_name, person.tenant_slug),
            organization_id=caller.organization_id,
            organization_slug=caller.organization_slug,
            scopes=caller.rights.scopes,
            key_type=caller.key_type,
        )


@post("/auth/register/organization", scope=None, status=201, summary="Register an organization with its owner")
async def register_organization(accounts: Accounts, request: Request, data: NewOrganization) -> Registered:
    """Register an organization; the reply shows its first key, once."""
    token = request.header("x-registration-token") or ""
    return Registered.of(await accounts.register(_visitor(request), data, token))


@post("/auth/email/verify", scope=None, summary="Verify an e-mail address by the token that was mailed to it")
async def verify_email(accounts: Accounts, request: Request, data: MailedToken) -> Told:
    """Verify an e-mail address; each token works once, within 24 hours."""
    await accounts.verify(_visitor(request), data.token)
    return Told("Your e-mail address is verified.")


@post("/auth/email/resend", scope=None, status=202, summary="Ask for a new verification mail")
async def resend_verification(accounts: Accounts, data: ResendTo) -> Told:
    """Have a new mail sent, if anybody with this address waits for one; the reply never tells."""
    accounts.resend(data.email)
    return Told("If an unverified account has this address, a new mail is on its way to it.")


@get(("/auth/profile", "/profile"), scope="profile:read", summary="Who you are, and what your key may do")
async def show_profile(profiles: Profiles, caller: Caller) -> Profile:
    """Return the caller's own profile."""
    return Profile.of(profiles.show(caller))


@patch(("/auth/profile", "/profile"), scope="profile:write", summary="Change your own name")
async def change_profile(profiles: Profiles, caller: Caller, data: ProfileChange) -> Profile:
    """Change the own name; e-mail address and role are not one's own to change."""
    return Profile.of(await profiles.change(caller, data))


@get("/verify", scope=None)
async def verify_page() -> Response[bytes]:
    """Show the page behind a verification link; nothing is consumed until its button is pressed."""
    return Response(_VERIFY.body, headers=_VERIFY.headers)


@get("/reset", scope=None)
async def reset_page() -> Response[bytes]:
    """Show the page behind a password's reset link; nothing is consumed until its button is pressed."""
    return Response(_RESET.body, headers=_RESET.headers)


ROUTES = (register_organization, verify_email, resend_verification, show_profile, change_profile)
PAGES = (verify_page, reset_page)


def _visitor(request: Request) -> Visitor:
    return Visitor(address=request.address, request_id=request.request_id)
