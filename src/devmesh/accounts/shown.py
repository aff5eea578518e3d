"""A person as replies show one."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from devmesh.access import Role
from devmesh.directory.model import User


class UserShown(Struct, frozen=True):
    """A user as replies show one."""

    id: UUID
    email: str
    name: str
    role: Role

    @classmethod
    def of(cls, user: User) -> UserShown:
        """Return the user's part of a reply."""
        return cls(user.id, user.email, user.name, user.role)
