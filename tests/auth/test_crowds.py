"""Whoever floods with credentials that are looked up in vain waits behind themselves, and nobody else behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.crypto.tokens import new_api_key
from devmesh.db.pool import DatabaseAway, Tx
from devmesh.errors import Unauthenticated
from devmesh.keys import verify
from sessions_people import new_person

if TYPE_CHECKING:
    from running import Mesh, Organization

FLOOD = 200


Crowd = Callable[[Awaitable[Any], list[Awaitable[Any]]], Awaitable[None]]


@pytest.fixture
def crowd(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """Look up a flood, of which nobody is answered before `look` is, which comes last."""
    of_the_flood, go_on = ContextVar("of_the_flood", default=False), asyncio.Event()

    def held(whole: Callable[..., Any]) -> Callable[..., Any]:
        @asynccontextmanager
        async def transaction(*owner: Any) -> AsyncIterator[Tx]:
            async with whole(*owner) as tx:
                if of_the_flood.get():
                    await go_on.wait()
                yield tx

        return transaction

    for name in ("routing", "acting"):
        monkeypatch.setattr(mesh.app.database, name, held(getattr(mesh.app.database, name)))

    async def come(look: Awaitable[Any], flood: list[Awaitable[Any]]) -> None:
        token = of_the_flood.set(True)
        tasks = [asyncio.ensure_future(one) for one in flood]
        of_the_flood.reset(token)
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await look
        assert not any(task.done() for task in tasks)
        go_on.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, Unauthenticated | DatabaseAway) for one in found)

    return come


async def test_a_key_that_is_used_for_the_first_time_does_not_wait_behind_made_up_ones(
    organization: Organization, crowd: Crowd
):
    verifier = organization.mesh.app.verifier
    fresh = await organization.new_key()
    flood = [verifier.verify(new_api_key("user"), "192.0.2.1") for _ in range(FLOOD)]
    await crowd(verifier.verify(fresh, "198.51.100.1"), flood)


async def test_an_ipv6_network_is_one_address(organization: Organization, crowd: Crowd):
    verifier = organization.mesh.app.verifier
    fresh = await organization.new_key()
    flood = [verifier.verify(new_api_key("user"), f"2001:db8::{place:x}") for place in range(FLOOD)]
    await crowd(verifier.verify(fresh, "2001:db8:1::1"), flood)


async def test_a_session_does_not_wait_behind_ended_ones_of_another_organization(
    mesh: Mesh, organization: Organization, crowd: Crowd
):
    ended, live = await new_person(organization), await new_person(await mesh.organization())
    assert (await ended.ask("POST", "/api/v1/auth/logout"))[0] == 204
    verifier = mesh.app.session_verifier
    flood = [verifier.verify(ended.tokens.access_token) for _ in range(FLOOD)]
    await crowd(verifier.verify(live.tokens.access_token), flood)


async def test_who_waits_too_long_to_be_looked_up_is_told_to_come_again(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verify, "_WAIT_SECONDS", 0.0)
    verifier = organization.mesh.app.verifier
    flood = [verifier.verify(new_api_key("user"), "192.0.2.1") for _ in range(20)]
    kinds = {type(one) for one in await asyncio.gather(*flood, return_exceptions=True)}
    assert DatabaseAway in kinds
    assert await organization.new_key()
