"""Tools that the stored token is known not to be good for are not listed; to call one is refused by nobody of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.connectors.github.scopes import implies
from devmesh.demo.github import GitHub, Received
from running import Organization

ADA, BO = "ghp_adas_token_000000", "ghp_bos_token_1111111"
PATH = "/api/v1/credentials"
DELETE = "github.delete_repository"


class Service:
    """A GitHub that says which scopes each token has, and lets nobody delete."""

    def __init__(self) -> None:
        self.scopes: dict[str, str | None] = {}
        self.github = GitHub({ADA: "ada", BO: "bo"}, self._answer)

    def _answer(self, received: Received) -> tuple[int, Any, Mapping[str, str]] | None:
        if received.method == "DELETE":
            return 403, {"message": "Must have admin rights to Repository."}, {}
        if received.path != "/user":
            return None
        scopes = self.scopes.get(received.headers["authorization"].removeprefix("Bearer "))
        # Of a fine-grained token GitHub tells none.
        return 200, {"login": "ada"}, {} if scopes is None else {"X-OAuth-Scopes": scopes}


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    async with service.github:
        yield service


async def listed(organization: Organization, key: str | None = None) -> set[str]:
    _, body = await organization.ask("GET", "/api/v1/tools", key=key)
    return {tool["name"] for tool in body["tools"] if tool["name"].startswith("github.")}


async def validated(organization: Organization, service: Service, token: str, scopes: str | None, **more: Any) -> None:
    service.scopes[token] = scopes
    await organization.connect(service.github, token, **more)
    query = "&".join(f"{name}={more[name]}" for name in ("label", "owner") if name in more)
    status, _ = await organization.ask("POST", f"{PATH}/github/validate?{query}")
    assert status == 200


ALL = {tool.name for tool in CONNECTORS["github"].tools.values()}
NEEDY = {tool.name for tool in CONNECTORS["github"].tools.values() if tool.needs}


async def test_a_token_of_which_nothing_is_known_hides_nothing(organization: Organization, service: Service):
    await organization.connect(service.github, ADA)
    assert await listed(organization) == ALL
    await validated(organization, service, ADA, None)
    assert await listed(organization) == ALL


async def test_what_a_token_is_not_good_for_is_not_listed_and_said_with_the_scopes_it_needs(
    organization: Organization, service: Service
):
    await validated(organization, service, ADA, "read:org")
    assert await listed(organization) == ALL - NEEDY
    _, shown = await organization.ask("GET", f"{PATH}/github")
    assert (set(shown["tools_enabled"]), {tool["name"] for tool in shown["tools_hidden"]}) == (ALL - NEEDY, NEEDY)
    assert {"name": DELETE, "needs": ["delete_repo"]} in shown["tools_hidden"]
    service.scopes[ADA] = "repo"
    await organization.ask("POST", f"{PATH}/github/validate")
    assert await listed(organization) == ALL - {DELETE}


async def test_a_hidden_tool_is_called_all_the_same_and_a_refusal_says_what_may_be_lacking(
    organization: Organization, service: Service
):
    await validated(organization, service, ADA, "repo")
    before = len(service.github.received)
    result = await organization.call(DELETE, {"owner": "ada", "repo": "one"})
    assert len(service.github.received) == before + 1
    assert result["isError"]
    (content,) = result["content"]
    assert "Must have admin rights" in content["text"]
    assert "did not have the scope delete_repo" in content["text"]
    assert "POST /api/v1/credentials/github/validate" in content["text"]
    service.scopes[ADA] = "repo, delete_repo"
    await organization.ask("POST", f"{PATH}/github/validate")
    result = await organization.call(DELETE, {"owner": "ada", "repo": "one"})
    assert "scope delete_repo" not in result["content"][0]["text"]


async def test_a_tool_is_listed_if_any_credential_that_may_serve_is_good_for_it(
    organization: Organization, service: Service
):
    await validated(organization, service, ADA, "repo", label="work", rules=[{"arguments": {"owner": "acme"}}])
    assert DELETE not in await listed(organization)
    await validated(organization, service, BO, "delete_repo", owner="organization")
    # The person's own serves the calls that its rules match, the organization's the others.
    assert DELETE in await listed(organization)
    assert "github.create_issue" in await listed(organization)


async def test_the_organizations_token_counts_for_nothing_where_a_persons_own_always_serves(
    organization: Organization, service: Service
):
    await validated(organization, service, ADA, "repo")
    await validated(organization, service, BO, "delete_repo", owner="organization")
    assert DELETE not in await listed(organization)
    colleague = await organization.person()
    assert DELETE in await listed(organization, colleague)
    assert "github.create_issue" not in await listed(organization, colleague)


@pytest.mark.parametrize(
    ("granted", "needed", "does"),
    [
        (["repo"], "public_repo", True),
        (["repo"], "security_events", True),
        (["repo"], "delete_repo", False),
        (["public_repo"], "repo", False),
        ([], "public_repo", False),
        (["delete_repo"], "delete_repo", True),
    ],
)
def test_repo_includes_what_github_says_it_includes(granted: list[str], needed: str, does: bool):  # noqa: FBT001
    assert implies(granted, needed) is does


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_what_a_tool_needs_is_named_as_the_service_names_it(name: str):
    for tool in CONNECTORS[name].tools.values():
        for needed in tool.needs:
            assert needed == needed.strip() != ""
            assert tool.connector.implies([needed], needed)
            assert not tool.connector.implies([], needed)
