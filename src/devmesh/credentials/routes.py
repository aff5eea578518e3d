"""Stored credentials over HTTP: guide 2, section 3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct, structs

from devmesh.access import Caller
from devmesh.credentials.explain import Considered, Explanation
from devmesh.credentials.model import Credential, NewCredential, Owner, Standing
from devmesh.credentials.service import Credentials
from devmesh.credentials.terms import Rule
from devmesh.errors import Fault, Invalid
from devmesh.http.body import parse
from devmesh.http.conditional import only_new
from devmesh.http.routing import Cursor, Limit, Request, cursor_of, delete, get, position_of, post
from devmesh.upstream.model import Connector, Field, Tool, Verdict

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
    label: str | None
    is_active: bool
    has_credentials: bool
    metadata: Mapping[str, Any]
    scopes: list[str]
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None
    usage_count: int
    gateway_use: bool
    rules: list[Rule]
    allowed_tools: list[str] | None
    allowed_roles: list[str] | None
    expires_at: datetime | None
    validation: Standing | None

    @classmethod
    def of(cls, credential: Credential) -> CredentialShown:
        """Return the credential as replies show it."""
        terms = credential.terms
        return cls(
            id=credential.id,
            service_type=credential.service,
            owner="user" if credential.user_id else "organization",
            label=terms.label or None,
            is_active=terms.expires_at is None or terms.expires_at > datetime.now(UTC),
            has_credentials=True,
            metadata=credential.metadata,
            scopes=credential.scopes,
            created_at=credential.created_at,
            updated_at=credential.updated_at,
            last_used_at=credential.last_used_at,
            usage_count=credential.usage_count,
            gateway_use=terms.gateway_use,
            rules=terms.parsed(),
            allowed_tools=terms.allowed_tools,
            allowed_roles=terms.allowed_roles,
            expires_at=terms.expires_at,
            validation=credential.standing,
        )


class HiddenTool(Struct, frozen=True):
    """A tool that is not listed, and the service's scopes of which the token needs one for it."""

    name: str
    needs: list[str]


class CredentialWithTools(CredentialShown, frozen=True):
    """A stored credential, and the tools that it is good for: `tools_hidden` are not listed, for want of a scope."""

    tools_enabled: list[str]
    tools_hidden: list[HiddenTool]

    @classmethod
    def with_tools(cls, credential: Credential, enabled: list[Tool], hidden: list[Tool]) -> CredentialWithTools:
        """Return the credential and its tools as replies show them, by name."""
        shown = structs.asdict(CredentialShown.of(credential))
        unfit = sorted((HiddenTool(tool.name, list(tool.needs)) for tool in hidden), key=attrgetter("name"))
        return cls(**shown, tools_enabled=sorted(tool.name for tool in enabled), tools_hidden=unfit)


class CredentialList(Struct, frozen=True):
    """A page of what the caller has stored."""

    credentials: list[CredentialShown]
    count: int
    next_cursor: str | None


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


class Explained(Struct, frozen=True):
    """Which credential a call would be made with; `source` is null for none.

    `passthrough` tells whether one passed along with the call would be used in its place; `considered` are your own, in
    the order in which they are tried.
    """

    service_type: str
    source: Owner | None
    id: UUID | None
    label: str | None
    reason: str
    passthrough: bool
    considered: list[Considered]

    @classmethod
    def of(cls, service: str, found: Explanation) -> Explained:
        """Return the explanation as the reply shows it."""
        return cls(service, found.source, found.id, found.label, found.reason, found.passthrough, found.considered)


class FieldShown(Struct, frozen=True):
    """One value that a credential consists of, and under which member of POST /credentials it is sent.

    A `secret` one is not to be shown while it is typed. One of a service's `forms` is not `required` by itself.
    """

    name: str
    description: str
    within: Literal["credentials", "metadata"]
    secret: bool
    required: bool

    @classmethod
    def of(cls, field: Field) -> FieldShown:
        """Return the field as the list of services shows it."""
        within: Literal["credentials", "metadata"] = "metadata" if field.metadata else "credentials"
        return cls(field.name, field.description, within, field.secret, field.required)


