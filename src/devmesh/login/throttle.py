"""What slows guessing down: failures are counted per account, per address and for both together, in the database.

Each attempt is counted as a failure before the password is looked at, and uncounted if it was right: of many guesses
at once no more get through than one after the other. After a number of failures that everybody may have, each one more
doubles the wait for the next attempt, up to a bound; failures fade with time. What is counted depends on the request
alone, never on whether there is such an account.

An outsider cannot lock a person out. An attacker's own address is slowed long before the account is (`ACCOUNT` fades
faster than `PAIR` lets one address fail). Attackers with many addresses slow an account for strangers, by a minute
at most; networks from which its person has logged in before are not strangers. An address that fails with many
accounts may try no further ones for the rest of the hour: that is how passwords are sprayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Database, Tx
from devmesh.errors import RateLimited
from devmesh.http.address import network
from devmesh.login import store_failures as store
from devmesh.login.store_failures import Counter

Kind = Literal["login", "mfa", "password"]


@dataclass(frozen=True, slots=True)
class Rule:
    """After `free` failures the wait is a second, then doubles up to `most`; a failure fades in `fades`, in seconds."""

    free: int
    most: int
    fades: int

    def standing(self, counter: Counter, now: datetime) -> float:
        """Return how many failures still count."""
        return max(0.0, counter.failures - max(0.0, (now - counter.latest).total_seconds()) / self.fades)

    def wait(self, failures: float) -> timedelta:
        """Return how long the next attempt must wait after so many failures."""
        over = round(failures) - self.free
        return timedelta(seconds=0 if over < 0 else min(self.most, 2 ** min(over, 20)))


ADDRESS = Rule(free=40, most=60, fades=10)
ACCOUNT = Rule(free=30, most=60, fades=100)
PAIR = Rule(free=5, most=120, fades=180)
# What is guessed here is six digits, and the password is known to whoever guesses.
FACTOR_ACCOUNT = Rule(free=20, most=600, fades=900)
FACTOR_PAIR = Rule(free=5, most=900, fades=1800)
_RULES: dict[Kind, tuple[Rule, Rule, Rule]] = {
    "login": (ADDRESS, ACCOUNT, PAIR),
    "password": (ADDRESS, ACCOUNT, PAIR),
    "mfa": (ADDRESS, FACTOR_ACCOUNT, FACTOR_PAIR),
}
MOST_SPRAYED = 40
SPRAYED_WITHIN = timedelta(hours=1)


class TooManyFailures(RateLimited):
    """Too many failed before; the same whether or not there is such an account."""

    code = "too_many_failures"
    hint = "Wait retry_after seconds. Whoever forgot the password: POST /api/v1/auth/password/reset with your email."


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was let through and is counted as a failure until it is forgiven.

    `counted` holds each counter's digest and rule, and until when this attempt has it let no other through.
    """

    counted: tuple[tuple[bytes, Rule, datetime], ...]
    sprayed: tuple[bytes, bytes] | None
    new_account: bool


class Throttle:
    """Lets attempts through or refuses them, for all processes together."""

    def __init__(self, db: Database, ring: KeyRing) -> None:
        self._db = db
        self._ring = ring

    async def take(self, kind: Kind, account: bytes, address: str, *, known: bool) -> Attempt:
        """Count an attempt on the account from the address; raise TooManyFailures, which counts nothing.

        `known`: the address's network is one of the person's, so what strangers failed with does not count.
        """
        place = network(address).encode()
        about, of_account, of_pair = _RULES[kind]
        counted = [(self._digest(b"address", place), about), (self._digest(kind.encode(), account, place), of_pair)]
        if not known:
            counted.append((self._digest(kind.encode(), account), of_account))
        sprayed = (self._digest(b"sprayed", place), self._digest(b"account", account)) if kind == "login" else None
        async with self._db.routing() as tx:
            found = await self._count(tx, dict(counted), sprayed)
        if isinstance(found, timedelta):
            raise TooManyFailures("Too many attempts have failed.", retry_after=found.total_seconds())
        return found

    async def forgive(self, attempt: Attempt, *, proven: bool) -> None:
        """Uncount the attempt, which was none of guessing.

        `proven`: whoever made it has shown to read the account's mail, so that the account is not one that is sprayed;
        anybody can register with anybody's address and then log in.
        """
        counted = {digest: (rule, until) for digest, rule, until in attempt.counted}
        async with self._db.routing() as tx:
            now, counters = await store.lock_counters(tx, sorted(counted))
            for counter in counters:
                rule, until = counted[counter.digest]
                failures = max(0.0, rule.standing(counter, now) - 1)
                # What another attempt has failed with since then goes on to block.
                blocked_until = now if counter.blocked_until == until else counter.blocked_until
                await store.set_counter(tx, counter.digest, failures, now, blocked_until)
            if attempt.sprayed is not None and (proven or attempt.new_account):
                await store.forget_sprayed(tx, *attempt.sprayed)

    async def forget(self, kind: Kind, account: bytes, address: str) -> None:
        """Have what failed with the account from the address count no more: its person has proved to be there."""
        pair = self._digest(kind.encode(), account, network(address).encode())
        async with self._db.routing() as tx:
            now, counters = await store.lock_counters(tx, [pair])
            for counter in counters:
                await store.set_counter(tx, counter.digest, 0.0, now, now)

    async def _count(
        self, tx: Tx, rules: dict[bytes, Rule], sprayed: tuple[bytes, bytes] | None
    ) -> Attempt | timedelta:
        """Count everywhere or nowhere; return the attempt, or how long to wait for one."""
        now, counters = await store.lock_counters(tx, sorted(rules))
        waits = [counter.blocked_until - now for counter in counters if counter.blocked_until > now]
        new_account = False
        if sprayed is not None:
            seen = await store.sprayed(tx, *sprayed, SPRAYED_WITHIN)
            new_account = not seen.known
            if new_account and seen.count >= MOST_SPRAYED and seen.oldest is not None:
                waits.append(seen.oldest + SPRAYED_WITHIN - now)
        if waits:
            await store.tidy(tx, SPRAYED_WITHIN)
            return max(*waits, timedelta(seconds=1))
        counted = []
        for counter in counters:
            rule = rules[counter.digest]
            failures = rule.standing(counter, now) + 1
            until = now + rule.wait(failures)
            await store.set_counter(tx, counter.digest, failures, now, until)
            counted.append((counter.digest, rule, until))
        if sprayed is not None:
            await store.add_sprayed(tx, *sprayed)
        await store.tidy(tx, SPRAYED_WITHIN)
        return Attempt(tuple(counted), sprayed, new_account)

    def _digest(self, *parts: bytes) -> bytes:
        return self._ring.digest("logins", b"\0".join((b"failures", *parts)))


def account_of(email: str) -> bytes:
    """Return what failures with that checked address are counted under."""
    return email.lower().encode()
