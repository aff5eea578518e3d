"""The same limits over all processes: counted in Redis, and by each process for its share while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from devmesh.access import Caller
from devmesh.http.address import network
from devmesh.limits.gcra import Bucket, Buckets
from devmesh.limits.remote import Remote
from devmesh.limits.service import Limits, limited
from devmesh.settings import RedisUrl

_MICROSECOND = 1000


@dataclass(slots=True)
class _Held:
    """A bucket of Redis's as this process last saw it; `part` is what it counted alone, and has yet to tell."""

    policy: str
    name: str
    bucket: Bucket
    part: Bucket | None = None


class SharedLimits(Limits):
    """Limits that hold over all processes with one Redis.

    This process's own buckets are what Redis told of its own last: headers are told from them. While Redis is away
    they only drain, and a part of each, 1 in as many as there are processes, says what is let through. When it is
    back, what is still out of a part is told with the bucket's next request, so that nobody is granted it twice.

    All buckets of an organization have one hash tag, for a cluster to keep them together: the bucket of a session's
    user goes with those of several tenants.
    """

    def __init__(
        self,
        requests_per_minute: int,
        burst: int,
        remote: Remote,
        *,
        now: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(requests_per_minute, burst, now=now)
        self._remote = remote
        self._parts = Buckets()

    async def open(self) -> None:
        """Connect to Redis, or begin without."""
        await self._remote.open()

    async def close(self) -> None:
        """Let go of Redis."""
        await self._remote.close()

    async def spend(self, caller: Caller) -> None:
        """Take one request from the key's and the tenant's bucket; RateLimited takes from neither."""
        if self._remote.up:
            key, tenant = super()._buckets(caller, self._now())
            asked = []
            if key is not None:
                asked.append(_Held("key", _name(caller, caller.key_id or caller.user_id), key))
            if tenant is not None:
                asked.append(_Held("tenant", _name(caller, caller.tenant_id), tenant))
            if not asked or await self._spend_there(asked):
                return
        await super().spend(caller)

    async def spend_address(self, address: str) -> None:
        """Take one request of those without a valid credential from the address's bucket, or raise RateLimited."""
        if self._remote.up:
            held = _Held("address", _name_of(address), super()._of_address(address, self._now()))
            if await self._spend_there([held]):
                return
        await super().spend_address(address)

    async def _spend_there(self, asked: Sequence[_Held]) -> bool:
        """Take one from each bucket or raise RateLimited; return False, with nothing taken here, if Redis is away."""
        now = self._now()
        arguments: list[int] = []
        for held in asked:
            bucket, owed = held.bucket, 0
            held.part = self._parts.pop(held.name)
            if held.part is not None:
                owed = -(-bucket.owed(held.part, now) // _MICROSECOND)
            arguments += (bucket.capacity, bucket.amount, bucket.window, owed)
        answer = await self._remote.spend([held.name for held in asked], arguments)
        now = self._now()
        if answer is None:
            for held in asked:
                if held.part is not None:
                    self._parts.put(held.name, held.part, now)
            return False
        taken, *debts = answer
        for held, debt in zip(asked, debts, strict=True):
            held.bucket.hold(debt * _MICROSECOND, now)
        if not taken:
            waits = {held.policy: held.bucket.wait(now) for held in asked}
            raise limited(max(waits.values()), [policy for policy, wait in waits.items() if wait])
        return True

    def _buckets(self, caller: Caller, now: int) -> tuple[Bucket | None, Bucket | None]:
        key, tenant = super()._buckets(caller, now)
        if not self._remote.up:
            if key is not None:
                key = self._part(_name(caller, caller.key_id or caller.user_id), key, now)
            if tenant is not None:
                tenant = self._part(_name(caller, caller.tenant_id), tenant, now)
        return key, tenant

    def _of_address(self, address: str, now: int) -> Bucket:
        bucket = super()._of_address(address, now)
        return bucket if self._remote.up else self._part(_name_of(address), bucket, now)

    def _part(self, name: str, bucket: Bucket, now: int) -> Bucket:
        return self._parts.part(name, bucket, self._remote.processes, now)


def over_redis(requests_per_minute: int, burst: int, url: RedisUrl, workers: int) -> Limits:
    """Return limits that hold over all processes that are given this Redis; each server has so many `workers`."""
    return SharedLimits(requests_per_minute, burst, Remote(url, workers))


def _name(caller: Caller, bucket: UUID) -> str:
    return f"devmesh:{{{caller.organization_id.hex}}}:{bucket.hex}"


def _name_of(address: str) -> str:
    return f"devmesh:{{{network(address)}}}"
