"""What the server takes and answers.

Written by `make sdk` from the server's OpenAPI document: change generate.py or names.py, not this file.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class AuditEntry(TypedDict):
    """AuditEntry, as the contract has it."""

    id: str
    at: str
    action: str
    actor: EntryActor
    tenant_id: str | None
    tool: str | None
    service: str | None
    target: str | None
    outcome: str
    code: str | None
    upstream: EntryUpstream
    credential: EntryCredential
    latency_ms: float | None
    arguments_digest: str | None
    address: str
    request_id: str
    count: int
    details: dict[str, Any]
    receipt: Receipt
    altered: bool


class Considered(TypedDict):
    """Considered, as the contract has it."""

    id: str
    label: str | None
    serves: bool
    reason: str


class ContextBody(TypedDict):
    """ContextBody, as the contract has it."""

    name: NotRequired[str | None]
    tags: NotRequired[list[str]]
    agent_id: NotRequired[str | None]
    expires_at: NotRequired[str | None]
    content: NotRequired[Any]


class ContextList(TypedDict):
    """ContextList, as the contract has it."""

    contexts: list[ContextListed]
    count: int
    next_cursor: str | None


class ContextListed(TypedDict):
    """ContextListed, as the contract has it."""

    id: str
    tenant_id: str
    name: str | None
    tags: list[str]
    agent_id: str | None
    version: int
    created_by: str
    created_at: str
    updated_at: str
    expires_at: str | None


class ContextShown(TypedDict):
    """ContextShown, as the contract has it."""

    id: str
    tenant_id: str
    name: str | None
    tags: list[str]
    agent_id: str | None
    content: Any
    version: int
    created_at: str
    updated_at: str
    expires_at: str | None


class CredentialList(TypedDict):
    """CredentialList, as the contract has it."""

    credentials: list[CredentialShown]
    count: int
    next_cursor: str | None


class CredentialShown(TypedDict):
    """CredentialShown, as the contract has it."""

    id: str
    service_type: str
    owner: Literal["user", "organization"]
    label: str | None
    is_active: bool
    has_credentials: bool
    metadata: dict[str, Any]
    scopes: list[str]
    created_at: str
    updated_at: str
    last_used_at: str | None
    usage_count: int
    gateway_use: bool
    rules: list[Rule]
    allowed_tools: list[str] | None
    allowed_roles: list[str] | None
    expires_at: str | None
    validation: Standing | None


class CredentialWithTools(TypedDict):
    """CredentialWithTools, as the contract has it."""

    id: str
    service_type: str
    owner: Literal["user", "organization"]
    label: str | None
    is_active: bool
    has_credentials: bool
    metadata: dict[str, Any]
    scopes: list[str]
    created_at: str
    updated_at: str
    last_used_at: str | None
    usage_count: int
    gateway_use: bool
    rules: list[Rule]
    allowed_tools: list[str] | None
    allowed_roles: list[str] | None
    expires_at: str | None
    validation: Standing | None
    tools_enabled: list[str]
    tools_hidden: list[HiddenTool]


class Entries(TypedDict):
    """Entries, as the contract has it."""

    entries: list[AuditEntry]
    count: int
    next_cursor: str | None


class EntryActor(TypedDict):
    """EntryActor, as the contract has it."""

    user_id: str | None
    key_id: str | None
    key_type: KeyType | None
    on_behalf_of: str | None


class EntryCredential(TypedDict):
    """EntryCredential, as the contract has it."""

    source: str | None
    id: str | None


class EntryUpstream(TypedDict):
    """EntryUpstream, as the contract has it."""

    host: str | None
    status: int | None


class Executed(TypedDict):
    """Executed, as the contract has it."""

    result: Any
    is_error: bool
    receipt: dict[str, str] | None
    meta: dict[str, Any]


class Explained(TypedDict):
    """Explained, as the contract has it."""

    service_type: str
    source: Literal["user", "organization"] | None
    id: str | None
    label: str | None
    reason: str
    passthrough: bool
    considered: list[Considered]


class FieldShown(TypedDict):
    """FieldShown, as the contract has it."""

    name: str
    description: str
    within: Literal["credentials", "metadata"]
    secret: bool
    required: bool


class HiddenTool(TypedDict):
    """HiddenTool, as the contract has it."""

    name: str
    needs: list[str]


class InvitationList(TypedDict):
    """InvitationList, as the contract has it."""

    invitations: list[InvitationShown]
    count: int
    next_cursor: str | None


class InvitationShown(TypedDict):
    """InvitationShown, as the contract has it."""

    id: str
    email: str
    name: str
    role: Role
    status: str
    tenant_id: str
    invited_by: str
    created_at: str
    expires_at: str


class Invited(TypedDict):
    """Invited, as the contract has it."""

    id: str
    email: str
    name: str
    role: Role
    status: str
    tenant_id: str
    expires_at: str
    message: str


class KeyChange(TypedDict):
    """KeyChange, as the contract has it."""

    name: NotRequired[str]
    scopes: NotRequired[list[str]]
    expires_at: NotRequired[str | None]
    rate_limit: NotRequired[int]
    rate_window: NotRequired[int | str]
    allowed_ips: NotRequired[list[str] | None]
    allowed_services: NotRequired[list[str] | None]
    tool_names: NotRequired[Literal["dot", "underscore"] | None]
    result_bytes: NotRequired[int | None]


class KeyInfo(TypedDict):
    """KeyInfo, as the contract has it."""

    id: str
    key_prefix: str
    name: str
    key_type: KeyType
    scopes: list[str]
    unusable_scopes: list[str]
    created_at: str
    expires_at: str | None
    rate_limit: int
    rate_window: str
    allowed_ips: list[str] | None
    allowed_services: list[str] | None
    tool_names: Literal["dot", "underscore"] | None
    result_bytes: int | None


class KeyList(TypedDict):
    """KeyList, as the contract has it."""

    api_keys: list[KeyShown]
    count: int
    next_cursor: str | None


class KeyRevoked(TypedDict):
    """KeyRevoked, as the contract has it."""

    message: str
    key_id: str


class KeyShown(TypedDict):
    """KeyShown, as the contract has it."""

    id: str
    key_prefix: str
    name: str
    key_type: KeyType
    scopes: list[str]
    unusable_scopes: list[str]
    is_active: bool
    user_id: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    usage_count: int
    rate_limit: int
    rate_window: str
    allowed_ips: list[str] | None
    allowed_services: list[str] | None
    tool_names: Literal["dot", "underscore"] | None
    result_bytes: int | None
    rotated_at: str | None
    previous_until: str | None


class KeyShownOnce(TypedDict):
    """KeyShownOnce, as the contract has it."""

    message: str
    api_key: str
    id: str
    tenant_id: str
    tenant_created: bool
    info: KeyInfo


KeyType = Literal["admin", "user", "agent", "gateway"]


class NewCredential(TypedDict):
    """NewCredential, as the contract has it."""

    service_type: str
    credentials: dict[str, str]
    scopes: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    owner: NotRequired[Literal["user", "organization"]]
    label: NotRequired[str | None]
    rules: NotRequired[list[Rule]]
    allowed_tools: NotRequired[list[str] | None]
    allowed_roles: NotRequired[list[Role] | None]
    expires_at: NotRequired[str | None]
    gateway_use: NotRequired[bool]


class NewCredentialOptions(TypedDict):
    """NewCredentialOptions, as the contract has it."""

    scopes: NotRequired[list[str]]
    metadata: NotRequired[dict[str, Any]]
    owner: NotRequired[Literal["user", "organization"]]
    label: NotRequired[str | None]
    rules: NotRequired[list[Rule]]
    allowed_tools: NotRequired[list[str] | None]
    allowed_roles: NotRequired[list[Role] | None]
    expires_at: NotRequired[str | None]
    gateway_use: NotRequired[bool]


class NewInvitation(TypedDict):
    """NewInvitation, as the contract has it."""

    email: str
    name: str
    role: NotRequired[str]
    tenant_id: NotRequired[str | None]


class NewKey(TypedDict):
    """NewKey, as the contract has it."""

    name: str
    key_type: NotRequired[KeyType]
    scopes: NotRequired[list[str] | None]
    expires_at: NotRequired[str | None]
    rate_limit: NotRequired[int | None]
    rate_window: NotRequired[int | str | None]
    tenant_id: NotRequired[str | None]
    allowed_ips: NotRequired[list[str] | None]
    allowed_services: NotRequired[list[str] | None]
    tool_names: NotRequired[Literal["dot", "underscore"] | None]
    result_bytes: NotRequired[int | None]


class NewOrganization(TypedDict):
    """NewOrganization, as the contract has it."""

    organization_name: str
    organization_slug: str
    admin_email: str
    admin_name: str
    admin_password: str


class NewPolicies(TypedDict):
    """NewPolicies, as the contract has it."""

    require_mfa: bool
    password_policy: Literal["standard", "nist"]
    max_key_age_days: NotRequired[int | None]
    passthrough: NotRequired[bool]


class NewTenant(TypedDict):
    """NewTenant, as the contract has it."""

    name: str
    slug: str


class OrganizationChange(TypedDict):
    """OrganizationChange, as the contract has it."""

    name: NotRequired[str]


class OrganizationShown(TypedDict):
    """OrganizationShown, as the contract has it."""

    id: str
    name: str
    slug: str
    plan: str
    policies: Policies
    created_at: str


class PasswordChange(TypedDict):
    """PasswordChange, as the contract has it."""

    current_password: str
    new_password: str


class PasswordReset(TypedDict):
    """PasswordReset, as the contract has it."""

    token: str
    new_password: str


class Policies(TypedDict):
    """Policies, as the contract has it."""

    require_mfa: NotRequired[bool]
    password_policy: NotRequired[Literal["standard", "nist"]]
    max_key_age_days: NotRequired[int | None]
    passthrough: NotRequired[bool]


class Profile(TypedDict):
    """Profile, as the contract has it."""

    id: str
    email: str
    name: str
    role: Role
    tenant_id: str
    tenant_name: str
    tenant: RegisteredTenant
    organization_id: str
    organization_slug: str
    scopes: list[str]
    key_type: KeyType | None


class ProfileChange(TypedDict):
    """ProfileChange, as the contract has it."""

    name: NotRequired[str]


class Receipt(TypedDict):
    """Receipt, as the contract has it."""

    id: str
    row_hash: str


class Registered(TypedDict):
    """Registered, as the contract has it."""

    organization: RegisteredOrganization
    user: SignedInUser
    api_key: str
    message: str


class RegisteredOrganization(TypedDict):
    """RegisteredOrganization, as the contract has it."""

    id: str
    name: str
    slug: str
    subscription_tier: str
    max_users: int | None
    max_agents: int | None


class RegisteredTenant(TypedDict):
    """RegisteredTenant, as the contract has it."""

    id: str
    name: str
    slug: str


class Removal(TypedDict):
    """Removal, as the contract has it."""

    confirm: str


class Reported(TypedDict):
    """Reported, as the contract has it."""

    message: str


class ResetAsked(TypedDict):
    """ResetAsked, as the contract has it."""

    email: str


Role = Literal["owner", "admin", "member", "readonly"]


class Rotation(TypedDict):
    """Rotation, as the contract has it."""

    grace_seconds: NotRequired[int]


class Rule(TypedDict):
    """Rule, as the contract has it."""

    arguments: dict[str, str]


class Said(TypedDict):
    """Said, as the contract has it."""

    message: str


class ServiceList(TypedDict):
    """ServiceList, as the contract has it."""

    services: list[ServiceShown]
    count: int
    next_cursor: str | None


class ServiceShown(TypedDict):
    """ServiceShown, as the contract has it."""

    service: str
    title: str
    connected: Literal["user", "organization"] | None
    tools: int | None
    base_url: str | None
    token_page: str | None
    fields: list[FieldShown]
    forms: list[list[str]]


class SessionList(TypedDict):
    """SessionList, as the contract has it."""

    sessions: list[SessionShown]
    count: int
    next_cursor: str | None


class SessionShown(TypedDict):
    """SessionShown, as the contract has it."""

    id: str
    current: bool
    mfa: bool
    address: str
    user_agent: str
    created_at: str
    last_used_at: str
    expires_at: str


class SignedInOrganization(TypedDict):
    """SignedInOrganization, as the contract has it."""

    id: str
    name: str
    slug: str


class SignedInShown(TypedDict):
    """SignedInShown, as the contract has it."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    user: SignedInUser
    organization: SignedInOrganization
    mfa_setup_required: bool


