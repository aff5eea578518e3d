"""How many keys a plan allows: agent keys, one person's, and all of an organization, over all its tenants."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from devmesh.access import Role
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrations
from devmesh.directory.service import Directory
from running import Mesh, Organization
from sessions_people import new_person

KEYS = "/api/v1/api-keys"
# Of the plan `few` in the tests' plans file.
MOST, MOST_OF_ONE = 7, 4


async def mint(
    organization: Organization, tenant: str | None = None, key: str | None = None, **fields: Any
) -> tuple[int, Any]:
    body = {"name": "one", **fields} if tenant is None else {"name": "one", "tenant_id": tenant, **fields}
    return await organization.ask("POST", KEYS, body, key=key)


async def tenants(organization: Organization) -> list[str]:
    return [entry["slug"] for entry in (await organization.ask("GET", "/api/v1/tenants"))[1]["tenants"]]


@pytest.fixture
async def few(organization: Organization) -> Organization:
    """An organization on a plan with room for seven keys, four of one person; its owner has the first."""
    organization_id = UUID(organization.id)
    async with organization.mesh.app.database.acting(organization_id) as tx:
        await Directory(organization.mesh.app.ring).set_plan(tx, organization_id, "few")
    return organization


async def test_of_twenty_at_once_one_person_gets_as_many_keys_as_the_plan_says(few: Organization):
    user_key = await few.new_key(key_type="user")
    asked = [mint(few, None if turn % 2 else few.slug, key=few.key if turn % 3 else user_key) for turn in range(20)]
    replies = await asyncio.gather(*asked)
    made = [body for status, body in replies if status == 201]
    assert len(made) == MOST_OF_ONE - 2
    refused = [body for status, body in replies if status == 409]
    assert len(refused) == len(replies) - len(made)
    assert {(body["code"], body["error"]) for body in refused} == {("key_limit_reached", "Key Limit Reached")}
    assert (await few.ask("DELETE", f"{KEYS}/{made[0]['id']}"))[0] == 200
    assert [(await mint(few, key=user_key))[0] for _ in range(2)] == [201, 409]


async def test_of_twenty_at_once_an_organization_gets_as_many_keys_as_the_plan_says(few: Organization):
    people = [await new_person(few, Role.MEMBER) for _ in range(4)]
    asked = [
        mint(few, key=people[turn % 4].tokens.access_token, key_type=kind)
        for turn in range(10)
        for kind in ("user", "agent")
    ]
    replies = await asyncio.gather(*asked)
    assert sorted(status for status, _ in replies) == [201] * (MOST - 1) + [409] * (20 - MOST + 1)
    assert {body["code"] for status, body in replies if status == 409} == {"key_limit_reached"}
    _, usage = await few.ask("GET", "/api/v1/organization/usage")
    assert usage["keys"] == {"used": MOST, "limit": MOST}


async def test_a_further_tenant_gives_no_further_room_and_is_not_made_in_vain(few: Organization):
    assert [(await mint(few, f"tenant-{place}"))[0] for place in range(MOST_OF_ONE)] == [201] * (MOST_OF_ONE - 1) + [
        409
    ]
    assert await tenants(few) == [few.slug, "tenant-0", "tenant-1", "tenant-2"]
    _, page = await few.ask("GET", "/api/v1/audit?action=key.create&outcome=refused")
    assert [entry["code"] for entry in page["entries"]] == ["key_limit_reached"]


@pytest.mark.parametrize("how", ["leak", "expiry", "rotation"])
async def test_what_ends_gives_its_place_back_and_what_is_rotated_does_not(few: Organization, how: str):
    made = [body for _, body in [await mint(few) for _ in range(MOST_OF_ONE - 1)]]
    assert (await mint(few))[0] == 409
    if how == "leak":
        assert (await few.ask("POST", "/api/v1/keys/leaked", {"key": made[0]["api_key"]}))[0] == 202
    elif how == "expiry":
        async with few.mesh.app.database.acting(UUID(few.id)) as tx:
            await tx.run("update live_keys set expires_at = now() where key_id = $1", UUID(made[0]["id"]))
    else:
        assert (await few.ask("POST", f"{KEYS}/{made[0]['id']}/rotate", {"grace_seconds": 60}))[0] == 200
    assert (await mint(few))[0] == (409 if how == "rotation" else 201)
    assert (await mint(few))[0] == 409


async def test_another_organizations_keys_take_no_place(mesh: Mesh, few: Organization):
    theirs = await mesh.organization()
    for _ in range(MOST):
        await theirs.new_key()
    assert (await mint(few))[0] == 201


async def test_agents_are_counted_over_all_tenants_and_never_exceed_the_plan_at_once(organization: Organization):
    replies = await asyncio.gather(*[mint(organization, f"agents-{i % 4}", key_type="agent") for i in range(20)])
    made = [body for status, body in replies if status == 201]
    assert (len(made), {status for status, _ in replies}) == (10, {201, 409})
    status, problem = await mint(organization, "fresh", key_type="agent")
    assert (status, problem["code"]) == (409, "agent_limit_reached")
    assert "fresh" not in await tenants(organization)
    assert (await mint(organization, "fresh"))[0] == 201
    await organization.ask("DELETE", f"{KEYS}/{made[0]['id']}")
    assert (await mint(organization, "fresh", key_type="agent"))[0] == 201
    assert (await mint(organization, "fresh", key_type="agent"))[0] == 409
    _, page = await organization.ask("GET", "/api/v1/audit?action=key.create&outcome=refused")
    assert page["entries"][0]["code"] == "agent_limit_reached"


async def test_an_expired_agent_takes_no_place(mesh: Mesh, organization: Organization):
    for _ in range(10):
        await organization.new_key(key_type="agent", expires_at="2999-01-01T00:00:00Z")
    assert (await mint(organization, organization.slug, key_type="agent"))[0] == 409
    async with mesh.app.database.acting(UUID(organization.id)) as tx:
        agent = "select min(key_id::text)::uuid from live_keys where key_type = 'agent'"
        await tx.run(f"update live_keys set expires_at = now() where key_id = ({agent})")
    assert (await mint(organization, organization.slug, key_type="agent"))[0] == 201


async def test_another_organizations_agents_take_no_place(mesh: Mesh, organization: Organization):
    theirs = await mesh.organization()
    for _ in range(10):
        await theirs.new_key(key_type="agent")
    assert (await mint(organization, "blue", key_type="agent"))[0] == 201


async def test_keys_from_before_the_count_are_counted(postgres: Embedded, organization: Organization):
    for _ in range(2):
        await organization.new_key(key_type="agent", tenant_id="blue")
    revoked = await organization.new_key(tenant_id="blue")
    _, there = await organization.ask("GET", f"{KEYS}?tenant_id=blue")
    key_id = next(key["id"] for key in there["api_keys"] if key["key_prefix"] == revoked[:8])
    await organization.ask("DELETE", f"{KEYS}/{key_id}")
    sql = next(text for number, _, text in migrations() if number == 15)
    catching_up = re.search(
        r"alter table api_keys no force.*?alter table api_keys force row level security;", sql, re.DOTALL
    )
    assert catching_up
    owner = await asyncpg.connect(**postgres.owner_dsn)
    whole = owner.transaction()
    await whole.start()
    try:
        await owner.execute("alter table live_keys no force row level security; delete from live_keys")
        await owner.execute(catching_up[0])
        found = await owner.fetch(
            "select key_type from live_keys where organization_id = $1 order by key_type", UUID(organization.id)
        )
    finally:
        await whole.rollback()
        await owner.close()
    assert [row["key_type"] for row in found] == ["admin", "agent", "agent"]
