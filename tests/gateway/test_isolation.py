"""Whose credential a call is made with: never another person's, never another organization's."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from devmesh.access import Role

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization

ADA, BO = "ghp_adas_token_000000", "ghp_bos_token_1111111"


async def test_two_people_of_one_organization_act_each_as_themselves(organization: Organization, github: GitHub):
    colleague = await organization.person()
    await organization.connect(github, ADA)
    await organization.connect(github, BO, key=colleague)
    keys = {"ada": organization.key, "bo": colleague}

    async def who(login: str) -> tuple[str, str]:
        result = await organization.call("github.get_authenticated_user", key=keys[login])
        return login, result["structuredContent"]["login"]

    seen = await asyncio.gather(*(who(login) for login, _ in itertools.product(keys, range(20))))
    assert {asked for asked, _ in seen} == {"ada", "bo"}
    assert all(asked == answered for asked, answered in seen)


async def test_two_organizations_at_once_act_each_as_themselves(mesh: Mesh, github: GitHub):
    mine, theirs = await mesh.organization(), await mesh.organization()
    await mine.connect(github, ADA)
    await theirs.connect(github, BO)
    for one, login in ((mine, "ada"), (theirs, "bo")):
        result = await one.call("github.get_authenticated_user")
        assert result["structuredContent"]["login"] == login


async def test_a_colleague_without_a_token_uses_nobodys(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    colleague = await organization.person()
    before = len(github.received)
    result = await organization.call("github.get_authenticated_user", key=colleague)
    assert result["isError"]
    assert result["_meta"]["code"] == "no_credential"
    assert "POST /api/v1/credentials" in result["content"][0]["text"]
    assert len(github.received) == before


async def test_a_persons_records_and_keys_are_not_a_colleagues(organization: Organization):
    colleague = await organization.person()
    _, keys = await organization.ask("GET", "/api/v1/api-keys", key=colleague)
    assert [key["key_prefix"] for key in keys["api_keys"]] == [colleague[:8]]
    status, problem = await organization.ask("GET", "/api/v1/audit", key=colleague)
    assert (status, problem["error"]) == (403, "Insufficient Scope")
    _, everyone = await organization.ask("GET", "/api/v1/api-keys")
    mine = next(key["id"] for key in everyone["api_keys"] if key["key_prefix"] == organization.key[:8])
    assert (await organization.ask("DELETE", f"/api/v1/api-keys/{mine}", key=colleague))[0] == 404
    assert (await organization.ask("GET", "/api/v1/auth/profile"))[0] == 200


async def test_another_organizations_audit_is_empty_to_us(mesh: Mesh, github: GitHub):
    mine, theirs = await mesh.organization(), await mesh.organization()
    await theirs.connect(github, ADA)
    await theirs.call("github.get_authenticated_user")
    _, audit = await mine.ask("GET", "/api/v1/audit")
    assert {entry["action"] for entry in audit["entries"]} <= {"organization.register"}
    assert theirs.id not in repr(audit)


async def test_stored_comes_before_passed_comes_before_the_organizations(organization: Organization, github: GitHub):
    passed = {"X-Service-GitHub-Token": BO, "X-Service-GitHub-Base-Url": github.url}
    await organization.connect(github, ADA, owner="organization")
    colleague = await organization.person()
    result = await organization.call("github.get_authenticated_user", key=colleague)
    assert result["_meta"]["credential"]["source"] == "organization"
    assert result["structuredContent"]["login"] == "ada"
    result = await organization.call("github.get_authenticated_user", key=colleague, headers=passed)
    assert result["_meta"]["credential"] == {"source": "passthrough", "id": None}
    assert result["structuredContent"]["login"] == "bo"
    await organization.connect(github, ADA, key=colleague)
    result = await organization.call("github.get_authenticated_user", key=colleague, headers=passed)
    assert result["_meta"]["credential"]["source"] == "user"
    assert result["structuredContent"]["login"] == "ada"


async def test_an_upstream_401_falls_through_to_nobody(organization: Organization, github: GitHub):
    await organization.connect(github, ADA, owner="organization")
    await organization.connect(github, "ghp_expired_token_4444")
    before = len(github.received)
    result = await organization.call("github.get_authenticated_user")
    assert result["isError"]
    assert result["_meta"]["credential"]["source"] == "user"
    assert len(github.received) == before + 1


async def test_a_passed_set_never_combines_with_a_stored_one(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    elsewhere = {"X-Service-GitHub-Base-Url": "https://evil.example"}
    result = await organization.call("github.get_authenticated_user", headers=elsewhere)
    assert result["structuredContent"]["login"] == "ada"
    await organization.ask("DELETE", "/api/v1/credentials/github")
    result = await organization.call("github.get_authenticated_user", headers=elsewhere)
    assert result["isError"]
    assert result["_meta"]["code"] == "passthrough_incomplete"


async def test_a_passed_token_never_says_who_calls(organization: Organization):
    status, _ = await organization.ask(
        "POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}, key=ADA, headers={"X-Service-GitHub-Token": BO}
    )
    assert status == 401


async def test_only_those_who_manage_them_store_service_accounts(organization: Organization):
    member = await organization.person()
    body = {"service_type": "github", "credentials": {"token": BO}, "owner": "organization"}
    status, problem = await organization.ask("POST", "/api/v1/credentials", body, key=member)
    assert (status, problem["required_scopes"]) == (403, ["service-accounts:write"])


async def test_a_readonly_person_reads_and_writes_nothing(organization: Organization, github: GitHub):
    reader = await organization.person(Role.READONLY)
    await organization.connect(github, BO, key=reader)
    result = await organization.call("github.get_authenticated_user", key=reader)
    assert result["structuredContent"]["login"] == "bo"
    before = len(github.received)
    result = await organization.call("github.create_issue", {"owner": "o", "repo": "r", "title": "t"}, key=reader)
    assert result["isError"]
    assert result["_meta"]["required_scopes"] == ["tools:execute:github.create_issue"]
    assert len(github.received) == before


async def test_a_read_key_uses_call_api_for_reads_alone(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    key = await organization.new_key(key_type="user", scopes=["read"])
    result = await organization.call("github.call_api", {"method": "GET", "path": "/user"}, key=key)
    assert result["structuredContent"]["login"] == "ada"
    before = len(github.received)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        result = await organization.call("github.call_api", {"method": method, "path": "/user"}, key=key)
        assert result["isError"]
        assert result["_meta"]["code"] == "insufficient_scope"
    assert len(github.received) == before


async def test_the_secret_that_a_service_echoes_is_masked(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    github.answer = lambda received: (200, {"echo": received.headers["authorization"]}, {})
    result = await organization.call("github.get_authenticated_user")
    assert ADA not in repr(result)
    assert "secret removed" in result["structuredContent"]["echo"]
    github.answer = lambda received: (422, {"message": f"no {received.headers['authorization']}"}, {})
    result = await organization.call("github.get_authenticated_user")
    assert result["isError"]
    assert ADA not in repr(result)


async def test_a_refusal_leaves_a_record_that_names_the_key_and_the_route(organization: Organization):
    key = await organization.new_key(key_type="user", scopes=["contexts:read"])
    for _ in range(3):
        assert (await organization.ask("GET", "/api/v1/credentials", key=key))[0] == 403
    _, audit = await organization.ask("GET", "/api/v1/audit?action=request.refused")
    # The first is written at once, those that follow are counted.
    assert [(entry["code"], entry["target"]) for entry in audit["entries"]] == [
        ("insufficient_scope", "GET /api/v1/credentials")
    ]
    _, keys = await organization.ask("GET", "/api/v1/api-keys")
    key_id = next(entry["id"] for entry in keys["api_keys"] if entry["key_prefix"] == key[:8])
    assert audit["entries"][0]["actor"]["key_id"] == key_id


async def test_a_key_that_was_pasted_in_a_wrong_place_is_not_in_the_audit(organization: Organization):
    agent = await organization.new_key(key_type="agent")
    await organization.call(organization.key)
    await organization.ask("DELETE", f"/api/v1/credentials/{organization.key}", key=agent)
    _, page = await organization.ask("GET", "/api/v1/audit?outcome=refused")
    assert {entry["tool"] or entry["target"] for entry in page["entries"]} == {
        "[key]",
        "DELETE /api/v1/credentials/[key]",
    }


async def test_an_organization_may_take_none_that_is_passed_through(mesh: Mesh, github: GitHub):
    mine, theirs = await mesh.organization(), await mesh.organization()
    passed = {"X-Service-GitHub-Token": BO, "X-Service-GitHub-Base-Url": github.url}

    async def call(organization: Organization) -> dict[str, Any]:
        return await organization.call("github.get_authenticated_user", headers=passed)

    off = {"require_mfa": False, "password_policy": "standard", "passthrough": False}
    assert (await call(mine))["structuredContent"]["login"] == "bo"
    assert (await mine.ask("PUT", "/api/v1/organization/policies", off))[0] == 200
    before = len(github.received)
    assert (await call(mine))["_meta"]["code"] == "passthrough_off"
    # Nor does it turn to the organization's account instead, as if nothing had been sent.
    await mine.connect(github, ADA, owner="organization")
    assert (await call(mine))["_meta"]["code"] == "passthrough_off"
    assert len(github.received) == before
    assert (await call(theirs))["structuredContent"]["login"] == "bo"
    await mine.connect(github, ADA)
    assert (await call(mine))["_meta"]["credential"]["source"] == "user"


async def test_nobody_is_told_to_send_along_what_the_organization_does_not_take(
    organization: Organization, github: GitHub
):
    async def told() -> list[str]:
        none = await organization.call("slack.list_users")
        listed = await organization.call("mesh.list_services")
        fitting = await organization.call("github.get_issue", {"owner": "o", "repo": "r", "issue_number": 1})
        services = {entry["service"]: entry for entry in listed["structuredContent"]["services"]}
        return [none["content"][0]["text"], services["slack"]["how_to_connect"], fitting["content"][0]["text"]]

    await organization.connect(github, ADA, label="work", rules=[{"arguments": {"owner": "work"}}])
    assert ["X-Service-" in text for text in await told()] == [True, True, True]
    off = {"require_mfa": False, "password_policy": "standard", "passthrough": False}
    assert (await organization.ask("PUT", "/api/v1/organization/policies", off))[0] == 200
    assert ["X-Service-" in text for text in await told()] == [False, False, False]
    assert all("credential" in text for text in await told())
