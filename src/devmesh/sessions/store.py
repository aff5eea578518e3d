"""Rows of sessions and their refresh tokens, and the way from a refresh token's digest to both."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from devmesh.db.pool import Record, Tx
from devmesh.sessions.model import Session

_COLUMNS = "s.id, s.user_id, s.mfa, s.address, s.user_agent, s.created_at, s.last_used_at, s.expires_at"
_LIVE = "s.ended_at is null and s.expires_at > clock_timestamp() and s.last_used_at > clock_timestamp() - $2::interval"


async def add(tx: Tx, organization_id: UUID, session_id: UUID, lifetime: timedelta, **columns: object) -> Session:
    """Keep a new session with `user_id`, `mfa`, `address` and `user_agent`."""
    row = await tx.one(
        "insert into sessions as s (organization_id, id, user_id, mfa, address, user_agent, expires_at) "
        f"values ($1, $2, $3, $4, $5, $6, now() + $7::interval) returning {_COLUMNS}",
        organization_id,
        session_id,
        columns["user_id"],
        columns["mfa"],
        columns["address"],
        columns["user_agent"],
        lifetime,
    )
    if row is None:
        raise RuntimeError("an insert returned no row")
    return Session(**row)


async def add_token(
    tx: Tx, organization_id: UUID, session_id: UUID, token_id: UUID, digest: bytes, lifetime: timedelta
) -> None:
    """Keep a refresh token of the session and the digest that it is found by."""
    await tx.run(
        "insert into refresh_tokens (organization_id, session_id, id, issued_at, expires_at) "
        "values ($1, $2, $3, clock_timestamp(), clock_timestamp() + $4::interval)",
        organization_id,
        session_id,
        token_id,
        lifetime,
    )
    await tx.run(
        "insert into route_refresh_tokens (digest, organization_id, token_id) values ($1, $2, $3)",
        digest,
        organization_id,
        token_id,
    )


async def route(tx: Tx, digests: list[bytes]) -> tuple[UUID, UUID] | None:
    """Return the organization and the refresh token that one of the digests belongs to."""
    row = await tx.one(
        "select organization_id, token_id from route_refresh_tokens where digest = any($1::bytea[])", digests
    )
    return (row["organization_id"], row["token_id"]) if row else None


async def lock_of_token(tx: Tx, organization_id: UUID, token_id: UUID) -> UUID | None:
    """Return the token's session, which nobody else changes until the transaction ends; live or not."""
    found: UUID | None = await tx.value(
        "select id from sessions where organization_id = $1 and id = "
        "(select session_id from refresh_tokens where organization_id = $1 and id = $2) for update",
        organization_id,
        token_id,
    )
    return found


async def token(tx: Tx, organization_id: UUID, token_id: UUID, grace: timedelta) -> Record | None:
    """Return the token with its session and person as they stand now: to be read after `lock_of_token`.

    `live`: nothing ended, expired or suspended; `spent`, and `just_spent`: within the grace.
    """
    return await tx.one(
        f"select {_COLUMNS}, t.spent_at is not null as spent, "
        "coalesce(t.spent_at > clock_timestamp() - $3::interval, false) as just_spent, "
        "s.ended_at is null and s.expires_at > clock_timestamp() and p.is_active as session_live, "
        "t.expires_at > clock_timestamp() as live "
        "from refresh_tokens t "
        "join sessions s on s.id = t.session_id and s.organization_id = t.organization_id "
        "join users p on p.id = s.user_id and p.organization_id = s.organization_id "
        "where t.organization_id = $1 and t.id = $2",
        organization_id,
        token_id,
        grace,
    )


async def spend(
    tx: Tx, organization_id: UUID, session_id: UUID, token_id: UUID, idle: timedelta, most_spent: int
) -> None:
    """Mark the token spent and the session used.

    Spent tokens that would have expired by now are removed, and beyond `most_spent` those that were issued first.
    """
    await tx.run(
        "delete from refresh_tokens where organization_id = $1 and session_id = $2 and spent_at is not null "
        "and (expires_at < now() - $3::interval or id in (select id from refresh_tokens "
        "where organization_id = $1 and session_id = $2 and spent_at is not null "
        "order by issued_at desc, id desc offset $4))",
        organization_id,
        session_id,
        idle,
        most_spent - 1,
    )
    await tx.run(
        "update refresh_tokens set spent_at = clock_timestamp() where organization_id = $1 and id = $2",
        organization_id,
        token_id,
    )
    await tx.run(
        "update sessions set last_used_at = clock_timestamp() where organization_id = $1 and id = $2",
        organization_id,
        session_id,
    )


