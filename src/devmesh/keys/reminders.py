"""Mail to owners of keys that end in 14 days, and in one: by one process of all, about once an hour."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from devmesh.db.pool import Database, DatabaseAway, Record
from devmesh.directory.service import Directory
from devmesh.directory.tenants import Tenants
from devmesh.keys import store_reminders as store
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox

log = logging.getLogger(__name__)

_SECONDS = 3600.0
_PAGE = 200
_AT_ONCE = 100
# Between two tenants others get their turn.
_PAUSE_SECONDS = 0.01
_SHORTEST_LIFETIME = timedelta(minutes=10)


class Reminders:
    """Goes through the tenants between `open` and `close`; what it marks and what it mails is committed as one."""

    def __init__(self, db: Database, directory: Directory, outbox: Outbox, public_url: str) -> None:
        self._db = db
        self._directory = directory
        self._tenants = Tenants()
        self._outbox = outbox
        self._public_url = public_url
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="keys that end soon")

    async def close(self) -> None:
        """Stop; what is under way is undone."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def sweep(self) -> int:
        """Have owners told whose keys end soon, and forget former secrets; return how many mails there are.

        While another process does so this one does nothing.
        """
        told, after = 0, None
        async with self._db.routing() as lock:
            if not await store.lock(lock):
                return 0
            while True:
                async with self._db.routing() as tx:
                    organizations = await self._directory.organizations(tx, after, _PAGE)
                for organization_id in organizations:
                    async with self._db.acting(organization_id) as tx:
                        tenants = await self._tenants.of(tx, organization_id, None)
                    for tenant in tenants:
                        told += await self._sweep(organization_id, tenant.id)
                        await asyncio.sleep(_PAUSE_SECONDS)
                if len(organizations) < _PAGE:
                    return told
                after = organizations[-1]

    async def _sweep(self, organization_id: UUID, tenant_id: UUID) -> int:
        told = 0
        while True:
            async with self._db.acting(organization_id, tenant_id) as tx:
                await store.forget_former(tx, organization_id, tenant_id)
                due = await store.take(tx, organization_id, tenant_id, _AT_ONCE)
                for row in due:
                    event = f"key-expiry:{row['id']}:{int(row['ends_at'].timestamp())}:{row['days']}"
                    lifetime = max(row["ends_at"] - datetime.now(UTC), _SHORTEST_LIFETIME)
                    await self._outbox.put(tx, self._mail(row), event=event, lifetime=lifetime)
            told += len(due)
            if len(due) < _AT_ONCE:
                return told

    def _mail(self, row: Record) -> Mail:
        where = f"in the organization '{row['slug']}' at {self._public_url}"
        end = f"{row['ends_at']:%d %B %Y at %H:%M} UTC"
        rotate = f"POST {self._public_url}/api/v1/api-keys/{row['id']}/rotate"
        said = f"An API key of yours {where} ends on {end}. From then on no request is accepted with it."
        which = f"It is the {row['key_type']} key with the id {row['id']}, which begins with {row['key_prefix']}."
        needed = (
            f"If it is still needed, give it a new secret and put that where the old one is: {rotate}, with a "
            "grace_seconds for the time that this takes. If it was made with an end of its own, which a new secret "
            "leaves as it is, create another key. Otherwise there is nothing to do."
        )
        return Mail(to=row["email"], subject="An API key of yours ends soon", before=(said, which, needed))

    async def _run(self) -> None:
        while True:
            # Processes that were started together need not look together.
            await asyncio.sleep(_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - a pause, no secret
            try:
                told = await self.sweep()
            except (DatabaseAway, asyncpg.PostgresError) as error:
                log.warning("reminders of keys that end wait for the database (%s)", type(error).__name__)
            else:
                if told:
                    log.info("reminded the owners of %d keys that end soon", told)
