"""Work that is done for every tenant, about once an hour, in each process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import asyncpg

from devmesh.db.pool import Database, DatabaseAway
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants

log = logging.getLogger(__name__)

_SECONDS = 3600.0
_PAGE = 200
# Between two tenants others get their turn.
_PAUSE_SECONDS = 0.01


class Round:
    """Runs `work`, which returns how much it did, once an hour between `open` and `close`; `name` is for the log.

    Where `work` fails, that is logged, and it comes round again: what one tenant has stored keeps nobody else waiting.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[int]]) -> None:
        self._name = name
        self._work = work
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name=self._name)
        self._task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Stop; what is under way is undone."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: the round failed", self._name, exc_info=error)
            self.open()

    async def _run(self) -> None:
        while True:
            # Processes that were started together need not look together.
            await asyncio.sleep(_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - a pause, no secret
            try:
                done = await self._work()
            except (DatabaseAway, asyncpg.PostgresError) as error:
                log.warning("%s: waiting for the database (%s)", self._name, type(error).__name__)
            else:
                if done:
                    log.info("%s: %d done", self._name, done)


async def every_tenant(db: Database, directory: Directory) -> AsyncIterator[tuple[UUID, UUID]]:
    """Yield (organization, tenant) of all there are, with a pause after each; no transaction is open meanwhile."""
    tenants, after = Tenants(), None
    while True:
        async with db.routing() as tx:
            organizations = await directory.organizations(tx, after, _PAGE)
        for organization_id in organizations:
            async with db.acting(organization_id) as tx:
                found = await tenants.of(tx, organization_id, None)
            for tenant in found:
                yield organization_id, tenant.id
                await asyncio.sleep(_PAUSE_SECONDS)
        if len(organizations) < _PAGE:
            return
        after = organizations[-1]
