"""Stored credentials over HTTP: guide 2, section 3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from devmesh.access import Caller
from devmesh.credentials.model import Credential, NewCredential
from devmesh.credentials.service import Credentials
from devmesh.http.routing import delete, get, post
from devmesh.upstream.model import Verdict

Owner = Literal["user", "organization"]
_MESSAGES = {
    "valid": "Credentials validated successfully",
    "invalid": "Invalid credentials",
    "unknown": "Credentials could not be checked",
}


class CredentialShown(Struct, frozen=True):
    """A stored credential: never its secrets."""

    id: UUID
    service_type: str
    owner: Owner
    is_active: bool
    has_credentials: bool
    metadata: Mapping[str, Any]
    scopes: list[str]
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None
    usage_count: int
    gateway_use: bool

    @classmethod
    def of(cls, credential: Credential) -> CredentialShown:
        """Return the credential as replies show it."""
        return cls(
            id=credential.id,
            service_type=credential.service,
            owner="user" if credential.user_id else "organization",
            is_active=True,
            has_credentials=True,
            metadata=credential.metadata,
            scopes=credential.scopes,
            created_at=credential.created_at,
            updated_at=credential.updated_at,
            last_used_at=credential.last_used_at,
            usage_count=credential.usage_count,
            gateway_use=credential.gateway_use,
        )


class CredentialList(Struct, frozen=True):
    """What the caller has stored."""

    credentials: list[CredentialShown]
    count: int
    next_cursor: str | None = None


class Validated(Struct, frozen=True):
    """Whether the service accepts the credential; `valid` is null when it could not say."""

    valid: bool | None
    service_type: str
    message: str
    status: str
    reason: str
    account: str | None
    granted_scopes: list[str] | None
    expires_at: datetime | None

    @classmethod
    def of(cls, service: str, verdict: Verdict) -> Validated:
        """Return the verdict as the reply shows it."""
        known = verdict.identity
        return cls(
            valid={"valid": True, "invalid": False}.get(verdict.status),
            service_type=service,
            message=_MESSAGES[verdict.status],
            status=verdict.status,
            reason=verdict.reason,
            account=known.account if known else None,
            granted_scopes=list(known.scopes) if known and known.scopes is not None else None,
            expires_at=known.expires_at if known else None,
        )


@post("/credentials", scope="credentials:write", status=201)
async def store_credential(credentials: Credentials, caller: Caller, data: NewCredential) -> CredentialShown:
    """Store a credential, sealed."""
    return CredentialShown.of(await credentials.store(caller, data))


@get("/credentials", scope="credentials:read")
async def list_credentials(credentials: Credentials, caller: Caller) -> CredentialList:
    """List your stored credentials."""
    found = [CredentialShown.of(credential) for credential in await credentials.stored(caller)]
    return CredentialList(found, len(found))


@get("/credentials/{service:str}", scope="credentials:read")
async def get_credential(
    credentials: Credentials, caller: Caller, service: str, owner: Owner = "user"
) -> CredentialShown:
    """Show one stored credential."""
    return CredentialShown.of(await credentials.get(caller, service, owner))


@delete("/credentials/{service:str}", scope="credentials:write", status=204)
async def remove_credential(credentials: Credentials, caller: Caller, service: str, owner: Owner = "user") -> None:
    """Destroy a stored credential."""
    await credentials.remove(caller, service, owner)


@post("/credentials/{service:str}/validate", scope="credentials:read", status=200)
async def validate_credential(
    credentials: Credentials, caller: Caller, service: str, owner: Owner = "user"
) -> Validated:
    """Ask the service whether it is good."""
    return Validated.of(service, await credentials.validate(caller, service, owner))


ROUTES = [store_credential, list_credentials, get_credential, remove_credential, validate_credential]
