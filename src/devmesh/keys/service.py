"""The rules of API keys: who may mint which, who sees, changes, rotates and revokes which."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import UNSET

from devmesh.access import Caller, KeyType, Role
from devmesh.audit.service import Audit
from devmesh.connectors import CONNECTORS
from devmesh.crypto import tokens
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory.model import TenantLimitReached
from devmesh.directory.plans import Plans
from devmesh.directory.service import Directory
from devmesh.errors import InvalidKey
from devmesh.ids import new_id
from devmesh.keys import form, store
from devmesh.keys.ceiling import Own
from devmesh.keys.model import (
    AgentLimitReached,
    BeyondYourOwn,
    IssuedKey,
    Key,
    KeyChange,
    KeyChanged,
    KeyEnded,
    KeyLimitReached,
    KeyNotFound,
    Live,
    NewKey,
    NotYourKey,
)
from devmesh.keys.places import ADMINISTERS, Place, Places
from devmesh.keys.room import Room
from devmesh.keys.verify import KEY_CHANGED, Verifier


class Keys:
    """Mint, list, change, rotate and revoke keys."""

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
        services: Collection[str] = tuple(CONNECTORS),
    ) -> None:
        self._db = db
        self._ring = ring
        self._changes = changes
        self._audit = audit
        self._plans = plans
        self._verifier = verifier
        self._directory = directory
        self._places = places
        self._room = Room(directory, plans)
        self._services = services

    async def issue_first(self, tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> IssuedKey:
        """Give a new organization's owner an admin key, within the registration's transaction."""
        limit, window = self._plans.key_default(KeyType.ADMIN)
        new = NewKey(
            name="Initial Admin Key",
            key_type=KeyType.ADMIN,
            scopes=list(form.DEFAULT_SCOPES[KeyType.ADMIN]),
            rate_limit=limit,
            rate_window=window,
        )
        return await self._insert(tx, organization_id, tenant_id, user_id, new)

    async def create(self, caller: Caller, new: NewKey) -> IssuedKey:
        """Mint a key of the caller's own person in the caller's tenant, never beyond what the caller has."""
        if not caller.rights.allows("keys:write"):
            raise caller.lacks(form.needed(caller, new))
        form.check(new, self._services)
        Own(caller, None).check_type(new.key_type)
        most = self._plans.key_default(new.key_type)
        try:
            async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
                await self._room.check(tx, caller, new.key_type)
                place = await self._places.place(tx, caller, new.tenant_id)
                given = (await self._minter(tx, caller, place)).give(new, most)
                await tx.turn_to(place.tenant_id)
                issued = await self._insert(tx, caller.organization_id, place.tenant_id, caller.user_id, given)
                await self._audit.record_in(
                    tx, caller, "key.create", str(issued.key.id), in_tenant=str(place.tenant_id)
                )
        except (AgentLimitReached, KeyLimitReached, TenantLimitReached) as refusal:
            self._audit.refused(caller, "key.create", refusal.code)
            raise
        return replace(issued, tenant_created=place.created)

    async def get(self, caller: Caller, key_id: UUID) -> Key:
        """Return the key: an administrator any of the organization, everybody else their own of the tenant."""
        caller.require("keys:read")
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            tenant_id = await self._tenant_of(tx, caller, key_id)
        await self._verifier.uses.flush_of(caller.organization_id, tenant_id)
        async with self._db.acting(caller.organization_id, tenant_id) as tx:
            key = await store.get(tx, caller.organization_id, tenant_id, key_id)
        if key is None or not _may_see(caller, key):
            raise KeyNotFound
        return key

    async def change(self, caller: Caller, key_id: UUID, change: KeyChange, versions: list[int] | None) -> Key:
        """Change what is sent, if the key is at one of the versions; requests have it so from the next one on."""
        caller.require("keys:write")
        form.check(change, self._services)
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            tenant_id, own, key = await self._locked(tx, caller, key_id, versions)
            own.check_type(key.key_type)
            await self._check_person(tx, caller, key)
            after = own.changed(key, change, self._plans.key_default(key.key_type))
            if after != key:
                await store.change(tx, caller.organization_id, tenant_id, after)
                changed = [name for name in change.__struct_fields__ if getattr(change, name) is not UNSET]
                await self._audit.record_in(tx, caller, "key.change", str(key_id), fields=changed)
                await self._changes.announce(tx, KEY_CHANGED, str(key_id))
            return await self._read(tx, caller, tenant_id, key_id)

    async def rotate(self, caller: Caller, key_id: UUID, grace: int, versions: list[int] | None) -> IssuedKey:
        """Give the key a new secret, if it is at one of the versions; of the former ones the last lives for the grace.

        It is shown to its own person alone, and only to whoever could make a key with all that it has.
        """
        caller.require("keys:write")
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            tenant_id, own, key = await self._locked(tx, caller, key_id, versions)
            if key.user_id != caller.user_id:
                raise NotYourKey("The key is another person's.")
            if key.id != caller.key_id:
                own.check_whole(key)
            secret = tokens.new_api_key(key.key_type)
            until = datetime.now(UTC) + timedelta(seconds=grace) if grace else None
            if until is not None and key.ends_at is not None:
                until = min(until, key.ends_at)
            shown = replace(key, key_prefix=secret[: tokens.SHOWN])
            digest = self._ring.digest("keys", secret.encode())
            await store.rotate(tx, caller.organization_id, tenant_id, shown, digest, until)
            await self._audit.record_in(tx, caller, "key.rotate", str(key_id), grace_seconds=grace)
            await self._changes.announce(tx, KEY_CHANGED, str(key_id))
            return IssuedKey(await self._read(tx, caller, tenant_id, key_id), tenant_id, secret)

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
            # An administrator ends any key of the organization, in whatever tenant.
            tenant_id = await self._tenant_of(tx, caller, key_id)
            await tx.turn_to(tenant_id)
            key = await store.get(tx, caller.organization_id, tenant_id, key_id)
            if key is None or not _may_end(caller, key):
                raise KeyNotFound
            if await store.revoke(tx, caller.organization_id, tenant_id, key_id):
                await self._audit.record_in(tx, caller, "key.revoke", str(key_id))
                await self._changes.announce(tx, KEY_CHANGED, str(key_id))
        return key

    async def live(self, tx: Tx, caller: Caller) -> Live:
        """Return how many live keys the caller's organization has, in all its tenants."""
        return await store.live(tx, caller.organization_id, caller.user_id)

    async def _minter(self, tx: Tx, caller: Caller, place: Place) -> Own:
        """Return what the caller has to give; tenant, person and the caller's key are there, as they are, at commit.

        They are locked in the order in which removals lock them.
        """
        if not await self._places.hold(tx, caller, place):
            raise InvalidKey
        own = await self._own(tx, caller)
        own.check_alive()
        return own

    async def _own(self, tx: Tx, caller: Caller) -> Own:
        if caller.key_id is None:
            return Own(caller, None)
        key = await store.hold(tx, caller.organization_id, caller.tenant_id, caller.key_id)
        if key is None:
            raise InvalidKey
        return Own(caller, key)

    async def _locked(self, tx: Tx, caller: Caller, key_id: UUID, versions: list[int] | None) -> tuple[UUID, Own, Key]:
        """Return the key with its tenant and what the caller has; nobody changes either before `tx` ends.

        Raises KeyNotFound, KeyChanged if the key is at none of the versions, InvalidKey and KeyEnded.
        """
        tenants = {key_id: await self._tenant_of(tx, caller, key_id)}
        if caller.key_id is not None:
            tenants[caller.key_id] = caller.tenant_id
        found: dict[UUID, Key | None] = {}
        # By id: two keys that change each other at once wait for each other in one order.
        for each in sorted(tenants):
            await tx.turn_to(tenants[each])
            found[each] = await store.lock(tx, caller.organization_id, tenants[each], each)
        await tx.turn_to(tenants[key_id])
        mine, key = found.get(caller.key_id) if caller.key_id else None, found[key_id]
        if caller.key_id is not None and (mine is None or mine.revoked_at is not None):
            raise InvalidKey
        if key is None or not _may_end(caller, key):
            raise KeyNotFound
        if versions is not None and key.version not in versions:
            raise KeyChanged(f"The key is at version {key.version}.")
        own = Own(caller, mine)
        own.check_alive()
        if key.is_ended:
            raise KeyEnded("The key is revoked." if key.revoked_at else "The key is expired.")
        return tenants[key_id], own, key

    async def _tenant_of(self, tx: Tx, caller: Caller, key_id: UUID) -> UUID:
        """Return in which tenant the key is for the caller: an administrator's may be any of the organization."""
        if not caller.rights.allows(ADMINISTERS):
            return caller.tenant_id
        return await store.tenant_of(tx, caller.organization_id, key_id) or caller.tenant_id

    async def _check_person(self, tx: Tx, caller: Caller, key: Key) -> None:
        """Raise BeyondYourOwn for the key of a person who stands above the caller."""
        if key.user_id == caller.user_id or caller.role is Role.OWNER:
            return
        person = await self._directory.user(tx, caller.organization_id, key.user_id)
        if person is None or person.role is Role.OWNER:
            raise BeyondYourOwn("Only an owner changes an owner's keys.", hint="Ask an owner of your organization.")

    async def _insert(self, tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID, new: NewKey) -> IssuedKey:
        secret = tokens.new_api_key(new.key_type)
        key = Key(
            id=new_id(),
            user_id=user_id,
            key_type=new.key_type,
            name=new.name,
            key_prefix=secret[: tokens.SHOWN],
            scopes=new.scopes or [],
            rate_limit=new.rate_limit or 0,
            rate_window=form.seconds(new.rate_window or 0),
            created_at=datetime.now(UTC),
            expires_at=new.expires_at,
            allowed_ips=new.allowed_ips,
            allowed_services=new.allowed_services,
            tool_names=new.tool_names,
            result_bytes=new.result_bytes,
        )
        await store.insert(tx, organization_id, tenant_id, key, self._ring.digest("keys", secret.encode()))
        kept = await store.get(tx, organization_id, tenant_id, key.id)
        return IssuedKey(kept or key, tenant_id, secret)

    async def _read(self, tx: Tx, caller: Caller, tenant_id: UUID, key_id: UUID) -> Key:
        key = await store.get(tx, caller.organization_id, tenant_id, key_id)
        if key is None:
            raise KeyNotFound
        return key


def _may_see(caller: Caller, key: Key) -> bool:
    return form.administers(caller) or key.user_id == caller.user_id


def _may_end(caller: Caller, key: Key) -> bool:
    """Whether the key is the caller's to decide about: an administrator's any, a person's their user and agent keys."""
    if form.administers(caller):
        return True
    return key.user_id == caller.user_id and (caller.key_type is None or key.key_type in (KeyType.USER, KeyType.AGENT))
