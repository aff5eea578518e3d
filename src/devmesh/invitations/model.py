"""What an invitation is asked for and holds, and what can stand against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from devmesh.access import Role
from devmesh.accounts.model import LinkInvalid
from devmesh.errors import Conflict, Forbidden, NotFound
from devmesh.http.body import Body

# An owner is made by another owner, of somebody who is a user already.
ROLES = (Role.ADMIN, Role.MEMBER, Role.READONLY)


class NewInvitation(Body, frozen=True):
    """The body of POST /auth/users/invite; `tenant_id` is the id or slug of the tenant in which the person starts."""

    email: str
    name: str
    role: Annotated[str, Meta(description="`admin`, `member` or `readonly`.")] = "member"
    tenant_id: str | None = None


class InvitationToken(Body, frozen=True):
    """The body that the page behind the mailed link sends first."""

    token: str

    def __repr__(self) -> str:
        return "InvitationToken()"


class Acceptance(Body, frozen=True):
    """The body of POST /auth/invitation/accept; without `name` the one that the inviter gave stays."""

    token: str
    password: str
    name: str | None = None

    def __repr__(self) -> str:
        return "Acceptance()"


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody who was invited and has not come yet; `name` and `role` are the inviter's choice."""

    id: UUID
    organization_id: UUID
    tenant_id: UUID
    email: str
    name: str
    role: Role
    invited_by: UUID
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What the holder of an invitation's token may know before accepting."""

    organization_name: str
    email: str
    role: Role
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who accepts: fields that are good, in the one spelling that is kept, and the password's hash."""

    name: str
    password_hash: str = field(repr=False)


class InvitationInvalid(LinkInvalid):
    """The token of an invitation is unknown, spent, too old or withdrawn: which of them is never told."""

    hint = (
        "If you have joined by it already, log in: POST /api/v1/auth/login. Otherwise ask whoever invited you to "
        "invite you again: the newest mail's link is the one that works."
    )


class InvitationNotFound(NotFound):
    """The organization has no such invitation."""

    code = "invitation_not_found"
    hint = "GET /api/v1/auth/invitations lists the invitations of your organization."
    detail = "Your organization has no pending invitation with this id."


class UserLimitReached(Conflict):
    """The organization has as many users and invitations as its plan allows."""

    code = "user_limit_reached"
    error = "User Limit Reached"
    hint = "Remove a user, withdraw an invitation (GET /api/v1/auth/invitations), or ask the operator for another plan."


class EmailNotVerified(Forbidden):
    """Whoever invites must have shown to read mail under the own address, where mail is really sent."""

    code = "email_not_verified"
    error = "Email Not Verified"
    hint = "Open the link of your verification mail; POST /api/v1/auth/email/resend sends another."
