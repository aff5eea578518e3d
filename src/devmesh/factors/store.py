"""Rows of one-time codes' secrets and of recovery codes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from devmesh.db.pool import Tx
from devmesh.factors.model import Totp

_TOTP = "id, organization_id, user_id, data_key_id, last_step, secret"


async def has_totp(tx: Tx, organization_id: UUID, user_id: UUID) -> bool:
    """Return whether the user has confirmed one-time codes."""
    return bool(
        await tx.value(
            "select exists (select from totp where organization_id = $1 and user_id = $2 and confirmed_at is not null)",
            organization_id,
            user_id,
        )
    )


async def lock_totp(tx: Tx, organization_id: UUID, user_id: UUID) -> Totp | None:
    """Return the user's confirmed secret; nobody else gets it until the transaction ends."""
    row = await tx.one(
        f"select {_TOTP} from totp where organization_id = $1 and user_id = $2 and confirmed_at is not null for update",
        organization_id,
        user_id,
    )
    return Totp(**row) if row else None


async def begin_totp(tx: Tx, new: Totp, organization_id: UUID) -> None:
    """Keep the secret, to be confirmed, in place of a former one that never was."""
    await tx.run(
        "delete from totp where organization_id = $1 and user_id = $2 and confirmed_at is null",
        organization_id,
        new.user_id,
    )
    await tx.run(
        "insert into totp (id, organization_id, user_id, secret, data_key_id) values ($1, $2, $3, $4, $5)",
        new.id,
        organization_id,
        new.user_id,
        new.secret,
        new.data_key_id,
    )


async def begun_totp(tx: Tx, organization_id: UUID, user_id: UUID, within: timedelta) -> Totp | None:
    """Return the secret that was begun within that time and is not confirmed yet."""
    row = await tx.one(
        f"select {_TOTP} from totp where organization_id = $1 and user_id = $2 and confirmed_at is null "
        "and created_at > now() - $3::interval",
        organization_id,
        user_id,
        within,
    )
    return Totp(**row) if row else None


async def confirm_totp(tx: Tx, organization_id: UUID, user_id: UUID, totp_id: UUID, step: int) -> None:
    """Put the begun secret in force in place of the former one; `step` is that of the code that confirmed it."""
    await tx.run(
        "delete from totp where organization_id = $1 and user_id = $2 and confirmed_at is not null",
        organization_id,
        user_id,
    )
    await tx.run(
        "update totp set confirmed_at = now(), last_step = $3 where organization_id = $1 and id = $2",
        organization_id,
        totp_id,
        step,
    )


async def spend_step(tx: Tx, organization_id: UUID, totp_id: UUID, step: int) -> None:
    """Note that the code of that step was used: none of it or of an earlier one works any more."""
    await tx.run(
        "update totp set last_step = $3 where organization_id = $1 and id = $2", organization_id, totp_id, step
    )


async def remove_totp(tx: Tx, organization_id: UUID, user_id: UUID) -> None:
    """Destroy the user's secrets, confirmed or not."""
    await tx.run("delete from totp where organization_id = $1 and user_id = $2", organization_id, user_id)


async def set_recovery_codes(tx: Tx, organization_id: UUID, user_id: UUID, digests: list[bytes]) -> None:
    """Keep these codes in place of all former ones; none for an empty list."""
    await tx.run("delete from recovery_codes where organization_id = $1 and user_id = $2", organization_id, user_id)
    await tx.run(
        "insert into recovery_codes (organization_id, user_id, digest) select $1, $2, unnest($3::bytea[])",
        organization_id,
        user_id,
        digests,
    )


async def has_recovery_codes(tx: Tx, organization_id: UUID, user_id: UUID) -> bool:
    """Return whether the user has a recovery code left."""
    return bool(
        await tx.value(
            "select exists (select from recovery_codes where organization_id = $1 and user_id = $2)",
            organization_id,
            user_id,
        )
    )


async def spend_recovery_code(tx: Tx, organization_id: UUID, user_id: UUID, digests: list[bytes]) -> bool:
    """Destroy the code that has one of these digests; return whether there was one: of many at once one finds it."""
    return bool(
        await tx.run(
            "delete from recovery_codes where organization_id = $1 and user_id = $2 and digest = any($3)",
            organization_id,
            user_id,
            digests,
        )
    )
