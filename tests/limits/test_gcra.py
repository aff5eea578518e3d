"""The bucket against a reference that counts in exact fractions."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from devmesh.limits.gcra import SECOND, Bucket, Buckets

RATES = st.tuples(st.integers(1, 50), st.integers(1, 50), st.integers(1, 90))
STEPS = st.lists(st.integers(0, 3 * SECOND) | st.sampled_from([0, 1, SECOND, 60 * SECOND]), max_size=80)


class Reference:
    """A bucket of tokens, filled drop by drop."""

    def __init__(self, capacity: int, amount: int, window: int) -> None:
        self.capacity, self.per_ns = capacity, Fraction(amount, window * SECOND)
        self.tokens, self.then = Fraction(capacity), 0

    def level(self, now: int) -> Fraction:
        self.tokens = min(self.tokens + (now - self.then) * self.per_ns, Fraction(self.capacity))
        self.then = now
        return self.tokens

    def take(self, now: int) -> bool:
        if self.level(now) < 1:
            return False
        self.tokens -= 1
        return True


@given(RATES, STEPS)
def test_the_bucket_decides_as_a_bucket_of_exact_fractions(rate, steps):
    bucket, reference = Bucket(*rate), Reference(*rate)
    now = 10**15
    for step in steps:
        now += step
        fits = bucket.wait(now) == 0
        assert bucket.standing(now)[0] == int(reference.level(now))
        if fits:
            bucket.spend(now)
        assert reference.take(now) is fits


@given(RATES)
def test_a_burst_is_never_larger_than_the_capacity(rate):
    bucket, taken = Bucket(*rate), 0
    while bucket.wait(5) == 0:
        bucket.spend(5)
        taken += 1
    assert taken == rate[0]


@given(RATES, st.integers(0, 200))
def test_the_wait_is_exact_to_the_nanosecond(rate, more):
    bucket, now = Bucket(*rate), 7
    for _ in range(more):
        now += bucket.wait(now)
        bucket.spend(now)
    wait = bucket.wait(now)
    assert bucket.wait(now + wait) == 0
    assert wait == 0 or bucket.wait(now + wait - 1) == 1
    assert wait == 0 or bucket.standing(now)[1] == wait


@given(RATES, RATES, st.integers(0, 60))
def test_other_limits_neither_refill_nor_lose_more_than_a_rounding(old, new, spent):
    bucket, now = Bucket(*old), 3
    for _ in range(spent):
        if bucket.wait(now):
            break
        bucket.spend(now)
    out = old[0] - bucket.standing(now)[0]
    bucket.change(*new, now)
    assert bucket.standing(now)[0] == max(new[0] - out, 0)


def test_a_full_bucket_is_forgotten_and_a_used_one_is_not():
    buckets = Buckets()
    buckets.of("used", 5, 1, 60, 0).spend(0)
    for index in range(5_000):
        buckets.of(index, 5, 5, 1, 0)
    assert len(buckets) < 2_100
    assert buckets.of("used", 5, 1, 60, 0).standing(0)[0] == 4


def test_the_number_of_buckets_is_bounded_whatever_comes():
    buckets = Buckets()
    for index in range(200_000):
        buckets.of(index, 5, 1, 3600, 0).spend(0)
    assert len(buckets) <= 65_536


def test_a_bucket_refills_at_its_rate_and_no_further():
    bucket = Bucket(120, 60, 60)
    for _ in range(120):
        bucket.spend(0)
    assert (
        bucket.standing(0)[0],
        bucket.standing(SECOND - 1)[0],
        bucket.standing(SECOND)[0],
        bucket.standing(10 * SECOND)[0],
    ) == (0, 0, 1, 10)
    assert bucket.standing(10_000 * SECOND)[0] == 120
    assert bucket.standing(0)[2] == 120 * SECOND


@given(RATES, st.integers(1, 8), st.integers(0, 50))
def test_the_parts_of_a_bucket_never_hold_more_than_it_does(rate, processes, out):
    whole, now = Bucket(*rate), 5
    out = min(out, rate[0])
    for _ in range(out):
        whole.spend(now)
    taken = 0
    for _ in range(processes):
        part = Buckets().part("a", whole, processes, now)
        while part.wait(now) == 0:
            part.spend(now)
            taken += 1
    # Fewer than one a process is still one.
    assert taken <= max(rate[0] - out, 0) + (processes if rate[0] - out < 2 * processes else 0)


@given(RATES, st.integers(1, 8), st.integers(0, 50), st.integers(0, 9 * SECOND))
def test_a_whole_bucket_is_owed_what_its_part_let_through_and_no_more(rate, processes, out, later):
    whole, buckets, now = Bucket(*rate), Buckets(), 5
    for _ in range(min(out, rate[0])):
        whole.spend(now)
    part, through = buckets.part("a", whole, processes, now), 0
    while part.wait(now) == 0:
        part.spend(now)
        through += 1
    cost = rate[2] * SECOND
    assert whole.owed(part, now) == through * cost
    assert 0 <= whole.owed(part, now + later) <= through * cost
    assert whole.owed(part, now + 10_000 * SECOND) == 0


def test_a_part_that_was_put_back_does_not_replace_a_newer_one():
    buckets, old, new = Buckets(), Bucket(5, 5, 60), Bucket(5, 5, 60)
    buckets.put("a", new, 0)
    buckets.put("a", old, 0)
    assert buckets.pop("a") is new
    assert buckets.pop("a") is None
