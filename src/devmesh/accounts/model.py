"""What registration is asked for and gives, and what can be wrong with it or with a mailed link."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType

from devmesh.directory.model import Organization, User
from devmesh.directory.plans import Plan
from devmesh.errors import BadRequest, Forbidden
from devmesh.http.body import Body

VERIFY = "verify"
RESET = "reset"


class NewOrganization(Body, frozen=True):
    """The body of POST /auth/register/organization."""

    organization_name: str
    organization_slug: str
    admin_email: str
    admin_name: str
    admin_password: str

    def __repr__(self) -> str:
        return f"NewOrganization({self.organization_slug!r})"


class MailedToken(Body, frozen=True):
    """The body that the page behind a mailed link sends."""

    token: str

    def __repr__(self) -> str:
        return "MailedToken()"


class ResendTo(Body, frozen=True):
    """The body of POST /auth/email/resend."""

    email: str


class ProfileChange(Body, frozen=True):
    """The body of PATCH /auth/profile; what is left out stays as it is."""

    name: str | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Registration:
    """A new organization with its owner and first key; exists only in the one response that shows the key."""

    organization: Organization
    plan: Plan
    owner: User
    api_key: str = field(repr=False)


class RegistrationClosed(Forbidden):
    """This installation does not take organizations from just anybody; `hint` says who may."""

    code = "registration_closed"
    error = "Registration Closed"
    hint = "Ask the operator of this installation (setting DEVMESH_REGISTRATION)."


class LinkInvalid(BadRequest):
    """The mailed token is unknown, spent or too old: which of them is never told."""

    code = "link_invalid"
    error = "Link Invalid"
    hint = "Ask for a new mail: POST /api/v1/auth/email/resend with your email."

    def __init__(self, *, hint: str | None = None) -> None:
        super().__init__("This link is not valid: it was used before, is too old, or was not copied whole.", hint=hint)
