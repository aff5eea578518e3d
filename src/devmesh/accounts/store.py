"""Rows of mailed links, of the routes to them, and of how much was mailed; and registration's lock."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from devmesh.db.pool import Tx

_REGISTRATION = 0x64657672


async def lock_registration(tx: Tx) -> None:
    """Wait until no other registration is under way; until this transaction ends none begins."""
    await tx.run("select pg_advisory_xact_lock($1)", _REGISTRATION)


async def add_token(
    tx: Tx, organization_id: UUID, user_id: UUID, token_id: UUID, digest: bytes, purpose: str, lifetime: timedelta
) -> None:
    """Keep a mailed token by its digest, and the route to it."""
    await tx.run(
        "insert into mail_tokens (id, organization_id, user_id, purpose, expires_at) "
        "values ($1, $2, $3, $4, now() + $5::interval)",
        token_id,
        organization_id,
        user_id,
        purpose,
        lifetime,
    )
    await tx.run(
        "insert into route_mail_tokens (digest, organization_id, token_id) values ($1, $2, $3)",
        digest,
        organization_id,
        token_id,
    )


async def token_of(tx: Tx, digests: list[bytes]) -> tuple[UUID, UUID] | None:
    """Return (organization, token id) of the mailed token with one of these digests."""
    row = await tx.one("select organization_id, token_id from route_mail_tokens where digest = any($1)", digests)
    return (row["organization_id"], row["token_id"]) if row else None


async def user_of_token(tx: Tx, organization_id: UUID, token_id: UUID, purpose: str) -> UUID | None:
    """Return the user of a token of that purpose that is not too old; nobody else can until the transaction ends."""
    # All of the user's tokens are locked, in one order: two of them spent at once must not wait for each other.
    rows = await tx.all(
        "select id, user_id from mail_tokens where organization_id = $1 and purpose = $3 and user_id = "
        "(select user_id from mail_tokens where organization_id = $1 and id = $2 and purpose = $3 "
        "and expires_at > now()) order by id for update",
        organization_id,
        token_id,
        purpose,
    )
    return next((row["user_id"] for row in rows if row["id"] == token_id), None)


async def forget_tokens(tx: Tx, organization_id: UUID, user_id: UUID, purpose: str, *, expired_only: bool) -> None:
    """Remove the user's tokens of that purpose, and the routes to them."""
    rows = await tx.all(
        "delete from mail_tokens where organization_id = $1 and user_id = $2 and purpose = $3 "
        "and (expires_at <= now() or not $4) returning id",
        organization_id,
        user_id,
        purpose,
        expired_only,
    )
    await tx.run(
        "delete from route_mail_tokens where organization_id = $1 and token_id = any($2)",
        organization_id,
        [row["id"] for row in rows],
    )


async def spend_budget(tx: Tx, email_digest: bytes, kind: str, most: int) -> bool:
    """Count one more mail of that kind to that address; False if it had `most` within the last hour."""
    counted = await tx.value(
        "insert into mail_budgets as known (email_digest, kind, sent_at, latest) values ($1, $2, array[now()], now()) "
        "on conflict (email_digest, kind) do update set latest = now(), sent_at = now() || "
        "array(select moment from unnest(known.sent_at) as moment where moment > now() - interval '1 hour') "
        "where (select count(*) from unnest(known.sent_at) as moment where moment > now() - interval '1 hour') < $3 "
        "returning true",
        email_digest,
        kind,
        most,
    )
    # After the row of one's own: who held others' rows while waiting for it might wait for somebody who does the same.
    await tx.run(
        "delete from mail_budgets where ctid = any(array(select ctid from mail_budgets "
        "where latest < now() - interval '1 hour' limit 10 for update skip locked))"
    )
    return counted is not None
