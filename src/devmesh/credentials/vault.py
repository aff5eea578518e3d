"""Which credential a call is made with: the user's own, then one passed through, then the organization's.

Sealed credentials are cached, never open ones; a cache entry is used only while no change can have
been missed, so a deleted credential serves no call that begins after the deletion.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from uuid import UUID

import msgspec

from devmesh.access import Caller
from devmesh.credentials import store
from devmesh.credentials.model import Chosen, CredentialDamaged, NoCredential, PassthroughIncomplete, Sealed, Source
from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.ring import WrongMasterKey
from devmesh.crypto.sealing import SealBroken, seal, unseal
from devmesh.db.changes import Changes
from devmesh.db.pool import Database
from devmesh.db.tally import Tally
from devmesh.directory.model import ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED
from devmesh.upstream.model import Connector

log = logging.getLogger(__name__)

CREDENTIAL_CHANGED = "credential"
_MOST = 20_000

_fields = msgspec.json.Decoder(dict[str, str])


class Stored(msgspec.Struct, frozen=True):
    """What a user's calls may be made with, by service, and the services of both together.

    `lent` are the services of the user's own that gateway keys may use.
    """

    own: Mapping[str, Sealed]
    service_accounts: Mapping[str, Sealed]
    services: frozenset[str]
    lent: frozenset[str]


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
        changes.missed(self._forget_all)

    async def choose(self, caller: Caller, connector: Connector, passed: Mapping[str, str] | None) -> Chosen:
        """Return the credential for this call, open; raise NoCredential saying what to connect and how."""
        known = self._known(caller) or await self._read(caller)
        stored = known.own.get(connector.name)
        if stored is not None and caller.bounds.owner_id is not None and not stored.gateway_use:
            stored = None
        if stored is None and passed:
            return _passed(connector, passed)
        stored = stored or known.service_accounts.get(connector.name)
        if stored is None:
            raise _none(caller, connector)
        self.uses.count(stored.organization_id, stored.tenant_id, stored.id)
        return self.open(stored)

    async def connected(self, caller: Caller) -> tuple[frozenset[str], frozenset[str]]:
        """Return the services that the caller's own credentials, and the organization's, are stored for."""
        known = self._known(caller) or await self._read(caller)
        return frozenset(known.own) if caller.bounds.owner_id is None else known.lent, frozenset(known.service_accounts)

    async def services(self, caller: Caller) -> frozenset[str]:
        """Return the services that any credential is stored for which the caller's calls are made with."""
        known = self._known(caller) or await self._read(caller)
        return known.services if caller.bounds.owner_id is None else known.lent.union(known.service_accounts)

    async def own(self, caller: Caller, service: str, *, organization: bool = False) -> Chosen | None:
        """Return the caller's own stored credential (or the organization's) for that service, open."""
        known = self._known(caller) or await self._read(caller)
        stored = (known.service_accounts if organization else known.own).get(service)
        return self.open(stored) if stored else None

    def seal(self, key: bytes, row: Sealed, fields: Mapping[str, str]) -> bytes:
        """Return the fields sealed for exactly the place that `row` describes."""
        return seal(key, msgspec.json.encode(fields), row.place)

    def open(self, stored: Sealed) -> Chosen:
        """Return the stored credential, open."""
        try:
            cipher = self._data_keys.cipher(stored.organization_id, stored.user_id, stored.data_key_id, stored.wrapped)
            plain = unseal(cipher, stored.sealed, stored.place)
        except (SealBroken, WrongMasterKey):
            log.error("credential %s does not open in its place: the database was altered", stored.id)  # noqa: TRY400 - no trace of keys
            raise CredentialDamaged("The stored credential does not open.") from None
        fields = _fields.decode(plain)
        source: Source = "user" if stored.user_id else "organization"
        return Chosen(source, stored.id, stored.base_url, fields)

    def _known(self, caller: Caller) -> Stored | None:
        """Return what is cached of the caller, None if nothing is or a change may have been missed."""
        if not self._changes.fresh():
            return None
        return self._cache.get((caller.organization_id, caller.tenant_id, caller.user_id))

    async def _read(self, caller: Caller) -> Stored:
        heard = self._heard
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            rows = await store.sealed(tx, caller.organization_id, caller.tenant_id, caller.user_id)
        found = Stored(
            {row.service: row for row in rows if row.user_id is not None},
            {row.service: row for row in rows if row.user_id is None},
            frozenset(row.service for row in rows),
            frozenset(row.service for row in rows if row.user_id is not None and row.gateway_use),
        )
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

    def _forget_all(self) -> None:
        self._heard += 1
        self._cache.clear()


def _none(caller: Caller, connector: Connector) -> NoCredential:
    if caller.bounds.owner_id is None:
        return NoCredential(f"You have connected no {connector.title} account.", hint=how_to_connect(connector))
    return NoCredential(
        f"The person has lent no {connector.title} account to gateway keys.",
        hint='Ask the person to store it with gateway_use: POST /api/v1/credentials with "gateway_use": true.',
    )


def how_to_connect(connector: Connector) -> str:
    """Return what a person does to connect the service."""
    fields = ", ".join(field.name for field in connector.fields if field.required and not field.metadata)
    extra = ", ".join(f"metadata.{field.name}" for field in connector.fields if field.required and field.metadata)
    needs = f"{fields} and {extra}" if extra else fields
    where = f" (made at {connector.token_page})" if connector.token_page else ""
    return (
        f"Ask the person to store one: POST /api/v1/credentials with service_type '{connector.name}' "
        f"and {needs}{where}; then list the tools again. Or send it for one request alone: {_headers(connector)}."
    )


def _headers(connector: Connector) -> str:
    """Return the headers that pass a credential through, as a person would write them."""
    names = [field.name for field in connector.fields if field.required]
    return ", ".join(f"X-Service-{connector.name.title()}-{name.replace('_', '-').title()}" for name in names)


def _passed(connector: Connector, fields: Mapping[str, str]) -> Chosen:
    """Return the passed-through set; it is complete by itself and never combines with a stored one."""
    known = {field.name: field for field in connector.fields}
    unknown = sorted(set(fields) - set(known) - {"base_url"})
    missing = sorted(name for name, field in known.items() if field.required and name not in fields)
    if unknown or missing:
        said = [f"{', '.join(missing)} missing"] if missing else []
        said += [f"{', '.join(unknown)} unknown"] if unknown else []
        raise PassthroughIncomplete(
            f"The X-Service-{connector.name}-* headers are no complete credential: {'; '.join(said)}.",
            hint=f"Send exactly these fields: {', '.join(known)}.",
        )
    secrets = {name: value for name, value in fields.items() if name in known and not known[name].metadata}
    return Chosen("passthrough", None, fields.get("base_url"), secrets)
