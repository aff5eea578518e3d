"""What one tenant may have under Idempotency-Keys: so many keys, and so many bytes of replies.

A key is a promise for 24 hours, so none is forgotten for another: beyond the bound new ones are refused. A kept reply
is a convenience: beyond the bound the oldest go, and their repeats are told that it was done.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from devmesh.access import Caller
from devmesh.db.pool import Tx
from devmesh.errors import RateLimited
from devmesh.idempotency import store

MOST_KEYS = 100_000
MOST_BYTES = 64 * 1024 * 1024
# To look at what there is costs milliseconds: it is done once for so small a part of a bound, by each process.
_PARTS = 64
# What a tenant that is full waits before anybody looks anew.
_FULL_SECONDS = 10.0


class TooManyIdempotencyKeys(RateLimited):
    """The tenant has sent as many Idempotency-Keys within 24 hours as are remembered."""

    code = "too_many_idempotency_keys"
    hint = "Send an Idempotency-Key only with what must not happen twice; each is remembered for 24 hours."


@dataclass(slots=True)
class _Tenant:
    """What this process knows: `claims` that need no count, `bytes` kept since the last look, `full` until when."""

    claims: int = 0
    bytes: int = 0
    full: float = 0.0


class Bounds:
    """Holds each tenant to its bounds, give or take a 64th of them for each process."""

    def __init__(self, most_keys: int = MOST_KEYS, most_bytes: int = MOST_BYTES) -> None:
        self._most_keys = most_keys
        self._most_bytes = most_bytes
        self._tenants: dict[UUID, _Tenant] = {}

    async def claimed(self, tx: Tx, caller: Caller) -> None:
        """Count one more key of the caller's tenant, which `tx` has claimed; raise TooManyIdempotencyKeys."""
        known = self._tenants.setdefault(caller.tenant_id, _Tenant())
        if known.full > time.monotonic():
            raise self._refusal(known)
        if known.claims == 0:
            count = await store.count(tx, caller.organization_id, caller.tenant_id, self._most_keys + 1)
            if count > self._most_keys:
                known.full = time.monotonic() + _FULL_SECONDS
                raise self._refusal(known)
            known.claims = min(self._most_keys - count, self._most_keys // _PARTS) + 1
        known.claims -= 1

    async def kept(self, tx: Tx, caller: Caller, size: int) -> None:
        """Count a reply of so many bytes that `tx` keeps; the oldest of the tenant's are let go beyond the bound."""
        known = self._tenants.setdefault(caller.tenant_id, _Tenant())
        known.bytes += size
        if known.bytes > self._most_bytes // _PARTS:
            known.bytes = 0
            await store.shed(tx, caller.organization_id, caller.tenant_id, self._most_bytes)

    def forget(self) -> None:
        """Look at every tenant anew."""
        self._tenants.clear()

    def _refusal(self, known: _Tenant) -> TooManyIdempotencyKeys:
        return TooManyIdempotencyKeys(
            f"Your tenant has {self._most_keys} Idempotency-Keys of the last 24 hours, as many as it may.",
            retry_after=max(known.full - time.monotonic(), 1.0),
        )
