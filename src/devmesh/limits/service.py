"""Who may ask how often: a key's own limit and its tenant's, and an address's for whoever shows no credential."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from devmesh.access import Caller
from devmesh.errors import RateLimited
from devmesh.http.address import network
from devmesh.limits.gcra import SECOND, Bucket, Buckets

Header = tuple[bytes, bytes]

_MINUTE = 60
_MILLISECOND = 1_000_000
# Of a session the limit is its person's; of whoever shows no credential the address's.
_WHOSE = {"key": "key or session", "tenant": "tenant", "address": "address"}


class Limits:
    """The buckets of this process.

    A key's bucket goes by the key's id, so that rotating does not refill it, a session's by the user's. An
    allowance of 0 is no limit.
    """

    def __init__(self, requests_per_minute: int, burst: int, *, now: Callable[[], int] = time.monotonic_ns) -> None:
        self._per_minute = requests_per_minute
        self._burst = burst
        self._now = now
        self._keys = Buckets()
        self._tenants = Buckets()
        self._addresses = Buckets()

    async def open(self) -> None:
        """Have everything that the counting needs."""

    async def close(self) -> None:
        """Let it go."""

    async def spend(self, caller: Caller) -> None:
        """Take one request from the key's and the tenant's bucket; RateLimited takes from neither."""
        now = self._now()
        key, tenant = self._buckets(caller, now)
        key_wait = key.wait(now) if key is not None else 0
        tenant_wait = tenant.wait(now) if tenant is not None else 0
        if key_wait or tenant_wait:
            violated = [name for name, wait in (("key", key_wait), ("tenant", tenant_wait)) if wait]
            raise limited(max(key_wait, tenant_wait), violated)
        if key is not None:
            key.spend(now)
        if tenant is not None:
            tenant.spend(now)

    async def spend_address(self, address: str) -> None:
        """Take one request of those without a valid credential from the address's bucket, or raise RateLimited."""
        now = self._now()
        bucket = self._of_address(address, now)
        wait = bucket.wait(now)
        if wait:
            raise limited(wait, ["address"])
        bucket.spend(now)

    def headers(self, caller: Caller) -> list[Header]:
        """Return the rate-limit headers of a reply to `caller`; none if nothing limits it.

        `X-RateLimit-Limit` is the key's, `-Remaining` what is left in the emptier bucket, `-Reset` when that
        one is full again, in Unix seconds; `RateLimit` and `RateLimit-Policy` name both
        (draft-ietf-httpapi-ratelimit-headers-11).
        """
        now = self._now()
        key, tenant = self._buckets(caller, now)
        if key is None or tenant is None:
            return _told_of_one(b"key" if tenant is None else b"tenant", key or tenant, now)
        left, more, full = key.standing(now)
        tenants_left, tenants_more, tenants_full = tenant.standing(now)
        items = b'"key";r=%d;t=%d, "tenant";r=%d;t=%d' % (left, _seconds(more), tenants_left, _seconds(tenants_more))
        if tenants_left < left:
            left, full = tenants_left, tenants_full
        return _told(key.told, left, full, items, b'"key";%b, "tenant";%b' % (key.policy, tenant.policy))

    def address_headers(self, address: str) -> list[Header]:
        """Return the rate-limit headers of a reply to whoever sent no valid credential: those of the address."""
        now = self._now()
        return _told_of_one(b"address", self._of_address(address, now), now)

    def _buckets(self, caller: Caller, now: int) -> tuple[Bucket | None, Bucket | None]:
        allowance = caller.allowance
        key = tenant = None
        if allowance.rate_limit:
            principal = caller.key_id or caller.user_id
            limit = allowance.rate_limit
            key = self._keys.of(principal.int, limit, limit, allowance.rate_window, now)
        if allowance.requests_per_minute:
            per_minute = allowance.requests_per_minute
            tenant = self._tenants.of(caller.tenant_id.int, allowance.burst or per_minute, per_minute, _MINUTE, now)
        return key, tenant

    def _of_address(self, address: str, now: int) -> Bucket:
        return self._addresses.of(network(address), self._burst, self._per_minute, _MINUTE, now)


def limited(wait: int, violated: list[str]) -> RateLimited:
    """Return the refusal by these limits, with the wait in nanoseconds."""
    names = " and ".join(_WHOSE[name] for name in violated)
    return RateLimited(
        f"The limit of your {names} is used up.",
        # Up to the next millisecond: never less than the real wait.
        retry_after=-(-wait // _MILLISECOND) / 1000,
        extra={"violated_policies": violated},
    )


def _told_of_one(name: bytes, bucket: Bucket | None, now: int) -> list[Header]:
    if bucket is None:
        return []
    left, more, full = bucket.standing(now)
    item = b'"%b";r=%d;t=%d' % (name, left, _seconds(more))
    return _told(bucket.told, left, full, item, b'"%b";%b' % (name, bucket.policy))


def _told(limit: bytes, left: int, full: int, items: bytes, policies: bytes) -> list[Header]:
    return [
        (b"x-ratelimit-limit", limit),
        (b"x-ratelimit-remaining", b"%d" % left),
        (b"x-ratelimit-reset", b"%d" % math.ceil(time.time() + full / SECOND)),
        (b"ratelimit", items),
        (b"ratelimit-policy", policies),
    ]


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // SECOND)
