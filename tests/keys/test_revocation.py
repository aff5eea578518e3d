"""Once a DELETE is answered, no request that begins after it is accepted: here at once, elsewhere within a second."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
import pytest

from devmesh.app import build
from devmesh.crypto.passwords import Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.embedded import Embedded
from devmesh.demo.github import GitHub
from devmesh.http.server.listening import Server
from devmesh.settings import Settings
from devmesh.upstream.send import Sender
from running import Mesh, Organization

CLIENTS = 16
EFFECTIVE_SECONDS = 1.0
KEYS = "/api/v1/api-keys"
# Nothing of this is about limits.
LIMIT = {"requests_per_minute": 6_000_000, "burst": 6_000_000}
KEY = {"rate_limit": 1_000_000, "rate_window": 60}
PLANS = {
    "rate_limits": {"default": LIMIT, "authenticated": LIMIT},
    "keys": {"admin": KEY, "user": KEY, "agent": KEY},
}
Use = Callable[[Organization, str], Awaitable[bool]]


async def over_rest(organization: Organization, key: str) -> bool:
    status, _ = await organization.ask("GET", "/api/v1/auth/profile", key=key)
    assert status in (200, 401)
    return status == 200


async def over_mcp(organization: Organization, key: str) -> bool:
    params = {"name": "mesh.list_services", "arguments": {}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    status, body = await organization.ask("POST", "/mcp", message, key=key)
    assert status == 401 or not body["result"].get("isError"), body
    return status == 200


@asynccontextmanager
async def process(postgres: Embedded, master_key: bytes, passwords: Passwords, directory: Path) -> AsyncIterator[Mesh]:
    """Another process's program behind a server of its own, on the same database."""
    (directory / "plans.json").write_text(json.dumps(PLANS))
    environ = {"DEVMESH_DATA_DIR": str(directory), "DEVMESH_PLANS_FILE": str(directory / "plans.json")}
    settings = Settings.load({**environ, "DEVMESH_UPSTREAM_ALLOW": "127.0.0.0/8"})
    app = await build(settings, master_key, postgres.app_dsn, passwords=passwords)
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(app.asgi)
    await server.open(listener)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with aiohttp.ClientSession(url) as http:
        yield Mesh(url, app, directory, http)
    await server.close(5)
    await app.close()


@pytest.fixture(scope="module")
async def pair(
    postgres: Embedded,
    master_key: bytes,
    ring: KeyRing,
    passwords: Passwords,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Organization, Organization]]:
    """One organization, as each of two processes serves it; the first hears of its own changes by itself alone."""
    del ring  # made first, so that all read the same rows
    places = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    receive = Changes._receive

    def only_beats(self: Changes, connection: object, pid: int, channel: str, payload: str) -> None:
        if payload.startswith("beat:"):
            receive(self, connection, pid, channel, payload)

    async with AsyncExitStack() as stack:
        # A notice is back so soon that it would hide that it is waited for.
        with patch.object(Changes, "_receive", only_beats):
            here = await stack.enter_async_context(process(postgres, master_key, passwords, places[0]))
        there = await stack.enter_async_context(process(postgres, master_key, passwords, places[1]))
        organization = await here.organization()
        yield organization, replace(organization, mesh=there)


async def new_key(organization: Organization, **fields: Any) -> tuple[str, str]:
    status, made = await organization.ask("POST", KEYS, {"name": "to revoke", **fields})
    assert status == 201, made
    return made["id"], made["api_key"]


async def revoke(organization: Organization, key_id: str) -> float:
    """Revoke, and return when the reply was there."""
    assert (await organization.ask("DELETE", f"{KEYS}/{key_id}"))[0] == 200
    return time.perf_counter()


