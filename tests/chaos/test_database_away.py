"""While PostgreSQL is away everything is refused at once and nothing is sent; afterwards all is well by itself."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from chaos.installation import Installation
from chaos.load import Outside
from devmesh.demo.github import GitHub
from running import Organization

PROMPT_SECONDS = 14  # whoever waits for the database without a bound of ours gives up after fifteen
AWAY_SECONDS = 5
RECOVERY_SECONDS = 60


@dataclass
class Team:
    """An organization with a connected account, and what its members are told while the database is away."""

    organization: Organization
    outside: Outside
    github: GitHub

    async def call(self, title: str) -> tuple[int, Any]:
        arguments = {"owner": "acme", "repo": "site", "title": title}
        params = {"name": "github.create_issue", "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return await self.organization.ask("POST", "/mcp", message)

    async def calls_are_refused(self, title: str) -> None:
        """Over both doors, and with what to do next; nothing reaches the service."""
        status, reply = await self.call(title)
        told = reply["result"]["_meta"] if status == 200 else reply["error"]["data"]
        # A key may still be known when its credential, a moment later, is not: then the tool says it.
        refusals = ((200, "audit_unavailable"), (200, "database_unavailable"), (503, "database_unavailable"))
        assert (status, told["code"]) in refusals, reply
        assert told["retry_after"] >= 1
        body = {"arguments": {"owner": "acme", "repo": "site", "title": title}}
        status, problem = await self.organization.ask("POST", "/api/v1/tools/github.create_issue/execute", body)
        assert (status, problem["code"] in ("audit_unavailable", "database_unavailable")) == (503, True), problem

    async def changes_are_refused(self) -> None:
        async with self.outside.http.post(
            "/api/v1/api-keys", json={"name": "x"}, headers={"Authorization": f"Bearer {self.organization.key}"}
        ) as reply:
            assert reply.status == 503
            assert int(reply.headers["Retry-After"]) >= 1

    async def health_tells_the_truth(self) -> None:
        assert await self.status("/healthz") == 200
        assert await self.status("/readyz") == 503

    async def status(self, path: str) -> int:
        async with self.outside.http.get(path) as reply:
            return reply.status

    async def is_refused_for(self, seconds: float) -> None:
        """Ask for everything, again and again, several things at a time."""
        self.outside.slowest = 0.0
        end, asked = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            title = f"away {asked}"
            await asyncio.gather(
                self.calls_are_refused(title), self.changes_are_refused(), self.health_tells_the_truth()
            )
            asked += 1
            await asyncio.sleep(0.1)
        assert self.outside.slowest < PROMPT_SECONDS

    async def is_served_again(self, installation: Installation) -> None:
        took = await installation.ready(self.outside.http, RECOVERY_SECONDS)
        end = time.monotonic() + RECOVERY_SECONDS - took
        while True:
            status, reply = await self.call("again")
            if status == 200 and "structuredContent" in reply["result"]:
                break
            assert time.monotonic() < end, reply
            await asyncio.sleep(0.05)
        assert {issue["title"] for issue in self.github.issues} == {"before", "again"}
        assert (await self.organization.ask("POST", "/api/v1/api-keys", {"name": "x"}))[0] == 201


@pytest.fixture
async def team(installation: Installation, outside: Outside) -> AsyncIterator[Team]:
    await installation.start()
    async with GitHub({"tok": "ada"}) as github:
        organization = await outside.organization()
        await organization.connect(github, "tok")
        team = Team(organization, outside, github)
        assert "result" in (await team.call("before"))[1]
        yield team


async def test_a_database_that_answers_nothing_is_not_waited_for(installation: Installation, team: Team):
    frozen = installation.freeze()
    await team.is_refused_for(AWAY_SECONDS)
    # However late its end comes: it may have been just a pause.
    installation.thaw(frozen)
    await team.is_served_again(installation)
    assert await installation.stop() == 0


async def test_calls_under_way_when_the_database_stops_are_answered_in_time(installation: Installation, team: Team):
    async def keep_on() -> None:
        for number in itertools.count():
            status, reply = await team.call(f"on {number}")
            if status != 200 or reply["result"].get("isError"):
                return

    clients = [asyncio.create_task(keep_on()) for _ in range(8)]
    await asyncio.sleep(0.3)
    frozen = installation.freeze()
    await asyncio.gather(*clients)
    assert team.outside.slowest < PROMPT_SECONDS
    installation.thaw(frozen)
    await installation.ready(team.outside.http, RECOVERY_SECONDS)


async def test_a_database_that_cannot_start_is_tried_until_it_can(installation: Installation, team: Team):
    configuration = installation.data_dir / "postgres" / "postgresql.auto.conf"
    good = configuration.read_bytes()
    configuration.write_bytes(good + b"\nno_such_setting = 1\n")
    await installation.kill_database()
    await team.is_refused_for(AWAY_SECONDS)
    # A worker that is killed meanwhile cannot start either, and is tried as well.
    os.kill(installation.workers()[0], signal.SIGKILL)
    await asyncio.sleep(1)
    configuration.write_bytes(good)
    await team.is_served_again(installation)
    assert await installation.stop() == 0
