"""The rules of sessions: how they begin, go on by refreshing, and end."""

from __future__ import annotations

import re
import secrets
import time
from datetime import timedelta
from uuid import UUID

import msgspec

from devmesh.access import Caller
from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Record, Tx
from devmesh.directory.model import Organization, User
from devmesh.directory.service import Directory
from devmesh.errors import ReauthenticationRequired
from devmesh.ids import new_id
from devmesh.sessions import store
from devmesh.sessions.model import (
    GRACE,
    IDLE_LIFETIME,
    RECENT,
    SESSION_CHANGED,
    WHOLE_LIFETIME,
    InvalidRefreshToken,
    RefreshAlreadyUsed,
    Session,
    SessionNotFound,
    Tokens,
)
from devmesh.sessions.signing import SigningKeys
from devmesh.sessions.tokens import claims_of, signed

_PREFIX = "rfr_"
_FORM = re.compile(r"rfr_[A-Za-z0-9_-]{43}")
_LONGEST_AGENT = 200
# Each login of an organization clears away so many of its sessions that are over: more than it adds.
_CLEARED = 20
_REFRESH = "session.refresh"
# By which a copied token is still known for one: ten days' worth for whoever refreshes when it is needed, and a bound
# for whoever does it all the time.
_MOST_SPENT = 1000


