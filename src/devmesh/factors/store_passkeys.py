"""Rows of passkeys, and of the challenges that new ones answer."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from devmesh.db.pool import Tx
from devmesh.factors.model import Made, Passkey

_PASSKEY = (
    "id, credential_id, public_key, sign_count, name, transports, backup_eligible, backed_up, created_at, last_used_at"
)


async def passkeys(tx: Tx, organization_id: UUID, user_id: UUID) -> list[Passkey]:
    """Return the user's passkeys, the oldest first."""
    rows = await tx.all(
        f"select {_PASSKEY} from passkeys where organization_id = $1 and user_id = $2 order by id",
        organization_id,
        user_id,
    )
    return [Passkey(**row) for row in rows]


async def lock_passkey(tx: Tx, organization_id: UUID, user_id: UUID, credential_id: bytes) -> Passkey | None:
    """Return the user's passkey of that credential id; nobody else gets it until the transaction ends."""
    row = await tx.one(
        f"select {_PASSKEY} from passkeys where organization_id = $1 and user_id = $2 and credential_id = $3 "
        "for update",
        organization_id,
        user_id,
        credential_id,
    )
    return Passkey(**row) if row else None


async def add_passkey(
    tx: Tx, organization_id: UUID, user_id: UUID, passkey_id: UUID, name: str, made: Made
) -> Passkey | None:
    """Keep a new passkey; None if somebody of the organization has registered it."""
    row = await tx.one(
        "insert into passkeys (id, organization_id, user_id, credential_id, public_key, sign_count, name, transports, "
        "backup_eligible, backed_up) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
        f"on conflict (organization_id, credential_id) do nothing returning {_PASSKEY}",
        passkey_id,
        organization_id,
        user_id,
        made.credential_id,
        made.public_key,
        made.sign_count,
        name,
        made.transports,
        made.backup_eligible,
        made.backed_up,
    )
    return Passkey(**row) if row else None


async def note_use(tx: Tx, organization_id: UUID, passkey_id: UUID, sign_count: int, *, backed_up: bool) -> None:
    """Note that the passkey was used, and what it said of itself."""
    await tx.run(
        "update passkeys set sign_count = $3, backed_up = $4, last_used_at = now() "
        "where organization_id = $1 and id = $2",
        organization_id,
        passkey_id,
        sign_count,
        backed_up,
    )


async def remove_passkey(tx: Tx, organization_id: UUID, user_id: UUID, passkey_id: UUID) -> bool:
    """Remove the user's passkey; return whether it was there."""
    return bool(
        await tx.run(
            "delete from passkeys where organization_id = $1 and user_id = $2 and id = $3",
            organization_id,
            user_id,
            passkey_id,
        )
    )


async def set_challenge(tx: Tx, organization_id: UUID, user_id: UUID, challenge: bytes, lifetime: timedelta) -> None:
    """Keep the challenge that the user's next passkey must answer, in place of a former one."""
    await tx.run(
        "insert into passkey_challenges (organization_id, user_id, challenge, expires_at) "
        "values ($1, $2, $3, now() + $4::interval) on conflict (user_id) do update set "
        "challenge = excluded.challenge, expires_at = excluded.expires_at",
        organization_id,
        user_id,
        challenge,
        lifetime,
    )


async def take_challenge(tx: Tx, organization_id: UUID, user_id: UUID) -> bytes | None:
    """Return the user's challenge, which is no longer one; None if there is none, or it is too old."""
    row = await tx.one(
        "delete from passkey_challenges where organization_id = $1 and user_id = $2 "
        "returning challenge, expires_at > now() as live",
        organization_id,
        user_id,
    )
    return row["challenge"] if row and row["live"] else None
