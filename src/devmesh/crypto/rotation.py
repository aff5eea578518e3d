"""The master key's rotation: everything that an older version has wrapped is wrapped by a new one, while servers run.

Each step is one commit and leaves a database in which every key opens; whoever is killed between two is continued by
the next run. Servers learn of the new version before anything is wrapped by it, and nothing new is wrapped by an older
one once it is there (`store_master.newest`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from devmesh.crypto import store_master as store
from devmesh.crypto.masters import MASTER_CHANGED, MasterKeys, WrongMasterKey
from devmesh.db.changes import FRESH_SECONDS, Changes
from devmesh.db.pool import Database, Tx

_AT_ONCE = 200
# What another server holds for a moment is looked for again.
_PAUSE_SECONDS = 0.05
# Until every server has heard of a version, and has asked its KMS for it.
_HEARD_SECONDS = 2 * FRESH_SECONDS


@dataclass(frozen=True, slots=True)
class Progress:
    """How many keys the new version has wrapped, of how many that had to be."""

    version: int
    done: int
    total: int

    @property
    def percent(self) -> int:
        """From 0 to 100; 100 only when nothing is left."""
        return 100 * self.done // self.total if self.total else 100


class KeyAltered(WrongMasterKey):
    """A wrapped key does not open where it stands."""

    def __init__(self, where: tuple[object, ...]) -> None:
        kind, *place = where
        named = "data key of organization, user and id" if kind == "data" else "key of the ring"
        RuntimeError.__init__(
            self,
            f"the {named} {' '.join(map(str, place))} does not open: its row was altered or moved; "
            "restore the row from a backup, or remove it with what it seals, and run this again",
        )


class Rotation:
    """One run. `organizations` yields the ids of all there are; `db` is the owner's, whom row security binds too."""

    def __init__(
        self,
        db: Database,
        masters: MasterKeys,
        changes: Changes,
        organizations: Callable[[], AsyncIterator[UUID]],
        said: Callable[[Progress], None],
    ) -> None:
        self._db = db
        self._masters = masters
        self._changes = changes
        self._organizations = organizations
        self._said = said
        self._progress = Progress(0, 0, 0)

    async def run(self, closing: Callable[[Tx, int], Awaitable[None]], *, destroy_old: bool) -> int:
        """Wrap everything by a new version, or by the one that an unfinished run has begun; return which.

        With `destroy_old` the older versions are gone at the end. `closing` is awaited within the last transaction.
        Raises KmsError, WrongMasterKey (KeyAltered) and what the database raises; what is done by then stays done.
        """
        version = await self._begin()
        watching = asyncio.create_task(self._masters.watch(self._db))
        try:
            await self._rewrap_all(version)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
        async with self._db.routing() as tx:
            await store.finish(tx, version)
            if destroy_old:
                await store.destroy_older(tx, version)
            await closing(tx, version)
            await self._changes.announce(tx, MASTER_CHANGED, str(version))
        return version

    async def _rewrap_all(self, version: int) -> None:
        self._progress = Progress(version, 0, await self._left(version))
        self._said(self._progress)
        await self._rewrap_ring(version)
        while True:
            async for organization_id in self._organizations():
                await self._rewrap(organization_id, version)
            if not await self._left(version):
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _begin(self) -> int:
        """Return the version to move to, of which every server has heard."""
        await self._masters.open(self._db)
        async with self._db.routing() as tx:
            newest = (await store.versions(tx))[-1]
        if newest.finished or newest.kms != self._masters.kms.name:
            newest = await self._masters.make(newest.version + 1)
            async with self._db.routing() as tx:
                await store.lock(tx)
                await store.add(tx, newest.version, newest.kms, newest.wrapped)
                await self._changes.announce(tx, MASTER_CHANGED, str(newest.version))
            await self._masters.refresh(self._db)
        await asyncio.sleep(_HEARD_SECONDS)
        return newest.version

    async def _left(self, version: int) -> int:
        """Return how many keys an older version has wrapped."""
        async with self._db.routing() as tx:
            left = len(await store.ring(tx, version))
        async for organization_id in self._organizations():
            async with self._db.acting(organization_id) as tx:
                left += await store.count(tx, organization_id, version)
        return left

    async def _rewrap_ring(self, version: int) -> None:
        async with self._db.routing() as tx:
            rows = await store.ring(tx, version)
            for purpose, number, wrapped in rows:
                again = self._again(version, wrapped, "ring", purpose, number)
                await store.rewrap_ring(tx, purpose, number, again)
        self._advance(len(rows))

    async def _rewrap(self, organization_id: UUID, version: int) -> None:
        while True:
            async with self._db.acting(organization_id) as tx:
                rows = await store.take(tx, organization_id, version, _AT_ONCE)
                again = [
                    (row.id, self._again(version, row.wrapped, "data", organization_id, row.user_id, row.id))
                    for row in rows
                ]
                await store.rewrap(tx, organization_id, again)
            if not rows:
                return
            self._advance(len(rows))

    def _again(self, version: int, wrapped: bytes, *where: object) -> bytes:
        """Return the same key, wrapped for the same place by that version; raise KeyAltered."""
        try:
            key, _ = self._masters.unwrap(wrapped, *where)
        except WrongMasterKey:
            raise KeyAltered(where) from None
        return self._masters.wrap(version, key, *where)

    def _advance(self, done: int) -> None:
        before = self._progress
        # More may have come than were counted: made by others between the count and their turn.
        done += before.done
        self._progress = Progress(before.version, done, max(before.total, done))
        self._said(self._progress)
