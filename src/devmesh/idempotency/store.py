"""Rows of Idempotency-Keys."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from devmesh.access import Caller
from devmesh.db.pool import Tx
from devmesh.idempotency.model import First, State


async def claim(
    tx: Tx, organization_id: UUID, caller: Caller, first: First, lease: timedelta, lifetime: timedelta
) -> bool:
    """Keep `first` as the caller's, unless there is one that has not expired; return whether it is kept."""
    kept = await tx.run(
        "insert into idempotency_keys as k (organization_id, digest, tenant_id, user_id, request, state, attempt, "
        "leased_until, expires_at) values ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval, now() + $9::interval) "
        "on conflict (organization_id, digest) do update set request = excluded.request, state = excluded.state, "
        "attempt = excluded.attempt, leased_until = excluded.leased_until, object_id = null, sealed = null, "
        "created_at = now(), expires_at = excluded.expires_at where k.expires_at <= now()",
        organization_id,
        first.digest,
        caller.tenant_id,
        caller.user_id,
        first.request,
        first.state,
        first.attempt,
        lease,
        lifetime,
    )
    return bool(kept)


async def get(tx: Tx, organization_id: UUID, digest: bytes) -> First | None:
    """Return the row; until the transaction ends nobody changes it, nor commits what they do under it."""
    row = await tx.one(
        "select digest, request, state, attempt, leased_until > now() as is_alive, object_id, sealed "
        "from idempotency_keys where organization_id = $1 and digest = $2 for update",
        organization_id,
        digest,
    )
    return First(**row) if row else None


async def take_over(tx: Tx, organization_id: UUID, digest: bytes, attempt: UUID, lease: timedelta) -> None:
    """Let `attempt` be the one that runs it."""
    await tx.run(
        "update idempotency_keys set attempt = $3, leased_until = now() + $4::interval "
        "where organization_id = $1 and digest = $2",
        organization_id,
        digest,
        attempt,
        lease,
    )


async def renew(tx: Tx, organization_id: UUID, digest: bytes, attempt: UUID, lease: timedelta) -> None:
    """Say that `attempt` still runs; its lease ends so much later than now."""
    await tx.run(
        "update idempotency_keys set leased_until = now() + $4::interval "
        "where organization_id = $1 and digest = $2 and attempt = $3",
        organization_id,
        digest,
        attempt,
        lease,
    )


async def mark(tx: Tx, organization_id: UUID, digest: bytes, attempt: UUID) -> bool:
    """Note, if `tx` has changed anything, that `attempt` has acted; return False if it is not its turn any more.

    The last step before the commit: afterwards `tx` may see another organization.
    """
    # Set by the first change and by row locks alike: a transaction that only locked counts as one that acted.
    if not await tx.value("select pg_current_xact_id_if_assigned() is not null"):
        return True
    await tx.run("select set_config('app.organization_id', $1, true)", organization_id.hex)
    marked = await tx.run(
        "update idempotency_keys set state = 'acted' "
        "where organization_id = $1 and digest = $2 and attempt = $3 and state in ('running', 'acted')",
        organization_id,
        digest,
        attempt,
    )
    return bool(marked)


async def conclude(
    tx: Tx, organization_id: UUID, first: First, state: State, object_id: str | None = None, sealed: bytes | None = None
) -> bool:
    """Write down what became of it; return False if it is not this attempt's turn any more."""
    concluded = await tx.run(
        "update idempotency_keys set state = $4, object_id = $5, sealed = $6, leased_until = now() "
        "where organization_id = $1 and digest = $2 and attempt = $3",
        organization_id,
        first.digest,
        first.attempt,
        state,
        object_id,
        sealed,
    )
    return bool(concluded)


async def let_go(tx: Tx, organization_id: UUID, first: First, *, acted: bool) -> bool:
    """Forget the row, so that the next request with its key acts; one that has acted only if `acted` says so."""
    forgotten = await tx.run(
        "delete from idempotency_keys where organization_id = $1 and digest = $2 and attempt = $3 "
        "and (state = 'running' or ($4 and state = 'acted'))",
        organization_id,
        first.digest,
        first.attempt,
        acted,
    )
    return bool(forgotten)


async def end_lease(tx: Tx, organization_id: UUID, first: First) -> None:
    """Say that nobody runs it any more."""
    await tx.run(
        "update idempotency_keys set leased_until = now() where organization_id = $1 and digest = $2 and attempt = $3",
        organization_id,
        first.digest,
        first.attempt,
    )


async def remove_expired(tx: Tx, organization_id: UUID, most: int) -> int:
    """Remove at most `most` rows that have expired; those that somebody is just using are left for later."""
    # `array`: a plain subquery may be asked anew for every row, each time with a limit of its own.
    return await tx.run(
        "delete from idempotency_keys where organization_id = $1 and digest = any(array("
        "select k.digest from idempotency_keys k where k.organization_id = $1 and k.expires_at <= now() "
        "order by k.expires_at limit $2 for update skip locked))",
        organization_id,
        most,
    )


async def count(tx: Tx, organization_id: UUID, tenant_id: UUID, most: int) -> int:
    """Return how many rows the tenant has, looking at no more than `most`."""
    found: int = await tx.value(
        "select count(*) from (select from idempotency_keys where organization_id = $1 and tenant_id = $2 limit $3) k",
        organization_id,
        tenant_id,
        most,
    )
    return found


async def shed(tx: Tx, organization_id: UUID, tenant_id: UUID, most: int) -> int:
    """Let go of the tenant's oldest replies, until the rest has at most `most` bytes; return how many went.

    What was done stays known. Those that somebody is just reading are left for later.
    """
    return await tx.run(
        "update idempotency_keys set state = 'told', sealed = null where organization_id = $1 and digest = any(array("
        "select k.digest from idempotency_keys k where k.organization_id = $1 and k.state = 'kept' "
        "and k.digest = any(array(select r.digest from (select digest, "
        "sum(octet_length(sealed)) over (order by created_at desc, digest) as bytes from idempotency_keys "
        "where organization_id = $1 and tenant_id = $2 and state = 'kept') r where r.bytes > $3)) "
        "for update skip locked))",
        organization_id,
        tenant_id,
        most,
    )
