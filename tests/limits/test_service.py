"""Limits of keys, tenants and addresses."""

from __future__ import annotations

import time
from uuid import uuid4

import msgspec
import pytest

from devmesh.access import Caller, Rights, Role
from devmesh.access.model import Allowance, Person
from devmesh.errors import RateLimited
from devmesh.limits.gcra import SECOND
from devmesh.limits.service import Limits


class Clock:
    def __init__(self) -> None:
        self.now = 10**12

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limits(clock):
    return Limits(60, 120, now=clock)


def caller_with(rate_limit=3, rate_window=60, requests_per_minute=0, burst=0) -> Caller:
    return Caller(
        organization_id=uuid4(),
        organization_slug="acme",
        tenant_id=uuid4(),
        user_id=uuid4(),
        role=Role.MEMBER,
        rights=Rights(["read"], "member"),
        person=Person("a@example.com", "A", "t", "t"),
        allowance=Allowance(rate_limit, rate_window, requests_per_minute, burst),
        key_id=uuid4(),
    )


async def spends(limits: Limits, caller: Caller) -> int:
    """How many requests in a row the caller gets."""
    for count in range(1000):
        try:
            await limits.spend(caller)
        except RateLimited:
            return count
    raise AssertionError("no limit")


def headers(limits: Limits, caller: Caller) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in limits.headers(caller)}


async def test_a_key_gets_its_limit_and_then_waits_exactly(limits, clock):
    caller = caller_with(rate_limit=3, rate_window=60)
    assert await spends(limits, caller) == 3
    with pytest.raises(RateLimited) as caught:
        await limits.spend(caller)
    assert caught.value.retry_after == 20
    clock.now += 20 * SECOND - 1
    with pytest.raises(RateLimited) as caught:
        await limits.spend(caller)
    assert caught.value.retry_after == 0.001
    clock.now += 1
    assert await spends(limits, caller) == 1


async def test_a_tenants_bucket_is_shared_by_its_keys(limits):
    first = caller_with(rate_limit=10, requests_per_minute=60, burst=4)
    second = msgspec.structs.replace(first, key_id=uuid4())
    assert await spends(limits, first) == 4
    assert await spends(limits, second) == 0
    assert await spends(limits, caller_with(rate_limit=10, requests_per_minute=60, burst=4)) == 4


async def test_what_the_tenants_bucket_refuses_is_not_taken_from_the_keys(limits, clock):
    caller = caller_with(rate_limit=10, rate_window=3600, requests_per_minute=60, burst=4)
    assert await spends(limits, caller) == 4
    await spends(limits, caller)
    clock.now += 5 * SECOND
    assert await spends(limits, caller) == 4  # 6 left in the key's bucket, 4 again in the tenant's


async def test_what_the_keys_bucket_refuses_is_not_taken_from_the_tenants(limits):
    caller = caller_with(rate_limit=2, requests_per_minute=60, burst=5)
    assert await spends(limits, caller) == 2
    await spends(limits, caller)
    assert await spends(limits, msgspec.structs.replace(caller, key_id=uuid4(), allowance=Allowance(9, 60, 60, 5))) == 3


async def test_a_new_limit_for_a_key_does_not_refill_it(limits):
    caller = caller_with(rate_limit=5)
    assert await spends(limits, caller) == 5
    assert await spends(limits, msgspec.structs.replace(caller, allowance=Allowance(7, 60))) == 2


async def test_a_session_is_counted_by_its_user_in_every_tenant(limits):
    caller = msgspec.structs.replace(caller_with(rate_limit=3), key_id=None)
    assert await spends(limits, caller) == 3
    assert await spends(limits, msgspec.structs.replace(caller, tenant_id=uuid4())) == 0


async def test_nought_is_no_limit(limits):
    caller = caller_with(rate_limit=0)
    for _ in range(500):
        await limits.spend(caller)
    assert limits.headers(caller) == []


async def test_requests_without_a_credential_are_counted_by_address(limits):
    for _ in range(120):
        await limits.spend_address("192.0.2.1")
    with pytest.raises(RateLimited) as caught:
        await limits.spend_address("192.0.2.1")
    assert caught.value.retry_after == 1
    await limits.spend_address("192.0.2.2")


async def test_an_address_is_told_what_is_left_to_it(limits):
    await limits.spend_address("192.0.2.1")
    found = {name.decode(): value.decode() for name, value in limits.address_headers("192.0.2.1")}
    assert (found["x-ratelimit-limit"], found["x-ratelimit-remaining"]) == ("120", "119")
    assert found["ratelimit"] == '"address";r=119;t=1'
    assert found["ratelimit-policy"] == '"address";q=120;w=120'
    assert dict(limits.address_headers("192.0.2.2"))[b"x-ratelimit-remaining"] == b"120"


async def test_an_ipv6_client_is_its_whole_64(limits):
    for index in range(120):
        await limits.spend_address(f"2001:db8::{index:x}")
    with pytest.raises(RateLimited):
        await limits.spend_address("2001:db8::ffff:1")
    await limits.spend_address("2001:db8:0:1::1")


async def test_the_headers_tell_both_buckets(limits):
    caller = caller_with(rate_limit=100, rate_window=60, requests_per_minute=60, burst=10)
    await limits.spend(caller)
    before = time.time()
    found = headers(limits, caller)
    assert found["x-ratelimit-limit"] == "100"
    assert found["x-ratelimit-remaining"] == "9"
    assert before - 1 <= int(found["x-ratelimit-reset"]) - 1 <= time.time() + 2
    assert found["ratelimit"] == '"key";r=99;t=1, "tenant";r=9;t=1'
    assert found["ratelimit-policy"] == '"key";q=100;w=60, "tenant";q=10;w=10'


async def test_an_empty_bucket_shows_nothing_left_and_the_wait(limits):
    caller = caller_with(rate_limit=2, rate_window=60)
    await spends(limits, caller)
    before = time.time()
    found = headers(limits, caller)
    assert found["x-ratelimit-remaining"] == "0"
    assert found["ratelimit"] == '"key";r=0;t=30'
    assert before - 1 <= int(found["x-ratelimit-reset"]) - 60 <= time.time() + 2


async def test_a_refusal_says_which_limit_it_was(limits):
    caller = caller_with(rate_limit=1)
    await spends(limits, caller)
    with pytest.raises(RateLimited, match="limit of your key or session") as caught:
        await limits.spend(caller)
    assert caught.value.extra == {"violated_policies": ["key"]}
