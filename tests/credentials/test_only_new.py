"""A credential is stored with If-None-Match: * only where there is none yet: nobody's is replaced by mistake."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.access import Role
from devmesh.credentials.model import MOST_LABELS

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Organization

ADA, BO = "ghp_adas_token_000000", "ghp_bos_token_1111111"
PATH = "/api/v1/credentials"
WHO = "github.get_authenticated_user"


async def store(
    organization: Organization, github: GitHub, token: str, match: str | None = "*", key: str | None = None, **more: Any
) -> tuple[int, Any]:
    metadata = {"base_url": github.url}
    body = {"service_type": "github", "credentials": {"token": token}, "metadata": metadata, **more}
    headers = {} if match is None else {"If-None-Match": match}
    return await organization.ask("POST", PATH, body, key=key, headers=headers)


async def login(organization: Organization) -> str:
    return str((await organization.call(WHO))["structuredContent"]["login"])


async def test_what_is_there_stays_and_serves(organization: Organization, github: GitHub):
    assert (await store(organization, github, ADA))[0] == 201
    status, problem = await store(organization, github, BO)
    assert (status, problem["code"], problem["error"]) == (412, "credential_exists", "Precondition Failed")
    assert BO not in str(problem)
    assert await login(organization) == "ada"
    assert (await store(organization, github, BO, None))[0] == 201
    assert await login(organization) == "bo"
    await organization.ask("DELETE", f"{PATH}/github")
    assert (await store(organization, github, ADA))[0] == 201


async def test_of_twenty_at_once_one_is_stored(organization: Organization, github: GitHub):
    replies = await asyncio.gather(*(store(organization, github, ADA) for _ in range(20)))
    assert sorted(status for status, _ in replies) == [201] + [412] * 19
    _, page = await organization.ask("GET", "/api/v1/audit?action=credential.store")
    assert page["count"] == 1


async def test_it_asks_of_the_same_label_owner_and_person_alone(organization: Organization, github: GitHub):
    assert (await store(organization, github, ADA))[0] == 201
    assert (await store(organization, github, ADA, label="work"))[0] == 201
    assert (await store(organization, github, ADA, label="work"))[0] == 412
    assert (await store(organization, github, ADA, owner="organization"))[0] == 201
    assert (await store(organization, github, ADA, key=await organization.person(Role.MEMBER)))[0] == 201
    theirs = await organization.mesh.organization()
    assert (await store(theirs, github, ADA))[0] == 201


async def test_where_there_is_no_more_room_the_refusal_says_which(organization: Organization, github: GitHub):
    for place in range(MOST_LABELS):
        assert (await store(organization, github, ADA, label=f"label-{place}"))[0] == 201
    assert (await store(organization, github, ADA, label="label-0"))[1]["code"] == "credential_exists"
    assert (await store(organization, github, ADA, label="more"))[1]["code"] == "too_many_labels"


@pytest.mark.parametrize(("match", "status"), [('"1"', 201), ("1", 400), ("*, *", 400), ("", 400)])
async def test_another_tag_forbids_nothing_and_what_is_none_is_refused(
    organization: Organization, github: GitHub, match: str, status: int
):
    await organization.connect(github, ADA)
    assert (await store(organization, github, BO, match))[0] == status
    assert await login(organization) == ("bo" if status == 201 else "ada")
