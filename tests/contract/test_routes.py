"""Every route, asked by whoever should not be answered: nobody, a revoked key, a weaker key, another tenant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from devmesh import app
from devmesh.access import Role
from devmesh.demo.github import GitHub
from devmesh.http.routing import ANY, BY_TOOL, SESSION
from sessions_people import new_person

if TYPE_CHECKING:
    from running import Mesh, Organization

# Routes that answer without a credential, each with the reason.
PUBLIC = {
    "/auth/register/organization": "there is no credential before it",
    "/auth/email/verify": "the mailed token is the credential",
    "/auth/email/resend": "answers the same for everybody",
    "/auth/login": "there is no credential before it",
    "/auth/refresh": "the refresh token is the credential",
    "/auth/login/mfa": "the mfa_token is the credential",
    "/auth/password/reset": "answers the same for everybody",
    "/auth/password/reset/confirm": "the mailed token is the credential",
    "/auth/invitation/lookup": "the mailed token is the credential",
    "/auth/invitation/accept": "the mailed token is the credential",
    "/keys/leaked": "answers the same for everybody",
    "/health": "says nothing but ok",
}
BODIES: dict[str, Any] = {
    "/auth/mfa/totp/confirm": {"code": "123456"},
    "/auth/passkeys": {"credential": {}},
    "/auth/password/change": {"current_password": "SecurePass123!", "new_password": "AnotherPass123!"},
    "/auth/profile": {"name": "Ada Admin"},
    "/profile": {"name": "Ada Admin"},
    "/api-keys": {"name": "another"},
    "/auth/keys": {"name": "another"},
    "PATCH /api-keys/{key_id:uuid}": {"name": "another"},
    "PATCH /auth/keys/{key_id:uuid}": {"name": "another"},
    "/auth/users/invite": {"email": "bo@example.com", "name": "Bo"},
    "/users/invite": {"email": "bo@example.com", "name": "Bo"},
    "/contexts": {"name": "release 7"},
    "/contexts/{context_id:uuid}": {"name": "release 8"},
    "/credentials": {"service_type": "github", "credentials": {"token": "ghp_another_token_3333"}},
    "/tools/{name:str}/execute": {"arguments": {}},
    "/users/{user_id:uuid}": {"name": "Bo"},
    "/tenants": {"name": "Blue", "slug": "blue"},
    "/organization": {"name": "Blue"},
    "DELETE /organization": {"confirm": "blue"},
    "/organization/policies": {"require_mfa": False, "password_policy": "standard"},
}
# The scope depends on the tool: gateway/call.py asks for it.
OF_TOOLS = {"/tools/{name:str}/execute"}
# What every credential may do, each with the reason.
OF_ANY = {
    "/auth/validate": "says what the credential is good for, and so needs none of it",
    "/tools": "holds what the caller may call",
    "/tools/{name:str}": "as the list",
}


def every_route() -> list[tuple[str, str, str | None]]:
    return sorted(
        (method, path, handler.opt["scope"])
        for handler in app._ROUTES
        for path in handler.paths
        for method in handler.http_methods
        if method != "HEAD"
    )


OWN = [route for route in every_route() if route[1] not in PUBLIC]


def body(method: str, path: str) -> Any:
    """Return a body that the route takes."""
    return BODIES.get(f"{method} {path}", BODIES.get(path))


def filled(path: str, key_id: str = "01980000-0000-7000-8000-000000000000") -> str:
    path = re.sub(r"\{\w+_id:uuid\}", key_id, path).replace("{service:str}", "github")
    path = path.replace("{name:str}", "mesh.list_services").replace("{version:int}", "1")
    assert "{" not in path, f"tell this test what stands for the parameter of {path}"
    return f"/api/v1{path}"


def test_every_route_that_is_public_is_a_route():
    assert set(PUBLIC) <= {path for _, path, _ in every_route()}


@pytest.mark.parametrize(("method", "path", "scope"), OWN)
def test_a_route_names_the_scope_that_it_needs(method: str, path: str, scope: str | None):
    named = scope == SESSION or re.fullmatch(r"[a-z-]+:[a-z]+", scope or "")
    assert named or (scope == BY_TOOL and path in OF_TOOLS) or (scope == ANY and path in OF_ANY), method


def test_the_lists_of_routes_without_a_scope_of_their_own_are_whole():
    assert {path for _, path, scope in OWN if scope == BY_TOOL} == OF_TOOLS
    assert {path for _, path, scope in OWN if scope == ANY} == set(OF_ANY)
    assert {path for _, path, scope in every_route() if scope is None} == set(PUBLIC)


@pytest.mark.parametrize(("method", "path"), [route[:2] for route in OWN])
async def test_nobody_is_answered_401(mesh: Mesh, method: str, path: str):
    async with mesh.http.request(method, filled(path), json=body(method, path)) as reply:
        problem = await reply.json()
        assert (reply.status, problem["error"]) == (401, "Authentication required")
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), [route[:2] for route in OWN])
async def test_a_revoked_key_is_answered_401(organization: Organization, method: str, path: str):
    key = await organization.new_key(key_type="admin")
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] == 200
    _, keys = await organization.ask("GET", "/api/v1/api-keys")
    key_id = next(entry["id"] for entry in keys["api_keys"] if entry["key_prefix"] == key[:8])
    await organization.ask("DELETE", f"/api/v1/api-keys/{key_id}")
    status, problem = await organization.ask(method, filled(path), body(method, path), key=key)
    assert (status, problem["error"]) == (401, "Invalid API Key")


@pytest.mark.parametrize(("method", "path", "scope"), [route for route in OWN if route[2] not in (ANY, BY_TOOL)])
async def test_a_key_without_the_scope_is_answered_403(
    organization: Organization, method: str, path: str, scope: str | None
):
    # The other half of the scopes: what reads may not do writes' work, and the reverse.
    weaker = "tools:read" if scope == "contexts:read" else "contexts:read"
    key = await organization.new_key(key_type="user", scopes=[weaker])
    status, problem = await organization.ask(method, filled(path), body(method, path), key=key)
    if scope == SESSION:
        assert (status, problem["code"]) == (403, "session_required")
        return
    assert (status, problem["error"]) == (403, "Insufficient Scope")
    assert problem["required_scopes"] == [scope]


async def test_a_key_sees_only_the_tools_that_it_may_call(organization: Organization, github: GitHub):
    await organization.connect(github, "ghp_adas_token_000000")
    key = await organization.new_key(key_type="user", scopes=["tools:execute:github.get_*"])
    _, listed = await organization.ask("GET", "/api/v1/tools", key=key)
    names = {tool["name"] for tool in listed["tools"]}
    assert "github.get_issue" in names
    assert all(name.startswith(("github.get_", "mesh.")) for name in names)
    assert (await organization.ask("GET", "/api/v1/tools/github.create_issue", key=key))[0] == 404


async def test_a_key_without_the_tools_scope_is_answered_403(organization: Organization):
    key = await organization.new_key(key_type="user", scopes=["contexts:read"])
    path = "/api/v1/tools/github.create_issue/execute"
    status, problem = await organization.ask("POST", path, {"arguments": {}}, key=key)
    assert (status, problem["required_scopes"]) == (403, ["tools:execute:github.create_issue"])


@pytest.mark.parametrize(("method", "path", "scope"), sorted({route for route in OWN if "_id:" in route[1]}))
async def test_another_organizations_object_does_not_exist(mesh: Mesh, method: str, path: str, scope: str | None):
    mine, theirs = await mesh.organization(), await mesh.organization()
    _, keys = await theirs.ask("GET", "/api/v1/api-keys")
    key = (await new_person(mine, Role.OWNER)).tokens.access_token if scope == SESSION else None
    status, problem = await mine.ask(method, filled(path, keys["api_keys"][0]["id"]), body(method, path), key=key)
    assert (status, problem["error"]) == (404, "Not Found")
    assert (await theirs.ask("GET", "/api/v1/auth/profile"))[0] == 200


@pytest.mark.parametrize(("method", "path"), sorted({route[:2] for route in OWN if "service:" in route[1]}))
async def test_another_organizations_or_colleagues_credential_does_not_exist(
    mesh: Mesh, github: GitHub, method: str, path: str
):
    mine, theirs = await mesh.organization(), await mesh.organization()
    await theirs.connect(github, "ghp_adas_token_000000")
    colleague = await theirs.person()
    assert (await mine.ask(method, filled(path)))[0] == 404
    assert (await theirs.ask(method, filled(path), key=colleague))[0] == 404
    assert (await theirs.ask("GET", "/api/v1/credentials"))[1]["count"] == 1


@pytest.mark.parametrize("path", sorted({path for method, path, _ in every_route() if method == "GET"}))
async def test_head_answers_as_get_does_without_a_body(organization: Organization, path: str):
    headers = {"Authorization": f"Bearer {organization.key}"}
    async with organization.mesh.http.get(filled(path), headers=headers) as got:
        await got.read()
    async with organization.mesh.http.head(filled(path), headers=headers) as reply:
        assert reply.status == got.status
        assert await reply.read() == b""
        assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(reply.headers)


@pytest.mark.parametrize(("method", "path"), [route[:2] for route in OWN])
async def test_every_authenticated_reply_tells_the_limits(organization: Organization, method: str, path: str):
    key = await organization.new_key(key_type="user", scopes=["contexts:read"], rate_limit=7, rate_window="60 seconds")
    headers = {"Authorization": f"Bearer {key}"}
    async with organization.mesh.http.request(method, filled(path), json=body(method, path), headers=headers) as reply:
        assert reply.headers["X-RateLimit-Limit"] == "7"
        assert int(reply.headers["X-RateLimit-Remaining"]) < 7
        assert int(reply.headers["X-RateLimit-Reset"]) > 1_700_000_000
        assert "RateLimit" in reply.headers
        assert "RateLimit-Policy" in reply.headers


async def test_a_used_up_limit_is_answered_429_with_the_real_wait(organization: Organization):
    key = await organization.new_key(key_type="user", rate_limit=2, rate_window=60)
    statuses = [(await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] for _ in range(2)]
    headers = {"Authorization": f"Bearer {key}"}
    async with organization.mesh.http.get("/api/v1/auth/profile", headers=headers) as reply:
        problem = await reply.json()
        assert statuses == [200, 200]
        assert (reply.status, problem["error"]) == (429, "Rate Limit Exceeded")
        assert 1 <= int(reply.headers["Retry-After"]) <= 31
        assert reply.headers["X-RateLimit-Remaining"] == "0"
