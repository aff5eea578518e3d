"""The rules of API keys: who may mint which, who sees and revokes which."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from devmesh.access import Caller, KeyType
from devmesh.audit.service import Audit
from devmesh.crypto import tokens
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.errors import Fault, Invalid, InvalidKey
from devmesh.ids import new_id
from devmesh.keys import form, store
from devmesh.keys.model import AgentLimitReached, BeyondYourOwn, IssuedKey, Key, KeyNotFound, NewKey
from devmesh.keys.places import ADMINISTERS, Place, Places
from devmesh.keys.verify import KEY_CHANGED, Verifier


class Keys:
    """Mint, list and revoke keys."""

    def __init__(
        self,
        db: Database,
        ring: KeyRing,
        changes: Changes,
        audit: Audit,
        plans: Plans,
        verifier: Verifier,
        directory: Directory,
        places: Places,
    ) -> None:
        self._db = db
        self._ring = ring
        self._changes = changes
        self._audit = audit
        self._plans = plans
        self._verifier = verifier
        self._directory = directory
        self._places = places

    async def issue_first(self, tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> IssuedKey:
        """Give a new organization's owner an admin key, within the registration's transaction."""
        new = NewKey(name="Initial Admin Key", key_type=KeyType.ADMIN)
        limit, window = self._plans.key_default(new.key_type)
        scopes = list(form.DEFAULT_SCOPES[KeyType.ADMIN])
        return await self._insert(tx, organization_id, tenant_id, user_id, new, (scopes, limit, window))

    async def create(self, caller: Caller, new: NewKey) -> IssuedKey:
        """Mint a key of the caller's own person in the caller's tenant, never beyond what the caller has."""
        caller.require("keys:write")
        form.check(new)
        form.check_type(caller, new.key_type)
        scopes = form.scopes(caller, new)
        limit, window = self._rate(caller, new)
        try:
            async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
                if new.key_type is KeyType.AGENT:
                    await self._check_room(tx, caller)
                place = await self._places.place(tx, caller, new.tenant_id)
                new = await self._within_the_minters_life(tx, caller, place, new)
                await tx.turn_to(place.tenant_id)
                issued = await self._insert(
                    tx, caller.organization_id, place.tenant_id, caller.user_id, new, (scopes, limit, window)
                )
                await self._audit.record_in(
                    tx, caller, "key.create", str(issued.key.id), in_tenant=str(place.tenant_id)
                )
        except AgentLimitReached as refusal:
            self._audit.refused(caller, "key.create", refusal.code)
            raise
        return replace(issued, tenant_created=place.created)

    async def page(self, caller: Caller, limit: int, after: UUID | None, tenant: str | None = None) -> list[Key]:
        """Return keys of a tenant (the caller's own, if none is named), oldest first; an administrator sees all."""
        caller.require("keys:read")
        owner = None if form.administers(caller) else caller.user_id
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            tenant_id = await self._places.existing(tx, caller, tenant)
        await self._verifier.uses.flush_of(caller.organization_id, tenant_id)
        async with self._db.acting(caller.organization_id, tenant_id) as tx:
            return await store.of_tenant(tx, caller.organization_id, tenant_id, owner, after, limit)

    async def revoke(self, caller: Caller, key_id: UUID) -> Key:
        """End the key for good: once this returns, no request that begins with it is accepted here."""
        caller.require("keys:write")
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            tenant_id = caller.tenant_id
            if caller.rights.allows(ADMINISTERS):
                # An administrator ends any key of the organization, in whatever tenant.
                tenant_id = await store.tenant_of(tx, caller.organization_id, key_id) or tenant_id
                await tx.turn_to(tenant_id)
            key = await store.get(tx, caller.organization_id, tenant_id, key_id)
            if key is None or not _may_end(caller, key):
                raise KeyNotFound
            if await store.revoke(tx, caller.organization_id, tenant_id, key_id):
                await self._audit.record_in(tx, caller, "key.revoke", str(key_id))
                await self._changes.announce(tx, KEY_CHANGED, str(key_id))
        return key

    async def agents(self, tx: Tx, caller: Caller) -> int:
        """Return how many live agent keys the caller's organization has."""
        return await store.agents(tx, caller.organization_id)

    async def count(self, tx: Tx, caller: Caller, tenant_id: UUID) -> int:
        """Return how many live keys are in that tenant, which `tx` sees."""
        return await store.count(tx, caller.organization_id, tenant_id)

    async def _check_room(self, tx: Tx, caller: Caller) -> None:
        """Raise AgentLimitReached if there is no place for one more agent key; nobody else counts until `tx` ends."""
        organization = await self._directory.lock(tx, caller.organization_id)
        if organization is None:
            raise InvalidKey  # removed while this request was under way
        plan = self._plans.of(organization.plan)
        if plan.max_agents is not None and await store.agents(tx, organization.id) >= plan.max_agents:
            raise AgentLimitReached(f"The plan '{plan.name}' has places for {plan.max_agents} agent keys.")

    async def _within_the_minters_life(self, tx: Tx, caller: Caller, place: Place, new: NewKey) -> NewKey:
        """Return the key asked for, ending no later than the one that mints it.

        Tenant, person and minter must be there at commit; they are locked in the order in which removals lock them.
        """
        if not await self._places.hold(tx, caller, place):
            raise InvalidKey
        if caller.key_id is None:
            return new
        minter = await store.hold(tx, caller.organization_id, caller.tenant_id, caller.key_id)
        if minter is None:
            raise InvalidKey
        if minter.expires_at is None:
            return new
        if new.expires_at is not None and new.expires_at > minter.expires_at:
            raise BeyondYourOwn(f"Your own key ends at {minter.expires_at:%Y-%m-%dT%H:%M:%SZ}.")
        return msgspec.structs.replace(new, expires_at=new.expires_at or minter.expires_at)

    async def _insert(
        self,
        tx: Tx,
        organization_id: UUID,
        tenant_id: UUID,
        user_id: UUID,
        new: NewKey,
        granted: tuple[list[str], int, int],
    ) -> IssuedKey:
        secret = tokens.new_api_key(new.key_type)
        scopes, limit, window = granted
        key = Key(
            id=new_id(),
            user_id=user_id,
            key_type=new.key_type,
            name=new.name.strip(),
            key_prefix=secret[: tokens.SHOWN],
            scopes=scopes,
            rate_limit=limit,
            rate_window=window,
            created_at=datetime.now(UTC),
            expires_at=new.expires_at,
        )
        await store.insert(tx, organization_id, tenant_id, key, self._ring.digest("keys", secret.encode()))
        return IssuedKey(key, tenant_id, secret)

    def _rate(self, caller: Caller, new: NewKey) -> tuple[int, int]:
        """Return the new key's limit; a person's key gives at most its own rate, an administrator the type's.

        A limit is a bucket that is full at first: neither what it holds nor how fast it fills may be more.
        """
        most = self._plans.key_default(new.key_type)
        window = most[1] if new.rate_window is None else form.seconds(new.rate_window)
        asked = new.rate_limit
        if asked is None:
            asked = min(most[0], max(1, most[0] * window // most[1]))
        if not form.is_within((asked, window), most):
            text = f"at most {most[0]}, and {most[0]} per {most[1]} seconds, for this type of key"
            raise Invalid([Fault("rate_limit", text)])
        own = caller.allowance.rate_limit, caller.allowance.rate_window
        if caller.key_type is not KeyType.USER or form.is_within((asked, window), own):
            return asked, window
        if new.rate_limit is not None:
            raise BeyondYourOwn(f"Your own key has {own[0]} per {own[1]} seconds.")
        return own


def _may_end(caller: Caller, key: Key) -> bool:
    """Whether the caller may revoke the key: an administrator any, a person's key that person's user and agent keys."""
    if form.administers(caller):
        return True
    return key.user_id == caller.user_id and (caller.key_type is None or key.key_type in (KeyType.USER, KeyType.AGENT))
