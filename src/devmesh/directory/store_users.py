"""Rows of users, and the route to them by e-mail address."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from devmesh.access import Role
from devmesh.db.pool import Record, Tx
from devmesh.directory.model import User, Whereabouts

_USER = "id, organization_id, tenant_id, email, name, role, verified_at, is_active, created_at, last_login_at"


async def add(tx: Tx, organization_id: UUID, tenant_id: UUID, user_id: UUID, **columns: Any) -> User | None:
    """Keep a new user with `email`, `name`, `role` and `password_hash`; None if the organization has the address."""
    row = await tx.one(
        "insert into users (id, organization_id, tenant_id, email, name, role, password_hash) "
        f"values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning {_USER}",
        user_id,
        organization_id,
        tenant_id,
        columns["email"],
        columns["name"],
        columns["role"],
        columns["password_hash"],
    )
    return _user(row) if row else None


async def get(tx: Tx, organization_id: UUID, user_id: UUID) -> User | None:
    """Return the user, if it is the organization's."""
    row = await tx.one(f"select {_USER} from users where organization_id = $1 and id = $2", organization_id, user_id)
    return _user(row) if row else None


async def set_verified(tx: Tx, organization_id: UUID, user_id: UUID) -> bool:
    """Note that the user reads mail under the address; return whether this was new."""
    changed = await tx.run(
        "update users set verified_at = now() where organization_id = $1 and id = $2 and verified_at is null",
        organization_id,
        user_id,
    )
    return changed > 0


async def add_route(tx: Tx, organization_id: UUID, user_id: UUID, email_digest: bytes) -> None:
    """Make the user findable by e-mail address."""
    await tx.run(
        "insert into route_emails (email_digest, organization_id, user_id) values ($1, $2, $3)",
        email_digest,
        organization_id,
        user_id,
    )


async def of_email(tx: Tx, digests: list[bytes]) -> list[Whereabouts]:
    """Return every user whose e-mail address has one of these digests, the oldest first."""
    rows = await tx.all(
        "select organization_id, user_id from route_emails where email_digest = any($1) order by user_id", digests
    )
    return [Whereabouts(**row) for row in rows]


async def password_hash(tx: Tx, organization_id: UUID, user_id: UUID) -> str | None:
    """Return the hash of the user's password."""
    found: str | None = await tx.value(
        "select password_hash from users where organization_id = $1 and id = $2", organization_id, user_id
    )
    return found


async def set_password(tx: Tx, organization_id: UUID, user_id: UUID, phc: str) -> bool:
    """Keep another hash, and when; return whether the user was there."""
    changed = await tx.run(
        "update users set password_hash = $3, password_changed_at = clock_timestamp() "
        "where organization_id = $1 and id = $2",
        organization_id,
        user_id,
        phc,
    )
    return changed > 0


async def lock(tx: Tx, organization_id: UUID, user_id: UUID) -> str | None:
    """Return the hash of the active user's password; nobody else changes the user until the transaction ends."""
    found: str | None = await tx.value(
        "select password_hash from users where organization_id = $1 and id = $2 and is_active for no key update",
        organization_id,
        user_id,
    )
    return found


async def renew_hash(tx: Tx, organization_id: UUID, user_id: UUID, phc: str) -> None:
    """Keep another hash of the same password."""
    await tx.run(
        "update users set password_hash = $3 where organization_id = $1 and id = $2", organization_id, user_id, phc
    )


async def note_login(tx: Tx, organization_id: UUID, user_id: UUID) -> None:
    """Keep the moment as the user's latest login."""
    await tx.run(
        "update users set last_login_at = now() where organization_id = $1 and id = $2", organization_id, user_id
    )


async def page(tx: Tx, organization_id: UUID, limit: int, after: UUID | None) -> list[User]:
    """Return users, oldest first, those after the user `after`."""
    rows = await tx.all(
        f"select {_USER} from users where organization_id = $1 and ($3::uuid is null or id > $3) order by id limit $2",
        organization_id,
        limit,
        after,
    )
    return [_user(row) for row in rows]


async def concerned(tx: Tx, organization_id: UUID, user_id: UUID) -> list[User]:
    """Return the user and the owners, those who are active and whose address is verified."""
    rows = await tx.all(
        f"select {_USER} from users where organization_id = $1 and (id = $2 or role = 'owner') "
        "and is_active and verified_at is not null order by id",
        organization_id,
        user_id,
    )
    return [_user(row) for row in rows]


async def change(
    tx: Tx,
    organization_id: UUID,
    user_id: UUID,
    name: str | None,
    role: str | None,
    is_active: bool | None,  # noqa: FBT001
) -> User | None:
    """Change what is not None and return the user."""
    row = await tx.one(
        "update users set name = coalesce($3, name), role = coalesce($4, role), is_active = coalesce($5, is_active) "
        f"where organization_id = $1 and id = $2 returning {_USER}",
        organization_id,
        user_id,
        name,
        role,
        is_active,
    )
    return _user(row) if row else None


async def remove(tx: Tx, organization_id: UUID, user_id: UUID) -> User | None:
    """Remove the user with everything that is theirs, and return who it was."""
    row = await tx.one(
        f"delete from users where organization_id = $1 and id = $2 returning {_USER}", organization_id, user_id
    )
    return _user(row) if row else None


async def hold(tx: Tx, organization_id: UUID, user_id: UUID) -> bool:
    """Return whether there is such a user, and active; they are not removed before the transaction ends."""
    found = await tx.value(
        "select is_active from users where organization_id = $1 and id = $2 for key share", organization_id, user_id
    )
    return bool(found)


async def count(tx: Tx, organization_id: UUID) -> int:
    """Return how many users the organization has, suspended ones too."""
    found: int = await tx.value("select count(*) from users where organization_id = $1", organization_id)
    return found


async def owners(tx: Tx, organization_id: UUID) -> int:
    """Return how many active owners the organization has."""
    found: int = await tx.value(
        "select count(*) from users where organization_id = $1 and role = 'owner' and is_active", organization_id
    )
    return found


def _user(row: Record) -> User:
    return User(**{**row, "role": Role(row["role"])})
