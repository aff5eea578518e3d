"""How often and when a key was used: exact within a second and after a stop, at the price of a few row writes."""

from __future__ import annotations

import asyncio
import math
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from devmesh.app import build
from devmesh.crypto.ring import KeyRing
from devmesh.db.embedded import Embedded
from devmesh.db.tally import _SECONDS
from devmesh.demo.served import Served
from devmesh.settings import Settings
from running import Mesh, Organization

USES = 1000
CLIENTS = 16
MOST_WRITES = 5
KEYS = "/api/v1/api-keys"
# db/tally.py writes so often, if there is anything.
EVERY = 0.8

_COUNTING = """
create sequence counted_writes minvalue 0 start 0;
select nextval('counted_writes');
create function count_write() returns trigger language plpgsql security definer as
    $$ begin perform nextval('counted_writes'); return new; end $$;
create trigger counted after insert or update on api_key_usage for each row
    when (new.organization_id = '{}') execute function count_write();
"""
_NOT_COUNTING = "drop trigger counted on api_key_usage; drop function count_write; drop sequence counted_writes;"


@pytest.fixture
async def row_writes(postgres: Embedded, organization: Organization) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """How many rows of the organization's use counts were written so far, counted by the database itself."""
    owner = await asyncpg.connect(**postgres.owner_dsn)
    await owner.execute(_COUNTING.format(UUID(organization.id)))
    yield lambda: owner.fetchval("select last_value from counted_writes")
    await owner.execute(_NOT_COUNTING)
    await owner.close()


@pytest.fixture
def passable() -> Iterator[Path]:
    """A directory that the database's user may pass, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="devmesh-usage-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        yield directory


async def kept(organization: Organization, key_id: str) -> tuple[int, datetime | None]:
    """Return what stands in the table, without asking the process to write."""
    organization_id = UUID(organization.id)
    async with organization.mesh.app.database.acting(organization_id, organization_id) as tx:
        row = await tx.one("select usage_count, last_used_at from api_key_usage where key_id = $1", key_id)
    return (row["usage_count"], row["last_used_at"]) if row else (0, None)


async def new_agent(organization: Organization) -> tuple[str, str]:
    _, made = await organization.ask("POST", KEYS, {"name": "counted", "key_type": "agent"})
    return made["id"], made["api_key"]


async def use(organization: Organization, key: str, times: int) -> int:
    """Use the key from several clients at once; return how many requests were accepted."""

    async def client(share: int) -> int:
        statuses = [(await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] for _ in range(share)]
        return statuses.count(200)

    shares = [times // CLIENTS + (place < times % CLIENTS) for place in range(CLIENTS)]
    return sum(await asyncio.gather(*map(client, shares)))


async def test_a_thousand_uses_are_exact_within_a_second_and_few_writes(
    organization: Organization, row_writes: Callable[[], Awaitable[int]]
):
    key_id, key = await new_agent(organization)
    # Uses of the key that made it are written by now, and not counted with ours.
    await organization.mesh.app.verifier.uses.flush()
    before, began = await row_writes(), time.monotonic()
    assert await use(organization, key, USES) == USES
    used, ended = datetime.now(UTC), time.monotonic()
    # Within a second, and what a busy machine takes to write it.
    assert _SECONDS <= EVERY
    while (await kept(organization, key_id))[0] != USES:
        assert time.monotonic() - ended < 10
        await asyncio.sleep(0.02)
    # On a machine so busy that it takes longer than a thousand uses should, one for each time that it writes.
    assert await row_writes() - before <= max(MOST_WRITES, math.ceil((ended - began) / EVERY) + 1)
    _, last = await kept(organization, key_id)
    assert timedelta(0) <= used - last < timedelta(seconds=10)
    await asyncio.sleep(2 * EVERY)
    assert (await kept(organization, key_id))[0] == USES


@pytest.mark.parametrize("rate", [50, 500])
async def test_a_key_in_use_costs_as_many_row_writes_however_often_it_is_used(
    organization: Organization, row_writes: Callable[[], Awaitable[int]], rate: int
):
    _, key = await new_agent(organization)
    verifier = organization.mesh.app.verifier
    await verifier.uses.flush()
    before, began = await row_writes(), time.monotonic()
    for used in range(1, 3 * rate + 1):
        await verifier.verify(key)
        await asyncio.sleep(max(0, began + used / rate - time.monotonic()))
    lasted = time.monotonic() - began
    await verifier.uses.flush()
    # Fewer where each takes its time.
    assert 2 <= await row_writes() - before <= lasted / EVERY + 2


async def test_a_thousand_uses_in_one_breath_are_at_most_two_writes(
    organization: Organization, row_writes: Callable[[], Awaitable[int]], monkeypatch: pytest.MonkeyPatch
):
    # Else each of them reads the key, and is no breath.
    monkeypatch.setattr(organization.mesh.app.changes, "fresh", lambda: True)
    key_id, key = await new_agent(organization)
    verifier = organization.mesh.app.verifier
    await verifier.uses.flush()
    before = await row_writes()
    for _ in range(USES):
        await verifier.verify(key)
    await verifier.uses.flush()
    assert await kept(organization, key_id) >= (USES, datetime.min.replace(tzinfo=UTC))
    assert await row_writes() - before <= 2


async def test_refused_requests_of_a_good_key_count_and_those_of_a_bad_one_do_not(organization: Organization):
    key_id, key = await new_agent(organization)
    assert (await organization.ask("GET", "/api/v1/users", key=key))[0] == 403
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=key[:-1]))[0] == 401
    assert (await organization.ask("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}, key=key))[0] == 200
    _, keys = await organization.ask("GET", KEYS)
    assert [entry["usage_count"] for entry in keys["api_keys"] if entry["id"] == key_id] == [2]


async def test_two_processes_add_up_and_a_close_writes_what_is_left(
    organization: Organization, postgres: Embedded, master_key: bytes, ring: KeyRing, tmp_path: Path
):
    del ring
    key_id, key = await new_agent(organization)
    other = await build(Settings.load({"DEVMESH_DATA_DIR": str(tmp_path)}), master_key, postgres.app_dsn)
    for _ in range(300):
        await other.verifier.verify(key)
    await asyncio.gather(use(organization, key, 200), other.close())
    await organization.mesh.app.verifier.uses.flush()
    assert (await kept(organization, key_id))[0] == 500


async def test_a_server_that_is_asked_to_stop_has_counted_everything(passable: Path):
    with Served(passable, {}) as served:
        registered, key_id = await served_uses(served)
        assert await asyncio.to_thread(served.stop) == 0
        served.start()
        async with aiohttp.ClientSession(served.url) as http:
            organization = Organization(Mesh(served.url, None, passable, http), registered)
            _, keys = await organization.ask("GET", KEYS)
    assert [entry["usage_count"] for entry in keys["api_keys"] if entry["id"] == key_id] == [150]


async def served_uses(served: Served) -> tuple[dict[str, Any], str]:
    """Use a key and return at once, before it is written."""
    async with aiohttp.ClientSession(served.url) as http:
        organization = await Mesh(served.url, None, served.data_dir, http).organization()
        key_id, key = await new_agent(organization)
        assert await use(organization, key, 150) == 150
        return organization.registered, key_id
