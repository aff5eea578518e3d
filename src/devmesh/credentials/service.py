"""The rules of stored credentials: who stores which fields, and whether the service accepts them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from devmesh.access import Caller
from devmesh.audit.service import Audit
from devmesh.credentials import probe, store
from devmesh.credentials.explain import Explanation, explained, tool_of
from devmesh.credentials.form import check
from devmesh.credentials.model import (
    MOST_LABELS,
    Credential,
    CredentialExists,
    CredentialNotFound,
    NewCredential,
    Owner,
    Sealed,
    TooManyLabels,
)
from devmesh.credentials.reach import Reach
from devmesh.credentials.scopes import divided
from devmesh.credentials.standing import Standings
from devmesh.credentials.vault import CREDENTIAL_CHANGED, Vault
from devmesh.crypto.datakeys import DataKeys
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory.tenants import Tenants
from devmesh.directory.users import Users
from devmesh.errors import Fault, Invalid, InvalidKey
from devmesh.ids import new_id
from devmesh.limits.underway import UnderWay
from devmesh.upstream.errors import NameNotResolved
from devmesh.upstream.model import Connector, Tool, Verdict, load_tools
from devmesh.upstream.send import Sender

# Of a tenant: how many services may be asked about its credentials at once, each for ten seconds at most.
MOST_ASKED = 32


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
        self._standings = Standings(changes)
        self._underway = UnderWay(MOST_ASKED)

    async def store(self, caller: Caller, new: NewCredential, *, only_new: bool = False) -> Credential:
        """Seal and keep the credential; it replaces the owner's former one of that label at commit.

        If there is one, `only_new` raises CredentialExists: of many at once one is stored.
        """
        caller.require(_scope(new.owner, "write"))
        connector = self._connectors.get(new.service_type)
        if connector is None:
            raise Invalid([Fault("service_type", f"must be one of: {', '.join(sorted(self._connectors))}")])
        caller.require_service(connector.name)
        check(connector, new)
        base_url = new.metadata.get("base_url")
        if base_url is not None:
            await self._admit(base_url, caller)
        user_id = caller.user_id if new.owner == "user" else None
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            await self._hold(tx, caller)
            # Nobody else gets the owner's key before this ends: what is counted now still holds at commit.
            key_id, key = await self._data_keys.of(tx, caller.organization_id, user_id)
            await self._admit_label(tx, caller, user_id, new, only_new=only_new)
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
                terms=new.terms(),
            )
            sealed = self._vault.seal(key, row, new.credentials)
            values = {"id": row.id, "service": row.service, "sealed": sealed, "terms": row.terms}
            values |= {"metadata": new.metadata, "scopes": new.scopes}
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

    async def services(self, caller: Caller) -> list[tuple[Connector, Owner | None]]:
        """Return the services that the caller reaches, by name, each with whose credential is stored for it."""
        caller.require(_scope("user", "read"))
        own, organization = await self._vault.connected(caller)
        await load_tools(one for name, one in self._connectors.items() if name in own or name in organization)

        def connected(name: str) -> Owner | None:
            return "user" if name in own else "organization" if name in organization else None

        return [
            (connector, connected(name)) for name, connector in sorted(self._connectors.items()) if caller.reaches(name)
        ]

    async def get(self, caller: Caller, service: str, owner: str = "user", label: str = "") -> Credential:
        """Return the caller's credential of that label for that service, without its secrets."""
        caller.require(_scope(owner, "read"))
        caller.require_service(service)
        user_id = caller.user_id if owner == "user" else None
        await self._vault.uses.flush_of(caller.organization_id, caller.tenant_id)
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            found = await store.of_owner(tx, caller.organization_id, caller.tenant_id, user_id)
        of_service = [credential for credential in found if credential.service == service]
        for credential in of_service:
            if credential.terms.label == label:
                return credential
        raise CredentialNotFound.beside(credential.terms.label for credential in of_service)

    async def remove(self, caller: Caller, service: str, owner: str = "user", label: str = "") -> None:
        """Destroy the credential of that label: once this returns, no call that begins is made with it."""
        caller.require(_scope(owner, "write"))
        caller.require_service(service)
        user_id = caller.user_id if owner == "user" else None
        whose = (caller.organization_id, caller.tenant_id, user_id, service)
        async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
            gone = await store.remove(tx, *whose, label)
            if gone is None:
                raise CredentialNotFound.beside(await store.labels(tx, *whose))
            await self._audit.record_in(tx, caller, "credential.delete", str(gone), service=service)
            await self._announce(tx, caller, user_id)

    async def explain(
        self, caller: Caller, service: str, tool: str | None, arguments: Mapping[str, Any]
    ) -> Explanation:
        """Return which stored credential a call would be made with, and why; nothing is sent.

        Raises CredentialNotFound where nothing is stored that could serve the caller, and Invalid for no tool's name.
        """
        caller.require(_scope("user", "read"))
        caller.require_service(service)
        connector = self._connectors.get(service)
        own, accounts, passes = await self._vault.candidates(caller, service) if connector else (None, None, False)
        if accounts is not None and not any(one.opens_to(caller) for one in accounts.rows):
            accounts = None
        if connector is None or (own is None and accounts is None):
            raise CredentialNotFound
        name = None if tool is None else tool_of(connector, tool)
        if own is not None:
            self._vault.prove(own)
            found = explained(own, None, caller, name, arguments, passes=passes)
            if found.source is not None or accounts is None:
                return found
        if accounts is not None:
            self._vault.prove(accounts)
        return explained(own, accounts, caller, name, arguments, passes=passes)

    async def validate(self, caller: Caller, service: str, owner: str = "user", label: str = "") -> Verdict:
        """Ask the service, by one real read, whether the stored credential is good, and keep what it says."""
        caller.require(_scope(owner, "read"))
        caller.require_service(service)
        connector = self._connectors.get(service)
        organization = owner != "user"
        chosen = await self._vault.own(caller, service, organization=organization, label=label) if connector else None
        if connector is None or chosen is None:
            raise CredentialNotFound
        async with self._audit.entry(caller, "credential.validate", target=str(chosen.id)) as entry:
            entry.credential_source, entry.credential_id = chosen.source, chosen.id
            self._underway.take(caller.tenant_id)
            try:
                await entry.open(service=service)
                verdict = await probe.ask(self._sender, connector, chosen, caller.organization_slug, entry)
            finally:
                self._underway.give(caller.tenant_id)
            entry.close("ok" if verdict.status == "valid" else "error", code=f"credential_{verdict.status}")
        if chosen.id is not None:
            async with self._db.acting(caller.organization_id, caller.tenant_id) as tx:
                await self._standings.keep(tx, caller.organization_id, caller.tenant_id, chosen.id, verdict)
        return verdict

    def tools(self, caller: Caller, credential: Credential) -> tuple[list[Tool], list[Tool]]:
        """Return the tools that the credential is good for, and those that it is known not to be, of the caller's."""
        reach = Reach(credential.service, tuple(credential.terms.allowed_tools or ()) or None)
        connector = self._connectors.get(credential.service)
        of_caller = [
            tool
            for tool in (reach.serves(connector.tools.values()) if connector else ())
            if caller.rights.allows_tool(tool.name, read_only=tool.may_read)
        ]
        known = credential.standing.granted_scopes if credential.standing else None
        return divided(None if known is None else tuple(known), of_caller)

    async def _admit(self, base_url: str, caller: Caller) -> None:
        """Raise what sending there would raise; a name that cannot be resolved just now may be resolvable later."""
        with contextlib.suppress(NameNotResolved):
            await self._sender.check(base_url, caller.organization_slug)

    async def _admit_label(
        self, tx: Tx, caller: Caller, user_id: UUID | None, new: NewCredential, *, only_new: bool
    ) -> None:
        """Raise TooManyLabels if it would be one more than an owner may have for a service, or CredentialExists."""
        whose = (caller.organization_id, caller.tenant_id, user_id, new.service_type)
        labels = await store.labels(tx, *whose)
        known = (new.label or "") in labels
        if known and only_new:
            raise CredentialExists
        if not known and len(labels) >= MOST_LABELS:
            raise TooManyLabels(labels)

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
