"""The rules of API keys: who may mint which, who sees and revokes which."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from devmesh.access import Caller, KeyType, Role
from devmesh.access.scopes import includes, is_scope
from devmesh.audit.service import Audit
from devmesh.crypto import tokens
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory.plans import Plans
from devmesh.errors import Fault, Invalid, InvalidKey, TenantNotAllowed
from devmesh.ids import new_id
from devmesh.keys import store
from devmesh.keys.model import BeyondYourOwn, IssuedKey, Key, KeyNotFound, NewKey
from devmesh.keys.verify import KEY_CHANGED, Verifier

_DEFAULT_SCOPES = {KeyType.ADMIN: ("read", "write", "admin")}
_WINDOW = re.compile(r"([1-9][0-9]{0,5})(?: seconds?)?")
_LONGEST_WINDOW = 86_400
_MOST_SCOPES = 100
_LONGEST_NAME = 200


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
    ) -> None:
        self._db = db
        self._ring = ring
        self._changes = changes
        self._audit = audit
        self._plans = plans
        self._verifier = verifier

    async def issue_first(self, tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID) -> IssuedKey:
        """Give a new organization's owner an admin key, within the registration's transaction."""
        new = NewKey(name="Initial Admin Key", key_type=KeyType.ADMIN)
        limit, window = self._plans.key_default(new.key_type)
        scopes = list(_DEFAULT_SCOPES[KeyType.ADMIN])
        return await self._insert(tx, organization_id, tenant_id, user_id, new, (scopes, limit, window))

    async def create(self, caller: Caller, new: NewKey) -> IssuedKey:
        """Mint a key of the caller's own person in the caller's tenant, never beyond what the caller has."""
        caller.require("keys:write")
        _check_form(new)
        _check_type(caller, new.key_type)
        if new.tenant_id not in (None, str(caller.tenant_id), caller.person.tenant_slug):
            raise TenantNotAllowed(hint="Leave tenant_id out: the key is made in your own tenant.")
        scopes = _scopes(caller, new)
        limit, window = self._rate(caller, new)
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            new = await _within_the_minters_life(tx, caller, new)
            issued = await self._insert(
                tx, caller.organization_id, caller.tenant_id, caller.user_id, new, (scopes, limit, window)
            )
            await self._audit.record_in(tx, caller, "key.create", str(issued.key.id))
        return issued

    async def page(self, caller: Caller, limit: int, after: UUID | None) -> list[Key]:
        """Return keys, oldest first: an admin key or a session of an administrator sees all of the tenant's."""
        caller.require("keys:read")
        await self._verifier.uses.flush_of(caller.organization_id, caller.tenant_id)
        owner = None if _administers(caller) else caller.user_id
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            return await store.of_tenant(tx, caller.organization_id, caller.tenant_id, owner, after, limit)

    async def revoke(self, caller: Caller, key_id: UUID) -> Key:
        """End the key for good: once this returns, no request that begins with it is accepted here."""
        caller.require("keys:write")
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            key = await store.get(tx, caller.organization_id, caller.tenant_id, key_id)
            if key is None or not _may_end(caller, key):
                raise KeyNotFound
            if await store.revoke(tx, caller.organization_id, caller.tenant_id, key_id):
                await self._audit.record_in(tx, caller, "key.revoke", str(key_id))
                await self._changes.announce(tx, KEY_CHANGED, str(key_id))
        return key

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
        return IssuedKey(key, secret)

    def _rate(self, caller: Caller, new: NewKey) -> tuple[int, int]:
        """Return the new key's limit; a person's key gives at most its own rate, an administrator the type's.

        A limit is a bucket that is full at first: neither what it holds nor how fast it fills may be more.
        """
        most = self._plans.key_default(new.key_type)
        window = most[1] if new.rate_window is None else _seconds(new.rate_window)
        asked = new.rate_limit
        if asked is None:
            asked = min(most[0], max(1, most[0] * window // most[1]))
        if not _is_within((asked, window), most):
            text = f"at most {most[0]}, and {most[0]} per {most[1]} seconds, for this type of key"
            raise Invalid([Fault("rate_limit", text)])
        own = caller.allowance.rate_limit, caller.allowance.rate_window
        if caller.key_type is not KeyType.USER or _is_within((asked, window), own):
            return asked, window
        if new.rate_limit is not None:
            raise BeyondYourOwn(f"Your own key has {own[0]} per {own[1]} seconds.")
        return own


def _is_within(rate: tuple[int, int], most: tuple[int, int]) -> bool:
    """Whether (limit, seconds) holds no more at once than `most`, and fills no faster."""
    return rate[0] <= most[0] and rate[0] * most[1] <= most[0] * rate[1]


def _administers(caller: Caller) -> bool:
    return caller.role in (Role.OWNER, Role.ADMIN) and caller.key_type in (KeyType.ADMIN, None)


def _may_end(caller: Caller, key: Key) -> bool:
    """Whether the caller may revoke the key: an administrator any, a person's key that person's user and agent keys."""
    if _administers(caller):
        return True
    return key.user_id == caller.user_id and (caller.key_type is None or key.key_type in (KeyType.USER, KeyType.AGENT))


async def _within_the_minters_life(tx: Tx, caller: Caller, new: NewKey) -> NewKey:
    """Return the key asked for, ending no later than the one that mints it, which must be live at commit."""
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


def _check_form(new: NewKey) -> None:
    faults = []
    if not new.name.strip() or len(new.name) > _LONGEST_NAME or not new.name.isprintable():
        faults.append(Fault("name", f"must be 1 to {_LONGEST_NAME} printable characters"))
    scopes = new.scopes if new.scopes is not None else ["read"]
    if not 0 < len(scopes) <= _MOST_SCOPES:
        faults.append(Fault("scopes", f"must be 1 to {_MOST_SCOPES} scopes"))
    faults += [
        Fault(f"scopes[{place}]", "is no scope: 'read', 'write', 'admin', or resource:action[:name]")
        for place, scope in enumerate(scopes[:_MOST_SCOPES])
        if not is_scope(scope)
    ]
    if new.expires_at is not None and not _is_to_come(new.expires_at):
        faults.append(Fault("expires_at", "must be a time to come, with its zone"))
    if new.rate_limit is not None and not 0 < new.rate_limit < 2**31:
        faults.append(Fault("rate_limit", "must be a positive number"))
    if new.rate_window is not None and not 0 < _seconds(new.rate_window) <= _LONGEST_WINDOW:
        faults.append(Fault("rate_window", f"must be seconds, at most {_LONGEST_WINDOW}: 60 or '60 seconds'"))
    if faults:
        raise Invalid(faults)


def _is_to_come(at: datetime) -> bool:
    try:
        return at.tzinfo is not None and at.astimezone(UTC) > datetime.now(UTC)
    except OverflowError:  # the last hours of the year 9999, west of Greenwich, are not in the calendar any more
        return False


def _seconds(window: int | str) -> int:
    if isinstance(window, int):
        return window
    match = _WINDOW.fullmatch(window.strip())
    return int(match[1]) if match else 0


def _check_type(caller: Caller, key_type: KeyType) -> None:
    if key_type is KeyType.GATEWAY and (caller.role is not Role.OWNER or not _administers(caller)):
        raise BeyondYourOwn("Only an owner mints gateway keys.")
    if key_type is KeyType.ADMIN and not _administers(caller):
        raise BeyondYourOwn("Only an admin key or an administrator's session mints admin keys.")


def _scopes(caller: Caller, new: NewKey) -> list[str]:
    if new.scopes is None:
        asked = _DEFAULT_SCOPES.get(new.key_type, ("read", "write"))
        kept = [scope for scope in asked if includes(caller.rights.scopes, scope)]
        return kept or list(caller.rights.scopes)
    beyond = [scope for scope in new.scopes if not includes(caller.rights.scopes, scope)]
    if beyond:
        raise BeyondYourOwn(f"Your own key lacks {', '.join(beyond)}.", extra={"required_scopes": beyond})
    return sorted(set(new.scopes), key=new.scopes.index)
