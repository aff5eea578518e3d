"""What is stored of a credential, what is shown of it, and what a call gets of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from devmesh.crypto.sealing import place
from devmesh.errors import Forbidden, NotFound, Unavailable

Source = Literal["user", "passthrough", "organization"]


@dataclass(frozen=True, slots=True)
class Credential:
    """A stored credential without its secrets; `user_id` is None for an organization's service account."""

    id: UUID
    user_id: UUID | None
    service: str
    metadata: Mapping[str, Any]
    scopes: list[str]
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None = None
    usage_count: int = 0
    gateway_use: bool = False


class Sealed(Struct, frozen=True):
    """A stored credential as the cache holds it: sealed, with the wrapped data key that opens it."""

    id: UUID
    organization_id: UUID
    tenant_id: UUID
    user_id: UUID | None
    service: str
    sealed: bytes
    base_url: str | None
    data_key_id: UUID
    wrapped: bytes
    gateway_use: bool = False
    # What the sealing is bound to; made once, for every call needs it.
    place: bytes = b""

    def __post_init__(self) -> None:
        owner = (self.organization_id, self.tenant_id, self.user_id)
        # Nobody but its person lets gateway keys use it: whoever alters the database makes it one that does not open.
        use = ("gateway",) if self.gateway_use else ()
        bound = place("credential", *owner, self.service, self.id, self.data_key_id, self.base_url, *use)
        force_setattr(self, "place", bound)


class Chosen(Struct, frozen=True):
    """The credential that a call is made with; `id` is None for one passed through."""

    source: Source
    id: UUID | None
    base_url: str | None
    fields: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Chosen({self.source} {self.id})"


class NewCredential(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /credentials."""

    service_type: str
    credentials: dict[str, str]
    scopes: list[str] = []
    metadata: dict[str, Any] = {}
    owner: Literal["user", "organization"] = "user"
    gateway_use: Annotated[bool, Meta(description="Whether gateway keys may use it on your behalf.")] = False

    def __repr__(self) -> str:
        return f"NewCredential({self.service_type})"


class CredentialNotFound(NotFound):
    """The caller has stored no credential for that service."""

    code = "credential_not_found"
    hint = "GET /api/v1/credentials lists what is stored; POST /api/v1/credentials stores one."


class NoCredential(Forbidden):
    """No stored credential, none passed through and no service account for that service."""

    code = "no_credential"
    error = "No credential"


class CredentialDamaged(Unavailable):
    """The stored bytes do not open in their place: altered, moved, or of another master key. They serve no call."""

    code = "credential_damaged"
    hint = "Store the credential again: POST /api/v1/credentials. Tell your administrator: the database was altered."


class PassthroughIncomplete(Forbidden):
    """The passed-through fields are no complete set for that service."""

    code = "passthrough_incomplete"
    error = "Passed-through credential incomplete"