class Sessions:
    """Begin, refresh, list and end sessions."""

    def __init__(
        self,
        db: Database,
        ring: KeyRing,
        changes: Changes,
        audit: Audit,
        directory: Directory,
        keys: SigningKeys,
        issuer: str,
    ) -> None:
        self._db = db
        self._ring = ring
        self._changes = changes
        self._audit = audit
        self._directory = directory
        self._keys = keys
        self._issuer = issuer

    async def begin(
        self, tx: Tx, user: User, organization: Organization, visitor: Visitor, *, mfa: bool, user_agent: str
    ) -> Tokens:
        """Begin a session for somebody who has just proved to be `user`; it stands from the commit on."""
        await store.remove_dead(tx, organization.id, IDLE_LIFETIME, _CLEARED)
        agent = "".join(filter(str.isprintable, user_agent))[:_LONGEST_AGENT]
        session = await store.add(
            tx,
            organization.id,
            new_id(),
            WHOLE_LIFETIME,
            user_id=user.id,
            mfa=mfa,
            address=visitor.address,
            user_agent=agent,
        )
        return await self._issue(tx, session, user, organization)

    async def refresh(self, visitor: Visitor, refresh_token: str) -> Tokens:
        """Spend the token and hand out its one successor with a new access token.

        Raises RefreshAlreadyUsed for one spent within the last ten seconds, and InvalidRefreshToken; one that was
        spent longer ago has been copied, so its session has ended when this raises.
        """
        organization_id, token_id = await self._find(visitor, refresh_token)
        who = msgspec.structs.replace(visitor, organization_id=organization_id)
        async with self._db.acting(organization_id) as tx:
            session_id = await store.lock_of_token(tx, organization_id, token_id)
            row = await store.token(tx, organization_id, token_id, GRACE) if session_id else None
            if row is not None:
                who = msgspec.structs.replace(who, user_id=row["user_id"])
                if row["session_live"] and row["live"] and not row["spent"]:
                    return await self._succeed(tx, who, _session(row), token_id)
                if row["session_live"] and row["spent"] and not row["just_spent"]:
                    await self._revoke_family(tx, who, _session(row))
        early = row is not None and row["session_live"] and row["just_spent"]
        refusal = RefreshAlreadyUsed() if early else InvalidRefreshToken()
        self._audit.refused(who, _REFRESH, refusal.code, target=str(session_id) if session_id else None)
        raise refusal

    async def end(self, caller: Caller, session_id: UUID | None = None) -> None:
        """End the caller's own session, or another one of the same person.

        For another one the person has logged in within 15 minutes (ASVS 5.0, 7.5.2), so that who has found an access
        token does not shut its person out. Raises SessionNotFound or ReauthenticationRequired.
        """
        own = caller.require_session()
        async with self._db.acting(caller.organization_id) as tx:
            ended = session_id or own
            if ended != own:
                await self.require_recent(tx, caller, "Ending another session")
            if not await store.end(tx, caller.organization_id, caller.user_id, ended):
                raise SessionNotFound
            await self._audit.record_in(tx, caller, "session.end", str(ended))
            await self._announce(tx, caller.user_id)

    async def page(self, caller: Caller, limit: int, after: UUID | None) -> list[Session]:
        """Return the caller's own live sessions, the oldest first."""
        caller.require_session()
        async with self._db.acting(caller.organization_id) as tx:
            return await store.of_user(tx, caller.organization_id, IDLE_LIFETIME, caller.user_id, after, limit)

    async def end_all(self, tx: Tx, organization_id: UUID, user_id: UUID, *, but: UUID | None = None) -> int:
        """End the person's sessions, all or all but one, from the commit on; return how many. Audited by who asks."""
        ended = await store.end_all(tx, organization_id, user_id, but)
        await self._announce(tx, user_id)
        return ended

    async def raise_to_mfa(self, tx: Tx, caller: Caller) -> None:
        """Note that a second factor was shown in the caller's session.

        Whoever shows a new one has not proved to be the person: how long ago that was stays as it is.
        """
        await store.raised(tx, caller.organization_id, caller.require_session())
        await self._announce(tx, caller.user_id)

    async def note_authenticated(self, tx: Tx, caller: Caller) -> None:
        """Note that the person has just given the password, in the caller's session.

        Where that session was begun with a second factor too, it is no proof of who they are, and changes nothing.
        """
        await store.proved(tx, caller.organization_id, caller.require_session())

    async def require_recent(self, tx: Tx, caller: Caller, doing: str) -> None:
        """Return if the person logged in, in the caller's session, within 15 minutes: a token alone is not enough.

        Raises ReauthenticationRequired, which says what `doing` needs, or SessionRequired.
        """
        if not await self.authenticated_within(tx, caller, RECENT):
            raise ReauthenticationRequired(f"{doing} needs a login within the last 15 minutes.")

    async def authenticated_within(self, tx: Tx, caller: Caller, window: timedelta) -> bool:
        """Return whether the person proved who they are within the window, in the caller's session."""
        return await store.proved_within(tx, caller.organization_id, caller.require_session(), window)

    async def _find(self, visitor: Visitor, refresh_token: str) -> tuple[UUID, UUID]:
        found = None
        if _FORM.fullmatch(refresh_token):
            async with self._db.routing() as tx:
                found = await store.route(tx, self._ring.digests("refresh", refresh_token.encode()))
        if found is None:
            self._audit.refused(visitor, _REFRESH, InvalidRefreshToken.code)
            raise InvalidRefreshToken
        return found

    async def _succeed(self, tx: Tx, who: Visitor, session: Session, token_id: UUID) -> Tokens:
        user = await self._directory.user(tx, who.organization_id, session.user_id)
        organization = await self._directory.organization(tx, who.organization_id)
        if user is None or organization is None:
            raise InvalidRefreshToken
        await store.spend(tx, organization.id, session.id, token_id, IDLE_LIFETIME, _MOST_SPENT)
        actor = msgspec.structs.replace(who, tenant_id=user.tenant_id, role=user.role)
        await self._audit.record_in(tx, actor, _REFRESH, str(session.id))
        return await self._issue(tx, session, user, organization)

    async def _revoke_family(self, tx: Tx, who: Visitor, session: Session) -> None:
        await store.end(tx, who.organization_id, session.user_id, session.id)
        await self._audit.record_in(tx, who, "session.revoke", str(session.id), reason="refresh token used again")
        await self._announce(tx, session.user_id)

    async def _issue(self, tx: Tx, session: Session, user: User, organization: Organization) -> Tokens:
        refresh_token = _PREFIX + secrets.token_urlsafe(32)
        digest = self._ring.digest("refresh", refresh_token.encode())
        await store.add_token(tx, organization.id, session.id, new_id(), digest, IDLE_LIFETIME)
        claims = claims_of(self._issuer, session, user, organization, time.time())
        access_token = signed(claims, await self._keys.newest(tx))
        return Tokens(session.id, claims.exp - claims.iat, access_token, refresh_token)

    async def _announce(self, tx: Tx, user_id: UUID) -> None:
        await self._changes.announce(tx, SESSION_CHANGED, str(user_id))


def _session(row: Record) -> Session:
    return Session(**{name: row[name] for name in Session.__dataclass_fields__})
