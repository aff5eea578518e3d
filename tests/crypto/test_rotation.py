"""The rotation of the master key: what is made meanwhile, and what somebody has altered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from crypto.own_database import opened
from devmesh.crypto import rotation as module
from devmesh.crypto import store_master
from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.kms import LocalKms
from devmesh.crypto.masters import MasterKeys, VaultClosed, WrongMasterKey
from devmesh.crypto.ring import KeyRing
from devmesh.crypto.rotation import KeyAltered, Progress, Rotation
from devmesh.crypto.sealing import new_key
from devmesh.db.changes import Changes
from devmesh.db.embedded import Embedded
from devmesh.db.pool import Database, Tx
from devmesh.ids import new_id
from sessions_people import until


class World:
    """Two organizations with data keys, a server's view of them, and the operator's command."""

    def __init__(self, own: Embedded, owner: Database, app: Database) -> None:
        self.kms = LocalKms(new_key())
        self.masters = MasterKeys(self.kms)
        self.ring = KeyRing(self.masters)
        self.keys = DataKeys(self.ring)
        self.organizations: list[UUID] = []
        self.said: list[Progress] = []
        self.app, self.owner = app, owner
        self._changes = Changes(own.owner_dsn)

    async def organization(self) -> UUID:
        organization_id = new_id()
        async with self.app.acting(organization_id) as tx:
            await tx.run(
                "insert into organizations (id, name, slug, plan) values ($1, 'A', $2, 'free')",
                organization_id,
                str(organization_id),
            )
        self.organizations.append(organization_id)
        return organization_id

    async def data_key(self, organization_id: UUID) -> tuple[UUID, bytes]:
        async with self.app.acting(organization_id) as tx:
            return await self.keys.of(tx, organization_id, None)

    async def rotate(self, kms: LocalKms | None = None, *, destroy_old: bool = True) -> int:
        async def every() -> AsyncIterator[UUID]:
            for each in self.organizations:
                yield each

        async def closing(_tx: Tx, _version: int) -> None:
            pass

        masters = MasterKeys(kms or self.kms, self.kms)
        return await Rotation(self.owner, masters, self._changes, every, self.said.append).run(
            closing, destroy_old=destroy_old
        )

    async def wrapped(self, organization_id: UUID) -> list[Any]:
        async with self.app.acting(organization_id) as tx:
            return [tuple(row) for row in await tx.all("select master_version(wrapped), wrapped from data_keys")]


@pytest.fixture
async def world(own_postgres: Embedded, empty: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(module, "_HEARD_SECONDS", 0.0)
    async with opened(own_postgres.owner_dsn) as owner:
        world = World(own_postgres, owner, empty)
        await world.ring.open(empty)
        yield world


async def test_every_key_is_the_same_under_another_version_and_the_old_one_is_gone(world: World):
    places = [await world.organization() for _ in range(3)]
    keys = [await world.data_key(place) for place in places]
    before = [await world.wrapped(place) for place in places]
    pepper = world.ring.digest("keys", b"x")
    assert await world.rotate() == 2
    assert [(await world.wrapped(place))[0][0] for place in places] == [2, 2, 2]
    assert [progress.percent for progress in world.said] == sorted(progress.percent for progress in world.said)
    assert (world.said[0].done, world.said[-1].percent) == (0, 100)
    async with world.app.routing() as tx:
        assert [(row.version, row.finished) for row in await store_master.versions(tx)] == [(2, True)]

    # A server that has not heard of it yet learns of it when it needs it; a new one knows nothing else.
    assert [await world.data_key(place) for place in places] == keys
    later = MasterKeys(world.kms)
    ring = KeyRing(later)
    await ring.open(world.app)
    assert ring.digest("keys", b"x") == pepper
    assert list(later._held) == [2]
    stale = before[0][0][1]
    async with world.app.acting(places[0]) as tx:
        key_id = await tx.value("select id from data_keys")
    with pytest.raises(VaultClosed):
        DataKeys(ring).unwrap(places[0], None, key_id, stale)


async def test_a_key_that_is_being_made_when_the_version_comes_is_moved_too(world: World):
    place = await world.organization()
    async with world.app.acting(place) as tx:
        key = await world.keys.of(tx, place, None)
        rotating = asyncio.create_task(world.rotate())
        await until(partial(_waits_for_lock, world), 10)
        assert world.said == [], "nothing begins while somebody wraps by the older version"
        async with world.app.routing() as other:
            assert [row.version for row in await store_master.versions(other)] == [1]
    assert await rotating == 2
    assert (await world.wrapped(place))[0][0] == 2
    assert await world.data_key(place) == key


async def _waits_for_lock(world: World) -> bool:
    """Return whether somebody waits until nobody wraps anything."""
    async with world.app.routing() as tx:
        waiting = "select exists (select from pg_locks where locktype = 'advisory' and objid = $1 and not granted)"
        return await tx.value(waiting, store_master._LOCK)


async def test_after_the_version_has_come_nobody_wraps_by_an_older_one(world: World):
    stale = DataKeys(world.ring)
    assert await world.rotate() == 2
    place = await world.organization()
    async with world.app.acting(place) as tx:
        await stale.of(tx, place, None)
    assert (await world.wrapped(place))[0][0] == 2


async def test_a_key_moved_to_another_place_is_named_and_stops_the_rotation_before_anything_is_destroyed(world: World):
    one, two = [await world.organization() for _ in range(2)]
    await world.data_key(one)
    await world.data_key(two)
    ((_, wrapped),) = await world.wrapped(one)
    async with world.app.acting(two) as tx:
        await tx.run("update data_keys set wrapped = $1", wrapped)
    with pytest.raises(KeyAltered, match=str(two)):
        await world.rotate()
    async with world.app.routing() as tx:
        assert [(row.version, row.finished) for row in await store_master.versions(tx)] == [(1, True), (2, False)]
    async with world.app.acting(two) as tx:
        await tx.run("delete from data_keys")
    assert await world.rotate() == 2


async def test_an_exchanged_key_in_the_file_opens_what_is_new_and_the_former_one_nothing(world: World):
    place = await world.organization()
    key = await world.data_key(place)
    await world.rotate(destroy_old=False)
    exchanged = LocalKms(new_key())
    assert await world.rotate(exchanged) == 3
    with pytest.raises(WrongMasterKey):
        await MasterKeys(world.kms).open(world.app)
    ring = KeyRing(MasterKeys(exchanged))
    await ring.open(world.app)
    async with world.app.acting(place) as tx:
        assert await DataKeys(ring).of(tx, place, None) == key
