"""Where GitLab's replies hold a credential: no wildcard opens these, and runners' tokens are never passed on unasked.

https://docs.gitlab.com/security/tokens/ lists the kinds.
"""

from __future__ import annotations

import re

from msgspec import structs

from devmesh.upstream.model import Reply, Request, Routes, canonical, without_member

_OWNERS = ("projects", "groups")
_SCHEDULE = "/api/v4/projects/{id}/pipeline_schedules/{schedule_id}"
_HANDED_OUT = {
    "create_personal_access_token": Routes(
        "POST /api/v4/user/personal_access_tokens",
        "POST /api/v4/users/{user_id}/personal_access_tokens",
        *(f"POST /api/v4/{owner}/{{id}}/service_accounts/{{user_id}}/personal_access_tokens" for owner in _OWNERS),
    ),
    "rotate_personal_access_token": Routes(
        "POST /api/v4/personal_access_tokens/{id}/rotate",
        *(
            f"POST /api/v4/{owner}/{{id}}/service_accounts/{{user_id}}/personal_access_tokens/{{token_id}}/rotate"
            for owner in _OWNERS
        ),
    ),
    "create_impersonation_token": Routes("POST /api/v4/users/{user_id}/impersonation_tokens"),
    "create_project_access_token": Routes("POST /api/v4/projects/{id}/access_tokens"),
    "rotate_project_access_token": Routes("POST /api/v4/projects/{id}/access_tokens/{token_id}/rotate"),
    "create_group_access_token": Routes("POST /api/v4/groups/{id}/access_tokens"),
    "rotate_group_access_token": Routes("POST /api/v4/groups/{id}/access_tokens/{token_id}/rotate"),
    "create_deploy_token": Routes(*(f"POST /api/v4/{owner}/{{id}}/deploy_tokens" for owner in _OWNERS)),
    "create_cluster_agent_token": Routes("POST /api/v4/projects/{id}/cluster_agents/{agent_id}/tokens"),
    "create_runner": Routes("POST /api/v4/user/runners", "POST /api/v4/runners", "POST /api/v4/runners/verify"),
    "reset_runner_token": Routes(
        "POST /api/v4/runners/reset_registration_token",
        "POST /api/v4/runners/reset_authentication_token",
        "POST /api/v4/runners/{id}/reset_authentication_token",
        *(f"POST /api/v4/{owner}/{{id}}/runners/reset_registration_token" for owner in _OWNERS),
    ),
    "request_job": Routes("POST /api/v4/jobs/request"),
    "read_pipeline_triggers": Routes(
        "GET /api/v4/projects/{id}/triggers",
        "POST /api/v4/projects/{id}/triggers",
        "GET /api/v4/projects/{id}/triggers/{trigger_id}",
        "PUT /api/v4/projects/{id}/triggers/{trigger_id}",
    ),
    "read_ci_variables": Routes(
        *(
            f"{method} {place}variables{name}"
            for method in ("GET", "POST", "PUT", "PATCH")
            for place in ("/api/v4/admin/ci/", *(f"/api/v4/{owner}/{{id}}/" for owner in _OWNERS))
            for name in ("", "/{key}")
        ),
        "GET /api/v4/projects/{id}/pipelines/{pipeline_id}/variables",
        # A schedule is answered with its variables, whatever is done to it; one that is deleted is told once more.
        *(f"{method} {_SCHEDULE}" for method in ("GET", "PUT")),
        f"POST {_SCHEDULE}/take_ownership",
        *(f"{method} {_SCHEDULE}/variables/{{key}}" for method in ("GET", "PUT", "DELETE")),
    ),
    "download_secure_file": Routes("GET /api/v4/projects/{id}/secure_files/{secure_file_id}/download"),
    "create_oauth_application": Routes("POST /api/v4/applications", "POST /api/v4/applications/{id}/renew-secret"),
    "read_application_settings": Routes("GET /api/v4/application/settings", "PUT /api/v4/application/settings"),
    "read_support_pin": Routes(
        "GET /api/v4/user/support_pin", "POST /api/v4/user/support_pin", "GET /api/v4/users/{id}/support_pin"
    ),
    "authenticate_conan": Routes(
        *(
            f"GET /api/v4{place}/packages/conan/{version}/users/authenticate"
            for place in ("", "/projects/{id}")
            for version in ("v1", "v2")
        )
    ),
}
# Routes that GitLab adds: each write to something that is called a token may answer with one.
_TOKEN = re.compile("([a-z_]+_)?tokens?|rotate|direct_access")
_WRITES = ("POST", "PUT", "PATCH")
# GitLab takes a path with the format after it for the same path.
_FORMAT = re.compile(r"\.[A-Za-z]+$")


def hands_out(request: Request) -> str | None:
    """Return the name of the operation if the reply to the request holds a credential, else None."""
    request = canonical(request)
    request = structs.replace(request, path=_FORMAT.sub("", request.path))
    for name, routes in _HANDED_OUT.items():
        if routes(request):
            return name
    if request.method in _WRITES and any(_TOKEN.fullmatch(part) for part in request.path.split("/")):
        return "create_token"
    return None


def without_runner_tokens(_request: Request, reply: Reply) -> Reply:
    """Return the reply without the tokens that register runners, which maintainers see in each project and group."""
    return without_member(reply, "runners_token")
