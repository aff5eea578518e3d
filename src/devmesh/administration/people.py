"""The rules about people: who sees whom, who changes whose role, who suspends and who removes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from devmesh.access import Caller, Role
from devmesh.administration.model import LastOwner, UserChange, UserNotFound
from devmesh.administration.standing import Standing, check_rank
from devmesh.audit.service import Audit
from devmesh.crypto.datakeys import DataKeys
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory import names
from devmesh.directory.model import USER_CHANGED, User
from devmesh.directory.tenants import EVERYWHERE
from devmesh.directory.users import Users
from devmesh.errors import Fault, Invalid
from devmesh.sessions.service import Sessions

_WRITE = "users:write"


class People:
    """Lists, changes, suspends and removes the users of the caller's organization."""

    def __init__(
        self,
        db: Database,
        standing: Standing,
        users: Users,
        sessions: Sessions,
        data_keys: DataKeys,
        changes: Changes,
        audit: Audit,
    ) -> None:
        self._db = db
        self._standing = standing
        self._users = users
        self._sessions = sessions
        self._data_keys = data_keys
        self._changes = changes
        self._audit = audit

    async def page(self, caller: Caller, limit: int, after: UUID | None) -> list[User]:
        """Return users, the oldest first; `sees_all` says how much of them the caller may see."""
        caller.require("users:read")
        async with self._db.acting(caller.organization_id) as tx:
            return await self._users.page(tx, caller.organization_id, limit, after)

    async def change(self, caller: Caller, user_id: UUID, change: UserChange) -> User:
        """Change the user, at once for live keys and sessions; who is suspended has no sessions left.

        Raises UserNotFound, AboveYourOwn, LastOwner or Invalid, and of whoever makes an owner without having logged in
        just now SessionRequired or ReauthenticationRequired.
        """
        caller.require(_WRITE)
        wanted = _checked(change)
        try:
            async with self._db.acting(caller.organization_id) as tx:
                return await self._change(tx, caller, user_id, wanted)
        except LastOwner as refusal:
            self._audit.refused(caller, "user.change", refusal.code, target=str(user_id))
            raise

    async def remove(self, caller: Caller, user_id: UUID) -> None:
        """Remove the user: sessions and keys end at once, what their data key sealed opens no more, the audit stays.

        Raises UserNotFound, AboveYourOwn or LastOwner.
        """
        caller.require(_WRITE)
        try:
            async with self._db.acting(caller.organization_id) as tx:
                _, me = await self._standing.take(tx, caller, _WRITE)
                user = await self._one(tx, caller, user_id)
                check_rank(me, user.role)
                await self._users.remove(tx, caller.organization_id, user_id)
                await self._check_owner_left(tx, caller, user)
                await self._data_keys.destroy(tx, caller.organization_id, user_id)
                await self._audit.record_in(tx, caller, "user.remove", str(user_id), role=user.role)
                await self._changes.announce(tx, USER_CHANGED, str(user_id))
        except LastOwner as refusal:
            self._audit.refused(caller, "user.remove", refusal.code, target=str(user_id))
            raise

    async def _change(self, tx: Tx, caller: Caller, user_id: UUID, change: UserChange) -> User:
        _, me = await self._standing.take(tx, caller, _WRITE)
        before = await self._one(tx, caller, user_id)
        role = None if change.role is UNSET else change.role
        check_rank(me, before.role, role or before.role)
        if role is Role.OWNER and before.role is not Role.OWNER:
            # Whoever is an owner can put everybody else out: neither a key nor a token that was found makes one.
            await self._sessions.require_recent(tx, caller, "Making somebody an owner")
        after = await self._users.change(
            tx,
            caller.organization_id,
            user_id,
            name=None if change.name is UNSET else change.name,
            role=role,
            is_active=None if change.is_active is UNSET else change.is_active,
        )
        if after is None:
            raise UserNotFound
        await self._check_owner_left(tx, caller, before)
        if after != before:
            await self._tell(tx, caller, before, after)
        return after

    async def _tell(self, tx: Tx, caller: Caller, before: User, after: User) -> None:
        facts: dict[str, Any] = {"role": after.role} if after.role is not before.role else {}
        if after.is_active is not before.is_active:
            facts["is_active"] = after.is_active
        if after.name != before.name:
            facts["name"] = after.name
        if not after.is_active:
            await self._sessions.end_all(tx, caller.organization_id, after.id)
        await self._audit.record_in(tx, caller, "user.change", str(after.id), **facts)
        await self._changes.announce(tx, USER_CHANGED, str(after.id))

    async def _one(self, tx: Tx, caller: Caller, user_id: UUID) -> User:
        user = await self._users.get(tx, caller.organization_id, user_id)
        if user is None:
            raise UserNotFound
        return user

    async def _check_owner_left(self, tx: Tx, caller: Caller, before: User) -> None:
        """Raise LastOwner if this change, made by now, took the last active owner; the lock keeps others from it."""
        if before.role is Role.OWNER and not await self._users.owners(tx, caller.organization_id):
            raise LastOwner("Your organization has no other active owner.")


def sees_all(caller: Caller) -> bool:
    """Return whether the caller sees more of people than their names."""
    return caller.role in EVERYWHERE


def _checked(change: UserChange) -> UserChange:
    if change.name is UNSET:
        return change
    try:
        return msgspec.structs.replace(change, name=names.name(change.name))
    except ValueError as error:
        raise Invalid([Fault("name", str(error))]) from None
