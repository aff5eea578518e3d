"""The server's operations, as steps.

Written by `make sdk` from the server's OpenAPI document: change generate.py or names.py, not this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Unpack

from devmesh_sdk.api import models
from devmesh_sdk.calls import Call, part
from devmesh_sdk.core import Core
from devmesh_sdk.paging import Pages
from devmesh_sdk.steps import Steps


def validate_caller(core: Core) -> Steps[models.ValidatedCaller]:
    """Say what the access token or API key of this very request stands for; an invalid one is answered 401."""
    return core.run(Call("POST", "/api/v1/auth/validate", safe=True))


def show_profile(core: Core) -> Steps[models.Profile]:
    """Who you are, and what your key may do."""
    return core.run(Call("GET", "/api/v1/auth/profile", safe=True))


def change_profile(core: Core, **fields: Unpack[models.ProfileChange]) -> Steps[models.Profile]:
    """Change your own name."""
    return core.run(Call("PATCH", "/api/v1/auth/profile", body={**fields}))


def list_sessions(core: Core, *, limit: int | None = None, cursor: str | None = None) -> Steps[models.SessionList]:
    """List your sessions."""
    return core.run(Call("GET", "/api/v1/auth/sessions", query={"limit": limit, "cursor": cursor}, safe=True))


def end_session(core: Core, session_id: str) -> Steps[None]:
    """End one of your sessions."""
    return core.run(Call("DELETE", f"/api/v1/auth/sessions/{part(session_id)}"))


def change_password(core: Core, **fields: Unpack[models.PasswordChange]) -> Steps[models.Said]:
    """Change your own password."""
    return core.run(Call("POST", "/api/v1/auth/password/change", body={**fields}, once=True))


def ask_password_reset(core: Core, **fields: Unpack[models.ResetAsked]) -> Steps[models.Said]:
    """Ask for a mail to choose a new password by."""
    return core.run(Call("POST", "/api/v1/auth/password/reset", body={**fields}, public=True))


def reset_password(core: Core, **fields: Unpack[models.PasswordReset]) -> Steps[models.Said]:
    """Choose a new password by the token that was mailed."""
    return core.run(Call("POST", "/api/v1/auth/password/reset/confirm", body={**fields}, public=True))


def verify_email(core: Core, token: str) -> Steps[models.Told]:
    """Verify an e-mail address by the token that was mailed to it."""
    return core.run(Call("POST", "/api/v1/auth/email/verify", body={"token": token}, public=True))


def resend_verification(core: Core, email: str) -> Steps[models.Told]:
    """Ask for a new verification mail."""
    return core.run(Call("POST", "/api/v1/auth/email/resend", body={"email": email}, public=True))


def create_key(core: Core, **fields: Unpack[models.NewKey]) -> Steps[models.KeyShownOnce]:
    """Create an API key, shown once."""
    return core.run(Call("POST", "/api/v1/api-keys", body={**fields}, once=True))


def list_keys(
    core: Core, *, limit: int | None = None, cursor: str | None = None, tenant_id: str | None = None
) -> Steps[models.KeyList]:
    """List your API keys, of the tenant with the id or slug `tenant_id` or of your own."""
    return core.run(
        Call("GET", "/api/v1/api-keys", query={"limit": limit, "cursor": cursor, "tenant_id": tenant_id}, safe=True)
    )


def get_key(core: Core, key_id: str) -> Steps[models.KeyShown]:
    """Show an API key, with its ETag."""
    return core.run(Call("GET", f"/api/v1/api-keys/{part(key_id)}", safe=True))


def change_key(core: Core, key_id: str, **fields: Unpack[models.KeyChange]) -> Steps[models.KeyShown]:
    """Change an API key, from its next request on; with If-Match only if nobody has changed it since."""
    return core.run(Call("PATCH", f"/api/v1/api-keys/{part(key_id)}", body={**fields}))


def rotate_key(core: Core, key_id: str, **fields: Unpack[models.Rotation]) -> Steps[models.KeyShownOnce]:
    """Give an API key of yours a new secret, shown once; with If-Match only one of many at once does."""
    return core.run(Call("POST", f"/api/v1/api-keys/{part(key_id)}/rotate", body={**fields}, once=True))


def revoke_key(core: Core, key_id: str) -> Steps[models.KeyRevoked]:
    """Revoke an API key for good."""
    return core.run(Call("DELETE", f"/api/v1/api-keys/{part(key_id)}"))


def report_leaked_key(core: Core, key: str) -> Steps[models.Reported]:
    """Report a leaked key: if it is one, it works no more."""
    return core.run(Call("POST", "/api/v1/keys/leaked", body={"key": key}, public=True))


def list_all_keys(core: Core, *, tenant_id: str | None = None) -> Pages[models.KeyShown]:
    """List your API keys, of the tenant with the id or slug `tenant_id` or of your own.

    Page after page.
    """
    return Pages(core, "/api/v1/api-keys", "api_keys", {"tenant_id": tenant_id})


def list_services(core: Core, *, limit: int | None = None, cursor: str | None = None) -> Steps[models.ServiceList]:
    """List the services that there are, with the fields of a credential for each."""
    return core.run(Call("GET", "/api/v1/services", query={"limit": limit, "cursor": cursor}, safe=True))


def list_all_services(core: Core) -> Pages[models.ServiceShown]:
    """List the services that there are, with the fields of a credential for each.

    Page after page.
    """
    return Pages(core, "/api/v1/services", "services", {})


def store_credential(
    core: Core, service_type: str, credentials: dict[str, str], **fields: Unpack[models.NewCredentialOptions]
) -> Steps[models.CredentialShown]:
    """Store a credential, sealed; with If-None-Match: * only if there is none of its label yet."""
    return core.run(
        Call(
            "POST",
            "/api/v1/credentials",
            body={"service_type": service_type, "credentials": credentials, **fields},
            once=True,
        )
    )


def list_credentials(
    core: Core, *, limit: int | None = None, cursor: str | None = None
) -> Steps[models.CredentialList]:
    """List your stored credentials."""
    return core.run(Call("GET", "/api/v1/credentials", query={"limit": limit, "cursor": cursor}, safe=True))


def get_credential(
    core: Core, service: str, *, owner: Literal["user", "organization"] | None = None, label: str | None = None
) -> Steps[models.CredentialWithTools]:
    """Show one stored credential, and the tools that it is good for."""
    return core.run(
        Call("GET", f"/api/v1/credentials/{part(service)}", query={"owner": owner, "label": label}, safe=True)
    )


def validate_credential(
    core: Core, service: str, *, owner: Literal["user", "organization"] | None = None, label: str | None = None
) -> Steps[models.ValidatedCredential]:
    """Ask the service whether it is good."""
    return core.run(
        Call("POST", f"/api/v1/credentials/{part(service)}/validate", query={"owner": owner, "label": label}, once=True)
    )


def explain_credential(
    core: Core, service: str, *, tool: str | None = None, arguments: Mapping[str, Any] | None = None
) -> Steps[models.Explained]:
    """Tell which stored credential a call would be made with, and why."""
    return core.run(
        Call(
            "GET",
            f"/api/v1/credentials/{part(service)}/explain",
            query={"tool": tool, "arguments": arguments},
            safe=True,
        )
    )


def remove_credential(
    core: Core, service: str, *, owner: Literal["user", "organization"] | None = None, label: str | None = None
) -> Steps[None]:
    """Destroy a stored credential."""
    return core.run(Call("DELETE", f"/api/v1/credentials/{part(service)}", query={"owner": owner, "label": label}))


def list_all_credentials(core: Core) -> Pages[models.CredentialShown]:
    """List your stored credentials.

    Page after page.
    """
    return Pages(core, "/api/v1/credentials", "credentials", {})


def create_context(core: Core, **fields: Unpack[models.ContextBody]) -> Steps[models.ContextShown]:
    """Store a context."""
    return core.run(Call("POST", "/api/v1/contexts", body={**fields}, once=True))


def list_contexts(
    core: Core,
    *,
    tag: list[str] | None = None,
    agent_id: str | None = None,
    name: str | None = None,
    q: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Steps[models.ContextList]:
    """List your tenant's contexts, the newest first, without their content."""
    return core.run(
        Call(
            "GET",
            "/api/v1/contexts",
            query={"tag": tag, "agent_id": agent_id, "name": name, "q": q, "limit": limit, "cursor": cursor},
            safe=True,
        )
    )


