# ruff: noqa: INP001 - beside the script, no package
"""What the operations of the server are called in Python: the one table that is written by hand.

A group's `list` has a `list_all` beside it, which asks for page after page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

V1 = "/api/v1"


class Named(NamedTuple):
    """An operation: its method and path, the function's name, and the body's fields that are given by position."""

    route: str
    function: str
    first: tuple[str, ...] = ()


def _get(path: str, function: str) -> Named:
    return Named(f"GET {V1}{path}", function)


def _post(path: str, function: str, *first: str) -> Named:
    return Named(f"POST {V1}{path}", function, first)


def _put(path: str, function: str) -> Named:
    return Named(f"PUT {V1}{path}", function)


def _patch(path: str, function: str) -> Named:
    return Named(f"PATCH {V1}{path}", function)


def _delete(path: str, function: str) -> Named:
    return Named(f"DELETE {V1}{path}", function)


# The groups of methods; a name alone is a function of own.py.
GROUPS: Mapping[str, Mapping[str, Named | str]] = {
    "auth": {
        "login": "log_in",
        "login_mfa": "prove_factor",
        "refresh": "refresh",
        "logout": "log_out",
        "validate": _post("/auth/validate", "validate_caller"),
        "profile": _get("/auth/profile", "show_profile"),
        "update_profile": _patch("/auth/profile", "change_profile"),
        "sessions": _get("/auth/sessions", "list_sessions"),
        "end_session": _delete("/auth/sessions/{session_id}", "end_session"),
        "change_password": _post("/auth/password/change", "change_password"),
        "ask_password_reset": _post("/auth/password/reset", "ask_password_reset"),
        "reset_password": _post("/auth/password/reset/confirm", "reset_password"),
        "verify_email": _post("/auth/email/verify", "verify_email", "token"),
        "resend_verification": _post("/auth/email/resend", "resend_verification", "email"),
    },
    "keys": {
        "create": _post("/api-keys", "create_key"),
        "list": _get("/api-keys", "list_keys"),
        "get": _get("/api-keys/{key_id}", "get_key"),
        "update": _patch("/api-keys/{key_id}", "change_key"),
        "rotate": _post("/api-keys/{key_id}/rotate", "rotate_key"),
        "revoke": _delete("/api-keys/{key_id}", "revoke_key"),
        "report_leaked": _post("/keys/leaked", "report_leaked_key", "key"),
    },
    "services": {"list": _get("/services", "list_services")},
    "credentials": {
        "connect": _post("/credentials", "store_credential", "service_type", "credentials"),
        "list": _get("/credentials", "list_credentials"),
        "get": _get("/credentials/{service}", "get_credential"),
        "validate": _post("/credentials/{service}/validate", "validate_credential"),
        "explain": _get("/credentials/{service}/explain", "explain_credential"),
        "disconnect": _delete("/credentials/{service}", "remove_credential"),
    },
    "contexts": {
        "create": _post("/contexts", "create_context"),
        "list": _get("/contexts", "list_contexts"),
        "get": _get("/contexts/{context_id}", "get_context"),
        "update": _put("/contexts/{context_id}", "replace_context"),
        "delete": _delete("/contexts/{context_id}", "remove_context"),
        "versions": _get("/contexts/{context_id}/versions", "list_context_versions"),
        "version": _get("/contexts/{context_id}/versions/{version}", "get_context_version"),
    },
    "tools": {
        "list": _get("/tools", "list_tools"),
        "search": "search_tools",
        "describe": _get("/tools/{name}", "show_tool"),
        "call": "call_tool",
    },
    "audit": {"list": _get("/audit", "read_audit")},
    "organization": {
        "register": _post("/auth/register/organization", "register_organization"),
        "get": _get("/organization", "show_organization"),
        "update": _patch("/organization", "change_organization"),
        "usage": _get("/organization/usage", "show_usage"),
        "policies": _get("/organization/policies", "show_policies"),
        "set_policies": _put("/organization/policies", "set_policies"),
        "users": _get("/users", "list_users"),
        "update_user": _patch("/users/{user_id}", "change_user"),
        "remove_user": _delete("/users/{user_id}", "remove_user"),
        "invite": _post("/auth/users/invite", "invite_user"),
        "invitations": _get("/auth/invitations", "list_invitations"),
        "withdraw_invitation": _delete("/auth/invitations/{invitation_id}", "withdraw_invitation"),
        "delete": _delete("/organization", "remove_organization"),
    },
    "tenants": {
        "list": _get("/tenants", "list_tenants"),
        "create": _post("/tenants", "create_tenant"),
        "remove": _delete("/tenants/{tenant_id}", "remove_tenant"),
        "add_member": _put("/tenants/{tenant_id}/members/{user_id}", "add_member"),
        "remove_member": _delete("/tenants/{tenant_id}/members/{user_id}", "remove_member"),
    },
    "mcp": {"list_tools": "mcp_list_tools", "call_tool": "mcp_call_tool"},
}

# What changes nothing, though it is a POST.
SAFE = {f"POST {V1}/auth/validate"}
# Operations that own.py sends, and paths that have no method, each with the reason.
OWN_ROUTES = {
    f"POST {V1}/auth/login",
    f"POST {V1}/auth/login/mfa",
    f"POST {V1}/auth/refresh",
    f"POST {V1}/auth/logout",
    f"POST {V1}/tools/{{name}}/execute",
}
UNNAMED = {
    r".* (?!/api/v1/).*": "pages, health and metrics are for browsers and operators",
    r".* /api/v1/auth/keys.*": "another name of /api-keys",
    r".* /api/v1/profile": "another name of /auth/profile",
    r".* /api/v1/users/invite": "another name of /auth/users/invite",
    r".* /api/v1/health": "for operators",
    r".* /api/v1/auth/(passkeys|mfa).*": "factors are set up by a person at a browser",
    r".* /api/v1/auth/invitation/.*": "an invitation is accepted by a person at a browser",
}

# Models that own.py names.
OWN = ("Executed", "SignedInShown", "ToolShown")
RENAMED = {
    "sessions_routes_Validated": "ValidatedCaller",
    "credentials_routes_Validated": "ValidatedCredential",
    "administration_routes_UserShown": "UserShown",
    "administration_routes_TenantShown": "TenantShown",
    "administration_routes_OrganizationShown": "OrganizationShown",
    "accounts_shown_UserShown": "SignedInUser",
    "accounts_routes_TenantShown": "RegisteredTenant",
    "accounts_routes_OrganizationShown": "RegisteredOrganization",
}
# Texts on the wire that are better given as what they hold.
QUERY_TYPES = {(f"GET {V1}/credentials/{{service}}/explain", "arguments"): "Mapping[str, Any]"}
# Headers that the document does not name: the argument, its type, and what is made of it.
_IF_MATCH = ("if_version", "int", '{"if-match": f\'"{if_version}"\'}')
HEADERS = {f"PUT {V1}/contexts/{{context_id}}": _IF_MATCH, f"DELETE {V1}/contexts/{{context_id}}": _IF_MATCH}
