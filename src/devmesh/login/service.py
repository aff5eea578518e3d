"""The rules of logging in: one hash for whoever asks, one reply for whatever is wrong, a second factor where one is."""

from __future__ import annotations

import re
import secrets
from uuid import UUID

import msgspec

from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.crypto.passwords import Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Database, Tx
from devmesh.directory.model import Organization, User
from devmesh.directory.service import Directory
from devmesh.directory.users import Users
from devmesh.errors import Fault, Invalid, MeshError
from devmesh.factors.service import Factors
from devmesh.ids import new_id
from devmesh.login import form, store
from devmesh.login.entry import Entry, Networks, SignedIn
from devmesh.login.form import Form
from devmesh.login.model import (
    CHALLENGE_LIFETIME,
    MOST_ATTEMPTS,
    Credentials,
    FactorAsked,
    FactorProof,
    FactorTokenInvalid,
    FactorWrong,
    LoginFailed,
)
from devmesh.login.people import Candidate, People
from devmesh.login.throttle import Throttle, account_of

_PREFIX = "mfa_"
_TOKEN = re.compile(r"mfa_[A-Za-z0-9_-]{43}")
_CHALLENGE_BYTES = 32
_LOGIN = "user.login"
_FACTOR = "user.login.factor"


class Login:
    """Lets people in; what refuses them is recorded, and said to them in the same words whatever it is."""

    def __init__(
        self,
        db: Database,
        ring: KeyRing,
        directory: Directory,
        users: Users,
        factors: Factors,
        entry: Entry,
        networks: Networks,
        throttle: Throttle,
        passwords: Passwords,
        audit: Audit,
    ) -> None:
        self._db = db
        self._ring = ring
        self._directory = directory
        self._users = users
        self._factors = factors
        self._entry = entry
        self._networks = networks
        self._throttle = throttle
        self._passwords = passwords
        self._audit = audit
        self._people = People(db, directory, users, networks, passwords)

    async def login(self, visitor: Visitor, sent: Credentials, user_agent: str) -> SignedIn | FactorAsked:
        """Return the session of whoever the password is of, or what second factor is to follow.

        Raises LoginFailed, TooManyFailures, TooManyHashes, and Invalid for what can be nobody's address.
        """
        asked = form.checked(sent)
        candidate = await self._people.candidate(asked, visitor.address)
        who = visitor if candidate.user is None else _as(visitor, candidate.user)
        try:
            user, renewed = await self._prove(who, asked, candidate)
            async with self._db.acting(user.organization_id) as tx:
                return await self._admit(tx, who, user.id, candidate.password_hash, renewed, user_agent)
        except MeshError as refusal:
            self._audit.refused(who, _LOGIN, refusal.code)
            raise

    async def prove_factor(self, visitor: Visitor, sent: FactorProof, user_agent: str) -> SignedIn:
        """Return the session of whoever proves the second factor that a login waits for.

        Of many that prove it at once one succeeds. Raises FactorTokenInvalid, FactorWrong, TooManyFailures, Invalid.
        """
        if (sent.code is None) == (sent.passkey is None):
            raise Invalid([Fault("code", "send either a code or a passkey")])
        who = visitor
        try:
            who, challenge_id, known = await self._whose(visitor, sent.mfa_token)
            user_id = who.user_id or new_id()
            attempt = await self._throttle.take("mfa", user_id.bytes, visitor.address, known=known)
            async with self._db.acting(who.organization_id) as tx:
                signed_in = await self._finish(tx, who, user_id, challenge_id, sent, user_agent)
            if signed_in is None:
                raise FactorWrong
        except MeshError as refusal:
            self._audit.refused(who, _FACTOR, refusal.code)
            raise
        await self._throttle.forgive(attempt, proven=True)
        return signed_in

    async def _prove(self, visitor: Visitor, asked: Form, candidate: Candidate) -> tuple[User, str | None]:
        """Return the user whose password it is, and its hash at today's cost if it is kept at another's."""
        renewed = None
        async with self._passwords.place() as place:
            # Counted only when there is a place, so that few are counted as failures that are none of guessing.
            account, known = account_of(asked.email), candidate.known_network
            attempt = await self._throttle.take("login", account, visitor.address, known=known)
            right = await place.matches(asked.password, candidate.password_hash)
            user = candidate.user
            if not right or user is None or not user.is_active:
                raise LoginFailed
            if not self._passwords.is_current(candidate.password_hash):
                renewed = await place.hash(asked.password)
        await self._throttle.forgive(attempt, proven=user.verified_at is not None)
        return user, renewed

    async def _admit(
        self, tx: Tx, visitor: Visitor, user_id: UUID, proved: str, renewed: str | None, user_agent: str
    ) -> SignedIn | FactorAsked:
        user, organization = await self._now(tx, visitor.organization_id, user_id, proved)
        if renewed is not None:
            await self._users.renew_hash(tx, organization.id, user.id, renewed)
        methods = await self._factors.methods(tx, organization.id, user.id)
        if not methods:
            return await self._entry.enter(tx, user, organization, visitor, mfa=False, user_agent=user_agent)
        await self._entry.mind(tx, user, organization, visitor, factor_follows=True)
        token = _PREFIX + secrets.token_urlsafe(32)
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        digest = self._digest(token)
        await store.add_challenge(tx, organization.id, user.id, new_id(), digest, challenge, CHALLENGE_LIFETIME)
        options = await self._factors.options(tx, organization.id, user.id, challenge)
        return FactorAsked(methods, options, token)

    async def _finish(
        self, tx: Tx, visitor: Visitor, user_id: UUID, challenge_id: UUID, sent: FactorProof, user_agent: str
    ) -> SignedIn | None:
        """Return the new session; None if nothing is proved, which is then one of the tries."""
        user, organization = await self._now(tx, visitor.organization_id, user_id)
        row = await store.take_challenge(tx, organization.id, challenge_id, MOST_ATTEMPTS, CHALLENGE_LIFETIME)
        if row is None:
            raise FactorTokenInvalid
        method = await self._factors.check(
            tx,
            organization.id,
            user.id,
            code=sent.code,
            passkey=sent.passkey,
            challenge=row["webauthn_challenge"],
        )
        if method is None:
            return None
        await store.remove_challenge(tx, organization.id, challenge_id)
        return await self._entry.enter(tx, user, organization, visitor, mfa=True, user_agent=user_agent)

    async def _now(
        self, tx: Tx, organization_id: UUID, user_id: UUID, proved: str | None = None
    ) -> tuple[User, Organization]:
        """Return both as they are from here to the end of `tx`: while a hash was computed, all may have changed."""
        kept = await self._users.lock(tx, organization_id, user_id)
        user = await self._directory.user(tx, organization_id, user_id)
        organization = await self._directory.organization(tx, organization_id)
        if user is None or organization is None or not user.is_active or (proved is not None and kept != proved):
            raise LoginFailed
        return user, organization

    async def _whose(self, visitor: Visitor, mfa_token: str) -> tuple[Visitor, UUID, bool]:
        """Return who proved the password for the token, the login that waits, and whether the network is theirs."""
        found = None
        if _TOKEN.fullmatch(mfa_token):
            async with self._db.routing() as tx:
                found = await store.challenge_of(tx, self._ring.digests("logins", _content(mfa_token)))
        if found is None:
            raise FactorTokenInvalid
        organization_id, challenge_id = found
        async with self._db.acting(organization_id) as tx:
            user_id = await store.user_of_challenge(tx, organization_id, challenge_id)
            user = None if user_id is None else await self._directory.user(tx, organization_id, user_id)
            if user is None:
                raise FactorTokenInvalid
            known = await self._networks.knows(tx, organization_id, user.id, visitor.address)
        return _as(visitor, user), challenge_id, known

    def _digest(self, token: str) -> bytes:
        return self._ring.digest("logins", _content(token))


def _content(token: str) -> bytes:
    return b"token\0" + token.encode()


def _as(visitor: Visitor, user: User) -> Visitor:
    return msgspec.structs.replace(
        visitor,
        organization_id=user.organization_id,
        tenant_id=user.tenant_id,
        user_id=user.id,
        role=user.role,
    )
