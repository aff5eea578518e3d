"""Every request spends one, whatever becomes of it."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.limits.gcra import Buckets
from devmesh.limits.service import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from running import Mesh, Organization

JSON = {"Content-Type": "application/json"}


async def left(organization: Organization, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    async with organization.mesh.http.get("/api/v1/profile", headers=headers) as reply:
        return int(reply.headers["X-RateLimit-Remaining"])


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        ("GET", "/tools/execute", None, {}),
        ("GET", "/tools/mesh.list_services/execute", None, {}),
        ("OPTIONS", "/tools/mesh.list_services/execute", None, {}),
        ("POST", "/tools/a/b/execute", b"{}", JSON),
        ("POST", "/tools/mesh.list_services/execute", b"{", JSON),
        ("POST", "/tools/mesh.list_services/execute", b"{}", {"Content-Type": "text/plain"}),
        ("POST", "/tools/mesh.list_services/execute", b'{"arguments": 1}', JSON),
        ("POST", "/tools/mesh.list_services/execute", b"{}", {**JSON, "X-Service-GitHub": "x"}),
        ("POST", "/tools/mesh.list_services/execute", b"{}", JSON),
        ("POST", "/tools/mesh.list_services/execute/", b"{}", JSON),
        ("POST", "/tools/nothing/execute/", b"{}", JSON),
        ("POST", "/tools/nothing/execute", b"{}", JSON),
        ("GET", "/profile", None, {"X-Tenant-ID": "another"}),
    ],
)
async def test_a_request_that_fails_spends_exactly_one(
    organization: Organization, method: str, path: str, body: bytes | None, headers: dict[str, str]
):
    key = await organization.new_key(key_type="user", rate_window=86_400, rate_limit=100)
    before = await left(organization, key)
    sent = {"Authorization": f"Bearer {key}", **headers}
    async with organization.mesh.http.request(method, f"/api/v1{path}", data=body, headers=sent):
        pass
    assert await left(organization, key) == before - 2


async def test_a_used_up_limit_comes_before_what_is_wrong_with_a_call(organization: Organization):
    key = await organization.new_key(key_type="user", rate_limit=1, rate_window=86_400)
    assert await left(organization, key) == 0
    sent = {"Authorization": f"Bearer {key}", **JSON}
    path = "/api/v1/tools/mesh.list_services/execute"
    async with organization.mesh.http.post(path, data=b"{", headers=sent) as reply:
        assert (reply.status, reply.headers["X-RateLimit-Remaining"]) == (429, "0")


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/profile"), ("POST", "/mcp")])
async def test_a_tenant_that_is_not_ones_own_is_told_what_is_left(organization: Organization, method: str, path: str):
    key = await organization.new_key(key_type="user", rate_limit=2, rate_window=86_400)
    sent = {"Authorization": f"Bearer {key}", "X-Tenant-ID": "another"}
    for status, remaining in ((403, "1"), (403, "0"), (429, "0")):
        async with organization.mesh.http.request(method, path, json={}, headers=sent) as reply:
            assert (reply.status, reply.headers.getall("X-RateLimit-Remaining")) == (status, [remaining])


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("email/verify", {"token": "spent"}, 400, "link_invalid"),
        ("email/resend", {"email": "ada@example.com"}, 202, None),
        ("password/reset", {"email": "ada@example.com"}, 202, None),
        ("password/reset/confirm", {"token": "spent", "new_password": "SecurePass123!"}, 400, "link_invalid"),
        ("invitation/lookup", {"token": "spent"}, 400, "link_invalid"),
        ("invitation/accept", {"token": "spent", "password": "SecurePass123!"}, 400, "link_invalid"),
        ("login/mfa", {"mfa_token": "spent", "code": "123456"}, 401, "mfa_token_invalid"),
    ],
)
async def test_an_access_token_that_has_ended_keeps_nobody_from_the_way_back_in(
    mesh: Mesh, path: str, body: dict[str, str], status: int, code: str | None
):
    ended = {"Authorization": "Bearer eyJ.expired.token"}
    async with mesh.http.post(f"/api/v1/auth/{path}", json=body, headers=ended) as reply:
        assert (reply.status, (await reply.json()).get("code")) == (status, code)


async def test_two_different_credentials_spend_from_the_address(mesh: Mesh, monkeypatch: pytest.MonkeyPatch):
    spent: list[Any] = []

    async def spend(_: Limits, address: str) -> None:
        spent.append(address)

    monkeypatch.setattr(Limits, "spend_address", spend)
    async with mesh.http.get("/api/v1/profile", headers={"Authorization": "Bearer a", "X-API-Key": "b"}) as reply:
        assert reply.status == 400
    assert spent == ["127.0.0.1"]


@pytest.mark.parametrize(
    "path",
    ["/api//v1/profile", "/api/v1//profile", "/api/v1/profile//", "/api/v1/tools//mesh.list_services/execute"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_path_that_the_router_would_fold_leads_nowhere(organization: Organization, method: str, path: str):
    # What is decided by the path, such as who spends, would be decided for another one than the router finds.
    status, problem = await organization.ask(method, path, {} if method == "POST" else None)
    assert (status, problem["code"]) == (404, "not_found")


POLICY = "RateLimit-Policy"
TOO_LARGE = b" " * (1024 * 1024 + 1)


@pytest.mark.parametrize(
    ("method", "path", "headers", "data", "status"),
    [
        ("GET", "/api/v1/profile", {}, None, 401),
        ("GET", "/api/v1/profile", {"Authorization": "Bearer agt_wrong"}, None, 401),
        ("GET", "/api/v1/health", {"X-API-Key": "agt_wrong"}, None, 401),
        ("GET", "/api/v1/profile", {"Authorization": "Bearer a", "X-API-Key": "b"}, None, 400),
        ("GET", "/api/v1/nothing", {}, None, 404),
        ("POST", "/api/v1/auth/login", JSON, b"{", 400),
        ("POST", "/api/v1/auth/login", JSON, TOO_LARGE, 413),
        ("POST", "/api/v1/auth/login", JSON, b"{}", 422),
        ("POST", "/api/v1/keys/leaked", JSON, b'{"key": "agt_wrong"}', 202),
        ("POST", "/mcp", JSON, b"{}", 401),
    ],
)
async def test_whoever_is_not_known_is_told_once_what_the_address_has_left(
    mesh: Mesh, method: str, path: str, headers: dict[str, str], data: bytes | None, status: int
):
    async with mesh.http.request(method, path, headers=headers, data=data and BytesIO(data)) as reply:
        assert reply.status == status
        assert [policy.partition(";")[0] for policy in reply.headers.getall(POLICY)] == ['"address"']
        assert len(reply.headers.getall("X-RateLimit-Remaining")) == 1


async def test_an_address_without_anything_left_is_told_so(mesh: Mesh, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mesh.app.limits, "_addresses", Buckets())
    monkeypatch.setattr(mesh.app.limits, "_burst", 1)
    monkeypatch.setattr(mesh.app.limits, "_per_minute", 1)
    for status, sent in ((401, {}), (429, {}), (429, {"Authorization": "Bearer agt_wrong"})):
        async with mesh.http.get("/api/v1/profile", headers=sent) as reply:
            assert (reply.status, reply.headers.getall("X-RateLimit-Remaining")) == (status, ["0"])


@pytest.mark.parametrize(
    ("path", "mebibytes", "chunked"),
    [("/api/v1/contexts", 1, False), ("/api/v1/contexts", 1, True), ("/mcp", 4, False), ("/mcp", 4, True)],
)
async def test_a_body_too_large_counts_and_tells_as_any_request_of_its_caller(
    organization: Organization, path: str, mebibytes: int, *, chunked: bool
):
    key = await organization.new_key(key_type="user", rate_window=86_400, rate_limit=100)
    before = await left(organization, key)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(mebibytes):
            yield TOO_LARGE

    data = pieces() if chunked else BytesIO(TOO_LARGE * mebibytes)
    sent = {"Authorization": f"Bearer {key}", **JSON}
    async with organization.mesh.http.post(path, data=data, headers=sent) as reply:
        assert (reply.status, reply.headers.getall("X-RateLimit-Remaining")) == (413, [str(before - 1)])
        assert reply.headers[POLICY].startswith('"key";')


async def test_a_service_header_that_stands_twice_is_refused(organization: Organization):
    headers = [
        ("Authorization", f"Bearer {organization.key}"),
        ("X-Service-GitHub-Token", "ghp_the_one_000000"),
        ("X-Service-GitHub-Token", "ghp_the_other_0000"),
    ]
    path = "/api/v1/tools/github.get_issue/execute"
    arguments = {"arguments": {"owner": "o", "repo": "r", "issue_number": 1}}
    async with organization.mesh.http.post(path, json=arguments, headers=headers) as reply:
        problem = await reply.json(content_type="application/problem+json")
    assert (reply.status, problem["errors"][0]["message"]) == (422, "sent twice")
