"""Every request spends one, whatever becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devmesh.limits.service import Limits

if TYPE_CHECKING:
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


async def test_two_different_credentials_spend_from_the_address(mesh: Mesh, monkeypatch: pytest.MonkeyPatch):
    spent: list[Any] = []

    async def spend(_: Limits, address: str) -> None:
        spent.append(address)

    monkeypatch.setattr(Limits, "spend_address", spend)
    async with mesh.http.get("/api/v1/profile", headers={"Authorization": "Bearer a", "X-API-Key": "b"}) as reply:
        assert reply.status == 400
    assert spent == ["127.0.0.1"]


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
