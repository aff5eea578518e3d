"""Sessions over HTTP: refresh, logout, the list, what a credential is, and the keys that sign access tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, field

from devmesh.access import Caller, Role
from devmesh.audit.model import Visitor
from devmesh.http.body import Body
from devmesh.http.routing import Cursor, Limit, Request, Response, cursor_of, delete, get, position_of, post
from devmesh.sessions.model import Session, Tokens
from devmesh.sessions.service import Sessions
from devmesh.sessions.signing import SigningKeys


class RefreshWith(Body, frozen=True):
    """The body of POST /auth/refresh."""

    refresh_token: str

    def __repr__(self) -> str:
        return "RefreshWith()"


class Refreshed(Struct, frozen=True):
    """New tokens; the refresh token that was sent is spent. `expires_in` is the access token's, in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name

    @classmethod
    def of(cls, tokens: Tokens) -> Refreshed:
        """Return the reply that hands the tokens out."""
        return cls(tokens.access_token, tokens.refresh_token, tokens.expires_in)

    def __repr__(self) -> str:
        return "Refreshed()"


class SessionShown(Struct, frozen=True):
    """One of your sessions; `last_used_at` is when it was last refreshed, `current` whether it is the one asking."""

    id: UUID
    current: bool
    mfa: bool
    address: str
    user_agent: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, session: Session, current: UUID | None) -> SessionShown:
        """Return the session as lists show it."""
        return cls(
            id=session.id,
            current=session.id == current,
            mfa=session.mfa,
            address=session.address,
            user_agent=session.user_agent,
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
        )


class SessionList(Struct, frozen=True):
    """One page of your sessions, the oldest first."""

    sessions: list[SessionShown]
    count: int
    next_cursor: str | None


class Validated(Struct, frozen=True):
    """What a valid credential stands for; `subject` is the user's id, `key_id` null for an access token."""

    subject: UUID
    key_id: UUID | None
    tenant_id: UUID
    role: Role
    scopes: tuple[str, ...]
    token_type: Literal["jwt", "api_key"]
    expires_at: datetime | None
    valid: bool = True


class PublicKey(Struct, frozen=True):
    """An Ed25519 public key (RFC 8037)."""

    kty: str
    crv: str
    x: str
    kid: str
    alg: str
    use: str


class KeySet(Struct, frozen=True):
    """The keys that a live access token may be signed by (RFC 7517)."""

    keys: list[PublicKey] = field(default_factory=list)


@post("/auth/refresh", scope=None)
async def refresh(sessions: Sessions, request: Request, data: RefreshWith) -> Refreshed:
    """Spend a refresh token: its one successor and a new access token."""
    visitor = Visitor(request.address, request.request_id)
    return Refreshed.of(await sessions.refresh(visitor, data.refresh_token))


@post("/auth/logout", scope="session", status=204, repeat=None)
async def logout(sessions: Sessions, caller: Caller) -> None:
    """End this session: its access and refresh tokens work no more."""
    await sessions.end(caller)


@get("/auth/sessions", scope="session")
async def list_sessions(sessions: Sessions, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> SessionList:
    """List your sessions."""
    found = await sessions.page(caller, limit + 1, position_of(cursor, UUID))
    page = found[:limit]
    next_cursor = cursor_of(page[-1].id) if len(found) > limit else None
    return SessionList([SessionShown.of(one, caller.session_id) for one in page], len(page), next_cursor)


@delete("/auth/sessions/{session_id:uuid}", scope="session", status=204)
async def end_session(sessions: Sessions, caller: Caller, session_id: UUID) -> None:
    """End one of your sessions."""
    await sessions.end(caller, session_id)


@post("/auth/validate", scope="any", repeat=None)
async def validate(caller: Caller) -> Validated:
    """Say what the access token or API key of this very request stands for; an invalid one is answered 401."""
    expires = None if caller.expires is None else datetime.fromtimestamp(caller.expires, UTC)
    return Validated(
        subject=caller.user_id,
        key_id=caller.key_id,
        tenant_id=caller.tenant_id,
        role=caller.role,
        scopes=caller.rights.scopes,
        token_type="jwt" if caller.key_id is None else "api_key",
        expires_at=expires,
    )


@get("/.well-known/jwks.json", scope=None)
async def key_set(signing_keys: SigningKeys) -> Response[KeySet]:
    """List the public keys that access tokens are signed by; look again when a token names another one."""
    keys = [PublicKey(**public) for public in await signing_keys.published()]
    return Response(KeySet(keys), headers={"cache-control": "public, max-age=300"})


ROUTES = [refresh, logout, list_sessions, end_session, validate]
ROOT = [key_set]
