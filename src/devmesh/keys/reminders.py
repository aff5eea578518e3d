"""Mail to owners of keys that end in 14 days, and in one: by one process of all, about once an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from devmesh.db.pool import Database, Record
from devmesh.directory.round import Round, every_tenant
from devmesh.directory.service import Directory
from devmesh.keys import store_reminders as store
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox

_AT_ONCE = 100
_SHORTEST_LIFETIME = timedelta(minutes=10)


class Reminders(Round):
    """Goes through the tenants between `open` and `close`; what it marks and what it mails is committed as one."""

    def __init__(self, db: Database, directory: Directory, outbox: Outbox, public_url: str) -> None:
        super().__init__("keys that end soon", self.sweep)
        self._db = db
        self._directory = directory
        self._outbox = outbox
        self._public_url = public_url

    async def sweep(self) -> int:
        """Have owners told whose keys end soon, and forget former secrets; return how many mails there are.

        While another process does so this one does nothing.
        """
        told = 0
        async with self._db.routing() as lock:
            if not await store.lock(lock):
                return 0
            async for organization_id, tenant_id in every_tenant(self._db, self._directory):
                told += await self._sweep(organization_id, tenant_id)
        return told

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
