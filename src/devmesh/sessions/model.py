"""What a session is, what stands for it, and what can be wrong with what was sent for one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from devmesh.access import Allowance, Caller, Person, Rights, Role
from devmesh.errors import Conflict, NotFound, Unauthenticated

ACCESS_LIFETIME = timedelta(minutes=15)
IDLE_LIFETIME = timedelta(days=7)
WHOLE_LIFETIME = timedelta(days=30)
# A page that was loaded twice, or an answer that was lost: who spends a token again so soon is no thief yet.
GRACE = timedelta(seconds=10)
# How long a login counts as one of just now, where not any live session will do.
RECENT = timedelta(minutes=15)

# The kind of change that says that sessions of a user ended or rose (db/changes.py); the text is the user's id.
SESSION_CHANGED = "session"
# Said when the ring has a new signing key; the text is the purpose.
RING_CHANGED = "ring"

# What a session may do whose organization requires a second factor that it has not shown, beside what any session may:
# see to its person's own factors, sessions and password.
UNTIL_FACTOR = ("profile:*",)
SCOPES = ("*:*",)


@dataclass(frozen=True, slots=True)
class Session:
    """A person's session, as that person sees it; `last_used_at` is when it was last refreshed."""

    id: UUID
    user_id: UUID
    mfa: bool
    address: str
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login or a refresh hands out, once; `expires_in` is the access token's, in seconds."""

    session_id: UUID
    expires_in: int
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


class Grant(Struct, frozen=True):
    """What a live session stands for in one tenant, as the cache holds it; `expires` in Unix seconds."""

    organization_id: UUID
    organization_slug: str
    tenant_id: UUID
    user_id: UUID
    role: Role
    rights: Rights
    person: Person
    allowance: Allowance
    session_id: UUID
    expires: float

    def caller(self, address: str, request_id: str) -> Caller:
        """Return the caller that this session makes of the request."""
        return Caller(
            self.organization_id,
            self.organization_slug,
            self.tenant_id,
            self.user_id,
            self.role,
            self.rights,
            self.person,
            self.allowance,
            None,
            None,
            address,
            request_id,
            self.session_id,
            self.expires,
        )


class InvalidToken(Unauthenticated):
    """No access token of ours, or one whose session has ended: which of them is never told."""

    code = "invalid_token"
    error = "Invalid Token"
    hint = "Log in: POST /api/v1/auth/login."
    detail = "No session that is live now has this access token."


class TokenExpired(Unauthenticated):
    """An access token of ours whose time is over."""

    code = "token_expired"
    error = "Token Expired"
    hint = "Send the refresh_token to POST /api/v1/auth/refresh, or log in again."
    detail = "The access token was good, and its time is over."


class InvalidRefreshToken(Unauthenticated):
    """An unknown, expired or revoked refresh token: which of them is never told."""

    code = "invalid_refresh_token"
    error = "Invalid Refresh Token"
    hint = "Log in: POST /api/v1/auth/login."
    detail = "No session that is live now has this refresh token."


class RefreshAlreadyUsed(Conflict):
    """The refresh token was spent within the last ten seconds; nothing was issued and nothing revoked."""

    code = "refresh_already_used"
    hint = "Use the refresh_token that the other request received: this one is spent."
    detail = "This refresh_token was spent within the last ten seconds, by another request."


class SessionNotFound(NotFound):
    """No such session of this person."""

    code = "session_not_found"
    hint = "GET /api/v1/auth/sessions lists your sessions."
    detail = "You have no session with this id."
