"""Use counts: exact, few writes, and kept while the database is away."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from devmesh.db.pool import Database, DatabaseAway, Tx
from devmesh.db.tally import Tally, Uses
from devmesh.ids import new_id

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization


class Held:
    """Saves nothing before it may go on."""

    def __init__(self) -> None:
        self.written: Uses = []
        self.began = asyncio.Event()
        self.going = asyncio.Event()

    async def save(self, _tx: Tx, _organization_id: UUID, _tenant_id: UUID, uses: Uses) -> None:
        self.began.set()
        await self.going.wait()
        self.written.extend(uses)


async def test_a_thousand_uses_are_one_row_write(db: Database):
    written: list[Uses] = []

    async def save(_tx: Tx, _organization_id: UUID, _tenant_id: UUID, uses: Uses) -> None:
        written.append(uses)

    tally, organization_id, key = Tally(db, save), new_id(), new_id()
    for _ in range(1000):
        tally.count(organization_id, organization_id, key)
    await tally.flush()
    await tally.flush()
    assert [(used, count) for uses in written for used, count, _ in uses] == [(key, 1000)]


async def test_what_cannot_be_written_is_kept_and_added_to(db: Database):
    written: dict[UUID, int] = {}
    away = True

    async def save(_tx: Tx, _organization_id: UUID, _tenant_id: UUID, uses: Uses) -> None:
        if away:
            raise DatabaseAway
        for used, count, at in uses:
            assert isinstance(at, datetime)
            written[used] = written.get(used, 0) + count

    tally = Tally(db, save)
    tenants = [new_id() for _ in range(3)]
    for tenant in tenants:
        tally.count(tenant, tenant, tenant)
    await tally._flush_if_possible()
    for tenant in tenants:
        tally.count(tenant, tenant, tenant)
    away = False
    await tally.flush()
    assert written == dict.fromkeys(tenants, 2)


async def test_what_is_just_being_written_when_it_closes_is_not_lost(db: Database):
    held, key = Held(), new_id()
    tally = Tally(db, held.save)
    tally.open()
    for _ in range(7):
        tally.count(key, key, key)
    await held.began.wait()
    tally.count(key, key, key)
    closing = asyncio.create_task(tally.close())
    await asyncio.sleep(0.05)
    held.going.set()
    await closing
    assert [count for _, count, _ in held.written] == [7, 1]


async def test_a_flush_waits_for_what_is_just_being_written(db: Database):
    held, key = Held(), new_id()
    tally = Tally(db, held.save)
    tally.count(key, key, key)
    others = asyncio.create_task(tally.flush())
    await held.began.wait()
    ours = asyncio.create_task(tally.flush())
    for _ in range(3):
        await asyncio.sleep(0)
    assert not ours.done()
    held.going.set()
    await ours
    assert len(held.written) == 1
    await others


async def test_whoever_leaves_while_counts_are_written_for_them_loses_none(db: Database):
    written, began, going = [], asyncio.Event(), asyncio.Event()

    async def save(_tx: Tx, _organization_id: UUID, _tenant_id: UUID, uses: Uses) -> None:
        began.set()
        await going.wait()
        if len(written) == 0:
            written.append(0)
            raise DatabaseAway
        written.extend(count for _, count, _ in uses)

    tally, key = Tally(db, save), new_id()
    tally.count(key, key, key)
    looking = asyncio.create_task(tally.flush_of(key, key))
    await began.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    going.set()
    # Nor is it lost if the write that nobody waits for any more fails.
    await tally.close()
    assert written == [0, 1]


async def test_a_tenant_that_looks_writes_its_own_counts_and_nobody_elses(db: Database):
    written: list[UUID] = []

    async def save(_tx: Tx, _organization_id: UUID, tenant_id: UUID, _uses: Uses) -> None:
        written.append(tenant_id)

    tally = Tally(db, save)
    tenants = [new_id() for _ in range(3)]
    for tenant in tenants:
        tally.count(tenant, tenant, tenant)
    await tally.flush_of(tenants[1], tenants[1])
    assert written == [tenants[1]]
    await tally.flush()
    assert written == [tenants[1], tenants[0], tenants[2]]


@pytest.mark.parametrize("path", ["/api/v1/api-keys", "/api/v1/credentials"])
async def test_a_list_of_ones_own_writes_no_other_tenants_counts(
    mesh: Mesh, organization: Organization, path: str, monkeypatch: pytest.MonkeyPatch
):
    written: set[UUID] = set()
    other = new_id()
    for tally in (mesh.app.verifier.uses, mesh.app.vault.uses):

        async def save(_tx: Tx, _organization_id: UUID, tenant_id: UUID, _uses: Uses) -> None:
            written.add(tenant_id)

        # Not while the background writes.
        async with tally._writing:
            monkeypatch.setattr(tally, "_save", save)
            monkeypatch.setattr(tally, "flush", lambda: asyncio.sleep(0))
            for tenant in (UUID(organization.id), other):
                tally.count(tenant, tenant, new_id())
    assert (await organization.ask("GET", path))[0] == 200
    # Whoever else is there: what earlier tests have left the background may just be writing.
    assert written & {UUID(organization.id), other} == {UUID(organization.id)}
    for tally in (mesh.app.verifier.uses, mesh.app.vault.uses):
        tally._counts.pop((other, other))


async def test_uses_of_a_credential_that_is_replaced_meanwhile_break_nothing(
    organization: Organization, github: GitHub
):
    await organization.connect(github, "ghp_adas_token_000000")

    async def use() -> None:
        for _ in range(10):
            await organization.call("github.get_authenticated_user")
            await organization.mesh.app.vault.uses.flush()

    async def replace() -> None:
        for _ in range(10):
            await organization.connect(github, "ghp_adas_token_000000")

    await asyncio.gather(use(), use(), replace())
    assert (await organization.ask("GET", "/api/v1/credentials"))[1]["count"] == 1
