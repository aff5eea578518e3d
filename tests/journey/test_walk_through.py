"""From registration to a real tool call and back, over public interfaces alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from devmesh.connectors.github import CONNECTOR

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
from running import Mesh, Organization

TOKEN = "ghp_adas_token_000000"
ISSUE = {
    "owner": "my-org",
    "repo": "my-repo",
    "title": "New feature request",
    "body": "Description of the feature",
}


async def test_registration_answers_with_the_fields_of_the_guide(organization: Organization):
    registered = organization.registered
    assert set(registered) >= {"organization", "user", "api_key", "message"}
    assert registered["organization"]["subscription_tier"] == "free"
    assert (registered["organization"]["max_users"], registered["organization"]["max_agents"]) == (5, 10)
    assert registered["user"]["role"] == "owner"
    assert len(registered["api_key"]) == len("adm_") + 43
    assert registered["message"].startswith("Organization registered successfully.")


async def test_the_verification_mail_lands_in_the_outbox(mesh: Mesh, organization: Organization):
    email = organization.registered["user"]["email"]
    await mesh.app.outbox.settled()
    mails = [mail for mail in (mesh.data_dir / "outbox").glob("*.eml") if email in mail.read_text()]
    assert len(mails) == 1
    assert mails[0].stat().st_mode & 0o777 == 0o600


async def test_the_profile_is_the_owners(organization: Organization):
    status, profile = await organization.ask("GET", "/api/v1/auth/profile")
    assert status == 200
    assert profile["tenant_id"] == profile["organization_id"] == organization.id
    assert profile["role"] == "owner"
    assert profile["tenant_name"] == organization.registered["organization"]["name"]


async def test_a_call_goes_out_with_the_persons_token_and_nothing_of_the_callers(
    organization: Organization, github: GitHub
):
    key = await organization.new_key(key_type="user", scopes=["read", "write"])
    await organization.connect(github, TOKEN, key=key)
    result = await organization.call("github.create_issue", ISSUE, key=key, headers={"Cookie": "a=b", "X-Own": "x"})
    assert result.get("isError") is not True, result
    assert result["structuredContent"]["user"]["login"] == "ada"
    assert msgspec.json.decode(result["content"][0]["text"]) == result["structuredContent"]
    assert result["_meta"]["credential"]["source"] == "user"
    sent = github.received[-1]
    assert (sent.method, sent.path) == ("POST", "/repos/my-org/my-repo/issues")
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["x-github-api-version"] == "2022-11-28"
    assert msgspec.json.decode(sent.body) == {"title": ISSUE["title"], "body": ISSUE["body"]}
    everything = repr(sorted(sent.headers.items()))
    assert key not in everything
    assert "x-own" not in sent.headers
    assert "cookie" not in sent.headers


async def test_uses_move_for_the_key_and_the_credential(organization: Organization, github: GitHub):
    key = await organization.new_key(key_type="user", scopes=["read", "write"])
    await organization.connect(github, TOKEN, key=key)
    for _ in range(3):
        await organization.call("github.get_authenticated_user", key=key)
    _, keys = await organization.ask("GET", "/api/v1/api-keys", key=key)
    shown = next(entry for entry in keys["api_keys"] if entry["key_prefix"] == key[:8])
    # Storing, three calls and this very list.
    assert shown["usage_count"] == 5
    assert shown["last_used_at"].endswith("Z")
    _, credentials = await organization.ask("GET", "/api/v1/credentials", key=key)
    assert credentials["credentials"][0]["usage_count"] == 3
    assert credentials["credentials"][0]["last_used_at"].endswith("Z")


async def test_validation_has_three_outcomes(organization: Organization, github: GitHub):
    await organization.connect(github, TOKEN)
    path = "/api/v1/credentials/github/validate"
    status, body = await organization.ask("POST", path)
    assert (status, body["valid"], body["status"], body["account"]) == (200, True, "valid", "ada")
    assert body["message"] == "Credentials validated successfully"
    await organization.connect(github, "ghp_unknown_token_22222")
    status, body = await organization.ask("POST", path)
    assert (status, body["valid"], body["status"]) == (200, False, "invalid")
    assert body["message"] == "Invalid credentials"
    github.answer = lambda _received: (500, {"message": "oops"}, {})
    status, body = await organization.ask("POST", path)
    assert (status, body["valid"], body["status"]) == (200, None, "unknown")


async def test_the_record_of_a_call_names_who_what_and_with_which_credential(
    organization: Organization, github: GitHub
):
    stored = await organization.connect(github, TOKEN)
    result = await organization.call("github.create_issue", ISSUE)
    status, audit = await organization.ask("GET", "/api/v1/audit?action=tool.call")
    assert status == 200
    entry = next(entry for entry in audit["entries"] if entry["id"] == result["_meta"]["receipt"]["id"])
    assert entry["outcome"] == "ok"
    assert entry["tool"] == "github.create_issue"
    assert entry["credential"] == {"source": "user", "id": stored["id"]}
    assert entry["upstream"] == {"host": "127.0.0.1", "status": 201}
    assert entry["receipt"] == result["_meta"]["receipt"]
    assert TOKEN not in repr(audit)


async def test_a_deleted_credential_is_used_by_no_later_call(organization: Organization, github: GitHub):
    await organization.connect(github, TOKEN)
    assert not (await organization.call("github.get_authenticated_user")).get("isError")
    status, _ = await organization.ask("DELETE", "/api/v1/credentials/github")
    assert status == 204
    before = len(github.received)
    result = await organization.call("github.get_authenticated_user")
    assert result["isError"]
    assert result["_meta"]["code"] == "no_credential"
    assert len(github.received) == before
    assert (await organization.ask("DELETE", "/api/v1/credentials/github"))[0] == 404


async def test_the_same_tools_answer_over_rest(organization: Organization, github: GitHub):
    await organization.connect(github, TOKEN)
    status, listed = await organization.ask("GET", "/api/v1/tools")
    assert status == 200
    assert "github.create_issue" in {tool["name"] for tool in listed["tools"]}
    status, shown = await organization.ask("GET", "/api/v1/tools/github.create_issue")
    assert shown["input_schema"]["required"] == ["owner", "repo", "title"]
    status, done = await organization.ask("POST", "/api/v1/tools/github.create_issue/execute", {"arguments": ISSUE})
    assert (status, done["is_error"], done["result"]["number"]) == (200, False, 1)
    assert set(done["receipt"]) == {"id", "row_hash"}


async def test_no_call_that_starts_after_a_revocation_is_accepted(organization: Organization, github: GitHub):
    await organization.connect(github, TOKEN)
    key = await organization.new_key(key_type="user")
    _, keys = await organization.ask("GET", "/api/v1/api-keys")
    key_id = next(entry["id"] for entry in keys["api_keys"] if entry["key_prefix"] == key[:8])
    stop = asyncio.Event()

    async def hammer() -> None:
        while not stop.is_set():
            await organization.ask("GET", "/api/v1/auth/profile", key=key)

    clients = [asyncio.create_task(hammer()) for _ in range(8)]
    await asyncio.sleep(0.05)
    status, body = await organization.ask("DELETE", f"/api/v1/api-keys/{key_id}")
    after: list[tuple[int, Any]] = [await organization.ask("GET", "/api/v1/auth/profile", key=key) for _ in range(20)]
    stop.set()
    await asyncio.gather(*clients)
    assert (status, body) == (200, {"message": "API key revoked successfully", "key_id": key_id})
    assert {status for status, _ in after} == {401}
    assert after[0][1]["error"] == "Invalid API Key"


async def test_a_key_for_one_reading_tool_sees_and_does_nothing_else(organization: Organization, github: GitHub):
    await organization.connect(github, TOKEN)
    await organization.call("github.create_issue", ISSUE)
    key = await organization.new_key(key_type="agent", scopes=["tools:read:github.get_issue"])
    _, listed = await organization.ask("GET", "/api/v1/tools", key=key)
    assert [tool["name"] for tool in listed["tools"]] == ["github.get_issue", "mesh.list_services", "mesh.read_more"]
    told = (await organization.call("mesh.list_services", key=key))["structuredContent"]["services"]
    assert [(one["tools"], one["tools_not_allowed"]) for one in told if one["connected"]] == [
        (1, len(CONNECTOR.tools) - 1)
    ]
    named = {"owner": "my-org", "repo": "my-repo"}
    assert (await organization.call("github.get_issue", {**named, "issue_number": 1}, key=key)).get("isError") is None
    for tool, arguments in (
        ("create_issue", ISSUE),
        ("list_issues", named),
        ("call_api", {"method": "GET", "path": "/user"}),
    ):
        result = await organization.call(f"github.{tool}", arguments, key=key)
        assert result["_meta"]["code"] == "insufficient_scope", tool
    assert [sent.method for sent in github.received] == ["POST", "GET"]
