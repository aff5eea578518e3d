"""The generic cell rate algorithm in whole numbers: a bucket is one number, the time at which it is full again.

Time is kept in units of 1/amount nanosecond, so that one request costs exactly `window` of them however the
division goes: nothing is ever gained or lost by rounding (ITU-T I.371, appendix; as virtual scheduling).
"""

from __future__ import annotations

from itertools import islice

SECOND = 1_000_000_000
_FIRST_SWEEP = 1024
# About 12 MB. Under a flood of more addresses than this at once, the oldest are forgotten before they are full.
_MOST = 65_536


class Bucket:
    """A bucket of `capacity` requests, refilled at `amount` per `window` seconds; times are in nanoseconds."""

    __slots__ = ("_cost", "_full_at", "_most", "amount", "capacity", "policy", "told", "window")

    def __init__(self, capacity: int, amount: int, window: int) -> None:
        self._full_at = 0
        self._set(capacity, amount, window)

    def _set(self, capacity: int, amount: int, window: int) -> None:
        self.capacity = capacity
        self.amount = amount
        self.window = window
        self._cost = window * SECOND
        self._most = (capacity - 1) * self._cost
        # Capacity, quota and window as headers tell them: in the time that it fills from empty, a client may use it up
        # once.
        self.told = b"%d" % capacity
        self.policy = b"q=%d;w=%d" % (capacity, -(-capacity * window // amount))

    def wait(self, now: int) -> int:
        """Return the nanoseconds until a request fits, 0 if one fits now."""
        over = self._full_at - now * self.amount - self._most
        return 0 if over <= 0 else -(-over // self.amount)

    def spend(self, now: int) -> None:
        """Take one request out, whether it fits or not."""
        start = now * self.amount
        self._full_at = max(self._full_at, start) + self._cost

    def standing(self, now: int) -> tuple[int, int, int]:
        """Return how many whole requests fit now, and the nanoseconds until one more does and until the bucket is full.

        Both times are 0 for a full bucket.
        """
        debt = self._full_at - now * self.amount
        if debt <= 0:
            return self.capacity, 0, 0
        left = max(self.capacity - -(-debt // self._cost), 0)
        over = debt - (self.capacity - left - 1) * self._cost
        return left, -(-over // self.amount), -(-debt // self.amount)

    def change(self, capacity: int, amount: int, window: int, now: int) -> None:
        """Hold other limits from now on; the requests that are out stay out."""
        debt, cost = self.debt(now), self._cost
        self._set(capacity, amount, window)
        self._full_at = now * amount - (-debt * self._cost // cost)

    def debt(self, now: int) -> int:
        """Return what is out, in units of 1/amount nanosecond."""
        return max(self._full_at - now * self.amount, 0)

    def hold(self, debt: int, now: int) -> None:
        """Be as another clock's bucket of the same limits is now; `debt` in units of 1/amount nanosecond."""
        self._full_at = now * self.amount + debt

    def owed(self, part: Bucket, now: int) -> int:
        """Return the debt of what `part` let through beyond this bucket's own, in units of 1/amount nanosecond."""
        beyond = part.debt(now)
        if part.amount == self.amount:
            beyond -= self.debt(now)
        return max(-(-beyond * self.window // part.window), 0)


class Buckets:
    """Buckets by key; those that are full are forgotten, which changes no answer."""

    __slots__ = ("_found", "_sweep_at")

    def __init__(self) -> None:
        self._found: dict[int | str, Bucket] = {}
        self._sweep_at = _FIRST_SWEEP

    def of(self, key: int | str, capacity: int, amount: int, window: int, now: int) -> Bucket:
        """Return the key's bucket with these limits, full if it was not known."""
        bucket = self._found.get(key)
        if bucket is None:
            if len(self._found) >= self._sweep_at:
                self._sweep(now)
            bucket = self._found[key] = Bucket(capacity, amount, window)
        elif bucket.amount != amount or bucket.window != window or bucket.capacity != capacity:
            bucket.change(capacity, amount, window, now)
        return bucket

    def part(self, key: int | str, whole: Bucket, processes: int, now: int) -> Bucket:
        """Return the key's bucket, one process's part of `whole`; not known, it is as far out as that one is."""
        known = key in self._found
        part = self.of(key, max(whole.capacity // processes, 1), whole.amount, whole.window * processes, now)
        if not known:
            # Of the part's requests each costs `processes` times as much, so as many times fewer are out.
            part.hold(whole.debt(now), now)
        return part

    def put(self, key: int | str, bucket: Bucket, now: int) -> None:
        """Have this be the key's bucket, if there is none."""
        if len(self._found) >= self._sweep_at:
            self._sweep(now)
        self._found.setdefault(key, bucket)

    def pop(self, key: int | str) -> Bucket | None:
        """Forget the key's bucket and return it, if it was known."""
        return self._found.pop(key, None)

    def __len__(self) -> int:
        return len(self._found)

    def _sweep(self, now: int) -> None:
        live = {key: bucket for key, bucket in self._found.items() if bucket.standing(now)[2]}
        if len(live) > _MOST // 2:
            live = dict(islice(live.items(), len(live) - _MOST // 2, None))
        self._found = live
        self._sweep_at = max(_FIRST_SWEEP, 2 * len(live))
