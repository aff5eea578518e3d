"""Who administers whom: the ranks of roles, read anew under the organization's lock."""

from __future__ import annotations

from devmesh.access import Caller, Role
from devmesh.administration.model import AboveYourOwn
from devmesh.db.pool import Tx
from devmesh.directory.model import Organization, User
from devmesh.directory.service import Directory
from devmesh.errors import InvalidKey

_RANKS = {Role.READONLY: 0, Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}


class Standing:
    """Locks the organization for a change, and tells what the caller is at that moment."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def take(self, tx: Tx, caller: Caller, scope: str, least: Role = Role.ADMIN) -> tuple[Organization, User]:
        """Return the organization, which nobody else changes before `tx` ends, and the caller's person as it now is.

        A request may have waited for the one that took its caller's role: then this raises InsufficientScope, or
        InvalidKey for one who is suspended or gone.
        """
        organization = await self._directory.lock(tx, caller.organization_id)
        me = await self._directory.user(tx, caller.organization_id, caller.user_id)
        if organization is None or me is None or not me.is_active:
            raise InvalidKey
        if _RANKS[me.role] < _RANKS[least]:
            raise caller.lacks([scope])
        return organization, me


def check_rank(me: User, *roles: Role) -> None:
    """Raise AboveYourOwn if one of the roles is above mine."""
    for role in roles:
        if _RANKS[role] > _RANKS[me.role]:
            raise AboveYourOwn(f"This takes the role '{role}', and yours is '{me.role}'.")
