"""The rules of stored credentials: who stores which fields, and whether the service accepts them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from uuid import UUID

import msgspec

from devmesh.access import Caller
from devmesh.audit.entry import Entry
from devmesh.audit.service import Audit
from devmesh.credentials import store
from devmesh.credentials.model import Chosen, Credential, CredentialNotFound, NewCredential, Sealed
from devmesh.credentials.vault import CREDENTIAL_CHANGED, Vault
from devmesh.crypto.datakeys import DataKeys
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory.tenants import Tenants
from devmesh.directory.users import Users
from devmesh.errors import Fault, Invalid, InvalidKey, MeshError
from devmesh.ids import new_id
from devmesh.upstream.errors import NameNotResolved
from devmesh.upstream.model import Connector, Verdict
from devmesh.upstream.send import Sender

_LONGEST_FIELD = 16_384
_LARGEST_METADATA = 8_192
_MOST_SCOPES = 200


class Credentials:
    """Store, list, validate and destroy credentials."""

    def __init__(
        self,
        db: Database,
        data_keys: DataKeys,
        vault: Vault,
        changes: Changes,
        audit: Audit,
        connectors: Mapping[str, Connector],
        sender: Sender,
        tenants: Tenants,
        users: Users,
    ) -> None:
        self._db = db
        self._data_keys = data_keys
        self._vault = vault
        self._changes = changes
        self._audit = audit
        self._connectors = connectors
        self._sender = sender
        self._tenants = tenants
        self._users = users

    async def store(self, caller: Caller, new: NewCredential) -> Credential:
        """Seal and keep the credential; it replaces the owner's former one for that service at commit."""
        caller.require(_scope(new.owner, "write"))
        connector = self._connectors.get(new.service_type)
        if connector is None:
            raise Invalid([Fault("service_type", f"must be one of: {', '.join(sorted(self._connectors))}")])
        caller.require_service(connector.name)
        fields, base_url = _checked(connector, new)
        if base_url is not None:
            await self._admit(base_url, caller)
        user_id = caller.user_id if new.owner == "user" else None
        metadata = {**new.metadata, **({"base_url": base_url} if base_url is not None else {})}
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            await self._hold(tx, caller)
            key_id, key = await self._data_keys.of(tx, caller.organization_id, user_id)
            row = Sealed(
                id=new_id(),
                organization_id=caller.organization_id,
                tenant_id=caller.tenant_id,
                user_id=user_id,
                service=connector.name,
                sealed=b"",
                base_url=base_url,
                data_key_id=key_id,
                wrapped=b"",
                gateway_use=new.gateway_use,
            )
            sealed = self._vault.seal(key, row, fields)
            values = {"id": row.id, "service": row.service, "sealed": sealed, "metadata": metadata}
            values |= {"scopes": new.scopes, "gateway_use": new.gateway_use}
            await store.replace(tx, caller.organization_id, caller.tenant_id, user_id, values)
            await self._audit.record_in(tx, caller, "credential.store", str(row.id), service=connector.name)
            await self._announce(tx, caller, user_id)
            kept = await store.of_owner(tx, caller.organization_id, caller.tenant_id, user_id)
        return next(credential for credential in kept if credential.id == row.id)

    async def stored(self, caller: Caller) -> list[Credential]:
        """Return what the caller has stored, and the organization's service accounts for whoever manages them."""
        caller.require("credentials:read")
        await self._vault.uses.flush_of(caller.organization_id, caller.tenant_id)
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            found = await store.of_owner(tx, caller.organization_id, caller.tenant_id, caller.user_id)
            if caller.rights.allows(_scope("organization", "read")):
                found += await store.of_owner(tx, caller.organization_id, caller.tenant_id, None)
        return [credential for credential in found if caller.reaches(credential.service)]

    async def get(self, caller: Caller, service: str, owner: str = "user") -> Credential:
        """Return the caller's credential for that service, without its secrets."""
        caller.require(_scope(owner, "read"))
        caller.require_service(service)
        user_id = caller.user_id if owner == "user" else None
        await self._vault.uses.flush_of(caller.organization_id, caller.tenant_id)
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            found = await store.of_owner(tx, caller.organization_id, caller.tenant_id, user_id)
        for credential in found:
            if credential.service == service:
                return credential
        raise CredentialNotFound

    async def remove(self, caller: Caller, service: str, owner: str = "user") -> None:
        """Destroy the credential: once this returns, no call that begins is made with it."""
        caller.require(_scope(owner, "write"))
        caller.require_service(service)
        user_id = caller.user_id if owner == "user" else None
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            gone = await store.remove(tx, caller.organization_id, caller.tenant_id, user_id, service)
            if gone is None:
                raise CredentialNotFound
            await self._audit.record_in(tx, caller, "credential.delete", str(gone), service=service)
            await self._announce(tx, caller, user_id)

    async def validate(self, caller: Caller, service: str, owner: str = "user") -> Verdict:
        """Ask the service, by one real read, whether the stored credential is good; change nothing."""
        caller.require(_scope(owner, "read"))
        caller.require_service(service)
        connector = self._connectors.get(service)
        chosen = await self._vault.own(caller, service, organization=owner != "user") if connector else None
        if connector is None or chosen is None:
            raise CredentialNotFound
        async with self._audit.entry(caller, "credential.validate", target=str(chosen.id)) as entry:
            entry.credential_source, entry.credential_id = chosen.source, chosen.id
            await entry.open(service=service)
            verdict = await self._ask(connector, chosen, caller, entry)
            entry.close("ok" if verdict.status == "valid" else "error", code=f"credential_{verdict.status}")
        return verdict

    async def _ask(self, connector: Connector, chosen: Chosen, caller: Caller, entry: Entry) -> Verdict:
        probe = connector.probing(chosen.fields)
        try:
            request, base_url, signed = connector.outgoing(probe, chosen.fields, chosen.base_url)
            reply = await self._sender.send(
                request,
                base_url=base_url,
                organization=caller.organization_slug,
                headers={**connector.headers, **signed},
            )
        except MeshError as error:
            return Verdict("unknown", f"{error.detail} {error.hint}")
        entry.upstream_host, entry.upstream_status = reply.host, reply.status
        return connector.judge(connector.translate(request, reply) if connector.translate is not None else reply)

    async def _admit(self, base_url: str, caller: Caller) -> None:
        """Raise what sending there would raise; a name that cannot be resolved just now may be resolvable later."""
        with contextlib.suppress(NameNotResolved):
            await self._sender.check(base_url, caller.organization_slug)

    async def _hold(self, tx: Tx, caller: Caller) -> None:
        """Keep tenant and person from being removed before `tx` ends: no data key is made for who is removed."""
        if not await self._tenants.hold(tx, caller.organization_id, caller.tenant_id) or not await self._users.hold(
            tx, caller.organization_id, caller.user_id
        ):
            raise InvalidKey

    async def count(self, tx: Tx, caller: Caller, tenant_id: UUID) -> int:
        """Return how many credentials are stored in that tenant, which `tx` sees."""
        return await store.count(tx, caller.organization_id, tenant_id)

    async def _announce(self, tx: Tx, caller: Caller, user_id: UUID | None) -> None:
        await self._changes.announce(
            tx, CREDENTIAL_CHANGED, f"{caller.organization_id}:{caller.tenant_id}:{user_id or ''}"
        )


