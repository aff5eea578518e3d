"""An action happens once for each Idempotency-Key, whatever crashes, and however many ask at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from datetime import timedelta

import asyncpg

from devmesh.access import Caller
from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.ring import KeyRing
from devmesh.crypto.sealing import place
from devmesh.db.pool import Database, DatabaseAway, Tx
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants
from devmesh.directory.users import Users
from devmesh.errors import InvalidKey
from devmesh.http.repeat import Asked
from devmesh.idempotency import store
from devmesh.idempotency.bounds import Bounds
from devmesh.idempotency.model import First
from devmesh.idempotency.turn import Records, Turn
from devmesh.ids import new_id

log = logging.getLogger(__name__)

LIFETIME = timedelta(hours=24)
_LEASE = timedelta(seconds=15)
_PURPOSE = "idempotency"
_TIDY_SECONDS = 1800
_BATCH = 500


class Idempotency:
    """Knows what was done under which key; between `open` and `close` expired keys are removed."""

    def __init__(
        self,
        db: Database,
        ring: KeyRing,
        data_keys: DataKeys,
        directory: Directory,
        tenants: Tenants,
        users: Users,
        *,
        lease: timedelta = _LEASE,
        bounds: Bounds | None = None,
    ) -> None:
        self._db = db
        self._ring = ring
        self._directory = directory
        self._tenants = tenants
        self._records = Records(db, data_keys, users, lease, bounds or Bounds())
        self._tidying: asyncio.Task[None] | None = None

    async def begin(self, caller: Caller, asked: Asked, *, outside: bool) -> Turn:
        """Return this request's turn: it acts, or is told what became of the first under the same key.

        The first is whoever asked before: the same key or person, in the same tenant, the same route with the same
        values in its path, within 24 hours. If its process died before it committed anything, this one acts; what may
        have acted `outside` our database never acts again. Raises TooManyIdempotencyKeys.
        """
        mine = self._first(caller, asked)
        organization_id, lease = caller.organization_id, self._records.lease
        async with self._db.acting(organization_id, caller.tenant_id) as tx:
            await self._hold(tx, caller)
            found = None
            if await store.claim(tx, organization_id, caller, mine, lease, LIFETIME):
                await self._records.bounds.claimed(tx, caller)
            else:
                found = await store.get(tx, organization_id, mine.digest)
            if found and found.request == mine.request and found.state == "running" and not found.is_alive:
                if outside:
                    await store.conclude(tx, organization_id, found, "unknown")
                    found = replace(found, state="unknown")
                else:
                    await store.take_over(tx, organization_id, mine.digest, mine.attempt, lease)
                    found = None
        return Turn(self._records, caller, mine, found, outside=outside)

    def _first(self, caller: Caller, asked: Asked) -> First:
        principal = (caller.organization_id, caller.tenant_id, caller.key_id or "", caller.user_id)
        digest = self._ring.digest(_PURPOSE, place("key", *principal, *asked.route, asked.key))
        request = self._ring.digest(_PURPOSE, place("request", digest.hex()) + asked.content)
        return First(digest, request, "running", new_id(), is_alive=True)

    async def _hold(self, tx: Tx, caller: Caller) -> None:
        """Keep tenant and person from being removed before `tx` ends."""
        if not await self._tenants.hold(
            tx, caller.organization_id, caller.tenant_id
        ) or not await self._records.users.hold(tx, caller.organization_id, caller.user_id):
            raise InvalidKey

    async def open(self) -> None:
        """Remove expired keys from now on, every half hour."""
        self._tidying = asyncio.create_task(self._tidy_for_good(), name="expired idempotency keys")

    async def close(self) -> None:
        """Stop."""
        if self._tidying is not None:
            self._tidying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tidying

    async def _tidy_for_good(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            try:
                await self._tidy()
            except (DatabaseAway, asyncpg.PostgresError) as error:
                log.warning("expired idempotency keys are left for later (%s)", type(error).__name__)

    async def _tidy(self) -> None:
        """Remove what has expired, organization by organization, in transactions of bounded size."""
        self._records.bounds.forget()
        after = None
        while True:
            async with self._db.routing() as tx:
                page = await self._directory.organizations(tx, after)
            if not page:
                return
            for organization_id in page:
                removed = _BATCH
                while removed == _BATCH:
                    async with self._db.acting(organization_id) as tx:
                        removed = await store.remove_expired(tx, organization_id, _BATCH)
            after = page[-1]
