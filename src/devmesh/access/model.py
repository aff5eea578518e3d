"""The caller: who acts, in which tenant, with which rights."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal
from uuid import UUID

from msgspec import Struct

from devmesh.access.scopes import Rights, is_usable, role_holds
from devmesh.errors import InsufficientScope, ServiceNotAllowed, SessionRequired

_SECOND_FACTOR = (
    "Your organization requires a second factor: log in with yours, or set one up (POST /api/v1/auth/mfa/totp)."
)


class Role(StrEnum):
    """A user's place in the organization; a ceiling over scopes."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    READONLY = "readonly"


class KeyType(StrEnum):
    """What an API key is for; a ceiling over scopes, as its owner's role is."""

    ADMIN = "admin"
    USER = "user"
    AGENT = "agent"
    GATEWAY = "gateway"


class Person(Struct, frozen=True):
    """The user behind a caller, as the profile shows them."""

    email: str
    name: str
    tenant_name: str
    tenant_slug: str


class Allowance(Struct, frozen=True):
    """The two buckets that a caller draws from: the key's own, and its tenant's by the plan.

    `rate_limit` per `rate_window` seconds; `requests_per_minute` with a burst of `burst`; 0 = unlimited.
    """

    rate_limit: int
    rate_window: int
    requests_per_minute: int = 0
    burst: int = 0


class Bounds(Struct, frozen=True):
    """What a key is bound to beside its rights, and which of its secrets was shown.

    `services`: the connectors that it reaches; None: all. `tool_names`: the form in which tools are listed.
    `result_bytes`: the most of a tool's result that is shown at once. `owner_id`: of a gateway key that acts on behalf
    of the caller's user, whose key it is.
    """

    services: frozenset[str] | None = None
    tool_names: Literal["dot", "underscore"] | None = None
    result_bytes: int | None = None
    owner_id: UUID | None = None
    rotation: int = 0


UNBOUND = Bounds()


class Caller(Struct, frozen=True):
    """An authenticated caller for the length of one request.

    `key_id` and `key_type` are None for a session, `session_id` for a key. `address` is the client's, `request_id` the
    request's; both only for the record. `expires` is when the credential ends, in Unix seconds; None: by itself never.
    """

    organization_id: UUID
    organization_slug: str
    tenant_id: UUID
    user_id: UUID
    role: Role
    rights: Rights
    person: Person
    allowance: Allowance
    key_id: UUID | None = None
    key_type: KeyType | None = None
    address: str = ""
    request_id: str = ""
    session_id: UUID | None = None
    expires: float | None = None
    bounds: Bounds = UNBOUND

    def require_session(self) -> UUID:
        """Return the session; raise SessionRequired for a key, which never stands for the person before the screen."""
        if self.session_id is None:
            raise SessionRequired
        return self.session_id

    def require(self, *scopes: str) -> None:
        """Return if the caller holds every one of `scopes`; otherwise raise InsufficientScope naming all of them."""
        if not all(map(self.rights.allows, scopes)):
            raise self.lacks(scopes)

    def lacks(self, scopes: Sequence[str]) -> InsufficientScope:
        """Return the refusal for want of `scopes`, with the next step for a key or for a person."""
        if self.session_id is None:
            return InsufficientScope(scopes, hint=self._type_hint(scopes))
        if self.is_cut:
            return InsufficientScope(scopes, hint=_SECOND_FACTOR)
        return InsufficientScope(
            scopes, hint=f"Your role is '{self.role}': ask an administrator of your organization for one that may."
        )

    def _type_hint(self, scopes: Sequence[str]) -> str | None:
        """Return which other type of key this takes, if the person may have one that can do it; None otherwise."""
        if not all(role_holds(self.role, scope) for scope in scopes):
            return None
        able = [kind for kind in KeyType if all(is_usable(kind, scope) for scope in scopes)]
        if self.key_type is None or self.key_type in able:
            return None
        return (
            f"No {self.key_type} key can do this, whatever its scopes say: "
            f"use {'a user' if KeyType.USER in able else 'an admin'} key that holds the scopes in required_scopes."
        )

    @property
    def is_cut(self) -> bool:
        """Whether it is a session that may do no more than set a second factor up, as its organization requires one."""
        return self.session_id is not None and not self.rights.allows("tools:read")

    def reaches(self, service: str) -> bool:
        """Return whether the key, if one calls, is not kept from the service."""
        return self.bounds.services is None or service in self.bounds.services

    def require_service(self, service: str) -> None:
        """Return if the caller's key is not kept from the service; otherwise raise ServiceNotAllowed."""
        if not self.reaches(service):
            raise ServiceNotAllowed(f"This key is not allowed to reach the service '{service[:64]}'.")
