"""Contexts whose time is over are seen by nobody; this deletes them, in every tenant, a few at a time."""

from __future__ import annotations

from uuid import UUID

from devmesh.contexts import store
from devmesh.db.pool import Database
from devmesh.directory.round import Round, every_tenant
from devmesh.directory.service import Directory

# A transaction of so many is short, and of a tenant with more the others need not wait for the rest.
_AT_ONCE = 200
_MOST_ROUNDS = 50


class Expiry(Round):
    """Goes through the tenants once an hour; several processes do so without harm to each other or to callers."""

    def __init__(self, db: Database, directory: Directory) -> None:
        super().__init__("expired contexts", self.sweep)
        self._db = db
        self._directory = directory

    async def sweep(self) -> int:
        """Delete what has expired in every tenant, of any one at most 10,000; return how many."""
        gone = 0
        async for organization_id, tenant_id in every_tenant(self._db, self._directory):
            gone += await self._sweep(organization_id, tenant_id)
        return gone

    async def _sweep(self, organization_id: UUID, tenant_id: UUID) -> int:
        gone = 0
        for _ in range(_MOST_ROUNDS):
            async with self._db.acting(organization_id, tenant_id) as tx:
                some = await store.purge(tx, organization_id, tenant_id, _AT_ONCE)
            gone += some
            if some < _AT_ONCE:
                break
        return gone
