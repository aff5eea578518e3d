"""Through PgBouncer in transaction pooling mode, of a version that knows nothing of prepared statements."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from system.revocation import Pair

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from system.cluster import Address, Cluster
    from system.conftest import Machine
    from system.pooler import Pooler

SESSIONS = "select count(*) from pg_stat_activity where usename = $1 and query not like 'notify%'"
EXECUTE = "/api/v1/tools/github.get_authenticated_user/execute"


async def not_busy(ask: Callable[[], Awaitable[tuple[int, Any]]]) -> Any:
    """Ask again while the server says that it is too busy, as its clients are told to; return what it answers."""
    while True:
        status, answer = await ask()
        if status != 503:
            assert status < 300, answer
            return answer
        await asyncio.sleep(0.5)


async def test_the_whole_way_through_the_pooler(machine: Machine, pooler: Pooler, database: Address, github: GitHub):
    settings = {"DEVMESH_DATABASE_DIRECT_URL": database.url()}
    installation = await machine.serve(pooler.before(database).url(), **settings)
    await installation.walk(github)
    assert "caches are bypassed" not in installation.log()


async def test_many_calls_at_once_share_few_sessions(
    machine: Machine, cluster: Cluster, pooler: Pooler, database: Address, github: GitHub
):
    settings = {"DEVMESH_DATABASE_DIRECT_URL": database.url()}
    installations = [await machine.serve(pooler.before(database).url(), **settings) for _ in range(2)]
    organizations = await asyncio.gather(*(installations[0].organization() for _ in range(4)))
    for organization in organizations:
        await organization.connect(github, "ghp_adas_token_000000")

    async def work(number: int) -> list[Any]:
        organization = organizations[number % len(organizations)]
        organization.mesh = installations[number % len(installations)]
        answers = []
        for _ in range(4):
            made = await not_busy(lambda: organization.ask("POST", "/api/v1/api-keys", {"name": "one of many"}))
            key = made["api_key"]
            called = await not_busy(lambda key=key: organization.ask("POST", EXECUTE, {}, key=key))
            answers.append(called["result"]["login"])
            profile = await not_busy(lambda key=key: organization.ask("GET", "/api/v1/auth/profile", key=key))
            # Whoever shares a session with others sees its own organization all the same.
            assert profile["organization_id"] == organization.id
        return answers

    async with asyncio.timeout(120):
        for answers in await asyncio.gather(*(work(number) for number in range(24))):
            assert answers == ["ada"] * 4
    # Two servers that listen and write the audit directly; the pooler's four; ours that asks is another role.
    assert cluster.sql(SESSIONS, database.app_role)[0][0] <= 2 * 2 + 4
    for installation in installations:
        assert "Traceback" not in installation.log()
        assert "prepared statement" not in installation.log()


async def test_a_revocation_is_heard_beside_the_pooler(
    machine: Machine, pooler: Pooler, database: Address, github: GitHub
):
    settings = {"DEVMESH_DATABASE_DIRECT_URL": database.url()}
    url = pooler.before(database).url()
    pair = Pair(await machine.serve(url, **settings), await machine.serve(url, **settings), github)
    await pair.refuses_a_revoked_key(within=1)
    await pair.refuses_to_use_a_deleted_credential(within=1)


@pytest.mark.parametrize("direct", ["wrong", "unset"])
async def test_where_no_notice_can_be_heard_nothing_is_remembered(
    machine: Machine, pooler: Pooler, database: Address, github: GitHub, direct: str
):
    # The direct URL wrongly leads through the pooler; or it was not set, and then it is the other.
    url = pooler.before(database).url()
    settings = {"DEVMESH_DATABASE_DIRECT_URL": f"{url}?application_name=direct"} if direct == "wrong" else {}
    first, second = await machine.serve(url, **settings), await machine.serve(url, **settings)
    await first.walk(github)
    assert first.log().count("caches are bypassed") == 1
    assert "name the database itself there" in first.log()
    pair = Pair(first, second, github)
    for _ in range(5):
        await pair.refuses_a_revoked_key(within=0)
        await pair.refuses_to_use_a_deleted_credential(within=0)
    assert "Traceback" not in first.log() + second.log()
    assert first.served.stop() == 0