def get_context(core: Core, context_id: str) -> Steps[models.ContextShown]:
    """Show a context with its content; 304 if If-None-Match names its ETag."""
    return core.run(Call("GET", f"/api/v1/contexts/{part(context_id)}", safe=True))


def replace_context(
    core: Core, context_id: str, *, if_version: int | None = None, **fields: Unpack[models.ContextBody]
) -> Steps[models.ContextShown]:
    """Replace a context whole, as its next version; with If-Match only if nobody has changed it since."""
    return core.run(
        Call(
            "PUT",
            f"/api/v1/contexts/{part(context_id)}",
            body={**fields},
            headers={} if if_version is None else {"if-match": f'"{if_version}"'},
        )
    )


def remove_context(core: Core, context_id: str, *, if_version: int | None = None) -> Steps[None]:
    """Delete a context with all its versions; with If-Match only if nobody has changed it since."""
    return core.run(
        Call(
            "DELETE",
            f"/api/v1/contexts/{part(context_id)}",
            headers={} if if_version is None else {"if-match": f'"{if_version}"'},
        )
    )


def list_context_versions(
    core: Core, context_id: str, *, limit: int | None = None, cursor: str | None = None
) -> Steps[models.VersionList]:
    """List the versions of a context that are kept, the newest first."""
    return core.run(
        Call(
            "GET", f"/api/v1/contexts/{part(context_id)}/versions", query={"limit": limit, "cursor": cursor}, safe=True
        )
    )


