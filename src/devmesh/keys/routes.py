"""API keys over HTTP: guide 2, section 2."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import Router
from msgspec import Struct

from devmesh.access import Caller, KeyType
from devmesh.http.paging import Page, page_of
from devmesh.http.routing import delete, get, post
from devmesh.keys.model import IssuedKey, Key, NewKey
from devmesh.keys.service import Keys


class KeyInfo(Struct, frozen=True):
    """A new key's facts, beside its secret."""

    id: UUID
    key_prefix: str
    name: str
    key_type: KeyType
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    rate_limit: int
    rate_window: str


class KeyShownOnce(Struct, frozen=True):
    """The one reply that shows a key."""

    message: str
    api_key: str
    id: UUID
    info: KeyInfo

    @classmethod
    def of(cls, issued: IssuedKey) -> KeyShownOnce:
        """Return the reply for a key just made."""
        key = issued.key
        info = KeyInfo(
            id=key.id,
            key_prefix=key.key_prefix,
            name=key.name,
            key_type=key.key_type,
            scopes=key.scopes,
            created_at=key.created_at,
            expires_at=key.expires_at,
            rate_limit=key.rate_limit,
            rate_window=f"{key.rate_window} seconds",
        )
        message = "API key created successfully. Save this key - it will not be shown again!"
        return cls(message, issued.secret, key.id, info)


class KeyShown(Struct, frozen=True):
    """A key in a list: never its value."""

    id: UUID
    key_prefix: str
    name: str
    key_type: KeyType
    scopes: list[str]
    is_active: bool
    user_id: UUID
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    usage_count: int
    rate_limit: int
    rate_window: str

    @classmethod
    def of(cls, key: Key, now: datetime) -> KeyShown:
        """Return the key as lists show it."""
        return cls(
            id=key.id,
            key_prefix=key.key_prefix,
            name=key.name,
            key_type=key.key_type,
            scopes=key.scopes,
            is_active=key.revoked_at is None and (key.expires_at is None or key.expires_at > now),
            user_id=key.user_id,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
            usage_count=key.usage_count,
            rate_limit=key.rate_limit,
            rate_window=f"{key.rate_window} seconds",
        )


class KeyList(Struct, frozen=True):
    """One page of keys."""

    api_keys: list[KeyShown]
    count: int
    next_cursor: str | None


class KeyRevoked(Struct, frozen=True):
    """The reply to a revocation."""

    message: str
    key_id: UUID


def routes(keys: Keys) -> list[Router]:
    """Return the routes, under /api-keys and its alias /auth/keys."""

    @post("/", scope="keys:write", status=201, summary="Create an API key, shown once")
    async def create_key(caller: Caller, data: NewKey) -> KeyShownOnce:
        return KeyShownOnce.of(await keys.create(caller, data))

    @get("/", scope="keys:read", summary="List your API keys")
    async def list_keys(caller: Caller, page: Page) -> KeyList:
        found, next_cursor = page_of(await keys.page(caller, page.limit + 1, page.after), page.limit)
        now = datetime.now().astimezone()
        return KeyList([KeyShown.of(key, now) for key in found], len(found), next_cursor)

    @delete("/{key_id:uuid}", scope="keys:write", status=200, summary="Revoke an API key for good")
    async def revoke_key(caller: Caller, key_id: UUID) -> KeyRevoked:
        key = await keys.revoke(caller, key_id)
        return KeyRevoked("API key revoked successfully", key.id)

    handlers = [create_key, list_keys, revoke_key]
    return [
        Router("/api-keys", route_handlers=list(handlers), tags=["API keys"]),
        Router("/auth/keys", route_handlers=list(handlers), include_in_schema=False),
    ]
