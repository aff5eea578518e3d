"""Which credential a call is made with: the user's own, then one passed through, then the organization's.

Sealed credentials are cached, never open ones; a cache entry is used only while no change can have
been missed, so a deleted credential serves no call that begins after the deletion.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from devmesh.access import Caller
from devmesh.credentials import fields, store
from devmesh.credentials.choice import Candidates
from devmesh.credentials.model import (
    Chosen,
    CredentialDamaged,
    CredentialExpired,
    NoCredential,
    PassthroughOff,
    Sealed,
    Source,
)
from devmesh.credentials.reach import Reach, Stored
from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.masters import MASTER_CHANGED, WrongMasterKey
from devmesh.crypto.sealing import SealBroken, seal, unseal
from devmesh.db.changes import Changes
from devmesh.db.pool import Database
from devmesh.db.tally import Tally
from devmesh.directory.model import ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED
from devmesh.upstream.model import Connector, Tool

log = logging.getLogger(__name__)

CREDENTIAL_CHANGED = "credential"
_MOST = 20_000

_fields = msgspec.json.Decoder(dict[str, str])


class Vault:
    """Seals credentials, and opens the one that a call needs."""

    def __init__(self, db: Database, data_keys: DataKeys, changes: Changes) -> None:
        self.uses = Tally(db, store.add_uses)
        self._db = db
        self._data_keys = data_keys
        self._changes = changes
        # By (organization, tenant, user).
        self._cache: dict[tuple[UUID, UUID, UUID], Stored] = {}
        self._heard = 0
        changes.subscribe(CREDENTIAL_CHANGED, self._forget_credential)
        for place, kind in enumerate((ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED)):
            changes.subscribe(kind, partial(self._forget, place))
        changes.subscribe(MASTER_CHANGED, self._forget_all)
        changes.missed(self._forget_all)

    async def choose(
        self, caller: Caller, tool: Tool, arguments: Mapping[str, Any], passed: Mapping[str, str] | None
    ) -> Chosen:
        """Return the credential for this call, open; raise NoCredential saying what to connect and how.

        Raises CredentialExpired, PassthroughOff, PassthroughIncomplete and CredentialDamaged for the one that is
        for the call.
        """
        known = self._known(caller) or await self._read(caller)
        connector = tool.connector
        own = known.own.get(connector.name)
        stored = self._first(own, caller, tool, arguments) if own is not None else None
        if stored is None:
            if passed:
                if not known.passthrough:
                    raise PassthroughOff
                return fields.passed(connector, passed)
            accounts = known.accounts.get(connector.name)
            stored = self._first(accounts, caller, tool, arguments) if accounts is not None else None
            if stored is None:
                raise _none(caller, connector, known)
        if stored.terms.expires_at is not None:
            _refuse_expired(stored)
        self.uses.count(stored.organization_id, stored.tenant_id, stored.id)
        return self.open(stored)

    async def connected(self, caller: Caller) -> tuple[frozenset[str], frozenset[str]]:
        """Return the services of the caller's own credentials, and of the organization's open to the caller."""
        return (self._known(caller) or await self._read(caller)).connected(caller)

    async def takes_passthrough(self, caller: Caller) -> bool:
        """Return whether the caller's organization lets calls bring a credential along."""
        return (self._known(caller) or await self._read(caller)).passthrough

    async def reach(self, caller: Caller) -> frozenset[Reach]:
        """Return the services, and the tools of each, that the caller's calls can be made to with what is stored."""
        return (self._known(caller) or await self._read(caller)).reach(caller)

    async def candidates(self, caller: Caller, service: str) -> tuple[Candidates | None, Candidates | None, bool]:
        """Return the caller's own credentials for the service, the organization's (see `prove`), and its policy.

        The policy is whether calls may bring a credential along.
        """
        known = self._known(caller) or await self._read(caller)
        return known.own.get(service), known.accounts.get(service), known.passthrough

    async def own(self, caller: Caller, service: str, *, organization: bool = False, label: str = "") -> Chosen | None:
        """Return the caller's own stored credential of that label (or the organization's) for that service, open."""
        known = self._known(caller) or await self._read(caller)
        some = (known.accounts if organization else known.own).get(service)
        stored = some.labeled(label) if some is not None else None
        return self.open(stored) if stored else None

    def seal(self, key: bytes, row: Sealed, fields: Mapping[str, str]) -> bytes:
        """Return the fields sealed for exactly the place that `row` describes."""
        return seal(key, msgspec.json.encode(fields), row.place)

    def prove(self, candidates: Candidates) -> None:
        """Open each of them once, before it matters which serves: a term altered in the database chooses nothing.

        Raises CredentialDamaged.
        """
        for one in candidates.rows:
            self._plain(one.sealed)
        candidates.proven = True

    def open(self, stored: Sealed) -> Chosen:
        """Return the stored credential, open; raise CredentialDamaged."""
        source: Source = "user" if stored.user_id else "organization"
        granted = None if stored.granted is None else tuple(stored.granted)
        return Chosen(source, stored.id, stored.base_url, _fields.decode(self._plain(stored)), granted)

    def _plain(self, stored: Sealed) -> bytes:
        try:
            cipher = self._data_keys.cipher(stored.organization_id, stored.user_id, stored.data_key_id, stored.wrapped)
            return unseal(cipher, stored.sealed, stored.place)
        except (SealBroken, WrongMasterKey):
            log.error("credential %s does not open in its place: the database was altered", stored.id)  # noqa: TRY400 - no trace of keys
            raise CredentialDamaged("The stored credential does not open.") from None

    def _first(self, candidates: Candidates, caller: Caller, tool: Tool, arguments: Mapping[str, Any]) -> Sealed | None:
        if not candidates.proven:
            self.prove(candidates)
        return candidates.choose(caller, tool.name, arguments)

    def _known(self, caller: Caller) -> Stored | None:
        """Return what is cached of the caller, None if nothing is or a change may have been missed."""
        if not self._changes.fresh():
            return None
        return self._cache.get((caller.organization_id, caller.tenant_id, caller.user_id))

    async def _read(self, caller: Caller) -> Stored:
        heard = self._heard
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            rows = await store.sealed(tx, caller.organization_id, caller.tenant_id, caller.user_id)
            await self._data_keys.prepare(tx, (row.wrapped for row in rows))
            passthrough = await store.takes_passthrough(tx, caller.organization_id)
        found = Stored(rows, passthrough=passthrough)
        for row in rows:
            log.info("credentials loaded service=%s owner=%s", row.service, row.user_id or "organization")
        if heard == self._heard:
            while len(self._cache) >= _MOST:
                self._cache.pop(next(iter(self._cache)))
            self._cache[caller.organization_id, caller.tenant_id, caller.user_id] = found
        return found

    def _forget_credential(self, text: str) -> None:
        """Forget what is cached of `organization:tenant:user`, or of all the tenant when a service account changed."""
        organization, tenant, user = text.split(":")
        if not user:
            self._forget(1, tenant)
            return
        self._heard += 1
        self._cache.pop((UUID(organization), UUID(tenant), UUID(user)), None)

    def _forget(self, place: int, whose: str) -> None:
        """Forget what is cached of that organization (place 0), tenant (1) or user (2)."""
        self._heard += 1
        concerned = UUID(whose)
        for owner in [owner for owner in self._cache if owner[place] == concerned]:
            del self._cache[owner]

    def _forget_all(self, _: object = None) -> None:
        self._heard += 1
        self._cache.clear()


