"""The people of an organization: what may be read and changed of one, within the transaction of whoever decides."""

from __future__ import annotations

from uuid import UUID

from devmesh.access import Role
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Tx
from devmesh.directory import store_users as store
from devmesh.directory.model import User


class Users:
    """Reads and changes users; asks for no right, announces nothing and records nothing: that is the caller's part."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def get(self, tx: Tx, organization_id: UUID, user_id: UUID) -> User | None:
        """Return the user."""
        return await store.get(tx, organization_id, user_id)

    async def password_hash(self, tx: Tx, organization_id: UUID, user_id: UUID) -> str | None:
        """Return the hash of the user's password."""
        return await store.password_hash(tx, organization_id, user_id)

    async def lock(self, tx: Tx, organization_id: UUID, user_id: UUID) -> str | None:
        """Return the hash of the active user's password; nobody else changes the user until `tx` ends."""
        return await store.lock(tx, organization_id, user_id)

    async def set_password(self, tx: Tx, organization_id: UUID, user_id: UUID, phc: str) -> bool:
        """Keep the hash of another password; return whether the user was there."""
        return await store.set_password(tx, organization_id, user_id, phc)

    async def renew_hash(self, tx: Tx, organization_id: UUID, user_id: UUID, phc: str) -> None:
        """Keep another hash of the same password; the user is locked, so that no newer password is lost."""
        await store.renew_hash(tx, organization_id, user_id, phc)

    async def note_login(self, tx: Tx, organization_id: UUID, user_id: UUID) -> None:
        """Keep the moment as the user's latest login."""
        await store.note_login(tx, organization_id, user_id)

    async def page(self, tx: Tx, organization_id: UUID, limit: int, after: UUID | None) -> list[User]:
        """Return users, the oldest first, those after the user `after`."""
        return await store.page(tx, organization_id, limit, after)

    async def concerned(self, tx: Tx, organization_id: UUID, user_id: UUID) -> list[User]:
        """Return whom to write about what befell the user: the user and the owners, under verified addresses only."""
        return await store.concerned(tx, organization_id, user_id)

    async def change(
        self,
        tx: Tx,
        organization_id: UUID,
        user_id: UUID,
        *,
        name: str | None = None,
        role: Role | None = None,
        is_active: bool | None = None,
    ) -> User | None:
        """Change what is not None and return the user; None if there is none."""
        return await store.change(tx, organization_id, user_id, name, role, is_active)

    async def remove(self, tx: Tx, organization_id: UUID, user_id: UUID) -> User | None:
        """Remove the user with everything that is theirs, and return who it was."""
        return await store.remove(tx, organization_id, user_id)

    async def hold(self, tx: Tx, organization_id: UUID, user_id: UUID) -> bool:
        """Return whether there is such a user, and active; they are not removed before `tx` ends."""
        return await store.hold(tx, organization_id, user_id)

    async def count(self, tx: Tx, organization_id: UUID) -> int:
        """Return how many users the organization has, suspended ones too."""
        return await store.count(tx, organization_id)

    async def owners(self, tx: Tx, organization_id: UUID) -> int:
        """Return how many active owners the organization has."""
        return await store.owners(tx, organization_id)
