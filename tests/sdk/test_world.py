from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sdk.world import World

PROFILE = "/api/v1/auth/profile"


class Visitor:
    """Asks through the world's proxy, and its control to act."""

    def __init__(self, world: World, session: aiohttp.ClientSession) -> None:
        self._world = world
        self._session = session
        self.headers: dict[str, str] = {}

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        url = self._world.values["base_url"] + path
        async with self._session.request(method, url, json=body, headers=self.headers) as reply:
            return reply.status, await reply.json(content_type=None)

    async def control(self, action: str, **fields: Any) -> Any:
        async with self._session.post(f"{self._world.values['control_url']}/{action}", json=fields) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.json()


@pytest.fixture
async def visitor(sdk_world: World) -> AsyncIterator[Visitor]:
    slug = f"acme-{secrets.token_hex(6)}"
    who = {"admin_email": f"ada@{slug}.example", "admin_name": "Ada", "admin_password": "SecurePass123!"}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session:
        visitor = Visitor(sdk_world, session)
        body = {"organization_name": "Acme", "organization_slug": slug, **who}
        status, registered = await visitor.ask("POST", "/api/v1/auth/register/organization", body)
        assert status == 201
        await visitor.control("reset")
        visitor.headers = {"Authorization": f"Bearer {registered['api_key']}"}
        visitor.email = who["admin_email"]
        yield visitor
        await visitor.control("reset")


async def test_what_passes_is_counted(visitor):
    assert [(await visitor.ask("GET", PROFILE))[0] for _ in range(3)] == [200] * 3
    assert await visitor.control("count", method="GET", path=PROFILE) == {"requests": 3}
    assert await visitor.control("count", method="POST", path=PROFILE) == {"requests": 0}


async def test_only_so_many_requests_of_the_path_fail(visitor):
    await visitor.control("fail", how="status", status=503, code="unavailable", retry_after=2, times=2, path=PROFILE)
    assert (await visitor.ask("GET", "/api/v1/tenants"))[0] == 200
    replies = [await visitor.ask("GET", PROFILE) for _ in range(3)]
    assert [status for status, _ in replies] == [503, 503, 200]
    assert (replies[0][1]["code"], replies[0][1]["retry_after"]) == ("unavailable", 2)


@pytest.mark.parametrize(("how", "met"), [("cut", aiohttp.ClientPayloadError), ("html", ValueError)])
async def test_a_reply_fails_as_it_was_told_to(visitor, how, met):
    await visitor.control("fail", how=how)
    with pytest.raises(met):
        await visitor.ask("GET", PROFILE)


async def test_the_server_acts_although_its_answer_is_dropped(visitor):
    await visitor.control("fail", how="drop")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await visitor.ask("POST", "/api/v1/contexts", {"name": "one"})
    assert (await visitor.ask("GET", "/api/v1/contexts"))[1]["count"] == 1


async def test_an_access_token_expires_and_its_successor_does_not(visitor):
    login = {"email": visitor.email, "password": "SecurePass123!"}
    _, first = await visitor.ask("POST", "/api/v1/auth/login", login)
    await visitor.control("expire")
    visitor.headers = {"Authorization": f"Bearer {first['access_token']}"}
    status, problem = await visitor.ask("GET", PROFILE)
    assert (status, problem["code"]) == (401, "token_expired")
    visitor.headers = {}
    _, second = await visitor.ask("POST", "/api/v1/auth/refresh", {"refresh_token": first["refresh_token"]})
    visitor.headers = {"Authorization": f"Bearer {second['access_token']}"}
    assert (await visitor.ask("GET", PROFILE))[0] == 200


async def test_the_server_is_itself_again_after_a_restart(visitor):
    before = await visitor.ask("GET", PROFILE)
    await visitor.control("restart")
    assert await visitor.ask("GET", PROFILE) == before