def _refuse_expired(stored: Sealed) -> None:
    at = stored.terms.expires_at
    if at is not None and at <= datetime.now(UTC):
        whose = "your" if stored.user_id else "the organization's"
        raise CredentialExpired(f"The credential that is for this call, {whose} own, ended at {at:%Y-%m-%dT%H:%M:%SZ}.")


def _none(caller: Caller, connector: Connector, known: Stored) -> NoCredential:
    own, accounts = known.own.get(connector.name), known.accounts.get(connector.name)
    if own is not None and caller.bounds.owner_id is not None and not any(one.lent for one in own.rows):
        own = None
    open_to = accounts is not None and any(one.opens_to(caller) for one in accounts.rows)
    if own is not None or open_to:
        alone = f" Or send one for this request alone: {fields.headers(connector)}." if known.passthrough else ""
        return NoCredential(
            f"No {connector.title} credential that is stored serves this tool with these arguments.",
            hint=f"GET /api/v1/credentials/{connector.name}/explain says why.{alone}",
        )
    if caller.bounds.owner_id is None:
        return NoCredential(
            f"You have connected no {connector.title} account.",
            hint=fields.how_to_connect(connector, passthrough=known.passthrough),
        )
    return NoCredential(
        f"The person has lent no {connector.title} account to gateway keys.",
        hint='Ask the person to store it with gateway_use: POST /api/v1/credentials with "gateway_use": true.',
    )
