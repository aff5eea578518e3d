"""What the doctor looks at where rate limits are counted."""

from __future__ import annotations

import importlib

from devmesh.cli.doctor_finding import Finding, good, wrong
from devmesh.settings import Settings

# Loaded by name, as the limits load it: only where a Redis is named.
_REMOTE = "devmesh.limits.remote"
_MEND = (
    "correct DEVMESH_REDIS_URL, or what stands in the way to it; for an authority of your own, name its bundle "
    "in SSL_CERT_FILE. Until then each process lets through its share of every limit."
)


async def look(settings: Settings) -> Finding:
    """Connect to Redis, log in, and take from a bucket of nobody's."""
    if settings.redis_url is None:
        return good("rate limits: each process counts for itself, as DEVMESH_REDIS_URL is not set")
    what = f"rate limits through {settings.redis_url}"
    try:
        remote = importlib.import_module(_REMOTE)
    except ModuleNotFoundError as missing:
        return wrong(f"{what}: {missing.name} is not there", "install 'devmesh[redis]'.")
    fault: str | None = await remote.fault(settings.redis_url)
    return good(f"{what}: takes our connection and our scripts") if fault is None else wrong(f"{what}: {fault}", _MEND)
