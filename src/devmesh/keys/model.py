"""What a key is, what it looks like in replies, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from devmesh.access import Allowance, Bounds, Caller, KeyType, Person, Rights, Role
from devmesh.access.scopes import is_usable
from devmesh.errors import Conflict, Forbidden, NotFound, PreconditionFailed
from devmesh.http.body import Body

Network = IPv4Network | IPv6Network
ToolNames = Literal["dot", "underscore"]
ResultBytes = Annotated[
    int, Meta(ge=1000, le=8388608, description="The most bytes of a tool's result that are shown at once.")
]


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret; `rate_window` in seconds.

    `ends_at` is when it ends: at `expires_at`, or sooner by the organization's policy. `version` grows with each
    change, `rotation` with each secret; the one before lives until `previous_until`.
    """

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
    allowed_ips: list[str] | None = None
    allowed_services: list[str] | None = None
    tool_names: ToolNames | None = None
    result_bytes: int | None = None
    version: int = 1
    rotation: int = 0
    rotated_at: datetime | None = None
    previous_until: datetime | None = None
    ends_at: datetime | None = None

    @property
    def unusable_scopes(self) -> list[str]:
        """The scopes of which a key of this type can use nothing."""
        return [scope for scope in self.scopes if not is_usable(self.key_type, scope)]

    @property
    def is_ended(self) -> bool:
        """Whether it is revoked or expired, for good; one that the policy stopped may be rotated."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= datetime.now(UTC))

    def accepts(self, rotation: int) -> bool:
        """Return whether the secret of that rotation is accepted at this moment."""
        now = datetime.now(UTC)
        if self.is_ended or (self.ends_at is not None and self.ends_at <= now):
            return False
        if rotation == self.rotation:
            return True
        return rotation == self.rotation - 1 and self.previous_until is not None and self.previous_until > now


@dataclass(frozen=True, slots=True)
class Live:
    """How many keys of an organization are neither revoked nor expired; `of_user`: those of one person."""

    keys: int
    of_user: int
    agents: int


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key together with its secret; exists only in the one response that shows it."""

    key: Key
    tenant_id: UUID
    secret: str = field(repr=False)
    tenant_created: bool = False


class Grant(Struct, frozen=True):
    """What a verified key stands for, as the cache holds it; `expires` in Unix seconds.

    `is_guarded`: there is more to ask of a call than the secret: whence it comes (`networks`; None: from anywhere), or
    for whom it is made.
    """

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
    bounds: Bounds
    is_guarded: bool = False
    networks: tuple[Network, ...] | None = None

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
            self.bounds,
        )


_IPS = Meta(description="Networks (10.0.0.0/8) or addresses that it may be used from; of a gateway key none if null.")
_SERVICES = Meta(description="Services that it reaches; of a gateway key none if null.")


class NewKey(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /api-keys; what is left out is cut to what the caller may give."""

    name: str
    key_type: KeyType = KeyType.USER
    scopes: list[str] | None = None
    expires_at: datetime | None = None
    rate_limit: int | None = None
    rate_window: int | str | None = None
    tenant_id: Annotated[str, Meta(description="Id or slug of the tenant that the key is to act in.")] | None = None
    allowed_ips: Annotated[list[str], _IPS] | None = None
    allowed_services: Annotated[list[str], _SERVICES] | None = None
    tool_names: ToolNames | None = None
    result_bytes: ResultBytes | None = None


class KeyChange(Body, frozen=True):
    """The body of PATCH /api-keys/{id}; what is left out stays as it is, null lifts a bound."""

    name: str | UnsetType = UNSET
    scopes: list[str] | UnsetType = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    rate_limit: int | UnsetType = UNSET
    rate_window: int | str | UnsetType = UNSET
    allowed_ips: Annotated[list[str], _IPS] | UnsetType | None = UNSET
    allowed_services: Annotated[list[str], _SERVICES] | UnsetType | None = UNSET
    tool_names: ToolNames | UnsetType | None = UNSET
    result_bytes: ResultBytes | UnsetType | None = UNSET


class Rotation(Body, frozen=True):
    """The body of POST /api-keys/{id}/rotate."""

    grace_seconds: Annotated[
        int, Meta(ge=0, le=604_800, description="How long the former secret lives on, never beyond its own end.")
    ] = 0


class KeyNotFound(NotFound):
    """No such key for this caller; also said of another tenant's."""

    code = "key_not_found"
    hint = "GET /api/v1/api-keys lists your keys."
    detail = "You have no key with this id."


class AgentLimitReached(Conflict):
    """The organization has as many agent keys as its plan allows."""

    code = "agent_limit_reached"
    error = "Agent Limit Reached"
    hint = "Revoke an agent key that is not needed any more (DELETE /api/v1/api-keys/{id}), or ask for another plan."


class KeyLimitReached(Conflict):
    """The organization, or the person, has as many keys as the plan allows."""

    code = "key_limit_reached"
    error = "Key Limit Reached"
    hint = "Revoke a key that is not needed any more (DELETE /api/v1/api-keys/{id}), or ask for another plan."


class BeyondYourOwn(Forbidden):
    """Nobody grants a type, a scope or a limit that the granter lacks."""

    code = "beyond_your_own"
    error = "Insufficient Scope"
    hint = "Ask for no more than your own key has, or use an admin key."


class KeyEnded(Conflict):
    """A key that is revoked or expired stays so."""

    code = "key_ended"
    error = "Key Ended"
    hint = "Create another key: POST /api/v1/api-keys."


class NotYourKey(Forbidden):
    """Whoever has a key's secret acts as its person, so it is shown to nobody else."""

    code = "not_your_key"
    error = "Not Your Key"
    hint = "Revoke it (DELETE /api/v1/api-keys/{id}), and let its person create another one."


class KeyChanged(PreconditionFailed):
    """Somebody has changed or rotated the key since the caller read it."""

    code = "key_changed"
    hint = "GET /api/v1/api-keys/{id} shows the key as it is, and its ETag."