@dataclass
class Hammering:
    """Clients that use one key without a pause, until it is refused."""

    organization: Organization
    key: str
    use: Use

    async def around(self, revoked: Callable[[], Awaitable[float]]) -> list[float]:
        """Revoke in the middle of it; return by how many seconds too late each request began that was accepted."""
        begun: list[float] = []
        # Once by itself, so that not all of them read the database for it.
        assert await self.use(self.organization, self.key)
        all_in = asyncio.Barrier(CLIENTS + 1)
        clients = [asyncio.create_task(self._client(begun, all_in)) for _ in range(CLIENTS)]
        await all_in.wait()
        answered = await revoked()
        async with asyncio.timeout(60):
            await asyncio.gather(*clients)
        return [at - answered for at in begun if at >= answered]

    async def _client(self, begun: list[float], all_in: asyncio.Barrier) -> None:
        assert await self.use(self.organization, self.key)
        await all_in.wait()
        at = time.perf_counter()
        while await self.use(self.organization, self.key):
            begun.append(at)
            at = time.perf_counter()


@pytest.mark.parametrize(("use", "trials"), [(over_rest, 150), (over_mcp, 50)])
async def test_no_request_that_begins_after_the_reply_is_accepted(
    pair: tuple[Organization, Organization], use: Use, trials: int
):
    here, _ = pair
    late = []
    for _ in range(trials):
        key_id, key = await new_key(here)
        late += await Hammering(here, key, use).around(lambda key_id=key_id: revoke(here, key_id))
    assert late == []


@pytest.mark.parametrize("use", [over_rest, over_mcp])
async def test_another_process_accepts_none_that_begins_a_second_later(
    pair: tuple[Organization, Organization], use: Use
):
    here, there = pair
    worst = []
    for _ in range(20):
        key_id, key = await new_key(here)
        late = await Hammering(there, key, use).around(lambda key_id=key_id: revoke(here, key_id))
        worst.append(max(late, default=0.0))
        # Nor does the one that revoked it.
        assert not await use(here, key)
    assert max(worst) < EFFECTIVE_SECONDS


async def test_the_two_secrets_of_a_rotated_key_end_together(pair: tuple[Organization, Organization]):
    here, there = pair
    key_id, former = await new_key(here)
    _, rotated = await here.ask("POST", f"{KEYS}/{key_id}/rotate", {"grace_seconds": 60})
    for organization in pair:
        for key in (former, rotated["api_key"]):
            assert await over_rest(organization, key)
    answered = await revoke(here, key_id)
    for key in (former, rotated["api_key"]):
        assert not await over_rest(here, key)
        began = time.perf_counter()
        while await over_rest(there, key):
            assert began - answered < EFFECTIVE_SECONDS
            began = time.perf_counter()


async def test_a_call_under_way_may_finish_and_the_next_is_refused(
    pair: tuple[Organization, Organization], github: GitHub
):
    here, _ = pair
    await here.connect(github, "ghp_adas_token_000000")
    key_id, key = await new_key(here)
    arrived, going = asyncio.Event(), asyncio.Event()
    send = here.mesh.app.sender.send

    async def slowly(*arguments: Any, **more: Any) -> Any:
        arrived.set()
        await going.wait()
        return await send(*arguments, **more)

    with patch.object(Sender, "send", staticmethod(slowly)):
        call = asyncio.create_task(here.call("github.get_authenticated_user", key=key))
        await arrived.wait()
        await revoke(here, key_id)
        assert not await over_mcp(here, key)
        going.set()
        result = await call
    assert result["structuredContent"]["login"] == "ada"
    assert not await over_mcp(here, key)


async def test_no_reply_stays_open_after_a_revocation_for_there_are_no_streams(
    pair: tuple[Organization, Organization],
):
    here, _ = pair
    headers = {"Authorization": f"Bearer {here.key}", "Accept": "application/json, text/event-stream"}
    async with here.mesh.http.get("/mcp", headers=headers) as reply:
        assert reply.status == 405
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    async with here.mesh.http.post("/mcp", headers=headers, json=message) as reply:
        assert (reply.status, reply.content_type) == (200, "application/json")
        assert "Content-Length" in reply.headers
    _, document = await here.ask("GET", "/openapi.json")
    assert "event-stream" not in json.dumps(document)