def _scope(owner: str, action: str) -> str:
    return f"credentials:{action}" if owner == "user" else f"service-accounts:{action}"


def _checked(connector: Connector, new: NewCredential) -> tuple[dict[str, str], str | None]:
    """Return the fields to seal and the base URL; raise Invalid naming every fault."""
    faults: list[Fault] = []
    sealed = {field.name: field for field in connector.fields if not field.metadata}
    faults += [
        Fault(f"credentials.{name}", f"unknown; {connector.title} takes {', '.join(sealed)}")
        for name in new.credentials
        if name not in sealed
    ]
    faults += [
        Fault(f"credentials.{name}", f"required for {connector.title}")
        for name, field in sealed.items()
        if field.required and name not in new.credentials
    ]
    faults += [
        Fault(f"credentials.{name}", "must be printable ASCII without blanks around it, as the service shows it")
        for name, value in new.credentials.items()
        if not (0 < len(value) <= _LONGEST_FIELD and value.isascii() and value.isprintable() and value == value.strip())
    ]
    faults += [
        Fault(f"metadata.{field.name}", f"required for {connector.title}")
        for field in connector.fields
        if field.metadata and field.required and field.name not in new.metadata
    ]
    base_url = new.metadata.get("base_url")
    if base_url is not None and not isinstance(base_url, str):
        faults.append(Fault("metadata.base_url", "must be a string"))
    if len(msgspec.json.encode(new.metadata)) > _LARGEST_METADATA:
        faults.append(Fault("metadata", f"must be at most {_LARGEST_METADATA} bytes"))
    if new.gateway_use and new.owner != "user":
        faults.append(
            Fault("gateway_use", "is for your own credentials; gateway keys use service accounts as they are")
        )
    if len(new.scopes) > _MOST_SCOPES:
        faults.append(Fault("scopes", f"at most {_MOST_SCOPES}"))
    if faults:
        raise Invalid(faults)
    return new.credentials, base_url
