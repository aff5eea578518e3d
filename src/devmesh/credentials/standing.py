"""What the service last said of a stored credential: kept with it, shown with it, and what its tools are judged by."""

from __future__ import annotations

from uuid import UUID

from devmesh.credentials import store_standing as store
from devmesh.credentials.vault import CREDENTIAL_CHANGED
from devmesh.db.changes import Changes
from devmesh.db.pool import Tx
from devmesh.upstream.model import Verdict


class Standings:
    """Keeps verdicts, within the transaction of whoever asked."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def keep(self, tx: Tx, organization_id: UUID, tenant_id: UUID, credential_id: UUID, verdict: Verdict) -> None:
        """Keep the verdict; of a credential that is gone by now nothing is. Tools are listed by it from commit on."""
        kept = await store.keep(tx, organization_id, tenant_id, credential_id, verdict)
        if kept is not None and kept.scopes_changed:
            text = f"{organization_id}:{tenant_id}:{kept.user_id or ''}"
            await self._changes.announce(tx, CREDENTIAL_CHANGED, text)
