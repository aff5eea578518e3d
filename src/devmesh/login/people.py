"""Whom a login means: found by the address and the organization, in as many steps for nobody as for somebody."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from devmesh.audit.model import NIL
from devmesh.crypto.passwords import Passwords
from devmesh.db.pool import Database
from devmesh.directory.model import User, Whereabouts
from devmesh.directory.service import Directory
from devmesh.directory.users import Users
from devmesh.login.entry import Networks
from devmesh.login.form import Form

# As many users are looked at for every address, there or not: few are in more organizations than that.
_LEAST_LOOKS = 3
# Whoever's address is registered in more organizations than this names one of them.
_MOST_LOOKS = 32
_NOWHERE = Whereabouts(NIL, NIL)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who may have come, if the password is right; with a hash that nothing fits if there is no such user."""

    organization_id: UUID
    user: User | None
    known_network: bool
    password_hash: str = field(repr=False)


class People:
    """Finds users who are known by what they typed alone."""

    def __init__(
        self, db: Database, directory: Directory, users: Users, networks: Networks, passwords: Passwords
    ) -> None:
        self._db = db
        self._directory = directory
        self._users = users
        self._networks = networks
        self._passwords = passwords

    async def candidate(self, form: Form, address: str) -> Candidate:
        """Return the one user whom the form can mean: an active one first, then a verified one, then who came last."""
        places = await self._places(form)
        users = [await self._look(place) for place in places]
        user = max(filter(None, users), key=_rank, default=None)
        organization_id, user_id = (user.organization_id, user.id) if user else (NIL, NIL)
        async with self._db.acting(organization_id) as tx:
            kept = await self._users.password_hash(tx, organization_id, user_id)
            known = await self._networks.knows(tx, organization_id, user_id, address)
        if kept is None or not self._passwords.is_hash(kept):
            return Candidate(organization_id, None, known_network=False, password_hash=self._passwords.decoy())
        return Candidate(organization_id, user, known, kept)

    async def _places(self, form: Form) -> list[Whereabouts]:
        async with self._db.routing() as tx:
            wanted = form.organization
            if isinstance(wanted, str):
                wanted = await self._directory.organization_of(tx, wanted) or NIL
            found = await self._directory.users_of(tx, form.email)
        if wanted is not None:
            found = [place for place in found if place.organization_id == wanted]
        return [*found[:_MOST_LOOKS], *[_NOWHERE] * (_LEAST_LOOKS - len(found))]

    async def _look(self, place: Whereabouts) -> User | None:
        async with self._db.acting(place.organization_id) as tx:
            return await self._directory.user(tx, place.organization_id, place.user_id)


def _rank(user: User) -> tuple[bool, bool, datetime]:
    return user.is_active, user.verified_at is not None, user.last_login_at or _NEVER
