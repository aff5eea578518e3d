"""Two workers: what is revoked, replaced or deleted through one is so in the other within a second.

Rate limits are counted by each process: with N workers a key may come to N times its limit.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
import pytest

from chaos.installation import Installation, send, until
from chaos.load import Outside
from devmesh.demo.github import GitHub
from running import Mesh, Organization

TRIALS = 50
EFFECTIVE_SECONDS = 1.0
PROFILE = "/api/v1/auth/profile"


@dataclass
class Pair:
    """An organization over a connection to each of the two workers, and GitHub."""

    here: Organization
    there: Organization
    workers: tuple[int, ...]
    github: GitHub

    async def profile(self, of: Organization, key: str) -> int:
        return (await of.ask("GET", PROFILE, key=key))[0]

    async def store(self, token: str) -> None:
        await self.here.connect(self.github, token)

    async def login_there(self) -> str:
        """Return as whom a call over the other worker is made; nothing without a credential."""
        result = await self.there.call("github.get_authenticated_user")
        return "" if result.get("isError") else result["structuredContent"]["login"]


@pytest.fixture
async def pair(installation: Installation, outside: Outside) -> AsyncIterator[Pair]:
    await installation.start("--workers", "2")
    registered = (await outside.organization()).registered
    async with AsyncExitStack() as ends:
        sessions = await one_to_each(installation, ends)
        here, there = (
            Organization(Mesh(installation.url, None, installation.data_dir, session), registered)
            for session in sessions.values()
        )
        github = await ends.enter_async_context(GitHub({"tok-a": "ada", "tok-b": "bo"}))
        yield Pair(here, there, tuple(sessions), github)


async def one_to_each(installation: Installation, ends: AsyncExitStack) -> dict[int, aiohttp.ClientSession]:
    """Return sessions of one lasting connection each, by the worker to which it leads."""
    sessions: dict[int, aiohttp.ClientSession] = {}
    async with asyncio.timeout(60):
        while len(sessions) < len(installation.workers()):
            made: list[socket.socket] = []
            connector = aiohttp.TCPConnector(limit=1, socket_factory=partial(_kept, made))
            session = await ends.enter_async_context(aiohttp.ClientSession(installation.url, connector=connector))
            async with session.get("/healthz") as reply:
                await reply.read()
            # Of a list that changes while it is read the kernel may leave a line out: then the next one tells.
            if (worker := installation.worker_of(made[-1].getsockname()[1])) is not None:
                sessions.setdefault(worker, session)
    assert set(sessions) == set(installation.workers())
    return sessions


def _kept(made: list[socket.socket], place: aiohttp.AddrInfoType) -> socket.socket:
    made.append(socket.socket(*place[:3]))
    return made[-1]


async def test_a_key_revoked_in_one_is_refused_by_the_other_within_a_second(pair: Pair):
    slowest = 0.0
    for _ in range(TRIALS):
        _, made = await pair.here.ask("POST", "/api/v1/api-keys", {"name": "to be revoked"})
        key = made["api_key"]
        # Known to both, so that both could answer out of memory.
        assert [await pair.profile(each, key) for each in (pair.here, pair.there)] == [200, 200]
        hammer = asyncio.create_task(until_refused(pair, key))
        await asyncio.sleep(0.01)
        status, _ = await pair.here.ask("DELETE", f"/api/v1/api-keys/{made['id']}")
        revoked = time.monotonic()
        assert status == 200
        assert await pair.profile(pair.here, key) == 401
        slowest = max(slowest, await hammer - revoked)
        assert await pair.profile(pair.there, key) == 401
    assert slowest < EFFECTIVE_SECONDS


async def until_refused(pair: Pair, key: str) -> float:
    """Ask the other worker until it refuses the key; return when the last request began that it accepted."""
    last = began = time.monotonic()
    while await pair.profile(pair.there, key) == 200:
        last, began = began, time.monotonic()
    return last


async def test_a_credential_replaced_or_deleted_in_one_is_so_in_the_other_within_a_second(pair: Pair):
    slowest = 0.0
    for number in range(TRIALS):
        token, login = (("tok-a", "ada"), ("tok-b", "bo"))[number % 2]
        if number % 5 == 4:
            login = ""
            assert (await pair.here.ask("DELETE", "/api/v1/credentials/github"))[0] == 204
        else:
            await pair.store(token)
        changed = began = time.monotonic()
        while await pair.login_there() != login:
            slowest = max(slowest, began - changed)
            assert slowest < EFFECTIVE_SECONDS
            began = time.monotonic()
        # Never the old one again.
        assert await pair.login_there() == login


async def test_a_revocation_that_nobody_could_be_told_of_is_effective_all_the_same(
    installation: Installation, pair: Pair
):
    for _ in range(5):
        _, made = await pair.here.ask("POST", "/api/v1/api-keys", {"name": "to be revoked"})
        key = made["api_key"]
        assert [await pair.profile(each, key) for each in (pair.here, pair.there)] == [200, 200]
        # Every connection is cut, those that listen too; before they listen again, the key is revoked.
        for backend in installation.backends():
            send(backend, signal.SIGTERM)
        await until_done(pair.here, "DELETE", f"/api/v1/api-keys/{made['id']}")
        await asyncio.sleep(EFFECTIVE_SECONDS)
        for _ in range(5):
            assert [await pair.profile(each, key) for each in (pair.here, pair.there)] == [401, 401]
            await asyncio.sleep(0.1)


async def until_done(organization: Organization, method: str, path: str) -> Any:
    async with asyncio.timeout(30):
        while True:
            status, body = await organization.ask(method, path)
            if status != 503:
                assert status < 300, body
                return body


async def test_credentials_stored_at_the_same_time_are_stored_one_after_the_other(pair: Pair):
    bodies = [
        {
            "service_type": "github",
            "credentials": {"token": f"tok-{number}"},
            "metadata": {"description": str(number)},
        }
        for number in range(20)
    ]
    workers = (pair.here, pair.there)
    replies = await asyncio.gather(
        *(workers[number % 2].ask("POST", "/api/v1/credentials", body) for number, body in enumerate(bodies))
    )
    assert [status for status, _ in replies] == [201] * len(bodies)
    _, listed = await pair.here.ask("GET", "/api/v1/credentials")
    assert listed["count"] == 1


async def test_each_worker_counts_a_keys_rate_limit_by_itself(pair: Pair):
    _, made = await pair.here.ask("POST", "/api/v1/api-keys", {"name": "slow", "rate_limit": 5, "rate_window": 86_400})
    accepted = 0
    for each in (pair.here, pair.there):
        statuses = [await pair.profile(each, made["api_key"]) for _ in range(8)]
        assert statuses == [200] * 5 + [429] * 3
        accepted += statuses.count(200)
    assert accepted == 2 * 5


async def test_a_killed_worker_leaves_the_other_answering(installation: Installation, pair: Pair):
    os.kill(pair.workers[0], signal.SIGKILL)
    killed = time.monotonic()
    while time.monotonic() < killed + 2:
        assert await pair.profile(pair.there, pair.there.key) == 200
    await until(lambda: len(installation.workers()) == 2, 30)
    assert pair.workers[0] not in installation.workers()
    assert pair.workers[1] in installation.workers()
