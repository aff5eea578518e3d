"""Versions of the master key, and what each of them has wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from devmesh.db.pool import Tx

# Whoever wraps something shares it, whoever adds a version holds it alone: so nothing is wrapped by an older one
# once a newer one is committed.
_LOCK = 0x6D6B6579


class Version(msgspec.Struct, frozen=True):
    """One version of the master key as it is stored; `wrapped` None: the local key of that name itself."""

    version: int
    kms: str
    wrapped: bytes | None
    finished: bool


class Wrapped(msgspec.Struct, frozen=True):
    """A wrapped data key, and what its place is made of."""

    id: UUID
    user_id: UUID | None
    wrapped: bytes


async def known(tx: Tx) -> bool:
    """Return whether the database is new enough to have versions of the master key."""
    return bool(await tx.value("select to_regclass('master_keys') is not null"))


async def versions(tx: Tx) -> list[Version]:
    """Return every version there is, the oldest first."""
    rows = await tx.all(
        "select version, kms, wrapped, finished_at is not null as finished from master_keys order by version"
    )
    return [Version(**row) for row in rows]


async def newest(tx: Tx) -> int:
    """Return the newest version; until the transaction ends there is no newer one."""
    await tx.run("select pg_advisory_xact_lock_shared($1)", _LOCK)
    # A statement of its own: what was committed while it waited for the lock is to be seen.
    found: int = await tx.value("select coalesce(max(version), 0) from master_keys")
    return found


async def lock(tx: Tx) -> None:
    """Have nothing wrapped by anybody else until the transaction ends."""
    await tx.run("select pg_advisory_xact_lock($1)", _LOCK)


async def add(tx: Tx, version: int, kms: str, wrapped: bytes | None) -> None:
    """Keep a version; the first one of all needs nothing to be moved to it."""
    await tx.run(
        "insert into master_keys (version, kms, wrapped, finished_at) "
        "values ($1, $2, $3, case when $1 = 1 then now() end)",
        version,
        kms,
        wrapped,
    )


async def finish(tx: Tx, version: int) -> None:
    """Note that nothing is wrapped by an older version."""
    await tx.run("update master_keys set finished_at = now() where version = $1", version)


async def destroy_older(tx: Tx, version: int) -> int:
    """Destroy the versions older than this one; return how many there were."""
    return await tx.run("delete from master_keys where version < $1", version)


async def ring(tx: Tx, version: int) -> list[tuple[str, int, bytes]]:
    """Return (purpose, version, wrapped) of the ring's keys that an older version of the master key has wrapped."""
    rows = await tx.all(
        "select purpose, version, wrapped from ring_keys where master_version(wrapped) < $1 for update", version
    )
    return [(row["purpose"], row["version"], row["wrapped"]) for row in rows]


async def rewrap_ring(tx: Tx, purpose: str, version: int, wrapped: bytes) -> None:
    """Put another wrapping of the same key in place of the former one."""
    await tx.run("update ring_keys set wrapped = $3 where purpose = $1 and version = $2", purpose, version, wrapped)


async def count(tx: Tx, organization_id: UUID, version: int) -> int:
    """Return how many of the organization's data keys an older version has wrapped."""
    found: int = await tx.value(
        "select count(*) from data_keys where organization_id = $1 and master_version(wrapped) < $2",
        organization_id,
        version,
    )
    return found


async def take(tx: Tx, organization_id: UUID, version: int, limit: int) -> list[Wrapped]:
    """Return data keys that an older version has wrapped, and hold them; those that somebody else holds wait.

    To wait for one while holding others would be a deadlock.
    """
    rows = await tx.all(
        "select id, user_id, wrapped from data_keys where organization_id = $1 and master_version(wrapped) < $2 "
        "order by id limit $3 for update skip locked",
        organization_id,
        version,
        limit,
    )
    return [Wrapped(**row) for row in rows]


async def rewrap(tx: Tx, organization_id: UUID, wrapped: Sequence[tuple[UUID, bytes]]) -> None:
    """Put other wrappings of the same data keys in place of the former ones."""
    await tx.run(
        "update data_keys d set wrapped = n.wrapped from unnest($2::uuid[], $3::bytea[]) as n (id, wrapped) "
        "where d.organization_id = $1 and d.id = n.id",
        organization_id,
        [each[0] for each in wrapped],
        [each[1] for each in wrapped],
    )
