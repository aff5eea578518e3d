"""What a key is, what it looks like in replies, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from devmesh.access import Allowance, Caller, KeyType, Person, Rights, Role
from devmesh.errors import Conflict, Forbidden, NotFound


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret; `rate_window` in seconds."""

    id: UUID
    user_id: UUID
    key_type: KeyType
    name: str
    key_prefix: str
    scopes: list[str]
    rate_limit: int
    rate_window: int
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    usage_count: int = 0


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key together with its secret; exists only in the one response that shows it."""

    key: Key
    tenant_id: UUID
    secret: str = field(repr=False)
    tenant_created: bool = False


class Grant(Struct, frozen=True):
    """What a verified key stands for, as the cache holds it; `expires` in Unix seconds."""

    organization_id: UUID
    organization_slug: str
    tenant_id: UUID
    user_id: UUID
    role: Role
    rights: Rights
    person: Person
    allowance: Allowance
    key_id: UUID
    key_type: KeyType
    expires: float | None

    def caller(self, address: str, request_id: str) -> Caller:
        """Return the caller that this key makes of the request."""
        return Caller(
            self.organization_id,
            self.organization_slug,
            self.tenant_id,
            self.user_id,
            self.role,
            self.rights,
            self.person,
            self.allowance,
            self.key_id,
            self.key_type,
            address,
            request_id,
            None,
            self.expires,
        )


class NewKey(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api-keys; what is left out is cut to what the caller may give."""

    name: str
    key_type: KeyType = KeyType.USER
    scopes: list[str] | None = None
    expires_at: datetime | None = None
    rate_limit: int | None = None
    rate_window: int | str | None = None
    tenant_id: Annotated[str, Meta(description="Id or slug of the tenant that the key is to act in.")] | None = None


class KeyNotFound(NotFound):
    """No such key for this caller; also said of another tenant's."""

    code = "key_not_found"
    hint = "GET /api/v1/api-keys lists your keys."


class AgentLimitReached(Conflict):
    """The organization has as many agent keys as its plan allows."""

    code = "agent_limit_reached"
    error = "Agent Limit Reached"
    hint = "Revoke an agent key that is not needed any more (DELETE /api/v1/api-keys/{id}), or ask for another plan."


class BeyondYourOwn(Forbidden):
    """Nobody grants a type, a scope or a limit that the granter lacks."""

    code = "beyond_your_own"
    error = "Insufficient Scope"
    hint = "Ask for no more than your own key has, or use an admin key."
