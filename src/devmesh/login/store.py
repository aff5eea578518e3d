"""Rows of logins that wait for a second factor, and of the networks from which people have logged in."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from devmesh.db.pool import Record, Tx


async def note_network(tx: Tx, organization_id: UUID, user_id: UUID, digest: bytes, most: int) -> None:
    """Keep the network as one of the person's, now; beyond `most` those not seen for the longest time are forgotten."""
    await tx.run(
        "insert into known_networks (organization_id, user_id, network_digest, latest) "
        "values ($1, $2, $3, clock_timestamp()) "
        "on conflict (organization_id, user_id, network_digest) do update set latest = excluded.latest",
        organization_id,
        user_id,
        digest,
    )
    await tx.run(
        "delete from known_networks where organization_id = $1 and user_id = $2 and network_digest in "
        "(select network_digest from known_networks where organization_id = $1 and user_id = $2 "
        "order by latest desc offset $3)",
        organization_id,
        user_id,
        most,
    )


async def knows_network(tx: Tx, organization_id: UUID, user_id: UUID, digests: list[bytes]) -> bool:
    """Return whether the network with one of these digests is the person's."""
    found: bool = await tx.value(
        "select exists (select from known_networks "
        "where organization_id = $1 and user_id = $2 and network_digest = any($3))",
        organization_id,
        user_id,
        digests,
    )
    return found


async def add_challenge(
    tx: Tx,
    organization_id: UUID,
    user_id: UUID,
    challenge_id: UUID,
    digest: bytes,
    webauthn: bytes,
    lifetime: timedelta,
) -> None:
    """Keep a login that waits for its second factor, and the way to it; the person's expired ones are removed."""
    await tx.run(
        "delete from login_challenges where organization_id = $1 and user_id = $2 and expires_at <= clock_timestamp()",
        organization_id,
        user_id,
    )
    await tx.run(
        "insert into login_challenges (id, organization_id, user_id, webauthn_challenge, expires_at) "
        "values ($1, $2, $3, $4, clock_timestamp() + $5::interval)",
        challenge_id,
        organization_id,
        user_id,
        webauthn,
        lifetime,
    )
    await tx.run(
        "insert into route_login_challenges (digest, organization_id, challenge_id) values ($1, $2, $3)",
        digest,
        organization_id,
        challenge_id,
    )


async def challenge_of(tx: Tx, digests: list[bytes]) -> tuple[UUID, UUID] | None:
    """Return (organization, challenge id) of the login with one of these digests."""
    row = await tx.one(
        "select organization_id, challenge_id from route_login_challenges where digest = any($1)", digests
    )
    return (row["organization_id"], row["challenge_id"]) if row else None


async def take_challenge(
    tx: Tx, organization_id: UUID, challenge_id: UUID, most: int, lifetime: timedelta
) -> Record | None:
    """Count one more attempt and return `user_id` and `webauthn_challenge`; nobody else can until `tx` ends.

    None if it is over, had `most` attempts, or was made before the person's password changed.
    """
    return await tx.one(
        "update login_challenges c set attempts = attempts + 1 from users u "
        "where c.organization_id = $1 and c.id = $2 and u.organization_id = $1 and u.id = c.user_id "
        "and c.attempts < $3 and c.expires_at > clock_timestamp() "
        "and u.password_changed_at < c.expires_at - $4::interval and u.is_active "
        "returning c.user_id, c.webauthn_challenge",
        organization_id,
        challenge_id,
        most,
        lifetime,
    )


async def remove_challenge(tx: Tx, organization_id: UUID, challenge_id: UUID) -> None:
    """Remove the login and the way to it: nothing can be proved for it any more."""
    await tx.run("delete from login_challenges where organization_id = $1 and id = $2", organization_id, challenge_id)


async def user_of_challenge(tx: Tx, organization_id: UUID, challenge_id: UUID) -> UUID | None:
    """Return whose login it is, over or not."""
    found: UUID | None = await tx.value(
        "select user_id from login_challenges where organization_id = $1 and id = $2", organization_id, challenge_id
    )
    return found