def get_context_version(core: Core, context_id: str, version: int) -> Steps[models.ContextShown]:
    """Show a context as it was at one of its versions; `updated_at` is when that was written."""
    return core.run(Call("GET", f"/api/v1/contexts/{part(context_id)}/versions/{part(version)}", safe=True))


def list_all_contexts(
    core: Core,
    *,
    tag: list[str] | None = None,
    agent_id: str | None = None,
    name: str | None = None,
    q: str | None = None,
) -> Pages[models.ContextListed]:
    """List your tenant's contexts, the newest first, without their content.

    Page after page.
    """
    return Pages(core, "/api/v1/contexts", "contexts", {"tag": tag, "agent_id": agent_id, "name": name, "q": q})


def list_tools(core: Core, *, limit: int | None = None, cursor: str | None = None) -> Steps[models.ToolList]:
    """List the tools that you may call."""
    return core.run(Call("GET", "/api/v1/tools", query={"limit": limit, "cursor": cursor}, safe=True))


def show_tool(core: Core, name: str) -> Steps[models.ToolShown]:
    """Show one tool and its arguments."""
    return core.run(Call("GET", f"/api/v1/tools/{part(name)}", safe=True))


def list_all_tools(core: Core) -> Pages[models.ToolShown]:
    """List the tools that you may call.

    Page after page.
    """
    return Pages(core, "/api/v1/tools", "tools", {})


