"""For whom a gateway key acts: a person of its organization who may act in its tenant, named with each request."""

from __future__ import annotations

from uuid import UUID

import msgspec

from devmesh.access import Person, Rights, Role
from devmesh.db.changes import Changes
from devmesh.db.pool import Database
from devmesh.directory.model import ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED
from devmesh.keys import store
from devmesh.keys.model import Grant
from devmesh.keys.verify import KEY_CHANGED

_MOST = 10_000


class Behalf:
    """Turns a gateway key's grant into what it may do for one person; kept while no change can have been missed."""

    def __init__(self, db: Database, changes: Changes) -> None:
        self._db = db
        self._changes = changes
        self._grants: dict[tuple[UUID, int, UUID], Grant] = {}
        self._heard = 0
        for kind in (KEY_CHANGED, USER_CHANGED, TENANT_CHANGED, ORGANIZATION_CHANGED):
            # Changes are rare beside calls, and any of them may be about one of these.
            changes.subscribe(kind, lambda _: self._forget())
        changes.missed(self._forget)

    async def acting(self, grant: Grant, named: str) -> Grant:
        """Return the grant with the person's id, role and rights, the key's owner in its bounds.

        For whoever is not there, suspended, or of another tenant or organization it stays as it is: it calls nothing.
        """
        try:
            user_id = UUID(named)
        except ValueError:
            return grant
        if str(user_id) != named.lower():
            return grant
        place = grant.key_id, grant.bounds.rotation, user_id
        known = self._grants.get(place) if self._changes.fresh() else None
        return known or await self._read(grant, place)

    async def _read(self, grant: Grant, place: tuple[UUID, int, UUID]) -> Grant:
        heard, user_id = self._heard, place[2]
        async with self._db.acting(grant.organization_id, grant.tenant_id) as tx:
            row = await store.person(tx, grant.organization_id, grant.tenant_id, user_id)
        if row is None:
            return grant
        found = msgspec.structs.replace(
            grant,
            user_id=user_id,
            role=Role(row["role"]),
            rights=Rights(grant.rights.scopes, row["role"], grant.key_type),
            person=Person(row["email"], row["name"], grant.person.tenant_name, grant.person.tenant_slug),
            bounds=msgspec.structs.replace(grant.bounds, owner_id=grant.user_id),
        )
        if heard == self._heard:
            while len(self._grants) >= _MOST:
                self._grants.pop(next(iter(self._grants)))
            self._grants[place] = found
        return found

    def _forget(self) -> None:
        self._heard += 1
        self._grants.clear()
