"""`kill -9` in the middle of a request with an Idempotency-Key: its repeats never act a second time."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from chaos.installation import Installation, until
from chaos.load import Outside
from chaos.witness import Patient, act_for
from idempotency.conftest import EXECUTE, ISSUE, TENANTS, Client, Told, new_tenant
from running import Organization

TOKEN = "ghp_adas_token_000000"
# A lease is 15 s; whoever has not renewed it by then is taken for dead.
LONGEST = 60


@pytest.fixture
async def client(installation: Installation, outside: Outside) -> Client:
    """A client of an organization of the running installation."""
    await installation.start()
    return Client(await outside.organization())


@asynccontextmanager
async def held(installation: Installation, organization: Organization, row: str) -> AsyncIterator[asyncpg.Connection]:
    """Keep everybody else from locking these rows; they can still be referred to."""
    connection = await installation.as_owner()
    try:
        async with connection.transaction():
            await act_for(connection, UUID(organization.id))
            assert await connection.fetch(f"select 1 from {row} for no key update")
            yield connection
    finally:
        await connection.close()


async def kill_the_worker(installation: Installation, outside: Outside) -> None:
    (worker,) = installation.workers()
    os.kill(worker, signal.SIGKILL)
    await until(lambda: worker not in installation.workers(), 30)
    await installation.ready(outside.http)


async def cut_off(installation: Installation, client: Client, asked: asyncio.Task[Told]) -> None:
    """See the request end without a reply, and its lease as if renewed now: a worker may take as long to start."""
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await asked
    connection = await installation.as_owner()
    try:
        async with connection.transaction():
            await act_for(connection, UUID(client.organization.id))
            sql = (
                "update idempotency_keys set leased_until = now() + interval '10 s' where state in ('running', 'acted')"
            )
            assert await connection.execute(sql) == "UPDATE 1"
    finally:
        await connection.close()


async def happened(what: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(30):
        while not await what():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.02)


async def _made(client: Client, slug: str) -> bool:
    return slug in await client.tenants()


async def repeated(client: Client, path: str, body: object) -> tuple[Told, list[str]]:
    """Repeat the request until it is told something else than that the first is still running."""
    end, told = time.monotonic() + LONGEST, []
    while True:
        reply = await client.post(path, body, "one")
        if reply.status != 409 or reply.body["code"] != "request_in_progress":
            return reply, told
        told.append(reply.headers["Retry-After"])
        assert time.monotonic() < end
        await asyncio.sleep(float(reply.headers["Retry-After"]))


async def test_killed_between_its_commit_and_its_reply_it_is_not_done_again(
    installation: Installation, outside: Outside, client: Client
):
    body = new_tenant()
    # The reply is sealed by the person's data key: there must be one to be waited for.
    assert (await client.post(TENANTS, new_tenant(), "zero")).status == 201
    async with held(installation, client.organization, "data_keys"):
        asked = asyncio.create_task(client.post(TENANTS, body, "one"))
        await happened(lambda: _made(client, body["slug"]))
        await kill_the_worker(installation, outside)
        await cut_off(installation, client, asked)
    reply, told = await repeated(client, TENANTS, body)
    assert (reply.status, reply.body["code"], reply.body["id"]) == (409, "already_done", None)
    assert told
    assert len(await client.tenants()) == 3


async def test_killed_before_its_commit_it_is_done_once(installation: Installation, outside: Outside, client: Client):
    body = new_tenant()
    async with held(installation, client.organization, "organizations") as connection:
        asked = asyncio.create_task(client.post(TENANTS, body, "one"))
        await happened(lambda: connection.fetchval("select count(*) from idempotency_keys"))
        await asyncio.sleep(0.2)
        await kill_the_worker(installation, outside)
        await cut_off(installation, client, asked)
    reply, told = await repeated(client, TENANTS, body)
    assert (reply.status, reply.replayed) == (201, False)
    assert told
    again = await client.post(TENANTS, body, "one")
    assert (again.replayed, again.body) == (True, reply.body)
    assert len(await client.tenants()) == 2


async def test_killed_while_the_service_is_asked_its_outcome_is_unknown(
    installation: Installation, outside: Outside, client: Client
):
    async with Patient({TOKEN: "ada"}) as github:
        arrived = asyncio.Event()

        async def hang(_received: object) -> None:
            arrived.set()
            await asyncio.sleep(60)

        github.before = hang
        await client.organization.connect(github, TOKEN)
        asked = asyncio.create_task(client.post(EXECUTE, ISSUE, "one"))
        async with asyncio.timeout(30):
            await arrived.wait()
        await kill_the_worker(installation, outside)
        await cut_off(installation, client, asked)
        reply, told = await repeated(client, EXECUTE, ISSUE)
        assert (reply.status, reply.body["code"]) == (409, "outcome_unknown")
        assert "/api/v1/audit" in reply.body["hint"]
        assert told
        again = await client.post(EXECUTE, ISSUE, "one")
        assert again.body["code"] == "outcome_unknown"
        assert len(github.received) == 1
