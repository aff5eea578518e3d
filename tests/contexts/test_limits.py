"""How many and how large: what a plan allows, also to many at once; and how contexts end by themselves."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.contexts.expiry import Expiry
from devmesh.directory.service import Directory

if TYPE_CHECKING:
    from running import Mesh, Organization

PATH = "/api/v1/contexts"
# Of the plan `small` in the tests' plans file.
MOST, LARGEST = 3, 200


@pytest.fixture
async def small(organization: Organization) -> Organization:
    """An organization on a plan with room for three contexts of 200 bytes."""
    organization_id = UUID(organization.id)
    async with organization.mesh.app.database.acting(organization_id) as tx:
        await Directory(organization.mesh.app.ring).set_plan(tx, organization_id, "small")
    return organization


async def store(organization: Organization, **body: Any) -> tuple[int, Any]:
    return await organization.ask("POST", PATH, body)


async def end(organization: Organization, *ids: str) -> None:
    """Let the time of these contexts be over."""
    own = UUID(organization.id)
    async with organization.mesh.app.database.acting(own, own) as tx:
        changed = await tx.run(
            "update contexts set expires_at = now() - interval '4 seconds' where id = any($1)",
            [UUID(id_) for id_ in ids],
        )
    assert changed == len(ids)


async def rows(organization: Organization) -> tuple[int, int]:
    """Return how many contexts there are, and how many are counted."""
    own = UUID(organization.id)
    async with organization.mesh.app.database.acting(own, own) as tx:
        there = await tx.value("select count(*) from contexts")
        return there, await tx.value("select sum(contexts)::int from context_counts")


async def test_a_full_plan_is_409_until_there_is_room(small: Organization):
    made = [await store(small, n=number) for number in range(MOST)]
    assert [status for status, _ in made] == [201] * MOST
    status, problem = await store(small, n=MOST)
    assert (status, problem["code"], problem["limit"]) == (409, "context_limit_reached", MOST)
    assert "'small'" in problem["detail"]
    assert "expires_at" in problem["hint"]
    assert (await small.ask("PUT", f"{PATH}/{made[0][1]['id']}", {"n": 9}))[0] == 200
    await small.ask("DELETE", f"{PATH}/{made[0][1]['id']}")
    assert (await store(small, n=MOST))[0] == 201
    assert await rows(small) == (MOST, MOST)


async def test_of_thirty_at_once_as_many_are_stored_as_there_is_room_for(small: Organization):
    replies = await asyncio.gather(*(store(small, n=number) for number in range(30)))
    assert sorted(status for status, _ in replies) == [201] * MOST + [409] * (30 - MOST)
    assert await rows(small) == (MOST, MOST)


async def test_a_further_tenant_gives_no_further_room(small: Organization):
    slug = f"t-{secrets.token_hex(4)}"
    await small.ask("POST", "/api/v1/tenants", {"name": slug, "slug": slug})
    other = await small.new_key(tenant_id=slug)
    replies = await asyncio.gather(
        *(small.ask("POST", PATH, {"n": number}, key=(other, small.key)[number % 2]) for number in range(12))
    )
    assert sorted(status for status, _ in replies) == [201] * MOST + [409] * (12 - MOST)


async def test_storing_deleting_and_clearing_away_at_once_miscounts_nothing(small: Organization):
    async def churn(number: int) -> None:
        for _ in range(4):
            status, made = await store(small, n=number)
            assert status in (201, 409)
            if status == 201 and number % 2:
                await small.ask("DELETE", f"{PATH}/{made['id']}")
            elif status == 201:
                await end(small, made["id"])

    await asyncio.gather(*(churn(number) for number in range(8)))
    there, counted = await rows(small)
    assert there == counted <= MOST


async def test_a_content_over_the_plans_size_is_413(small: Organization):
    fits = "x" * (LARGEST - 2)
    status, made = await store(small, content=fits)
    assert (status, made["content"]) == (201, fits)
    place = f"{PATH}/{made['id']}"
    for method, path in (("POST", PATH), ("PUT", place)):
        for body in ({"content": fits + "x"}, {"content": "é" * 100}, {"document": "x" * LARGEST}):
            status, problem = await small.ask(method, path, body)
            assert (status, problem["code"], problem["limit"]) == (413, "context_too_large", LARGEST)
    assert (await small.ask("GET", place))[1]["version"] == 1
    assert await rows(small) == (1, 1)


async def test_former_versions_are_no_more_than_one_document_may_be(small: Organization):
    _, made = await store(small, content="x" * 90)
    place = f"{PATH}/{made['id']}"
    for size in (90, 90, 150, 10):
        await small.ask("PUT", place, {"content": "x" * size})
    _, listed = await small.ask("GET", f"{place}/versions")
    assert [(entry["version"], entry["size"]) for entry in listed["versions"]] == [(5, 12), (4, 152)]


async def test_a_plan_without_the_limits_has_none(organization: Organization):
    own = UUID(organization.id)
    async with organization.mesh.app.database.acting(own) as tx:
        await Directory(organization.mesh.app.ring).set_plan(tx, own, "team")
    assert (await store(organization, content="x" * 1_000_000))[0] == 201


async def test_an_expired_context_is_not_there_any_more(organization: Organization):
    later = "2099-01-01T00:00:00Z"
    _, made = await store(organization, name="short", tags=["t"], agent_id="a", expires_at=later)
    place = f"{PATH}/{made['id']}"
    await end(organization, made["id"])
    for method, path in (
        ("GET", place),
        ("DELETE", place),
        ("GET", f"{place}/versions"),
        ("GET", f"{place}/versions/1"),
    ):
        assert (await organization.ask(method, path))[0] == 404
    status, problem = await organization.ask("PUT", place, {"expires_at": later})
    assert (status, problem["code"]) == (404, "context_not_found")
    assert (await organization.ask("PUT", place, {}, headers={"If-Match": '"1"'}))[0] == 404
    for query in ("", "?tag=t", "?agent_id=a", "?name=short", "?q=sho"):
        assert (await organization.ask("GET", f"{PATH}{query}"))[1]["contexts"] == []


async def test_a_context_ends_at_its_time(organization: Organization):
    _, made = await store(organization, name="short")
    own = UUID(organization.id)
    place = f"{PATH}/{made['id']}"
    sql = "update contexts set expires_at = now() + $2::interval where id = $1"
    for seconds in (2, 8, 32):  # a time that has passed before it is asked for shows nothing
        async with organization.mesh.app.database.acting(own, own) as tx:
            await tx.run(sql, UUID(made["id"]), timedelta(seconds=seconds))
        status, _ = await organization.ask("GET", place)
        if status == 200:
            break
    assert status == 200
    await asyncio.sleep(seconds + 0.1)
    assert (await organization.ask("GET", place))[0] == 404


async def test_a_put_can_put_the_end_off(organization: Organization):
    _, made = await store(organization, expires_at="2098-01-01T00:00:00Z")
    status, changed = await organization.ask("PUT", f"{PATH}/{made['id']}", {})
    assert (status, changed["expires_at"]) == (200, None)


async def test_what_has_expired_takes_no_room(small: Organization):
    made = [(await store(small, n=number))[1]["id"] for number in range(MOST)]
    await end(small, *made[:2])
    assert [(await store(small))[0] for _ in range(3)] == [201, 201, 409]
    assert await rows(small) == (MOST, MOST)


async def test_whoever_holds_an_expired_context_keeps_nobody_waiting(small: Organization):
    made = [(await store(small, n=number))[1]["id"] for number in range(MOST)]
    await end(small, *made[:2])
    own = UUID(small.id)
    async with small.mesh.app.database.acting(own, own) as tx:
        await tx.one("select from contexts where id = $1 for update", UUID(made[0]))
        async with asyncio.timeout(20):
            assert [(await store(small))[0] for _ in range(2)] == [201, 409]


async def test_the_sweep_deletes_what_has_expired_in_every_tenant(mesh: Mesh):
    one, two = await mesh.organization(), await mesh.organization()
    for organization in (one, two):
        ended, _ = [(await store(organization, tags=["t"]))[1]["id"] for _ in range(2)]
        await end(organization, ended)
    expiry = Expiry(mesh.app.database, Directory(mesh.app.ring))
    gone = await asyncio.gather(expiry.sweep(), expiry.sweep())
    assert sum(gone) >= 2
    assert [await rows(organization) for organization in (one, two)] == [(1, 1), (1, 1)]
    assert await expiry.sweep() == 0
