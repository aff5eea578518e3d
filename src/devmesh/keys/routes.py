"""API keys over HTTP: guide 2, section 2."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from devmesh.access import Caller, KeyType
from devmesh.audit.model import Visitor
from devmesh.http.conditional import etag, if_match_versions
from devmesh.http.routing import (
    Cursor,
    Limit,
    Repeat,
    Request,
    Response,
    cursor_of,
    delete,
    get,
    patch,
    position_of,
    post,
)
from devmesh.keys.leaks import Leaks
from devmesh.keys.model import IssuedKey, Key, KeyChange, NewKey, Rotation, ToolNames
from devmesh.keys.service import Keys


class KeyInfo(Struct, frozen=True):
    """A new key's facts, beside its secret; of `unusable_scopes` no key of its type can use anything."""

    id: UUID
    key_prefix: str
    name: str
    key_type: KeyType
    scopes: list[str]
    unusable_scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    rate_limit: int
    rate_window: str
    allowed_ips: list[str] | None
    allowed_services: list[str] | None
    tool_names: ToolNames | None
    result_bytes: int | None


class KeyShownOnce(Struct, frozen=True):
    """The one reply that shows a key; `tenant_created`: whether its tenant was made with it."""

    message: str
    api_key: str
    id: UUID
    tenant_id: UUID
    tenant_created: bool
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
            unusable_scopes=key.unusable_scopes,
            created_at=key.created_at,
            expires_at=key.ends_at,
            rate_limit=key.rate_limit,
            rate_window=f"{key.rate_window} seconds",
            allowed_ips=key.allowed_ips,
            allowed_services=key.allowed_services,
            tool_names=key.tool_names,
            result_bytes=key.result_bytes,
        )
        done = "rotated" if key.rotation else "created"
        message = f"API key {done} successfully. Save this key - it will not be shown again!"
        return cls(message, issued.secret, key.id, issued.tenant_id, issued.tenant_created, info)

    def __repr__(self) -> str:
        return f"KeyShownOnce({self.id})"


class KeyShown(Struct, frozen=True):
    """A key: never its value. It ends at `expires_at`, its former secret at `previous_until`.

    Of `unusable_scopes` no key of its type can use anything.
    """

    id: UUID
    key_prefix: str
    name: str
    key_type: KeyType
    scopes: list[str]
    unusable_scopes: list[str]
    is_active: bool
    user_id: UUID
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    usage_count: int
    rate_limit: int
    rate_window: str
    allowed_ips: list[str] | None
    allowed_services: list[str] | None
    tool_names: ToolNames | None
    result_bytes: int | None
    rotated_at: datetime | None
    previous_until: datetime | None

    @classmethod
    def of(cls, key: Key, now: datetime) -> KeyShown:
        """Return the key as lists show it."""
        return cls(
            id=key.id,
            key_prefix=key.key_prefix,
            name=key.name,
            key_type=key.key_type,
            scopes=key.scopes,
            unusable_scopes=key.unusable_scopes,
            is_active=key.revoked_at is None and (key.ends_at is None or key.ends_at > now),
            user_id=key.user_id,
            created_at=key.created_at,
            expires_at=key.ends_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
            usage_count=key.usage_count,
            rate_limit=key.rate_limit,
            rate_window=f"{key.rate_window} seconds",
            allowed_ips=key.allowed_ips,
            allowed_services=key.allowed_services,
            tool_names=key.tool_names,
            result_bytes=key.result_bytes,
            rotated_at=key.rotated_at,
            previous_until=key.previous_until if key.previous_until and key.previous_until > now else None,
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


class Leaked(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /keys/leaked: whatever was found, whole."""

    key: str

    def __repr__(self) -> str:
        return "Leaked()"


class Reported(Struct, frozen=True):
    """The reply to every report."""

    message: str


# Instead of showing a secret again.
_ROTATE = Repeat(shown_once="POST /api/v1/api-keys/{id}/rotate gives the key a new secret and shows it.")


@post(["/api-keys", "/auth/keys"], scope="keys:write", status=201, repeat=_ROTATE)
async def create_key(keys: Keys, caller: Caller, data: NewKey) -> Response[KeyShownOnce]:
    """Create an API key, shown once."""
    return _shown_once(await keys.create(caller, data))


@get(["/api-keys", "/auth/keys"], scope="keys:read")
async def list_keys(
    keys: Keys, caller: Caller, limit: Limit = 50, cursor: Cursor = None, tenant_id: str | None = None
) -> KeyList:
    """List your API keys, of the tenant with the id or slug `tenant_id` or of your own."""
    found = await keys.page(caller, limit + 1, position_of(cursor, UUID), tenant_id)
    page = found[:limit]
    next_cursor = cursor_of(page[-1].id) if len(found) > limit else None
    now = datetime.now().astimezone()
    return KeyList([KeyShown.of(key, now) for key in page], len(page), next_cursor)


@get(["/api-keys/{key_id:uuid}", "/auth/keys/{key_id:uuid}"], scope="keys:read")
async def get_key(keys: Keys, caller: Caller, key_id: UUID) -> Response[KeyShown]:
    """Show an API key, with its ETag."""
    return _shown(await keys.get(caller, key_id))


@patch(["/api-keys/{key_id:uuid}", "/auth/keys/{key_id:uuid}"], scope="keys:write")
async def change_key(keys: Keys, caller: Caller, request: Request, key_id: UUID, data: KeyChange) -> Response[KeyShown]:
    """Change an API key, from its next request on; with If-Match only if nobody has changed it since."""
    return _shown(await keys.change(caller, key_id, data, if_match_versions(request)))


@post(["/api-keys/{key_id:uuid}/rotate", "/auth/keys/{key_id:uuid}/rotate"], scope="keys:write", repeat=_ROTATE)
async def rotate_key(
    keys: Keys, caller: Caller, request: Request, key_id: UUID, data: Rotation
) -> Response[KeyShownOnce]:
    """Give an API key of yours a new secret, shown once; with If-Match only one of many at once does."""
    return _shown_once(await keys.rotate(caller, key_id, data.grace_seconds, if_match_versions(request)))


@delete(["/api-keys/{key_id:uuid}", "/auth/keys/{key_id:uuid}"], scope="keys:write", status=200)
async def revoke_key(keys: Keys, caller: Caller, key_id: UUID) -> KeyRevoked:
    """Revoke an API key for good."""
    key = await keys.revoke(caller, key_id)
    return KeyRevoked("API key revoked successfully", key.id)


@post("/keys/leaked", scope=None, status=202, summary="Report a leaked key: if it is one, it works no more")
async def report_leaked_key(leaks: Leaks, request: Request, data: Leaked) -> Reported:
    """End a key that was found where it does not belong; the reply is the same for every key and for what is none."""
    await leaks.report(Visitor(request.address, request.request_id), data.key)
    return Reported("Thank you. If this is a key of this installation, it works no more and its owner is told.")


def _shown(key: Key) -> Response[KeyShown]:
    return Response(KeyShown.of(key, datetime.now().astimezone()), headers={"ETag": etag(key.version)})


def _shown_once(issued: IssuedKey) -> Response[KeyShownOnce]:
    return Response(KeyShownOnce.of(issued), headers={"ETag": etag(issued.key.version)})


ROUTES = [create_key, list_keys, get_key, change_key, rotate_key, revoke_key, report_leaked_key]
