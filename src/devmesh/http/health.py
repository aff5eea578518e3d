"""Whether we are alive (`/healthz`, `/health`), and ready to serve (`/readyz`, with the database)."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from devmesh.access import Caller
from devmesh.db.pool import Database
from devmesh.errors import Unavailable
from devmesh.http.routing import Response, get
from devmesh.metrics import CONTENT_TYPE, exposition

_SHARED_SECONDS = 1.0


class Healthy(Struct, frozen=True):
    """The reply of a server that is well; of the caller it says only that the credential is good, and where."""

    status: str = "ok"
    authenticated: bool = False
    tenant_id: UUID | UnsetType = UNSET


class NotReady(Unavailable):
    """The database does not answer, so nothing that needs it can be served now."""

    code = "not_ready"
    hint = "Look at the server's log; 'devmesh doctor' says what is wrong."


class Readiness:
    """Asks the database whether it answers: once a second at most, however many want to know."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asking = asyncio.Lock()
        self._asked = float("-inf")
        self._away: Unavailable | None = None

    async def check(self) -> None:
        """Return if the database answered within the last second; raise NotReady otherwise."""
        async with self._asking:
            if time.monotonic() - self._asked >= _SHARED_SECONDS:
                self._away = await self._ask()
                self._asked = time.monotonic()
            away = self._away
        if away is not None:
            raise NotReady(away.detail, retry_after=away.retry_after) from away

    async def _ask(self) -> Unavailable | None:
        try:
            async with self._database.routing() as tx:
                await tx.value("select 1")
        except Unavailable as error:
            return error
        return None


@get(["/healthz", "/health"], scope=None)
async def alive() -> Healthy:
    """Answer as long as this process serves."""
    return Healthy()


@get("/readyz", scope=None)
async def ready(readiness: Readiness) -> Healthy:
    """Answer while the database does too; 503 otherwise."""
    await readiness.check()
    return Healthy()


@get("/health", scope=None)
async def health(caller: Caller | None) -> Healthy:
    """Answer without a credential, and with a good one say that it is good; a bad one is 401."""
    return Healthy() if caller is None else Healthy(authenticated=True, tenant_id=caller.tenant_id)


@get("/metrics", scope="metrics:read")
async def metrics(caller: Caller) -> Response[bytes]:
    """Tell this process's counters in Prometheus's text form."""
    caller.require("metrics:read")
    return Response(exposition().encode(), headers={"content-type": CONTENT_TYPE})


ROOT = [alive, ready, metrics]
ROUTES = [health]