class ServiceShown(Struct, frozen=True):
    """A service, what a credential for it consists of, and whose is stored; `tools` is null while none is.

    Of several `forms`, which are sets of fields, a credential has exactly one, beside the required fields. `base_url`
    is where requests go if the credential names no other address; null: it has to.
    """

    service: str
    title: str
    connected: Owner | None
    tools: int | None
    base_url: str | None
    token_page: str | None
    fields: list[FieldShown]
    forms: list[list[str]]

    @classmethod
    def of(cls, connector: Connector, connected: Owner | None) -> ServiceShown:
        """Return the service as its connector declares it; its tools are loaded only where they can be used."""
        return cls(
            service=connector.name,
            title=connector.title,
            connected=connected,
            tools=len(connector.tools) if connected else None,
            base_url=connector.base_url,
            token_page=connector.token_page or None,
            fields=[FieldShown.of(field) for field in connector.fields],
            forms=[list(form) for form in connector.forms],
        )


class ServiceList(Struct, frozen=True):
    """One page of the services, by name."""

    services: list[ServiceShown]
    count: int
    next_cursor: str | None


ToolName = Annotated[str, Meta(max_length=128, description="The tool that would be called.")] | None
CallArguments = Annotated[str, Meta(max_length=8192, description="The arguments of the call, as a JSON object.")] | None


@get("/services", scope="credentials:read")
async def list_services(
    credentials: Credentials, caller: Caller, limit: Limit = 200, cursor: Cursor = None
) -> ServiceList:
    """List the services that there are, with the fields of a credential for each."""
    start = position_of(cursor, str) or ""
    after = [one for one in await credentials.services(caller) if one[0].name > start]
    page = [ServiceShown.of(connector, connected) for connector, connected in after[:limit]]
    return ServiceList(page, len(page), cursor_of(page[-1].service) if len(after) > limit else None)


@post("/credentials", scope="credentials:write", status=201)
async def store_credential(
    credentials: Credentials, caller: Caller, request: Request, data: NewCredential
) -> CredentialShown:
    """Store a credential, sealed; with If-None-Match: * only if there is none of its label yet."""
    return CredentialShown.of(await credentials.store(caller, data, only_new=only_new(request)))


@get("/credentials", scope="credentials:read")
async def list_credentials(
    credentials: Credentials, caller: Caller, limit: Limit = 200, cursor: Cursor = None
) -> CredentialList:
    """List your stored credentials."""
    after = position_of(cursor, tuple[bool, str, str])
    left = [one for one in await credentials.stored(caller) if after is None or _position(one) > after]
    page = left[:limit]
    next_cursor = cursor_of(_position(page[-1])) if len(left) > limit else None
    return CredentialList([CredentialShown.of(one) for one in page], len(page), next_cursor)


@get("/credentials/{service:str}", scope="credentials:read")
async def get_credential(
    credentials: Credentials, caller: Caller, service: str, owner: Owner = "user", label: str = ""
) -> CredentialWithTools:
    """Show one stored credential, and the tools that it is good for."""
    found = await credentials.get(caller, service, owner, label)
    return CredentialWithTools.with_tools(found, *credentials.tools(caller, found))


@delete("/credentials/{service:str}", scope="credentials:write", status=204)
async def remove_credential(
    credentials: Credentials, caller: Caller, service: str, owner: Owner = "user", label: str = ""
) -> None:
    """Destroy a stored credential."""
    await credentials.remove(caller, service, owner, label)


@post("/credentials/{service:str}/validate", scope="credentials:read", status=200)
async def validate_credential(
    credentials: Credentials, caller: Caller, service: str, owner: Owner = "user", label: str = ""
) -> Validated:
    """Ask the service whether it is good."""
    return Validated.of(service, await credentials.validate(caller, service, owner, label))


@get("/credentials/{service:str}/explain", scope="credentials:read")
async def explain_credential(
    credentials: Credentials, caller: Caller, service: str, tool: ToolName = None, arguments: CallArguments = None
) -> Explained:
    """Tell which stored credential a call would be made with, and why."""
    return Explained.of(service, await credentials.explain(caller, service, tool, _object(arguments)))


def _position(credential: Credential) -> tuple[bool, str, str]:
    """Return where it stands in the list: one's own first, by service and label."""
    return credential.user_id is None, credential.service, credential.terms.label


def _object(arguments: str | None) -> Mapping[str, Any]:
    value = {} if arguments is None else parse(arguments.encode())
    if not isinstance(value, dict):
        raise Invalid([Fault("arguments", "must be a JSON object")])
    return value


ROUTES = [
    list_services, store_credential, list_credentials, get_credential, remove_credential, validate_credential,
    explain_credential,
]  # fmt: skip
