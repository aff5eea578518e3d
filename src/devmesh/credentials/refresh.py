"""Asks the services about stored credentials: each once a day, one after the other, by one process of all.

A verdict deactivates nothing: a credential that is said to be invalid is shown as such, and its owner is told once.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from uuid import UUID

from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.credentials import probe, store
from devmesh.credentials import store_standing as standing
from devmesh.credentials.model import CredentialDamaged, Sealed
from devmesh.credentials.notices import Notices
from devmesh.credentials.standing import Standings
from devmesh.credentials.vault import Vault
from devmesh.db.pool import Database
from devmesh.directory.round import Round, every_tenant
from devmesh.directory.service import Directory
from devmesh.errors import Unavailable
from devmesh.upstream.model import Connector, Verdict
from devmesh.upstream.send import Sender

_PAUSE_SECONDS = 1.0
_TENANT_SECONDS = 120.0


class Refresh(Round):
    """Goes through the tenants between `open` and `close`."""

    def __init__(
        self,
        db: Database,
        directory: Directory,
        vault: Vault,
        standings: Standings,
        notices: Notices,
        audit: Audit,
        connectors: Mapping[str, Connector],
        sender: Sender,
    ) -> None:
        super().__init__("credentials asked about", self.sweep)
        self._db = db
        self._directory = directory
        self._vault = vault
        self._standings = standings
        self._notices = notices
        self._audit = audit
        self._connectors = connectors
        self._sender = sender

    async def sweep(self) -> int:
        """Ask about what is due, and write what is to be told; return how many were asked about.

        Whatever is away ends the round: the audit, without which nothing is sent, or what keeps the master key.
        """
        asked = 0
        async for organization_id, tenant_id in every_tenant(self._db, self._directory):
            try:
                asked += await self._sweep(organization_id, tenant_id)
            except Unavailable:
                return asked
        return asked

    async def _sweep(self, organization_id: UUID, tenant_id: UUID) -> int:
        async with self._db.acting(organization_id, tenant_id) as tx:
            await standing.begin(tx, organization_id, tenant_id)
            organization = await self._directory.organization(tx, organization_id)
        asked = await self._ask_all(organization_id, tenant_id, organization.slug) if organization else 0
        while True:
            async with self._db.acting(organization_id, tenant_id) as tx:
                if not await self._notices.tell_ending(tx, organization_id, tenant_id):
                    return asked

    async def _ask_all(self, organization_id: UUID, tenant_id: UUID, slug: str) -> int:
        """Ask about the tenant's credentials that are due, for as long as one tenant may take up a round."""
        until = time.monotonic() + _TENANT_SECONDS
        # Where nobody could say: left in peace until the next round. Other tenants' are not judged by it.
        resting: set[tuple[str, str | None]] = set()
        asked = 0
        while time.monotonic() < until and (row := await self._claim(organization_id, tenant_id)) is not None:
            place = (row.service, row.base_url)
            verdict = await self._ask(row, slug) if place not in resting else None
            if verdict is not None:
                asked += 1
                if verdict.status == "unknown":
                    resting.add(place)
                # Neither the services nor this process have it all at once.
                await asyncio.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - a pause, no secret
        return asked

    async def _claim(self, organization_id: UUID, tenant_id: UUID) -> Sealed | None:
        async with self._db.acting(organization_id, tenant_id) as tx:
            credential_id = await standing.claim(tx, organization_id, tenant_id)
            return await store.sealed_one(tx, organization_id, tenant_id, credential_id) if credential_id else None

    async def _ask(self, row: Sealed, slug: str) -> Verdict | None:
        """Ask about one credential and keep what is said; None where there is nobody or nothing to ask with."""
        connector = self._connectors.get(row.service)
        if connector is None:
            return None
        try:
            chosen = self._vault.open(row)
        except CredentialDamaged:
            return None
        actor = Visitor(organization_id=row.organization_id, tenant_id=row.tenant_id)
        async with self._audit.entry(actor, "credential.validate", target=str(row.id)) as entry:
            entry.credential_source, entry.credential_id = chosen.source, row.id
            await entry.open(service=row.service)
            verdict = await probe.ask(self._sender, connector, chosen, slug, entry)
            entry.close("ok" if verdict.status == "valid" else "error", code=f"credential_{verdict.status}")
        await self._keep(row, verdict)
        return verdict

    async def _keep(self, row: Sealed, verdict: Verdict) -> None:
        async with self._db.acting(row.organization_id, row.tenant_id) as tx:
            await self._standings.keep(tx, row.organization_id, row.tenant_id, row.id, verdict)
            await self._notices.tell_invalid(tx, row.organization_id, row.tenant_id, row.id)
