"""The same limits over all processes of an installation, and what happens to them when Redis fails."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from system.redis_server import IN_A_URL, PASSWORD, RedisServer, until

if TYPE_CHECKING:
    from pathlib import Path

    from running import Organization
    from system.cluster import Address
    from system.conftest import Installation, Machine

CAPACITY = 400
SLOW = {"rate_limit": CAPACITY, "rate_window": 86_400}
WIDE = {"requests_per_minute": 600_000, "burst": 600_000}
USER = {"rate_limit": CAPACITY, "rate_window": 60}
PLANS = {"rate_limits": {"default": WIDE, "authenticated": WIDE}, "keys": {"user": USER}}
AWAY, BACK = "is away (", "Redis is back"


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@dataclass
class Pair:
    """Two servers over one database and one Redis, and an organization that both know."""

    redis: RedisServer
    servers: list[Installation]
    organizations: list[Organization]

    async def new_key(self, **fields: Any) -> str:
        return await self.organizations[0].new_key(key_type="user", **SLOW, **fields)

    async def admitted(self, key: str, requests: int, clients: int = 64) -> int:
        """How many of so many requests, alternating between the servers, are let through."""
        found: Counter[int] = Counter()
        left = iter(range(requests))

        async def client() -> None:
            for number in left:
                status, _ = await self.organizations[number % 2].ask("GET", "/api/v1/health", key=key)
                found[status] += 1

        await asyncio.gather(*(client() for _ in range(clients)))
        assert set(found) <= {200, 429}, found
        return found[200]

    async def by_share(self) -> list[str]:
        told = []
        for organization in self.organizations:
            headers = {"Authorization": f"Bearer {organization.key}"}
            async with organization.mesh.http.get("/metrics", headers=headers) as reply:
                lines = (await reply.text()).splitlines()
                told += [line.split()[1] for line in lines if line.startswith("devmesh_limits_by_share ")]
        return told

    async def until_logged(self, words: str, times: int = 1) -> None:
        await until(lambda: all(server.log().count(words) == times for server in self.servers))


@pytest.fixture
async def pair(machine: Machine, database: Address, redis: RedisServer, tmp_path: Path) -> Pair:
    return await pair_over(machine, database, redis, redis.url(), tmp_path)


async def pair_over(machine: Machine, database: Address, redis: RedisServer, url: str, tmp_path: Path) -> Pair:
    plans = tmp_path / "equal.json"
    plans.write_text(json.dumps(PLANS))
    settings = {"DEVMESH_REDIS_URL": url, "DEVMESH_PLANS_FILE": str(plans)}
    servers = [await machine.serve(database.url(), **settings) for _ in range(2)]
    organization = await servers[0].organization()
    await asyncio.sleep(3)  # the first hears of the second within a second
    return Pair(redis, servers, [organization, replace(organization, mesh=servers[1])])


async def test_two_processes_admit_what_one_bucket_holds_and_both_tell_what_is_left(pair: Pair):
    key = await pair.new_key()
    for number, organization in enumerate(pair.organizations):
        async with organization.mesh.http.get("/api/v1/health", headers={"X-API-Key": key}) as reply:
            assert int(reply.headers["X-RateLimit-Remaining"]) == CAPACITY - 1 - number
            assert f'"key";r={CAPACITY - 1 - number}' in reply.headers["RateLimit"]
    assert CAPACITY - 3 <= await pair.admitted(key, 600) <= CAPACITY - 2
    async with pair.organizations[1].mesh.http.get("/api/v1/health", headers={"X-API-Key": key}) as reply:
        assert (reply.status, reply.headers["X-RateLimit-Remaining"]) == (429, "0")
        assert 1 <= int(reply.headers["Retry-After"]) <= 86_400 / CAPACITY + 1
    assert await pair.by_share() == ["0", "0"]
    assert AWAY not in pair.servers[0].log()


async def test_rotating_a_key_does_not_refill_its_bucket(pair: Pair):
    key = await pair.new_key()
    assert await pair.admitted(key, 450) >= CAPACITY - 1
    _, listed = await pair.organizations[0].ask("GET", "/api/v1/api-keys")
    key_id = next(entry["id"] for entry in listed["api_keys"] if entry["key_prefix"] == key[:8])
    status, rotated = await pair.organizations[0].ask("POST", f"/api/v1/api-keys/{key_id}/rotate", {})
    assert status in {200, 201}, rotated
    assert await pair.admitted(rotated["api_key"], 20) == 0


async def test_when_redis_is_killed_each_process_keeps_to_its_share_and_nothing_is_granted_twice(pair: Pair):
    key = await pair.new_key()
    assert await pair.admitted(key, 98) == 98
    assert await pair.admitted(key, 2, clients=1) == 2  # both have seen how much is out
    pair.redis.kill()
    await pair.until_logged(AWAY)
    assert "one part in 2 of each limit" in pair.servers[1].log()
    assert CAPACITY - 102 <= await pair.admitted(key, 500) <= CAPACITY - 99
    assert await pair.by_share() == ["1", "1"]
    pair.redis.start()  # empty: it has forgotten the first 100, but is told what was let through without it
    await pair.until_logged(BACK)
    assert await pair.admitted(key, 300) <= 102
    assert await pair.by_share() == ["0", "0"]
    assert all(server.log().count(AWAY) == 1 for server in pair.servers)


async def test_a_redis_killed_in_the_middle_of_a_burst_fails_no_request(pair: Pair):
    key = await pair.new_key()
    burst = asyncio.create_task(pair.admitted(key, 1200))
    await asyncio.sleep(0.2)
    pair.redis.kill()
    # What one process let through just then, the other has not seen yet.
    assert CAPACITY // 2 <= await burst <= CAPACITY + 64
    assert await pair.by_share() == ["1", "1"]


async def test_a_redis_that_hangs_holds_nobody_up(pair: Pair):
    key = await pair.new_key()
    assert await pair.admitted(key, 10) == 10
    pair.redis.hang()
    async with asyncio.timeout(20):
        assert await pair.admitted(key, 100) == 100
    await pair.until_logged(AWAY)
    pair.redis.go_on()
    await pair.until_logged(BACK)
    # It may have counted what was in its socket too: nobody is granted more for it.
    assert CAPACITY - 110 - 64 <= await pair.admitted(key, 600) <= CAPACITY - 110


async def test_a_flushed_redis_grants_one_bucket_more_and_goes_on(pair: Pair):
    key = await pair.new_key()
    assert await pair.admitted(key, 450) >= CAPACITY - 1
    pair.redis.ask("FLUSHALL")
    pair.redis.ask("SCRIPT", "FLUSH")
    assert CAPACITY - 1 <= await pair.admitted(key, 600) <= CAPACITY
    assert await pair.by_share() == ["0", "0"]


async def test_requests_without_a_credential_are_counted_by_address_in_all_processes(
    machine: Machine, database: Address, redis: RedisServer, tmp_path: Path
):
    plans = tmp_path / "few.json"
    plans.write_text(json.dumps({"rate_limits": {"default": {"requests_per_minute": 1, "burst": 30}}}))
    settings = {"DEVMESH_REDIS_URL": redis.url(), "DEVMESH_PLANS_FILE": str(plans)}
    servers = [await machine.serve(database.url(), **settings) for _ in range(2)]
    found: Counter[int] = Counter()
    for number in range(50):
        sent = {"X-API-Key": f"usr_{number:036}"} if number % 2 else {}
        async with servers[number // 2 % 2].http.get("/api/v1/profile", headers=sent) as reply:
            found[reply.status] += 1
    assert found == {401: 30, 429: 20}


async def test_redis_with_a_password_over_tls(
    machine: Machine,
    database: Address,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    with RedisServer("--requirepass", PASSWORD, tls=certificate) as redis:
        url = f"rediss://:{IN_A_URL}@127.0.0.1:{redis.port}"
        code, said = machine.run("doctor", url=database.url(), DEVMESH_REDIS_URL=url)
        assert code == 1
        assert "certificate" in said
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        _, said = machine.run("doctor", url=database.url(), DEVMESH_REDIS_URL=url)
        assert f"rate limits through rediss://127.0.0.1:{redis.port}/0: takes our connection" in said
        pair = await pair_over(machine, database, redis, url, tmp_path)
        key = await pair.new_key()
        assert CAPACITY - 1 <= await pair.admitted(key, 450) <= CAPACITY
        assert await pair.by_share() == ["0", "0"]
        for server in pair.servers:
            assert PASSWORD not in server.log()
            assert IN_A_URL not in server.log()


async def test_the_limits_hold_over_a_cluster(machine: Machine, database: Address, tmp_path: Path):
    options = ("--cluster-enabled", "yes")
    with RedisServer(*options) as one, RedisServer(*options) as other:
        one.ask("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
        other.ask("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
        one.ask("CLUSTER", "MEET", "127.0.0.1", other.port)
        await until(lambda: all("state:ok" in node.ask("CLUSTER", "INFO") for node in (one, other)), 30)
        pair = await pair_over(machine, database, one, one.url("?cluster=true"), tmp_path)
        # All buckets of an organization lie on one node, by chance of its id: twenty on the same would be no chance.
        for _ in range(20):
            organization = await pair.servers[0].organization()
            pair.organizations = [replace(organization, mesh=server) for server in pair.servers]
            key = await pair.new_key()
            # What a node answers too late it has counted, and each client may meet that once.
            assert CAPACITY - 8 <= await pair.admitted(key, 450, clients=8) <= CAPACITY
            if all(node.ask("KEYS", "devmesh:{*}:*") for node in (one, other)):
                break
        else:
            pytest.fail("one of the two holds no bucket")
        assert await pair.by_share() == ["0", "0"]