class SignedInUser(TypedDict):
    """SignedInUser, as the contract has it."""

    id: str
    email: str
    name: str
    role: Role


class Standing(TypedDict):
    """Standing, as the contract has it."""

    status: Literal["valid", "invalid", "unknown"]
    reason: str
    account: str | None
    granted_scopes: list[str] | None
    token_expires_at: str | None
    checked_at: str


class TenantList(TypedDict):
    """TenantList, as the contract has it."""

    tenants: list[TenantShown]
    count: int
    next_cursor: str | None


class TenantShown(TypedDict):
    """TenantShown, as the contract has it."""

    id: str
    name: str
    slug: str
    created_at: str


class Told(TypedDict):
    """Told, as the contract has it."""

    message: str


class ToolList(TypedDict):
    """ToolList, as the contract has it."""

    tools: list[ToolShown]
    count: int
    next_cursor: str | None


class ToolShown(TypedDict):
    """ToolShown, as the contract has it."""

    name: str
    title: str
    description: str
    input_schema: Any
    read_only: bool
    destructive: bool
    idempotent: bool


class Usage(TypedDict):
    """Usage, as the contract has it."""

    plan: str
    users: Used
    invitations: Used
    agents: Used
    keys: Used
    credentials: Used
    contexts: Used
    tenants: Used


