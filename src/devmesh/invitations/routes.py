"""Invitations over HTTP: guide 1, section 3, and the page behind the mailed link."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from devmesh.access import Caller, Role
from devmesh.accounts import pages
from devmesh.audit.model import Visitor
from devmesh.http.routing import Cursor, Limit, Request, Response, cursor_of, delete, get, position_of, post
from devmesh.invitations.model import Acceptance, Invitation, InvitationToken, NewInvitation, Preview
from devmesh.invitations.service import Invitations
from devmesh.login.shown import SignedInShown

_ACCEPT = pages.load("accept", package="devmesh.invitations")
_PENDING = "pending"


class Invited(Struct, frozen=True):
    """The reply to an invitation; its token is in the mail alone."""

    id: UUID
    email: str
    name: str
    role: Role
    status: str
    tenant_id: UUID
    expires_at: datetime
    message: str

    @classmethod
    def of(cls, made: Invitation) -> Invited:
        """Return the reply for an invitation just made or renewed."""
        return cls(
            id=made.id,
            email=made.email,
            name=made.name,
            role=made.role,
            status=_PENDING,
            tenant_id=made.tenant_id,
            expires_at=made.expires_at,
            message="Invitation sent. The link in the mail works once, until expires_at.",
        )


class InvitationShown(Struct, frozen=True):
    """An invitation in a list: who was invited, by which user, and until when it stands."""

    id: UUID
    email: str
    name: str
    role: Role
    status: str
    tenant_id: UUID
    invited_by: UUID
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, one: Invitation) -> InvitationShown:
        """Return the invitation as lists show it."""
        return cls(
            id=one.id,
            email=one.email,
            name=one.name,
            role=one.role,
            status=_PENDING,
            tenant_id=one.tenant_id,
            invited_by=one.invited_by,
            created_at=one.created_at,
            expires_at=one.expires_at,
        )


class InvitationList(Struct, frozen=True):
    """One page of invitations."""

    invitations: list[InvitationShown]
    count: int
    next_cursor: str | None


class PreviewShown(Struct, frozen=True):
    """What the holder of a token is invited to."""

    organization_name: str
    email: str
    role: Role
    expires_at: datetime

    @classmethod
    def of(cls, found: Preview) -> PreviewShown:
        """Return the reply for a token that works."""
        return cls(found.organization_name, found.email, found.role, found.expires_at)


@post(["/auth/users/invite", "/users/invite"], scope="invitations:write", status=201)
async def invite_user(invitations: Invitations, caller: Caller, data: NewInvitation) -> Invited:
    """Invite somebody into your organization by mail, or anew."""
    return Invited.of(await invitations.invite(caller, data))


@get("/auth/invitations", scope="invitations:read")
async def list_invitations(
    invitations: Invitations, caller: Caller, limit: Limit = 50, cursor: Cursor = None
) -> InvitationList:
    """List the invitations that nobody has accepted yet."""
    found = await invitations.page(caller, limit + 1, position_of(cursor, UUID))
    page = found[:limit]
    next_cursor = cursor_of(page[-1].id) if len(found) > limit else None
    return InvitationList([InvitationShown.of(one) for one in page], len(page), next_cursor)


@delete("/auth/invitations/{invitation_id:uuid}", scope="invitations:write", status=204)
async def withdraw_invitation(invitations: Invitations, caller: Caller, invitation_id: UUID) -> None:
    """Withdraw an invitation: its link stops working."""
    await invitations.withdraw(caller, invitation_id)


@post("/auth/invitation/lookup", scope=None, summary="See what a mailed token invites to")
async def look_up_invitation(invitations: Invitations, request: Request, data: InvitationToken) -> PreviewShown:
    """Show what a mailed token invites to; nothing is consumed."""
    return PreviewShown.of(await invitations.look_up(_visitor(request), data.token))


@post("/auth/invitation/accept", scope=None, status=201, summary="Accept an invitation by the token that was mailed")
async def accept_invitation(invitations: Invitations, request: Request, data: Acceptance) -> SignedInShown:
    """Become a user of the organization that invited you, and log in; each token works once, within 7 days."""
    agent = request.header("user-agent") or ""
    return SignedInShown.of(await invitations.accept(_visitor(request), data, agent))


@get("/accept", scope=None)
async def accept_page() -> Response[bytes]:
    """Show the page behind an invitation's link; nothing is consumed until its button is pressed."""
    return Response(_ACCEPT.body, headers=_ACCEPT.headers)


ROUTES = (
    invite_user,
    list_invitations,
    withdraw_invitation,
    look_up_invitation,
    accept_invitation,
)
PAGES = (accept_page,)


def _visitor(request: Request) -> Visitor:
    return Visitor(address=request.address, request_id=request.request_id)
