"""Operations whose replies hold credentials: only a scope with their very name opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devmesh.access import Role
from devmesh.connectors import CONNECTORS

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Organization

ADA = "ghp_adas_token_000000"
CALL = {"method": "POST", "path": "/repos/o/r/actions/runners/registration-token"}
NAMED = "tools:execute:github.create_runner_token"
KEYS = "/api/v1/api-keys"


async def made(organization: Organization, scopes: list[str], key: str | None = None, **more: Any) -> tuple[int, Any]:
    body = {"name": "one", "key_type": "user", "scopes": scopes, **more}
    return await organization.ask("POST", KEYS, body, key=key)


@pytest.mark.parametrize(
    "scopes",
    [
        ["write"],
        ["*:*"],
        ["tools:*"],
        ["tools:execute"],
        ["tools:execute:*"],
        ["tools:execute:github"],
        ["tools:execute:github.*"],
        ["tools:execute:github.call_*", "tools:execute:github.create_*"],
        ["tools:execute:github.call_api"],
        ["tools:execute:github.call_api", "tools:execute:github.create_runner_toke*"],
        ["tools:execute:github.call_api", "tools:execute:gitlab.create_runner_token"],
    ],
)
async def test_no_wildcard_and_no_word_opens_it(organization: Organization, github: GitHub, scopes: list[str]):
    await organization.connect(github, ADA)
    _, key = await made(organization, scopes)
    before = len(github.received)
    result = await organization.call("github.call_api", CALL, key=key["api_key"])
    assert (result["isError"], result["_meta"]["code"]) == (True, "credential_handed_out")
    assert result["_meta"]["required_scopes"] == [NAMED]
    status, problem = await organization.ask(
        "POST", "/api/v1/tools/github.call_api/execute", {"arguments": CALL}, key=key["api_key"]
    )
    assert (status, problem["code"]) == (403, "credential_handed_out")
    assert len(github.received) == before


async def test_an_owners_admin_key_does_not_open_it_either(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    result = await organization.call("github.call_api", CALL)
    assert result["_meta"]["code"] == "credential_handed_out"


async def test_a_scope_with_its_name_opens_it_and_is_not_enough_alone(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    github.answer = lambda _received: (201, {"token": "given"}, {})
    _, both = await made(organization, ["tools:execute:github.call_api", NAMED])
    result = await organization.call("github.call_api", CALL, key=both["api_key"])
    assert result["structuredContent"] == {"token": "given"}
    _, alone = await made(organization, [NAMED])
    assert (await organization.call("github.call_api", CALL, key=alone["api_key"]))["_meta"]["code"] == (
        "insufficient_scope"
    )


async def test_a_key_gives_it_on_only_if_it_holds_it_by_name(organization: Organization):
    _, wide = await made(organization, ["write", "keys:write"])
    status, problem = await made(organization, ["tools:execute:github.call_api", NAMED], key=wide["api_key"])
    assert (status, problem["code"]) == (403, "beyond_your_own")
    assert problem["required_scopes"] == [NAMED]
    _, named = await made(organization, ["write", "keys:write", NAMED])
    assert (await made(organization, [NAMED], key=named["api_key"]))[0] == 201
    # Nor does it give it to a key that has all but this.
    _, other = await made(organization, ["write"])
    change = {"scopes": ["write", NAMED]}
    status, problem = await organization.ask("PATCH", f"{KEYS}/{other['id']}", change, key=wide["api_key"])
    assert (status, problem["code"]) == (403, "beyond_your_own")
    assert (await organization.ask("PATCH", f"{KEYS}/{other['id']}", change, key=named["api_key"]))[0] == 200


async def test_a_readonly_person_never_gets_it(organization: Organization):
    reader = await organization.person(Role.READONLY)
    status, problem = await made(organization, [NAMED], key=reader)
    assert (status, problem["code"]) == (403, "beyond_your_own")


@pytest.mark.parametrize(
    ("method", "path", "query", "operation"),
    [
        ("POST", "/orgs/o/actions/runners/remove-token", {}, "create_runner_token"),
        ("POST", "/enterprises/e/actions/runners/generate-jitconfig", {}, "create_runner_token"),
        ("POST", "/repos/o/r/actions/runners/registration-toke%6e", {}, "create_runner_token"),
        ("POST", "/Repos/o/r/Actions/runners/Registration-Token/", {}, "create_runner_token"),
        ("POST", "/app/installations/7/access_tokens", {}, "create_installation_token"),
        ("PATCH", "/applications/abc/token", {}, "create_app_token"),
        ("POST", "/applications/abc/token/scoped", {}, "create_app_token"),
        ("POST", "/app-manifests/code/conversions", {}, "create_app"),
        ("GET", "/repos/o/r/secret-scanning/alerts", {}, "read_leaked_secret"),
        ("GET", "/orgs/o/secret-scanning/alerts", {"hide_secret": False}, "read_leaked_secret"),
        ("PATCH", "/repos/o/r/secret-scanning/alerts/7", {"hide_secret": True}, "read_leaked_secret"),
        ("GET", "/repos/o/r/secret-scanning/alerts/7", {"hide_secret": True}, None),
        ("GET", "/repos/o/r/actions/runners", {}, None),
        ("GET", "/repos/o/r/actions/secrets/public-key", {}, None),
        ("POST", "/applications/abc/grant", {}, None),
    ],
)
def test_githubs_operations_are_known_however_their_path_is_spelled(
    method: str, path: str, query: dict[str, Any], operation: str | None
):
    tool = CONNECTORS["github"].tools["call_api"]
    request = tool.request(tool.arguments.check({"method": method, "path": path, "query": query}))
    assert tool.handed_out(request) == (None if operation is None else f"github.{operation}")


def test_every_service_says_what_it_hands_out():
    assert [name for name, connector in CONNECTORS.items() if connector.hands_out is None] == []
