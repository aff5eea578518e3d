"""Contexts whose time is over are seen by nobody; this deletes them, in every tenant, a few at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from uuid import UUID

import asyncpg

from devmesh.contexts import store
from devmesh.db.pool import Database, DatabaseAway
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants

log = logging.getLogger(__name__)

_SECONDS = 3600.0
_PAGE = 200
# A transaction of so many is short, and of a tenant with more the others need not wait for the rest.
_AT_ONCE = 200
_MOST_ROUNDS = 50
# Between two tenants others get their turn.
_PAUSE_SECONDS = 0.01


class Expiry:
    """Goes through the tenants once an hour; several processes do so without harm to each other or to callers."""

    def __init__(self, db: Database, directory: Directory) -> None:
        self._db = db
        self._directory = directory
        self._tenants = Tenants()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="expired contexts")

    async def close(self) -> None:
        """Stop; what is under way is undone."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def sweep(self) -> int:
        """Delete what has expired in every tenant, of any one at most 10,000; return how many."""
        gone, after = 0, None
        while True:
            async with self._db.routing() as tx:
                organizations = await self._directory.organizations(tx, after, _PAGE)
            for organization_id in organizations:
                async with self._db.acting(organization_id) as tx:
                    tenants = await self._tenants.of(tx, organization_id, None)
                for tenant in tenants:
                    gone += await self._sweep(organization_id, tenant.id)
                    await asyncio.sleep(_PAUSE_SECONDS)
            if len(organizations) < _PAGE:
                return gone
            after = organizations[-1]

    async def _sweep(self, organization_id: UUID, tenant_id: UUID) -> int:
        gone = 0
        for _ in range(_MOST_ROUNDS):
            async with self._db.acting(organization_id, tenant_id) as tx:
                some = await store.purge(tx, organization_id, tenant_id, _AT_ONCE)
            gone += some
            if some < _AT_ONCE:
                break
        return gone

    async def _run(self) -> None:
        while True:
            # Processes that were started together need not look together.
            await asyncio.sleep(_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - a pause, no secret
            try:
                gone = await self.sweep()
            except (DatabaseAway, asyncpg.PostgresError) as error:
                log.warning("expired contexts wait for the database (%s)", type(error).__name__)
            else:
                if gone:
                    log.info("deleted %d expired contexts", gone)
