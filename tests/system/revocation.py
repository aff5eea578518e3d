"""Two servers on one database: what one revokes, the other refuses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from system.conftest import Installation

TOKEN = "ghp_adas_token_000000"


class Pair:
    """The one where changes are made and the one that hears of them; both answer before each change."""

    def __init__(self, here: Installation, there: Installation, github: GitHub) -> None:
        self.here = here
        self.there = there
        self.github = github

    async def refuses_a_revoked_key(self, within: float) -> None:
        """Revoke a key here that was just used there; `within` seconds later, or at once if 0, it is refused there."""
        organization = await self.here.organization()
        there = replace(organization, mesh=self.there)
        key = await organization.new_key(key_type="user")
        _, keys = await organization.ask("GET", "/api/v1/api-keys")
        key_id = next(entry["id"] for entry in keys["api_keys"] if entry["key_prefix"] == key[:8])

        async def accepted() -> bool:
            return (await there.ask("GET", "/api/v1/auth/profile", key=key))[0] == 200

        await _at_last(accepted)
        await _at_last(accepted)
        assert (await organization.ask("DELETE", f"/api/v1/api-keys/{key_id}"))[0] == 200
        await _no_longer(accepted, within)

    async def refuses_to_use_a_deleted_credential(self, within: float) -> None:
        """Delete a credential here that was just used there; the same."""
        organization = await self.here.organization()
        there = replace(organization, mesh=self.there)
        await organization.connect(self.github, TOKEN)

        async def used() -> bool:
            return "structuredContent" in await there.call("github.get_authenticated_user")

        await _at_last(used)
        await _at_last(used)
        assert (await organization.ask("DELETE", "/api/v1/credentials/github"))[0] == 204
        await _no_longer(used, within)
        sent = len(self.github.received)
        assert not await used()
        assert len(self.github.received) == sent


async def _at_last(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return once it holds: a busy machine may have answered that it is too busy."""
    until = time.monotonic() + 60
    while not await holds():
        assert time.monotonic() < until
        await asyncio.sleep(0.1)


async def _no_longer(holds: Callable[[], Awaitable[bool]], within: float) -> None:
    since = began = time.monotonic()
    while await holds():
        assert began - since < within
        await asyncio.sleep(0.05)
        began = time.monotonic()
    # And it stays so.
    for _ in range(5):
        assert not await holds()