async def grant(tx: Tx, organization_id: UUID, idle: timedelta, session_id: UUID) -> Record | None:
    """Return what is needed to act by the session in its person's start tenant, if it is live and so is the person."""
    return await tx.one(
        "select s.id, s.mfa, s.expires_at, p.id as user_id, p.role, p.email, p.name, p.tenant_id, "
        "t.name as tenant_name, t.slug as tenant_slug, o.slug as organization_slug, o.plan, o.policies "
        "from sessions s "
        "join users p on p.id = s.user_id and p.organization_id = s.organization_id "
        "join tenants t on t.id = p.tenant_id and t.organization_id = s.organization_id "
        "join organizations o on o.id = s.organization_id "
        f"where s.organization_id = $1 and s.id = $3 and p.is_active and {_LIVE}",
        organization_id,
        idle,
        session_id,
    )


async def tenant(
    tx: Tx, organization_id: UUID, name: str, start: UUID, user_id: UUID, *, everywhere: bool
) -> Record | None:
    """Return (id, name, slug) of the tenant with that id or slug, if the person may act in it."""
    return await tx.one(
        "select t.id, t.name, t.slug from tenants t "
        "where t.organization_id = $1 and (t.id::text = $2 or t.slug = $2) and ($5 or t.id = $3 or exists ("
        "select from memberships m where m.organization_id = $1 and m.tenant_id = t.id and m.user_id = $4))",
        organization_id,
        name,
        start,
        user_id,
        everywhere,
    )


async def of_user(
    tx: Tx, organization_id: UUID, idle: timedelta, user_id: UUID, after: UUID | None, limit: int
) -> list[Session]:
    """Return the person's live sessions, the oldest first, those after the session `after`."""
    rows = await tx.all(
        f"select {_COLUMNS} from sessions s where s.organization_id = $1 and s.user_id = $3 and {_LIVE} "
        "and ($4::uuid is null or s.id > $4) order by s.id limit $5",
        organization_id,
        idle,
        user_id,
        after,
        limit,
    )
    return [Session(**row) for row in rows]


async def end(tx: Tx, organization_id: UUID, user_id: UUID, session_id: UUID) -> bool:
    """End the person's session; False if it is none, or has ended."""
    return bool(
        await tx.run(
            "update sessions set ended_at = clock_timestamp() "
            "where organization_id = $1 and user_id = $2 and id = $3 and ended_at is null",
            organization_id,
            user_id,
            session_id,
        )
    )


async def end_all(tx: Tx, organization_id: UUID, user_id: UUID, but: UUID | None) -> int:
    """End every session of the person except `but`; return how many."""
    return await tx.run(
        "update sessions set ended_at = clock_timestamp() "
        "where organization_id = $1 and id in (select id from sessions where organization_id = $1 and user_id = $2 "
        # In one order, so that two who end the same sessions never wait for each other.
        "and ended_at is null and id is distinct from $3 order by id for update)",
        organization_id,
        user_id,
        but,
    )


async def proved(tx: Tx, organization_id: UUID, session_id: UUID) -> None:
    """Note that the person has just proved who they are, by a password; not in a session that was proved by more."""
    await tx.run(
        "update sessions set authenticated_at = clock_timestamp() "
        "where organization_id = $1 and id = $2 and ended_at is null and not mfa",
        organization_id,
        session_id,
    )


async def raised(tx: Tx, organization_id: UUID, session_id: UUID) -> None:
    """Note that a second factor was shown in the session."""
    await tx.run(
        "update sessions set mfa = true where organization_id = $1 and id = $2 and ended_at is null",
        organization_id,
        session_id,
    )


async def proved_within(tx: Tx, organization_id: UUID, session_id: UUID, window: timedelta) -> bool:
    """Return whether the person proved who they are within the window, in this session."""
    return bool(
        await tx.value(
            "select authenticated_at > clock_timestamp() - $3::interval from sessions "
            "where organization_id = $1 and id = $2 and ended_at is null",
            organization_id,
            session_id,
            window,
        )
    )


async def remove_dead(tx: Tx, organization_id: UUID, idle: timedelta, most: int) -> int:
    """Remove at most `most` sessions of the organization that ended or expired, with their tokens; return how many.

    Those that somebody is just using are left for later.
    """
    # `array`: a plain subquery may be asked anew for every row, each time with a limit of its own.
    return await tx.run(
        "delete from sessions where organization_id = $1 and id = any(array(select s.id from sessions s "
        f"where s.organization_id = $1 and not ({_LIVE}) order by s.expires_at limit $3 for update skip locked))",
        organization_id,
        idle,
        most,
    )
