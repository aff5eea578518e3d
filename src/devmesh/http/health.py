"""Whether we are alive (`/healthz`, `/health`), and ready to serve (`/readyz`, with the database)."""

from __future__ import annotations

from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from devmesh.access import Caller
from devmesh.db.pool import Database
from devmesh.errors import Unavailable
from devmesh.http.routing import Response, get
from devmesh.metrics import CONTENT_TYPE, exposition

# Answered without a word about limits: probes ask often.
PATHS = ("/healthz", "/health", "/readyz", "/api/v1/health")


class Healthy(Struct, frozen=True):
    """The reply of a server that is well; of the caller it says only that the credential is good, and where."""

    status: str = "ok"
    authenticated: bool = False
    tenant_id: UUID | UnsetType = UNSET


class NotReady(Unavailable):
    """The database does not answer, so nothing that needs it can be served now."""

    code = "not_ready"
    hint = "Look at the server's log; 'devmesh doctor' says what is wrong."


@get(["/healthz", "/health"], scope=None)
async def alive() -> Healthy:
    """Answer as long as this process serves."""
    return Healthy()


@get("/readyz", scope=None)
async def ready(database: Database) -> Healthy:
    """Answer while the database does too; 503 otherwise."""
    try:
        async with database.routing() as tx:
            await tx.value("select 1")
    except Unavailable as error:
        raise NotReady(error.detail, retry_after=error.retry_after) from error
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
