"""What is stored of a credential, what is shown of it, and what a call gets of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from devmesh.credentials.terms import AllowedRoles, AllowedTools, ExpiresAt, Label, Rules, Terms, written
from devmesh.crypto.sealing import place
from devmesh.errors import Conflict, Forbidden, NotFound, PreconditionFailed, Unavailable

Owner = Literal["user", "organization"]
Source = Literal["user", "passthrough", "organization"]
# For one service, of one owner in one tenant.
MOST_LABELS = 20


class Standing(Struct, frozen=True):
    """What the service said when it was last asked.

    `account`, `granted_scopes` and `token_expires_at` are as of the last time that it said the credential is valid;
    null where it does not tell.
    """

    status: Literal["valid", "invalid", "unknown"]
    reason: str
    account: str | None
    granted_scopes: list[str] | None
    token_expires_at: datetime | None
    checked_at: datetime


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
    terms: Terms
    last_used_at: datetime | None = None
    usage_count: int = 0
    standing: Standing | None = None


class Sealed(Struct, frozen=True):
    """A stored credential as the cache holds it: sealed, with the wrapped data key that opens it.

    `granted` are the scopes that the service said it has; None: it does not tell, or was not asked.
    """

    id: UUID
    organization_id: UUID
    tenant_id: UUID
    user_id: UUID | None
    service: str
    sealed: bytes
    base_url: str | None
    data_key_id: UUID
    wrapped: bytes
    terms: Terms = Terms()
    granted: list[str] | None = None
    # What the sealing is bound to; made once, for every call needs it.
    place: bytes = b""

    def __post_init__(self) -> None:
        owner = (self.organization_id, self.tenant_id, self.user_id)
        where = (self.service, self.id, self.data_key_id, self.base_url)
        force_setattr(self, "place", place("credential", *owner, *where, *self.terms.bound()))


class Chosen(Struct, frozen=True):
    """The credential that a call is made with; `id` is None for one passed through.

    `granted` are the scopes that the service said it has, None where that is not known.
    """

    source: Source
    id: UUID | None
    base_url: str | None
    fields: Mapping[str, str]
    granted: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return f"Chosen({self.source} {self.id})"


class NewCredential(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /credentials."""

    service_type: str
    credentials: dict[str, str]
    scopes: list[str] = []
    metadata: dict[str, Any] = {}
    owner: Owner = "user"
    label: Label | None = None
    rules: Rules = []
    allowed_tools: AllowedTools | None = None
    allowed_roles: AllowedRoles | None = None
    expires_at: ExpiresAt | None = None
    gateway_use: Annotated[bool, Meta(description="Whether gateway keys may use it on your behalf.")] = False

    def terms(self) -> Terms:
        """Return on which terms it is to serve, as they are kept and sealed with."""
        return Terms(
            label=self.label or "",
            rules=written(self.rules),
            allowed_tools=self.allowed_tools,
            allowed_roles=None if self.allowed_roles is None else [role.value for role in self.allowed_roles],
            expires_at=None if self.expires_at is None else self.expires_at.astimezone(UTC),
            gateway_use=self.gateway_use,
        )

    def __repr__(self) -> str:
        return f"NewCredential({self.service_type})"


class CredentialNotFound(NotFound):
    """The caller has stored no credential for that service."""

    code = "credential_not_found"
    detail = "No such credential is stored."
    hint = "GET /api/v1/credentials lists what is stored; POST /api/v1/credentials stores one."

    @classmethod
    def beside(cls, labels: Iterable[str]) -> Self:
        """Return the error naming the labels that the owner does have for that service."""
        known = [f"?label={label}" if label else "no label" for label in labels]
        return cls(hint=f"There is one with {', one with '.join(known)}.") if known else cls()


class CredentialExists(PreconditionFailed):
    """The owner has a credential of that label for that service, and If-None-Match says that none is replaced."""

    code = "credential_exists"
    detail = "There is a credential of this label already; it stays as it is."
    hint = "To replace it, which cannot be undone, send the request without If-None-Match."


class TooManyLabels(Conflict):
    """The owner has as many credentials for that service as one may have."""

    code = "too_many_labels"
    error = "Too Many Labels"

    def __init__(self, labels: Iterable[str]) -> None:
        names = ", ".join(label for label in labels if label)
        super().__init__(
            f"{MOST_LABELS} credentials for one service are the most.",
            hint=f"Delete one (?label= of {names}), or replace it under its own label.",
        )


class NoCredential(Forbidden):
    """No stored credential, none passed through and no service account that serves the call."""

    code = "no_credential"
    error = "No credential"


class CredentialExpired(Forbidden):
    """The credential that is for this call ended at its `expires_at`; no other is taken in its place."""

    code = "credential_expired"
    error = "Credential expired"
    hint = "Ask its owner to store a new one: POST /api/v1/credentials."


class CredentialDamaged(Unavailable):
    """The stored bytes do not open in their place: altered, moved, or of another master key. They serve no call."""

    code = "credential_damaged"
    hint = "Store the credential again: POST /api/v1/credentials. Tell your administrator: the database was altered."


class PassthroughOff(Forbidden):
    """The organization lets no call bring a credential along."""

    code = "passthrough_off"
    error = "Passthrough Off"
    hint = "Leave the X-Service-* headers out, and store the credential: POST /api/v1/credentials."
    detail = "Your organization takes no credentials that are passed through with a request."


class PassthroughIncomplete(Forbidden):
    """The passed-through fields are no complete set for that service."""

    code = "passthrough_incomplete"
    error = "Passed-through credential incomplete"
