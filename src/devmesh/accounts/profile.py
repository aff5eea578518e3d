"""The own profile: who the caller is, and what the person may change of it."""

from __future__ import annotations

import msgspec

from devmesh.access import Caller
from devmesh.accounts.model import ProfileChange
from devmesh.audit.service import Audit
from devmesh.db.changes import Changes
from devmesh.db.pool import Database
from devmesh.directory import names
from devmesh.directory.model import USER_CHANGED
from devmesh.directory.users import Users
from devmesh.errors import Fault, Invalid, PersonGone


class Profiles:
    """Shows and changes the caller's own profile."""

    def __init__(self, db: Database, users: Users, changes: Changes, audit: Audit) -> None:
        self._db = db
        self._users = users
        self._changes = changes
        self._audit = audit

    def show(self, caller: Caller) -> Caller:
        """Return the caller, who may see the own profile."""
        caller.require("profile:read")
        return caller

    async def change(self, caller: Caller, change: ProfileChange) -> Caller:
        """Keep what is sent, and return the caller as the person is from now on; raise Invalid."""
        caller.require("profile:write")
        if change.name is msgspec.UNSET:
            return caller
        try:
            name = names.name(change.name)
        except ValueError as error:
            raise Invalid([Fault("name", str(error))]) from None
        async with self._db.acting(caller.organization_id) as tx:
            if await self._users.change(tx, caller.organization_id, caller.user_id, name=name) is None:
                raise PersonGone
            await self._changes.announce(tx, USER_CHANGED, str(caller.user_id))
            await self._audit.record_in(tx, caller, "user.profile.change", str(caller.user_id))
        return msgspec.structs.replace(caller, person=msgspec.structs.replace(caller.person, name=name))