def read_audit(
    core: Core,
    *,
    actor: str | None = None,
    action: str | None = None,
    service: str | None = None,
    tool: str | None = None,
    outcome: Literal["ok", "error", "refused", "unknown", "pending"] | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Steps[models.Entries]:
    """What happened in the organization, the newest first: every tool call, refusal and administrative change."""
    return core.run(
        Call(
            "GET",
            "/api/v1/audit",
            query={
                "actor": actor,
                "action": action,
                "service": service,
                "tool": tool,
                "outcome": outcome,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": cursor,
            },
            safe=True,
        )
    )


def list_all_audit(
    core: Core,
    *,
    actor: str | None = None,
    action: str | None = None,
    service: str | None = None,
    tool: str | None = None,
    outcome: Literal["ok", "error", "refused", "unknown", "pending"] | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Pages[models.AuditEntry]:
    """What happened in the organization, the newest first: every tool call, refusal and administrative change.

    Page after page.
    """
    return Pages(
        core,
        "/api/v1/audit",
        "entries",
        {
            "actor": actor,
            "action": action,
            "service": service,
            "tool": tool,
            "outcome": outcome,
            "since": since,
            "until": until,
        },
    )


def register_organization(core: Core, **fields: Unpack[models.NewOrganization]) -> Steps[models.Registered]:
    """Register an organization with its owner."""
    return core.run(Call("POST", "/api/v1/auth/register/organization", body={**fields}, public=True))


def show_organization(core: Core) -> Steps[models.OrganizationShown]:
    """Show your organization."""
    return core.run(Call("GET", "/api/v1/organization", safe=True))


def change_organization(core: Core, **fields: Unpack[models.OrganizationChange]) -> Steps[models.OrganizationShown]:
    """Rename your organization."""
    return core.run(Call("PATCH", "/api/v1/organization", body={**fields}))


def show_usage(core: Core) -> Steps[models.Usage]:
    """Show what your organization has, beside what its plan allows."""
    return core.run(Call("GET", "/api/v1/organization/usage", safe=True))


def show_policies(core: Core) -> Steps[models.Policies]:
    """Show what your organization asks of its people."""
    return core.run(Call("GET", "/api/v1/organization/policies", safe=True))


def set_policies(core: Core, **fields: Unpack[models.NewPolicies]) -> Steps[models.Policies]:
    """Ask something else of your organization's people, live sessions included."""
    return core.run(Call("PUT", "/api/v1/organization/policies", body={**fields}))


def list_users(core: Core, *, limit: int | None = None, cursor: str | None = None) -> Steps[models.UserList]:
    """List the users of your organization."""
    return core.run(Call("GET", "/api/v1/users", query={"limit": limit, "cursor": cursor}, safe=True))


def change_user(core: Core, user_id: str, **fields: Unpack[models.UserChange]) -> Steps[models.UserShown]:
    """Change a user's role or name, or suspend the user; it acts on the next request."""
    return core.run(Call("PATCH", f"/api/v1/users/{part(user_id)}", body={**fields}))


def remove_user(core: Core, user_id: str) -> Steps[None]:
    """Remove a user: sessions, keys and credentials are gone at once, the audit stays."""
    return core.run(Call("DELETE", f"/api/v1/users/{part(user_id)}"))


def invite_user(core: Core, **fields: Unpack[models.NewInvitation]) -> Steps[models.Invited]:
    """Invite somebody into your organization by mail, or anew."""
    return core.run(Call("POST", "/api/v1/auth/users/invite", body={**fields}, once=True))


def list_invitations(
    core: Core, *, limit: int | None = None, cursor: str | None = None
) -> Steps[models.InvitationList]:
    """List the invitations that nobody has accepted yet."""
    return core.run(Call("GET", "/api/v1/auth/invitations", query={"limit": limit, "cursor": cursor}, safe=True))


def withdraw_invitation(core: Core, invitation_id: str) -> Steps[None]:
    """Withdraw an invitation: its link stops working."""
    return core.run(Call("DELETE", f"/api/v1/auth/invitations/{part(invitation_id)}"))


def remove_organization(core: Core, **fields: Unpack[models.Removal]) -> Steps[None]:
    """Remove your organization with everything of it but the audit; for a logged-in owner, who names its slug."""
    return core.run(Call("DELETE", "/api/v1/organization", body={**fields}))


def list_tenants(core: Core, *, limit: int | None = None, cursor: str | None = None) -> Steps[models.TenantList]:
    """List the tenants that you may act in."""
    return core.run(Call("GET", "/api/v1/tenants", query={"limit": limit, "cursor": cursor}, safe=True))


def create_tenant(core: Core, **fields: Unpack[models.NewTenant]) -> Steps[models.TenantShown]:
    """Make a tenant of your organization."""
    return core.run(Call("POST", "/api/v1/tenants", body={**fields}, once=True))


def remove_tenant(core: Core, tenant_id: str) -> Steps[None]:
    """Remove a tenant with its keys and credentials; never the first."""
    return core.run(Call("DELETE", f"/api/v1/tenants/{part(tenant_id)}"))


def add_member(core: Core, tenant_id: str, user_id: str) -> Steps[None]:
    """Let a user act in a tenant, beside the one in which the user starts."""
    return core.run(Call("PUT", f"/api/v1/tenants/{part(tenant_id)}/members/{part(user_id)}"))


def remove_member(core: Core, tenant_id: str, user_id: str) -> Steps[None]:
    """Let a user act in a tenant no more; the user's keys there stop at once."""
    return core.run(Call("DELETE", f"/api/v1/tenants/{part(tenant_id)}/members/{part(user_id)}"))


def list_all_tenants(core: Core) -> Pages[models.TenantShown]:
    """List the tenants that you may act in.

    Page after page.
    """
    return Pages(core, "/api/v1/tenants", "tenants", {})
