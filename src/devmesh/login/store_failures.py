"""Rows of failed logins, by keyed digest: no organization's, for whoever fails has not said rightly who they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from devmesh.db.pool import Tx

_TIDIED = 10


@dataclass(frozen=True, slots=True)
class Counter:
    """How many failures, at the latest one, and until when no attempt is let through."""

    digest: bytes
    failures: float
    latest: datetime
    blocked_until: datetime


@dataclass(frozen=True, slots=True)
class Sprayed:
    """With how many accounts an address failed, since when, and whether one of them is the one asked about."""

    count: int
    oldest: datetime | None
    known: bool


async def lock_counters(tx: Tx, digests: list[bytes]) -> tuple[datetime, list[Counter]]:
    """Return the time and a counter for each digest, made if need be; nobody else changes them until `tx` ends.

    `digests` are sorted, so that nobody waits for somebody who waits for them.
    """
    await tx.run(
        "insert into login_failures (digest, failures, latest, blocked_until) "
        "select digest, 0, clock_timestamp(), clock_timestamp() from unnest($1::bytea[]) as digest order by digest "
        "on conflict do nothing",
        digests,
    )
    rows = await tx.all(
        "select digest, failures, latest, blocked_until from login_failures where digest = any($1) "
        "order by digest for update",
        digests,
    )
    now: datetime = await tx.value("select clock_timestamp()")
    return now, [Counter(**row) for row in rows]


async def set_counter(tx: Tx, digest: bytes, failures: float, latest: datetime, blocked_until: datetime) -> None:
    """Keep a counter that is locked."""
    await tx.run(
        "update login_failures set failures = $2, latest = $3, blocked_until = $4 where digest = $1",
        digest,
        failures,
        latest,
        blocked_until,
    )


async def sprayed(tx: Tx, address: bytes, account: bytes, within: timedelta) -> Sprayed:
    """Return with which accounts the address failed within that time, the one asked about among them or not."""
    row = await tx.one(
        "select count(*) as count, min(latest) as oldest, coalesce(bool_or(email_digest = $2), false) as known "
        "from sprayed_accounts where address_digest = $1 and latest > clock_timestamp() - $3::interval",
        address,
        account,
        within,
    )
    return Sprayed(**row) if row else Sprayed(0, None, known=False)


async def add_sprayed(tx: Tx, address: bytes, account: bytes) -> None:
    """Note that the address failed with the account, now."""
    await tx.run(
        "insert into sprayed_accounts (address_digest, email_digest, latest) values ($1, $2, clock_timestamp()) "
        "on conflict (address_digest, email_digest) do update set latest = excluded.latest",
        address,
        account,
    )


async def forget_sprayed(tx: Tx, address: bytes, account: bytes) -> None:
    """Note that the address did not fail with the account."""
    await tx.run("delete from sprayed_accounts where address_digest = $1 and email_digest = $2", address, account)


async def tidy(tx: Tx, within: timedelta) -> None:
    """Remove some of what is too old to count; the last step of `tx`, which has locked all that it needs by then.

    Whoever held what they removed while they waited for a row of their own might wait for somebody who does the same.
    """
    # `array`: a plain subquery may be asked anew for every row, each time with a limit of its own.
    await tx.run(
        "delete from login_failures where digest = any(array(select digest from login_failures "
        "where latest < clock_timestamp() - interval '1 day' limit $1 for update skip locked))",
        _TIDIED,
    )
    await tx.run(
        "delete from sprayed_accounts where ctid = any(array(select ctid from sprayed_accounts "
        "where latest < clock_timestamp() - $1::interval limit $2 for update skip locked))",
        within,
        _TIDIED,
    )
