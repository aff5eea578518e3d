"""The list of services: what a client asks a person for, before it stores a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devmesh.connectors import CONNECTORS

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization

ADA = "ghp_adas_token_000000"
PATH = "/api/v1/services"


async def services(organization: Organization, query: str = "", *, key: str | None = None) -> dict[str, Any]:
    status, reply = await organization.ask("GET", f"{PATH}{query}", key=key)
    assert status == 200, reply
    return {one["service"]: one for one in reply["services"]}


async def test_every_service_is_listed_with_what_its_connector_declares(organization: Organization):
    listed = await services(organization)
    assert list(listed) == sorted(CONNECTORS)
    for name, shown in listed.items():
        declared = CONNECTORS[name]
        assert (shown["title"], shown["base_url"]) == (declared.title, declared.base_url)
        assert shown["forms"] == [list(form) for form in declared.forms]
        assert [field["name"] for field in shown["fields"]] == [field.name for field in declared.fields]
        assert (shown["connected"], shown["tools"]) == (None, None)


async def test_a_field_tells_where_it_is_sent_and_whether_it_is_to_be_hidden(organization: Organization):
    fields = {field["name"]: field for field in (await services(organization))["jira"]["fields"]}
    told = {name: (field["within"], field["secret"], field["required"]) for name, field in fields.items()}
    assert told["base_url"] == ("metadata", False, True)
    assert told["api_token"] == ("credentials", True, False)
    assert told["email"] == ("credentials", False, False)
    assert all(field["description"] for field in fields.values())


async def test_a_connected_service_tells_whose_credential_it_is_and_counts_its_tools(
    organization: Organization, github: GitHub
):
    await organization.connect(github, ADA, owner="organization")
    github_of = (await services(organization))["github"]
    assert (github_of["connected"], github_of["tools"]) == ("organization", len(CONNECTORS["github"].tools))
    await organization.connect(github, ADA)
    assert (await services(organization))["github"]["connected"] == "user"
    assert ADA not in str(await services(organization))


async def test_what_is_connected_is_ones_own_and_nobody_elses(organization: Organization, mesh: Mesh, github: GitHub):
    await organization.connect(github, ADA)
    assert (await services(organization, key=await organization.person()))["github"]["connected"] is None
    assert (await services(await mesh.organization()))["github"]["connected"] is None


async def test_a_key_bound_to_services_sees_those_alone(organization: Organization):
    key = await organization.new_key(key_type="agent", allowed_services=["github", "jira"])
    assert set(await services(organization, key=key)) == {"github", "jira"}


@pytest.mark.parametrize("limit", [1, 5, len(CONNECTORS)])
async def test_pages_hold_every_service_once(organization: Organization, limit: int):
    seen, query = [], f"?limit={limit}"
    while query:
        _, reply = await organization.ask("GET", f"{PATH}{query}")
        assert reply["count"] == len(reply["services"]) <= limit
        seen += [one["service"] for one in reply["services"]]
        query = f"?limit={limit}&cursor={reply['next_cursor']}" if reply["next_cursor"] else ""
    assert seen == sorted(CONNECTORS)
