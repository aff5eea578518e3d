"""Reports of leaked keys: a real one ends at once, and whoever reports it learns nothing of that."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import msgspec

from devmesh.audit.model import NIL, Visitor
from devmesh.audit.service import Audit
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Record, Tx
from devmesh.directory.model import Organization, User
from devmesh.directory.service import Directory
from devmesh.directory.users import Users
from devmesh.ids import new_id
from devmesh.keys import store, store_leaks
from devmesh.keys.verify import KEY_CHANGED
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox

# A change that nobody listens to: a report about no key announces as much as one about a key.
_NO_KEY = "no-key"
_LIFETIME = timedelta(days=2)
# Anybody may report, and each report writes: so few at once that everybody else has connections left.
_MOST_AT_ONCE = 2
_STEP = 0.2


class Leaks:
    """Takes reports; needs no caller, and treats what is no key as it treats a key."""

    def __init__(
        self,
        db: Database,
        ring: KeyRing,
        changes: Changes,
        audit: Audit,
        directory: Directory,
        users: Users,
        outbox: Outbox,
        public_url: str,
    ) -> None:
        self._db = db
        self._ring = ring
        self._changes = changes
        self._audit = audit
        self._directory = directory
        self._users = users
        self._outbox = outbox
        self._public_url = public_url
        self._few = asyncio.Semaphore(_MOST_AT_ONCE)

    async def report(self, visitor: Visitor, key: str) -> None:
        """End the key if there is such a one, and have its people told; return after the same time in any case."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        digests = self._ring.digests("keys", key.strip().encode())
        async with self._few:
            async with self._db.routing() as tx:
                found = await store.route(tx, digests)
            await self._end(visitor, found or (NIL, NIL, new_id()), digests)
        # What remains of the time that an unhurried report takes, or of twice as long.
        await asyncio.sleep(-(loop.time() - began) % _STEP)

    async def _end(self, visitor: Visitor, place: tuple[UUID, UUID, UUID], digests: list[bytes]) -> None:
        """End it within one transaction: the same statements, in the same order, whether there is such a key or not."""
        organization_id, tenant_id, key_id = place
        async with self._db.acting(organization_id, tenant_id) as tx:
            ended = await store_leaks.end(tx, organization_id, tenant_id, key_id, digests)
            await self._tell(tx, organization_id, key_id, ended)
            # Somebody else may have ended it since it was found: then this is a report about no key.
            reporter = (
                visitor
                if ended is None
                else msgspec.structs.replace(visitor, organization_id=organization_id, tenant_id=tenant_id)
            )
            told = {"known": False} if ended is None else {"known": True, "revoked": ended["revoked"]}
            await self._audit.record_in(tx, reporter, "key.leak", None if ended is None else str(key_id), **told)
            await self._changes.announce(tx, _NO_KEY if ended is None else KEY_CHANGED, str(key_id))

    async def _tell(self, tx: Tx, organization_id: UUID, key_id: UUID, ended: Record | None) -> None:
        organization = await self._directory.organization(tx, organization_id)
        people = await self._users.concerned(tx, organization_id, NIL if ended is None else ended["user_id"])
        mails: dict[str, Mail] = {}
        if ended is not None and organization is not None:
            # A key may lose a former secret more than once, and itself once.
            event = f"leak:{key_id}" if ended["revoked"] else f"leak:{new_id()}"
            mails = {f"{event}:{user.id}": self._mail(user, organization, key_id, ended) for user in people}
        await self._outbox.put_all(tx, mails, lifetime=_LIFETIME)

    def _mail(self, user: User, organization: Organization, key_id: UUID, ended: Record) -> Mail:
        whose = "Your" if user.id == ended["user_id"] else "A colleague's"
        where = f"in the organization '{organization.slug}' at {self._public_url}"
        if ended["revoked"]:
            said = f"{whose} API key was reported as leaked and is revoked"
            now = "No request is accepted with it any more. Whatever used it needs a new key."
        else:
            said = f"The former secret of {whose.lower()} API key was reported as leaked and is ended"
            now = "It had been rotated, and the former secret was still accepted for a while. The present one works on."
        which = f"It is the {ended['key_type']} key with the id {key_id}, which begins with {ended['key_prefix']}."
        look = f"What was done with it: GET {self._public_url}/api/v1/audit?actor={key_id}"
        return Mail(to=user.email, subject=said, before=(f"{said}, {where}. {which}", now, look))
