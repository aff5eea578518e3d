"""From the secret that a caller sends to what it stands for: cached by digest while no change can have been missed."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import ip_network
from uuid import UUID

from devmesh.access import UNBOUND, Allowance, Bounds, KeyType, Person, Rights, Role
from devmesh.crypto.ring import KeyRing
from devmesh.crypto.tokens import is_api_key
from devmesh.db.changes import Changes
from devmesh.db.places import Places
from devmesh.db.pool import Database, DatabaseAway, Record
from devmesh.db.tally import Tally
from devmesh.directory.model import ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED
from devmesh.directory.plans import Plans
from devmesh.errors import InvalidKey
from devmesh.http.address import network
from devmesh.keys import store
from devmesh.keys.model import Grant, Network

KEY_CHANGED = "key"
_MOST = 50_000
# Anybody can make up keys, and each is a read: so few at once that the pool has connections left for everybody else,
# and of one address so few that a key from another one, used for the first time, does not wait behind them.
_MOST_UNKNOWN = 3
_WAIT_SECONDS = 3.0


class Verifier:
    """Verifies keys. Only keys that were valid take memory, so made-up ones cannot fill it."""

    def __init__(self, db: Database, ring: KeyRing, changes: Changes, plans: Plans) -> None:
        self.uses = Tally(db, store.add_uses)
        self._db = db
        self._ring = ring
        self._changes = changes
        self._plans = plans
        self._grants: dict[bytes, Grant] = {}
        # Of a key that was rotated with a grace both secrets may be in use.
        self._digests: dict[UUID, set[bytes]] = {}
        self._heard = 0
        self._unknown = Places(_MOST_UNKNOWN)
        changes.subscribe(KEY_CHANGED, self._forget_key)
        changes.subscribe(USER_CHANGED, self._forget_user)
        changes.subscribe(TENANT_CHANGED, self._forget_tenant)
        changes.subscribe(ORGANIZATION_CHANGED, self._forget_organization)
        changes.missed(self._forget_all)

    async def verify(self, secret: str, address: str = "") -> Grant:
        """Return what the key that came from the address stands for, and count the use.

        Raises InvalidKey for whatever reason it is not valid, and DatabaseAway.
        """
        digest = self._ring.digest("keys", secret.encode())
        grant = self._grants.get(digest)
        if grant is None:
            # What has not even a key's form costs no look at the database; a known key needs no such test.
            if not is_api_key(secret):
                raise InvalidKey
            try:
                async with self._unknown.taken(network(address), _WAIT_SECONDS):
                    # Of those who come at once with one key, whoever had to wait finds it known.
                    grant = self._known(digest) or await self._read(secret, digest)
            except TimeoutError:
                raise DatabaseAway("Too many keys that are not known are sent from your address.") from None
        elif not self._changes.fresh():
            grant = await self._read(secret, digest)
        if grant.expires is not None and grant.expires <= time.time():
            raise InvalidKey
        self.uses.count(grant.organization_id, grant.tenant_id, grant.key_id)
        return grant

    def _known(self, digest: bytes) -> Grant | None:
        return self._grants.get(digest) if self._changes.fresh() else None

    async def _read(self, secret: str, digest: bytes) -> Grant:
        heard = self._heard
        digests = self._ring.digests("keys", secret.encode())
        async with self._db.routing() as tx:
            found = await store.route(tx, digests)
        row: Record | None = None
        if found is not None:
            organization_id, tenant_id, key_id = found
            async with self._db.acting(organization_id, tenant_id) as tx:
                row = await store.grant(tx, organization_id, tenant_id, key_id, digests)
        if found is None or row is None:
            self._drop(digest)
            raise InvalidKey
        grant = self._grant(found[0], found[1], row)
        # A change that was heard while the row was read may be about this very key: such a row is used once, not kept.
        if heard == self._heard:
            self._keep(digest, grant)
        return grant

    def _grant(self, organization_id: UUID, tenant_id: UUID, row: Record) -> Grant:
        plan = self._plans.of(row["plan"])
        return Grant(
            organization_id=organization_id,
            organization_slug=row["organization_slug"],
            tenant_id=tenant_id,
            user_id=row["user_id"],
            role=Role(row["role"]),
            rights=Rights(row["scopes"], row["role"], row["key_type"]),
            person=Person(row["email"], row["name"], row["tenant_name"], row["tenant_slug"]),
            allowance=Allowance(row["rate_limit"], row["rate_window"], plan.requests_per_minute, plan.burst),
            key_id=row["id"],
            key_type=KeyType(row["key_type"]),
            expires=row["ends_at"].timestamp() if row["ends_at"] else None,
            bounds=_bounds(row),
            is_guarded=row["key_type"] == KeyType.GATEWAY or row["allowed_ips"] is not None,
            networks=_networks(row),
        )

    def _keep(self, digest: bytes, grant: Grant) -> None:
        while len(self._grants) >= _MOST:
            self._drop(next(iter(self._grants)))
        self._grants[digest] = grant
        self._digests.setdefault(grant.key_id, set()).add(digest)

    def _drop(self, digest: bytes) -> None:
        grant = self._grants.pop(digest, None)
        if grant is not None:
            digests = self._digests[grant.key_id]
            digests.discard(digest)
            if not digests:
                del self._digests[grant.key_id]

    def _forget_key(self, key_id: str) -> None:
        self._heard += 1
        for digest in self._digests.pop(UUID(key_id), ()):
            self._grants.pop(digest, None)

    def _forget_user(self, user_id: str) -> None:
        user = UUID(user_id)
        self._forget(lambda grant: grant.user_id == user)

    def _forget_tenant(self, tenant_id: str) -> None:
        tenant = UUID(tenant_id)
        self._forget(lambda grant: grant.tenant_id == tenant)

    def _forget_organization(self, organization_id: str) -> None:
        organization = UUID(organization_id)
        self._forget(lambda grant: grant.organization_id == organization)

    def _forget(self, concerned: Callable[[Grant], bool]) -> None:
        self._heard += 1
        for digest in [digest for digest, grant in self._grants.items() if concerned(grant)]:
            self._drop(digest)

    def _forget_all(self) -> None:
        self._heard += 1
        self._grants.clear()
        self._digests.clear()


def _bounds(row: Record) -> Bounds:
    services, names, rotation = row["allowed_services"], row["tool_names"], row["rotation"]
    most = row["result_bytes"]
    if row["key_type"] == KeyType.GATEWAY:
        services = services or ()
    if services is None and names is None and most is None and rotation == 0:
        return UNBOUND
    return Bounds(None if services is None else frozenset(services), names, most, None, rotation)


def _networks(row: Record) -> tuple[Network, ...] | None:
    allowed = row["allowed_ips"]
    if allowed is None:
        return () if row["key_type"] == KeyType.GATEWAY else None
    return tuple(map(ip_network, allowed))
