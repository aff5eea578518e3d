"""The script against the bucket that it is a translation of, on a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from devmesh.limits.gcra import Bucket
from devmesh.limits.wire import SPEND
from system.redis_server import RedisServer

RATES = st.tuples(st.integers(1, 50), st.integers(1, 50), st.integers(1, 90))
STEPS = st.lists(st.integers(0, 3_000_000) | st.sampled_from([0, 1, 1_000_000, 60_000_000]), max_size=40)
MICROSECOND = 1000
CLOCK = "redis.call('TIME')"
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Script:
    """The script with the time as its last argument; its keys live longer than a test."""

    def __init__(self, server: RedisServer) -> None:
        self._client = Redis(port=server.port, protocol=2)
        assert SPEND.source.count(CLOCK) == 1
        self._source = SPEND.source.replace(CLOCK, "cjson.decode(ARGV[#ARGV])").replace("'PX', lifetime", "'PX', 60000")

    def spend(self, now: int, buckets: dict[str, tuple[int, ...]]) -> list[int]:
        clock = f"[{now // 1_000_000},{now % 1_000_000}]"
        arguments = [value for rate in buckets.values() for value in (*rate, 0)[:4]]
        return self._client.eval(self._source, len(buckets), *buckets, *arguments, clock)

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def script(server: RedisServer) -> Iterator[Script]:
    server.ask("FLUSHALL")
    script = Script(server)
    yield script
    script.close()


@few
@given(RATES, STEPS)
def test_the_script_decides_as_the_bucket_in_process(script: Script, server: RedisServer, rate, steps):
    server.ask("FLUSHALL")
    bucket, now = Bucket(*rate), 1_795_000_000_000_000
    for step in steps:
        now += step
        fits = bucket.wait(now * MICROSECOND) == 0
        if fits:
            bucket.spend(now * MICROSECOND)
        taken, debt = script.spend(now, {"a": rate})
        assert taken == fits
        assert debt * MICROSECOND == bucket.debt(now * MICROSECOND)


@few
@given(RATES, RATES, st.integers(1, 60))
def test_other_limits_neither_refill_nor_lose_more_than_a_rounding(script, server, old, new, spent):
    server.ask("FLUSHALL")
    bucket, now = Bucket(*old), 1_795_000_000_000_000
    for _ in range(min(spent, old[0])):
        bucket.spend(now * MICROSECOND)
        script.spend(now, {"a": old})
    bucket.change(*new, now * MICROSECOND)
    fits = bucket.wait(now * MICROSECOND) == 0
    if fits:
        bucket.spend(now * MICROSECOND)
    taken, debt = script.spend(now, {"a": new})
    assert (taken, debt * MICROSECOND) == (fits, bucket.debt(now * MICROSECOND))


def test_a_refused_request_is_taken_from_neither_bucket(script):
    wide, narrow = (10, 10, 3600), (2, 2, 3600)
    taken = [script.spend(10**15, {"wide": wide, "narrow": narrow})[0] for _ in range(5)]
    assert taken == [1, 1, 0, 0, 0]
    cost = 3600 * 1_000_000
    assert script.spend(10**15, {"narrow": narrow}) == [0, 2 * cost]
    assert script.spend(10**15, {"wide": wide}) == [1, 3 * cost]


def test_a_clock_that_is_set_back_neither_refills_a_bucket_nor_keeps_it_empty(script):
    rate, now = (2, 1, 10), 1_795_000_000_000_000
    assert [script.spend(now, {"a": rate})[0] for _ in range(3)] == [1, 1, 0]
    earlier = now - 3_600_000_000
    assert script.spend(earlier, {"a": rate})[0] == 0
    assert script.spend(earlier + 9_999_999, {"a": rate})[0] == 0
    assert script.spend(earlier + 10_000_000, {"a": rate})[0] == 1


def test_what_is_owed_is_taken_even_from_a_bucket_that_refuses_and_never_beyond_its_capacity(script):
    now, cost = 10**15, 60 * 1_000_000
    assert script.spend(now, {"a": (5, 1, 60, 3 * cost)}) == [1, 4 * cost]
    assert script.spend(now, {"a": (5, 1, 60, 9 * cost)}) == [0, 5 * cost]
    assert script.spend(now, {"a": (5, 1, 60)}) == [0, 5 * cost]


def test_a_full_bucket_is_forgotten_and_a_large_one_is_counted_without_rounding(server: RedisServer):
    with Redis(port=server.port, protocol=2) as client:
        client.eval(SPEND.source, 1, "soon", 10, 10, 1000, 0)
        assert 70_000 <= client.pttl("soon") <= 100_001
        client.eval(SPEND.source, 1, "late", 1_000_000, 1_000_000, 3600, 0)
        for _ in range(3):
            answer = client.eval(SPEND.source, 1, "late", 1_000_000, 1_000_000, 3600, 899_999 * 3_600_000_000)
        assert answer[0] == 0
        assert client.get("late").split()[2:] == [b"1000000", b"3600"]
        assert answer[1] == int(client.get("late").split()[1])


def test_what_is_no_bucket_counts_as_a_full_one(server: RedisServer):
    server.ask("SET", "odd", "1.5e3 nonsense")
    assert server.ask("EVAL", SPEND.source, 1, "odd", 2, 1, 60, 0) == [1, 60_000_000]
