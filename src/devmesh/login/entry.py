"""The last step of every way in: what login, and an invitation that is accepted, end with."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Tx
from devmesh.directory.model import Organization, User
from devmesh.directory.service import Directory
from devmesh.directory.users import Users
from devmesh.http.address import network
from devmesh.login import store
from devmesh.login.notices import Notices
from devmesh.mail.outbox import Outbox
from devmesh.sessions.model import Tokens
from devmesh.sessions.service import Sessions

# A person's places; the one not seen for the longest time gives way.
_MOST_NETWORKS = 50


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person who has just logged in; exists only in the one response that shows the tokens."""

    user: User
    organization: Organization
    tokens: Tokens
    mfa_setup_required: bool


class Networks:
    """From where people have logged in before: what strangers do elsewhere never slows these down."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def note(self, tx: Tx, organization_id: UUID, user_id: UUID, address: str) -> None:
        """Know the address's network as one of the person's from now on."""
        digest = self._ring.digest("logins", _content(user_id, address))
        await store.note_network(tx, organization_id, user_id, digest, _MOST_NETWORKS)

    async def knows(self, tx: Tx, organization_id: UUID, user_id: UUID, address: str) -> bool:
        """Return whether the address's network is one of the person's."""
        digests = self._ring.digests("logins", _content(user_id, address))
        return await store.knows_network(tx, organization_id, user_id, digests)


class Entry:
    """Lets people in whose identity has been proved; whether it has is decided by whoever calls."""

    def __init__(
        self,
        users: Users,
        sessions: Sessions,
        networks: Networks,
        audit: Audit,
        directory: Directory,
        outbox: Outbox,
        public_url: str,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._networks = networks
        self._audit = audit
        self._notices = Notices(directory, outbox, public_url)

    async def enter(
        self, tx: Tx, user: User, organization: Organization, visitor: Visitor, *, mfa: bool, user_agent: str
    ) -> SignedIn:
        """Begin a session, from the commit of `tx` on; the record says who logged in and whether by a second factor.

        Who has not logged in from this network before is told by mail, or was when the factor was asked for.
        """
        if not mfa:
            await self.mind(tx, user, organization, visitor, factor_follows=False)
        await self._users.note_login(tx, organization.id, user.id)
        await self._networks.note(tx, organization.id, user.id, visitor.address)
        actor = msgspec.structs.replace(
            visitor, organization_id=organization.id, tenant_id=user.tenant_id, user_id=user.id, role=user.role
        )
        tokens = await self._sessions.begin(tx, user, organization, actor, mfa=mfa, user_agent=user_agent)
        await self._audit.record_in(tx, actor, "user.login", str(tokens.session_id), mfa=mfa)
        return SignedIn(user, organization, tokens, organization.policies.require_mfa and not mfa)

    async def mind(
        self, tx: Tx, user: User, organization: Organization, visitor: Visitor, *, factor_follows: bool
    ) -> None:
        """Have the person told of a right password from a network that is none of theirs; a first login is no news."""
        if user.last_login_at is None or await self._networks.knows(tx, organization.id, user.id, visitor.address):
            return
        await self._notices.new_place(tx, user, organization, visitor, factor_follows=factor_follows)


def _content(user_id: UUID, address: str) -> bytes:
    return f"network\0{user_id}\0{network(address)}".encode()
