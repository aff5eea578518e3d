"""Use counts: gathered in memory, written every 0.8 seconds, one row write per thing used.

To be in the table within a second, a thing that is used all the time costs 1.25 row writes a second, however often it
is used: 1.25 per 1,000 uses at 1,000 a second, 5 at 250, and more below. No batching mends that, for each thing has a
row of its own; to write later would leave other processes with old counts, and more to lose in a crash.

After a crash a count may fall short by what was not written yet; it is never more than what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from devmesh.db.pool import CommitUnknown, Database, DatabaseAway, Tx

log = logging.getLogger(__name__)

# (id, uses, last use) of what a tenant used since the last write.
Uses = list[tuple[UUID, int, datetime]]
Save = Callable[[Tx, UUID, UUID, Uses], Awaitable[None]]

# Used -> how often, and when last, in seconds since 1970: a datetime takes longer than all the rest.
Counts = dict[UUID, tuple[int, float]]

# What is left of the second is for the writing.
_SECONDS = 0.8
_SHORTEST = 0.05


class Tally:
    """Counts uses by tenant; `save` adds them to the table, within a transaction of that tenant."""

    def __init__(self, db: Database, save: Save) -> None:
        self._db = db
        self._save = save
        self._counts: dict[tuple[UUID, UUID], Counts] = {}
        self._writing = asyncio.Lock()
        self._writes: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    def count(self, organization_id: UUID, tenant_id: UUID, used: UUID) -> None:
        """Note one use, now; it is in the table within a second, and after a flush."""
        owner = (organization_id, tenant_id)
        counts = self._counts.get(owner)
        if counts is None:
            counts = self._counts[owner] = {}
        before = counts.get(used)
        counts[used] = (1 if before is None else before[0] + 1, time.time())

    async def flush(self) -> None:
        """Write what was counted, of every tenant; what cannot be written now is kept for the next time."""
        for organization_id, tenant_id in list(self._counts):
            await self.flush_of(organization_id, tenant_id)
        async with self._writing:
            pass  # what had been taken out of memory before is in the table, or is kept

    async def flush_of(self, organization_id: UUID, tenant_id: UUID) -> None:
        """Write what this tenant used and return when it is in the table; what cannot be written now is kept."""
        # In a task of its own: whoever waits for it may be cancelled, and what was taken out of memory would be lost.
        write = asyncio.create_task(self._write(organization_id, tenant_id), name="tally write")
        self._writes.add(write)
        write.add_done_callback(self._writes.discard)
        await asyncio.shield(write)

    async def _write(self, organization_id: UUID, tenant_id: UUID) -> None:
        async with self._writing:
            uses = self._counts.pop((organization_id, tenant_id), None)
            if uses is None:
                return
            try:
                async with self._db.acting(organization_id, tenant_id) as tx:
                    told = [(key, count, datetime.fromtimestamp(at, UTC)) for key, (count, at) in uses.items()]
                    await self._save(tx, organization_id, tenant_id, told)
            except CommitUnknown:
                raise  # perhaps they are in the table: written again they could count twice
            except (DatabaseAway, asyncpg.PostgresError):
                self._keep((organization_id, tenant_id), uses)
                raise

    def _keep(self, tenant: tuple[UUID, UUID], uses: Counts) -> None:
        newer = self._counts.setdefault(tenant, {})
        for used, (count, at) in uses.items():
            more = newer.get(used)
            newer[used] = (count + more[0], more[1]) if more else (count, at)

    def open(self) -> None:
        """Write every 0.8 seconds from now on."""
        self._task = asyncio.create_task(self._write_for_good(), name="tally")

    async def close(self) -> None:
        """Stop, and write what is left."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._writes:
            await asyncio.wait(self._writes)
        await self._flush_if_possible()

    async def _write_for_good(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await self._flush_if_possible()
            # From one beginning to the next: with many tenants the writing itself takes a while.
            await asyncio.sleep(max(_SECONDS - (loop.time() - began), _SHORTEST))

    async def _flush_if_possible(self) -> None:
        try:
            await self.flush()
        except (DatabaseAway, asyncpg.PostgresError) as error:
            log.warning("use counts wait for the database (%s)", type(error).__name__)
