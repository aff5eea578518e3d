"""Who may do what with whose contexts: the tenant's callers, by their scopes, and nobody else."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest
from msgspec import Raw

from devmesh.access import Role
from devmesh.contexts.model import Draft
from devmesh.errors import InvalidKey

if TYPE_CHECKING:
    from devmesh.db.embedded import Embedded
    from devmesh.db.pool import Database
    from running import Mesh, Organization

PATH = "/api/v1/contexts"
TABLES = ("contexts", "context_tags", "context_versions", "context_counts")


async def stored(organization: Organization, key: str | None = None, **body: Any) -> str:
    """Store a context; return its path."""
    status, context = await organization.ask("POST", PATH, {"name": "ours", "tags": ["t"], **body}, key=key)
    assert status == 201, context
    return f"{PATH}/{context['id']}"


async def key_of_another_tenant(organization: Organization) -> str:
    """Make a second tenant, and a key in it."""
    slug = f"t-{secrets.token_hex(4)}"
    status, tenant = await organization.ask("POST", "/api/v1/tenants", {"name": slug, "slug": slug})
    assert status == 201, tenant
    return await organization.new_key(tenant_id=slug)


async def assert_out_of_reach(organization: Organization, place: str, key: str | None = None) -> None:
    for method, path, body in (
        ("GET", place, None),
        ("PUT", place, {"name": "theirs"}),
        ("DELETE", place, None),
        ("GET", f"{place}/versions", None),
        ("GET", f"{place}/versions/1", None),
    ):
        status, problem = await organization.ask(method, path, body, key=key)
        assert (status, problem["code"]) == (404, "context_not_found"), (method, path)
    for query in ("", "?tag=t", "?name=ours", "?q=our"):
        assert (await organization.ask("GET", f"{PATH}{query}", key=key))[1]["contexts"] == []


async def test_another_organizations_context_does_not_exist(mesh: Mesh):
    mine, theirs = await mesh.organization(), await mesh.organization()
    place = await stored(theirs)
    await assert_out_of_reach(mine, place)
    assert (await theirs.ask("GET", place))[1]["version"] == 1


async def test_another_tenants_context_does_not_exist(organization: Organization):
    place = await stored(organization)
    other = await key_of_another_tenant(organization)
    await assert_out_of_reach(organization, place, other)
    back = await stored(organization, other, name="elsewhere")
    assert (await organization.ask("GET", back))[0] == 404
    assert (await organization.ask("GET", place))[1]["name"] == "ours"


async def test_a_tenants_callers_share_its_contexts(organization: Organization):
    agent = await organization.new_key(key_type="agent", scopes=["contexts:read", "contexts:write"])
    place = await stored(organization, agent)
    colleague = await organization.person()
    assert (await organization.ask("PUT", place, {"name": "hers now"}, key=colleague))[0] == 200
    status, found = await organization.ask("GET", place, key=agent)
    assert (status, found["name"], found["version"]) == (200, "hers now", 2)
    _, listed = await organization.ask("GET", PATH)
    assert [context["created_by"] for context in listed["contexts"]] == [organization.registered["user"]["id"]]
    _, versions = await organization.ask("GET", f"{place}/versions", key=agent)
    assert versions["versions"][0]["written_by"] != versions["versions"][1]["written_by"]
    assert (await organization.ask("DELETE", place, key=agent))[0] == 204


READS = [("GET", ""), ("GET", "/{}"), ("GET", "/{}/versions"), ("GET", "/{}/versions/1")]
WRITES = [("POST", ""), ("PUT", "/{}"), ("DELETE", "/{}")]


@pytest.mark.parametrize(
    ("held", "allowed", "refused"),
    [
        ("contexts:read", READS, WRITES),
        ("contexts:write", WRITES, READS),
        ("tools:execute", [], READS + WRITES),
        ("read", READS, WRITES),
        ("write", READS + WRITES, []),
    ],
)
async def test_a_weaker_key_is_answered_403(
    organization: Organization, held: str, allowed: list[tuple[str, str]], refused: list[tuple[str, str]]
):
    key = await organization.new_key(key_type="agent", scopes=[held])
    place = await stored(organization)
    for method, path in refused + allowed:
        body = {"name": "x"} if method in ("POST", "PUT") else None
        status, problem = await organization.ask(method, PATH + path.format(place.rpartition("/")[2]), body, key=key)
        if (method, path) in allowed:
            assert status in (200, 201, 204), (method, path)
        else:
            scope = "contexts:read" if method == "GET" else "contexts:write"
            assert (status, problem["required_scopes"]) == (403, [scope])


async def test_a_reader_by_role_and_a_gateway_key_write_nothing(organization: Organization):
    place = await stored(organization)
    reader = await organization.person(Role.READONLY)
    assert (await organization.ask("GET", place, key=reader))[0] == 200
    assert (await organization.ask("PUT", place, {}, key=reader))[0] == 403
    gateway = await organization.new_key(key_type="gateway")
    assert (await organization.ask("GET", place, key=gateway))[0] == 403


async def test_a_revoked_key_is_answered_401(organization: Organization):
    key = await organization.new_key(key_type="agent")
    place = await stored(organization, key)
    _, keys = await organization.ask("GET", "/api/v1/api-keys")
    key_id = next(entry["id"] for entry in keys["api_keys"] if entry["key_prefix"] == key[:8])
    await organization.ask("DELETE", f"/api/v1/api-keys/{key_id}")
    for method, path in (("GET", PATH), ("POST", PATH), ("GET", place), ("PUT", place), ("DELETE", place)):
        status, problem = await organization.ask(method, path, {} if method in ("POST", "PUT") else None, key=key)
        assert (status, problem["error"]) == (401, "Invalid API Key")


async def test_row_level_security_holds_without_the_stores_conditions(mesh: Mesh, db: Database):
    mine, theirs = await mesh.organization(), await mesh.organization()
    await stored(mine)
    await stored(theirs)
    own = UUID(mine.id)
    for table in TABLES:
        async with db.acting(own, own) as tx:
            assert {row["organization_id"] for row in await tx.all(f"select * from {table}")} == {own}
        async with db.routing() as tx:
            assert await tx.all(f"select * from {table}") == []
        if table != "context_counts":  # which an organization's plan counts over all of its tenants
            async with db.acting(own, UUID(theirs.id)) as tx:
                assert await tx.all(f"select * from {table}") == []
            async with db.acting(own) as tx:
                assert await tx.all(f"select * from {table}") == []


async def test_a_tenants_contexts_go_with_the_tenant(organization: Organization, postgres: Embedded):
    slug = f"t-{secrets.token_hex(4)}"
    _, tenant = await organization.ask("POST", "/api/v1/tenants", {"name": slug, "slug": slug})
    await stored(organization, await organization.new_key(tenant_id=slug))
    status, answer = await organization.ask("DELETE", f"/api/v1/tenants/{tenant['id']}")
    assert status in (200, 204), answer
    owner = await asyncpg.connect(**postgres.owner_dsn)
    try:
        async with owner.transaction():
            await owner.execute(
                "select set_config('app.organization_id', $1, true), set_config('app.tenant_id', $2, true)",
                organization.id,
                tenant["id"],
            )
            left = [await owner.fetchval(f"select count(*) from {table}") for table in TABLES]
    finally:
        await owner.close()
    assert left == [0, 0, 0, 0]


async def test_whoever_was_known_before_the_tenant_was_removed_stores_nothing_in_it(organization: Organization):
    app, key = organization.mesh.app, await key_of_another_tenant(organization)
    caller = (await app.verifier.verify(key)).caller("", "")
    assert (await organization.ask("DELETE", f"/api/v1/tenants/{caller.tenant_id}"))[0] == 204
    with pytest.raises(InvalidKey):
        await app.contexts.create(caller, Draft(Raw(b"{}")))


async def test_of_twenty_puts_with_the_same_if_match_exactly_one_wins(organization: Organization):
    place = await stored(organization)
    for version in range(1, 4):
        headers = {"If-Match": f'"{version}"'}
        replies = await asyncio.gather(
            *(organization.ask("PUT", place, {"by": number}, headers=headers) for number in range(20))
        )
        winners = [body for status, body in replies if status == 200]
        assert [status for status, _ in replies].count(412) == 19
        assert [winner["version"] for winner in winners] == [version + 1]
        assert (await organization.ask("GET", place))[1] == winners[0]


async def test_twenty_puts_without_if_match_are_done_one_after_another(organization: Organization):
    place = await stored(organization)
    replies = await asyncio.gather(
        *(
            organization.ask("PUT", place, {"by": number, "tags": [str(number), "all"], "name": str(number)})
            for number in range(20)
        )
    )
    assert sorted(body["version"] for _, body in replies) == list(range(2, 22))
    last = max((body for _, body in replies), key=lambda body: body["version"])
    _, present = await organization.ask("GET", place)
    assert present == last
    assert present["name"] == present["tags"][0] == str(present["content"]["by"])
    _, tagged = await organization.ask("GET", f"{PATH}?tag=all")
    assert tagged["count"] == 1
    times = [body["updated_at"] for _, body in sorted(replies, key=lambda reply: reply[1]["version"])]
    assert times == sorted(times)


async def test_of_twenty_deletes_one_deletes(organization: Organization):
    place = await stored(organization)
    replies = await asyncio.gather(*(organization.ask("DELETE", place) for _ in range(20)))
    assert sorted(status for status, _ in replies) == [204] + [404] * 19
