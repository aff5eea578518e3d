"""From the access token that a caller sends to what it stands for: cached while no change can have been missed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from uuid import UUID

import msgspec
from msgspec import Struct

from devmesh.access import Allowance, KeyType, Person, Rights, Role
from devmesh.db.changes import Changes
from devmesh.db.places import Places
from devmesh.db.pool import Database, DatabaseAway, Record
from devmesh.directory.model import ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED, Policies
from devmesh.directory.plans import Plans
from devmesh.sessions import store, tokens
from devmesh.sessions.model import (
    IDLE_LIFETIME,
    RING_CHANGED,
    SCOPES,
    SESSION_CHANGED,
    UNTIL_FACTOR,
    Grant,
    InvalidToken,
    TokenExpired,
)
from devmesh.sessions.signing import SigningKeys
from devmesh.sessions.tokens import Claims

_MOST = 50_000
# Tenants that one token is remembered to have asked for.
_MOST_TENANTS = 64
# Whoever holds a token of an ended session can ask with it until it expires: few such reads at once, and of one
# organization so few that another one's do not wait behind them.
_MOST_READS = 4
_WAIT_SECONDS = 3.0
_ADMINISTRATORS = (Role.OWNER, Role.ADMIN)


class Held(Struct, frozen=True, eq=False):
    """A verified token: what it says, what it stands for, and the other tenants that it was found to act in."""

    claims: Claims
    grant: Grant
    tenants: dict[str, Grant]


class Verifier:
    """Verifies access tokens. Only tokens that were valid take memory."""

    def __init__(self, db: Database, keys: SigningKeys, changes: Changes, plans: Plans, issuer: str) -> None:
        self._db = db
        self._keys = keys
        self._changes = changes
        self._plans = plans
        self._issuer = issuer
        self._held: dict[bytes, Held] = {}
        self._heard = 0
        self._reading = Places(_MOST_READS)
        for kind in (SESSION_CHANGED, USER_CHANGED):
            changes.subscribe(kind, self._forget_user)
        changes.subscribe(TENANT_CHANGED, self._forget_tenant)
        changes.subscribe(ORGANIZATION_CHANGED, self._forget_organization)
        changes.subscribe(RING_CHANGED, lambda _: self._forget_all())
        changes.missed(self._forget_all)

    async def verify(self, token: str) -> Held:
        """Return what the token stands for; raise TokenExpired, or InvalidToken for every other reason."""
        # Not the keyed digest: a token's signature cannot be guessed from its digest, and this is never written down.
        digest = hashlib.sha256(token.encode()).digest()
        held = self._held.get(digest)
        if held is None:
            claims = await self._claims(token)
            if claims.exp <= time.time():
                raise TokenExpired
            held = await self._read(digest, claims)
        elif not self._changes.fresh():
            held = await self._read(digest, held.claims)
        if held.grant.expires <= time.time():
            raise TokenExpired
        return held

    async def within(self, held: Held, tenant: str) -> Grant | None:
        """Return what the token stands for in the tenant with that id or slug (lower case); None if it may not there.

        A tenant is found anew while changes may have been missed, as the token itself is.
        """
        own = held.grant
        if tenant in (str(own.tenant_id), own.person.tenant_slug):
            return own
        found = held.tenants.get(tenant) if self._changes.fresh() else None
        if found is None:
            heard = self._heard
            found = await self._found(own, tenant)
            # `held` may have been dropped while this was read: then nobody asks it again.
            if found is not None and heard == self._heard and len(held.tenants) < _MOST_TENANTS:
                held.tenants[tenant] = found
        return found

    async def _claims(self, token: str) -> Claims:
        key = await self._keys.of(tokens.named_key(token))
        if key is None:
            raise InvalidToken
        return tokens.genuine(token, key, self._issuer)

    async def _read(self, digest: bytes, claims: Claims) -> Held:
        try:
            async with self._reading.taken(claims.organization_id, _WAIT_SECONDS):
                # Of those who come at once with one token, whoever had to wait finds it known.
                held = self._held.get(digest)
                if held is not None and self._changes.fresh():
                    return held
                heard = self._heard
                async with self._db.acting(claims.organization_id) as tx:
                    row = await store.grant(tx, claims.organization_id, IDLE_LIFETIME, claims.sid)
        except TimeoutError:
            raise DatabaseAway("Too many sessions of your organization are looked up.") from None
        if row is None or row["user_id"] != claims.sub:
            self._held.pop(digest, None)
            raise InvalidToken
        held = Held(claims, self._grant(claims, row), {})
        # A change that was heard while the row was read may be about this very session: such a row is used once.
        if heard == self._heard:
            while len(self._held) >= _MOST:
                del self._held[next(iter(self._held))]
            self._held[digest] = held
        return held

    def _grant(self, claims: Claims, row: Record) -> Grant:
        role, plan = Role(row["role"]), self._plans.of(row["plan"])
        limit, window = self._plans.key_default(KeyType.ADMIN if role in _ADMINISTRATORS else KeyType.USER)
        policies = msgspec.json.decode(row["policies"], type=Policies)
        return Grant(
            organization_id=claims.organization_id,
            organization_slug=row["organization_slug"],
            tenant_id=row["tenant_id"],
            user_id=row["user_id"],
            role=role,
            rights=Rights(UNTIL_FACTOR if policies.require_mfa and not row["mfa"] else SCOPES, role),
            person=Person(row["email"], row["name"], row["tenant_name"], row["tenant_slug"]),
            allowance=Allowance(limit, window, plan.requests_per_minute, plan.burst),
            session_id=row["id"],
            expires=min(claims.exp, row["expires_at"].timestamp()),
        )

    async def _found(self, own: Grant, name: str) -> Grant | None:
        async with self._db.acting(own.organization_id) as tx:
            row = await store.tenant(
                tx, own.organization_id, name, own.tenant_id, own.user_id, everywhere=own.role in _ADMINISTRATORS
            )
        if row is None:
            return None
        person = Person(own.person.email, own.person.name, row["name"], row["slug"])
        return msgspec.structs.replace(own, tenant_id=row["id"], person=person)

    def _forget_user(self, user_id: str) -> None:
        user = UUID(user_id)
        self._forget(lambda held: held.grant.user_id == user)

    def _forget_organization(self, organization_id: str) -> None:
        organization = UUID(organization_id)
        self._forget(lambda held: held.grant.organization_id == organization)

    def _forget_tenant(self, tenant_id: str) -> None:
        tenant = UUID(tenant_id)
        self._forget(lambda held: any(grant.tenant_id == tenant for grant in (held.grant, *held.tenants.values())))

    def _forget(self, concerned: Callable[[Held], bool]) -> None:
        self._heard += 1
        for digest in [digest for digest, held in self._held.items() if concerned(held)]:
            del self._held[digest]

    def _forget_all(self) -> None:
        self._heard += 1
        self._held.clear()
