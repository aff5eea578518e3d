"""The operations of Snyk whose replies hold a credential."""

from __future__ import annotations

from msgspec import structs

from devmesh.upstream.model import Request, Routes, respelled

_OWNERS = ("orgs", "groups")
_TENANT = "/rest/tenants/{tenant}/brokers/installs/{install}/deployments/{deployment}/connections"
_OPERATIONS = {
    "create_service_account": Routes(*(f"POST /rest/{owner}/{{owner}}/service_accounts" for owner in _OWNERS)),
    "rotate_service_account_secret": Routes(
        *(f"POST /rest/{owner}/{{owner}}/service_accounts/{{account}}/secrets" for owner in _OWNERS)
    ),
    "create_app": Routes("POST /rest/orgs/{org}/apps", "POST /rest/orgs/{org}/apps/creations"),
    "rotate_app_secret": Routes(
        "POST /rest/orgs/{org}/apps/{client}/secrets", "POST /rest/orgs/{org}/apps/creations/{app}/secrets"
    ),
    "install_app": Routes(*(f"POST /rest/{owner}/{{owner}}/apps/installs" for owner in _OWNERS)),
    "rotate_app_install_secret": Routes(
        *(f"POST /rest/{owner}/{{owner}}/apps/installs/{{install}}/secrets" for owner in _OWNERS)
    ),
    "create_personal_access_token": Routes("POST /rest/self/personal_access_tokens"),
    "read_broker_secrets": Routes(
        *(f"{method} {_TENANT}" for method in ("GET", "HEAD", "POST")),
        *(f"{method} {_TENANT}/{{connection}}" for method in ("GET", "HEAD", "PATCH")),
    ),
    # Both answer with the token of the integration's broker, where it has one.
    "create_broker_token": Routes(
        "POST /v1/org/{org}/integrations",
        "PUT /v1/org/{org}/integrations/{integration}",
        "POST /v1/org/{org}/integrations/{integration}/authentication/provision-token",
    ),
}


def hands_out(request: Request) -> str | None:
    """Return the operation's name if the reply holds a credential, in whatever spelling Snyk would take the path."""
    spellings = [structs.replace(one, path=one.path.lower()) for one in respelled(request)]
    return next((name for name, routes in _OPERATIONS.items() if any(map(routes, spellings))), None)
