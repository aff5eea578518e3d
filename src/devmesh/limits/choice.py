"""Which limits an installation has: its processes' own, or those that they hold together."""

from __future__ import annotations

import importlib

from devmesh.limits.service import Limits
from devmesh.settings import Settings, SettingsError

# Loaded by name, and only where a Redis is named: its client takes 90 ms at the start and 5 MB.
_OVER_REDIS = "devmesh.limits.shared"


def choose(requests_per_minute: int, burst: int, settings: Settings) -> Limits:
    """Return the limits; those without a valid credential get this bucket for each address.

    Raises SettingsError if a Redis is named and its client is not installed.
    """
    if settings.redis_url is None:
        return Limits(requests_per_minute, burst)
    try:
        shared = importlib.import_module(_OVER_REDIS)
    except ModuleNotFoundError as missing:
        raise SettingsError([f"DEVMESH_REDIS_URL: {missing.name} is not there; install 'devmesh[redis]'."]) from None
    limits: Limits = shared.over_redis(requests_per_minute, burst, settings.redis_url, settings.workers)
    return limits
