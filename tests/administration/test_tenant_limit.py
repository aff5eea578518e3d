"""How many tenants a plan allows, whichever way they come to be."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from devmesh.directory.service import Directory
from running import Mesh, Organization

TENANTS, KEYS = "/api/v1/tenants", "/api/v1/api-keys"
# Of the plan `parts` in the tests' plans file.
MOST = 4


async def put_on(organization: Organization, plan: str) -> None:
    organization_id = UUID(organization.id)
    async with organization.mesh.app.database.acting(organization_id) as tx:
        await Directory(organization.mesh.app.ring).set_plan(tx, organization_id, plan)


@pytest.fixture
async def parted(organization: Organization) -> Organization:
    """An organization on a plan with room for four tenants; it has the first."""
    await put_on(organization, "parts")
    return organization


async def make(organization: Organization, slug: str) -> tuple[int, Any]:
    return await organization.ask("POST", TENANTS, {"name": slug, "slug": slug})


async def mint(organization: Organization, slug: str) -> tuple[int, Any]:
    return await organization.ask("POST", KEYS, {"name": "one", "tenant_id": slug})


async def usage(organization: Organization) -> dict[str, Any]:
    return (await organization.ask("GET", "/api/v1/organization/usage"))[1]


async def test_of_twenty_at_once_as_many_tenants_are_made_as_the_plan_says(parted: Organization):
    asked = [(mint if turn % 2 else make)(parted, f"tenant-{turn}") for turn in range(20)]
    replies = await asyncio.gather(*asked)
    assert sorted(status for status, _ in replies) == [201] * (MOST - 1) + [409] * (20 - MOST + 1)
    refused = {(body["code"], body["error"]) for status, body in replies if status == 409}
    assert refused == {("tenant_limit_reached", "Tenant Limit Reached")}
    used = await usage(parted)
    assert used["tenants"] == {"used": MOST, "limit": MOST}
    # No key is left of one whose tenant was not made.
    assert used["keys"]["used"] == 1 + sum("api_key" in body for _, body in replies)
    _, page = await parted.ask("GET", "/api/v1/audit?action=tenant.create&outcome=ok")
    assert page["count"] == MOST - 1
    for action in ("tenant.create", "key.create"):
        _, page = await parted.ask("GET", f"/api/v1/audit?action={action}&outcome=refused")
        assert {entry["code"] for entry in page["entries"]} == {"tenant_limit_reached"}


async def test_where_there_is_no_place_the_tenants_that_are_there_serve_as_before(parted: Organization):
    for place in range(1, MOST):
        assert (await make(parted, f"tenant-{place}"))[0] == 201
    status, made = await mint(parted, "tenant-1")
    assert (status, made["tenant_created"]) == (201, False)
    status, problem = await make(parted, "tenant-1")
    assert (status, problem["code"]) == (409, "tenant_slug_taken")
    assert (await mint(parted, "fresh"))[1]["code"] == "tenant_limit_reached"
    assert (await parted.ask("DELETE", f"{TENANTS}/{made['tenant_id']}"))[0] == 204
    assert [(await mint(parted, slug))[0] for slug in ("fresh", "fresh", "more")] == [201, 201, 409]


async def test_more_tenants_than_a_smaller_plan_allows_all_stay_and_none_is_added(organization: Organization):
    for place in range(MOST + 1):
        assert (await make(organization, f"tenant-{place}"))[0] == 201
    await put_on(organization, "parts")
    assert (await usage(organization))["tenants"] == {"used": MOST + 2, "limit": MOST}
    assert (await mint(organization, "tenant-0"))[0] == 201
    assert (await make(organization, "more"))[0] == 409


async def test_another_organizations_tenants_take_no_place(mesh: Mesh, parted: Organization):
    theirs = await mesh.organization()
    for place in range(MOST):
        assert (await make(theirs, f"tenant-{place}"))[0] == 201
    assert (await make(parted, "blue"))[0] == 201