class Used(TypedDict):
    """Used, as the contract has it."""

    used: int
    limit: NotRequired[int | None]


class UserChange(TypedDict):
    """UserChange, as the contract has it."""

    role: NotRequired[Role]
    name: NotRequired[str]
    is_active: NotRequired[bool]


class UserList(TypedDict):
    """UserList, as the contract has it."""

    users: list[UserShown]
    count: int
    next_cursor: str | None


class UserShown(TypedDict):
    """UserShown, as the contract has it."""

    id: str
    name: str
    email: NotRequired[str | None]
    role: NotRequired[Role | None]
    is_active: NotRequired[bool | None]
    email_verified: NotRequired[bool | None]
    tenant_id: NotRequired[str | None]
    created_at: NotRequired[str | None]
    last_login_at: NotRequired[str | None]


class ValidatedCaller(TypedDict):
    """ValidatedCaller, as the contract has it."""

    subject: str
    key_id: str | None
    tenant_id: str
    role: Role
    scopes: list[str]
    token_type: Literal["jwt", "api_key"]
    expires_at: str | None
    valid: NotRequired[bool]


class ValidatedCredential(TypedDict):
    """ValidatedCredential, as the contract has it."""

    valid: bool | None
    service_type: str
    message: str
    status: str
    reason: str
    account: str | None
    granted_scopes: list[str] | None
    expires_at: str | None


class VersionList(TypedDict):
    """VersionList, as the contract has it."""

    versions: list[VersionShown]
    count: int
    next_cursor: str | None


class VersionShown(TypedDict):
    """VersionShown, as the contract has it."""

    version: int
    name: str | None
    tags: list[str]
    size: int
    written_by: str
    written_at: str
