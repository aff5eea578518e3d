"""Whoever floods with credentials that are looked up in vain waits behind themselves, and nobody else behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.crypto.tokens import new_api_key
from devmesh.db.pool import DatabaseAway
from devmesh.errors import Unauthenticated
from devmesh.keys import verify
from sessions_people import new_person

if TYPE_CHECKING:
    from running import Mesh, Organization

FLOOD = 200


async def refused_before(look: Awaitable[Any], flood: list[Awaitable[Any]]) -> int:
    """Return how many of the flood were refused by the time that `look`, which came last, was answered."""
    tasks = [asyncio.ensure_future(one) for one in flood]
    await asyncio.sleep(0)
    await look
    answered = [task for task in tasks if task.done()]
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, Unauthenticated | DatabaseAway) for one in found)
    return len(answered)


async def test_a_key_that_is_used_for_the_first_time_does_not_wait_behind_made_up_ones(organization: Organization):
    verifier = organization.mesh.app.verifier
    fresh = await organization.new_key()
    flood = [verifier.verify(new_api_key("user"), "192.0.2.1") for _ in range(FLOOD)]
    assert await refused_before(verifier.verify(fresh, "198.51.100.1"), flood) < FLOOD / 2


async def test_an_ipv6_network_is_one_address(organization: Organization):
    verifier = organization.mesh.app.verifier
    fresh = await organization.new_key()
    flood = [verifier.verify(new_api_key("user"), f"2001:db8::{place:x}") for place in range(FLOOD)]
    assert await refused_before(verifier.verify(fresh, "2001:db8:1::1"), flood) < FLOOD / 2


async def test_a_session_does_not_wait_behind_ended_ones_of_another_organization(
    mesh: Mesh, organization: Organization
):
    ended, live = await new_person(organization), await new_person(await mesh.organization())
    assert (await ended.ask("POST", "/api/v1/auth/logout"))[0] == 204
    verifier = mesh.app.session_verifier
    flood = [verifier.verify(ended.tokens.access_token) for _ in range(FLOOD)]
    assert await refused_before(verifier.verify(live.tokens.access_token), flood) < FLOOD / 2


async def test_who_waits_too_long_to_be_looked_up_is_told_to_come_again(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(verify, "_WAIT_SECONDS", 0.0)
    verifier = organization.mesh.app.verifier
    flood = [verifier.verify(new_api_key("user"), "192.0.2.1") for _ in range(20)]
    kinds = {type(one) for one in await asyncio.gather(*flood, return_exceptions=True)}
    assert DatabaseAway in kinds
    assert await organization.new_key()
