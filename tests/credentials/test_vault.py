"""What the vault keeps, and that it opens only where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization

ADA, BO = "ghp_adas_token_000000", "ghp_bos_token_1111111"
PATH = "/api/v1/credentials"


async def rows(mesh: Mesh, organization: Organization, sql: str, *arguments: object) -> list[dict[str, Any]]:
    organization_id = UUID(organization.id)
    async with mesh.app.database.acting(organization_id, organization_id) as tx:
        return [dict(row) for row in await tx.all(sql, *arguments)]


async def test_the_guides_request_is_answered_as_printed(organization: Organization):
    body = {
        "service_type": "github",
        "credentials": {"token": "ghp_YourGitHubPersonalAccessTokenHere"},
        "scopes": ["repo", "read:org", "read:user", "workflow", "admin:org"],
        "metadata": {"description": "My GitHub PAT for DevMesh", "username": "your-github-username"},
    }
    status, stored = await organization.ask("POST", PATH, body)
    assert status == 201
    assert stored["service_type"] == "github"
    assert (stored["is_active"], stored["has_credentials"]) == (True, True)
    assert stored["metadata"] == body["metadata"]
    assert "ghp_" not in repr(stored)
    _, listed = await organization.ask("GET", PATH)
    assert (listed["count"], listed["credentials"][0]["id"]) == (1, stored["id"])
    assert "ghp_" not in repr(listed)


async def test_no_token_stands_in_the_database(mesh: Mesh, organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    stored = await rows(mesh, organization, "select * from credentials")
    assert len(stored) == 1
    assert ADA not in repr(stored)
    assert ADA.encode() not in stored[0]["sealed"]


async def test_a_ciphertext_moved_to_another_row_does_not_open(mesh: Mesh, organization: Organization, github: GitHub):
    colleague = await organization.person()
    await organization.connect(github, ADA)
    await organization.connect(github, BO, key=colleague)
    one, two = await rows(mesh, organization, "select id, sealed from credentials order by id")
    for row, other in ((one, two), (two, one)):
        await rows(mesh, organization, "update credentials set sealed = $2 where id = $1", row["id"], other["sealed"])
    mesh.app.vault._cache.clear()
    before = len(github.received)
    for key in (organization.key, colleague):
        status, problem = await organization.ask(
            "POST", "/api/v1/tools/github.get_authenticated_user/execute", {}, key=key
        )
        assert (status, problem["code"]) == (503, "credential_damaged")
    assert len(github.received) == before


async def test_a_base_url_altered_in_the_database_does_not_get_the_token(
    mesh: Mesh, organization: Organization, github: GitHub
):
    await organization.connect(github, ADA)
    await rows(
        mesh,
        organization,
        "update credentials set metadata = jsonb_set(metadata, '{base_url}', '\"http://127.0.0.1:1\"')",
    )
    mesh.app.vault._cache.clear()
    result = await organization.call("github.get_authenticated_user")
    assert result["_meta"]["code"] == "credential_damaged"


async def test_another_tenant_setting_sees_no_row(mesh: Mesh, organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    other = await mesh.organization()
    for table in ("credentials", "api_keys", "users", "tenants", "data_keys", "organizations", "audit_events"):
        column = "id" if table == "organizations" else "organization_id"
        found = await rows(mesh, other, f"select * from {table} where {column} = $1", UUID(organization.id))
        assert found == [], table
        async with mesh.app.database.routing() as tx:
            assert await tx.all(f"select * from {table} limit 1") == [], table


async def test_replacing_keeps_one_and_the_new_one_serves(organization: Organization, github: GitHub):
    first = await organization.connect(github, ADA)
    assert (await organization.call("github.get_authenticated_user"))["structuredContent"]["login"] == "ada"
    second = await organization.connect(github, BO)
    assert first["id"] != second["id"]
    assert (await organization.call("github.get_authenticated_user"))["structuredContent"]["login"] == "bo"
    assert (await organization.ask("GET", PATH))[1]["count"] == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"service_type": "myspace"}, "service_type"),
        ({"credentials": {}}, "credentials.token"),
        ({"credentials": {"token": "x" * 10, "tokn": "y"}}, "credentials.tokn"),
        ({"credentials": {"token": ""}}, "credentials.token"),
        ({"credentials": {"token": "a\r\nX-Evil: 1"}}, "credentials.token"),
        ({"credentials": {"token": " ghp_blank"}}, "credentials.token"),
        ({"credentials": {"token": 5}}, "credentials.token"),
        ({"credentials": ["token"]}, "credentials"),
        ({"metadata": {"base_url": 7}}, "metadata.base_url"),
        ({"metadata": {"base_url": "ftp://example.com"}}, "base_url"),
        ({"metadata": {"base_url": "https://user:pass@example.com"}}, "base_url"),
        ({"metadata": {"base_url": "https://127.0.0.1/" + "x" * 2000}}, "base_url"),
        ({"metadata": {"note": "x" * 9000}}, "metadata"),
        ({"scopes": ["x"] * 201}, "scopes"),
        ({"scopes": ["repo", "x" * 201]}, "scopes"),
        ({"owner": "everybody"}, "owner"),
        ({"color": "red"}, "color"),
    ],
)
async def test_a_wrong_field_is_named_and_no_value_repeated(
    organization: Organization, fields: dict[str, Any], wrong: str
):
    body = {"service_type": "github", "credentials": {"token": "ghp_secret_value_5555"}, **fields}
    status, problem = await organization.ask("POST", PATH, body)
    assert status == 422, problem
    assert wrong in {error["field"] for error in problem["errors"]}
    assert "ghp_secret_value_5555" not in repr(problem)
    assert (await organization.ask("GET", PATH))[1]["count"] == 0


@pytest.mark.parametrize(
    "base_url",
    ["http://10.0.0.1", "https://169.254.169.254/", "https://[::1]/", "https://0x7f.1.2.3:99999/", "http://8.8.8.8/"],
)
async def test_an_address_that_is_not_allowed_is_refused_when_stored(organization: Organization, base_url: str):
    body = {"service_type": "github", "credentials": {"token": ADA}, "metadata": {"base_url": base_url}}
    status, problem = await organization.ask("POST", PATH, body)
    assert status in (403, 422), problem
    assert (await organization.ask("GET", PATH))[1]["count"] == 0
