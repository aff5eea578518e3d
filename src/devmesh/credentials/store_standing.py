"""Rows of what services said of credentials, which of them are to be asked about, and whom that is mailed to."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from devmesh.db.pool import Record, Tx
from devmesh.upstream.model import Verdict

# Hours until a service is asked again: never twice within a day, and not by all installations at the same hour.
_NEXT = "now() + make_interval(secs => 86400 + random() * 14400)"
# An end that is told as seconds from now is another moment each time: within an hour it is the same.
_NOT_WARNED = (
    "(s.warned_of is null or s.warned_days > {1} "
    "or {0} not between s.warned_of - interval '1 hour' and s.warned_of + interval '1 hour')"
)

_LONGEST_REASON = 1000
_LONGEST_NAME = 200
_MOST_SCOPES = 200


class Kept(NamedTuple):
    """Whose credential it is (None: the organization's), and whether other scopes are known of it than before."""

    user_id: UUID | None
    scopes_changed: bool


async def keep(tx: Tx, organization_id: UUID, tenant_id: UUID, credential_id: UUID, verdict: Verdict) -> Kept | None:
    """Keep what the service said; None for a credential that is gone."""
    told = verdict.identity
    scopes = None if told is None else told.scopes
    row = await tx.one(
        "with stored as (select id, user_id from credentials "
        "where organization_id = $1 and tenant_id = $2 and id = $3 for key share), "
        "former as (select granted_scopes from credential_standing where credential_id = $3) "
        "insert into credential_standing as s (credential_id, organization_id, tenant_id, status, reason, account, "
        "granted_scopes, token_expires_at, checked_at, valid_at, next_check_at) "
        "select id, $1, $2, $4::text, $5, $6, $7::text[], $8::timestamptz, now(), "
        f"case when $4 = 'valid' then now() end, {_NEXT} from stored "
        "on conflict (credential_id) do update set status = excluded.status, reason = excluded.reason, "
        "account = case when $4 = 'valid' then excluded.account else s.account end, "
        "granted_scopes = case when $4 = 'valid' then excluded.granted_scopes else s.granted_scopes end, "
        "token_expires_at = case when $4 = 'valid' then excluded.token_expires_at else s.token_expires_at end, "
        "checked_at = now(), valid_at = coalesce(excluded.valid_at, s.valid_at), "
        "next_check_at = excluded.next_check_at, told_invalid = s.told_invalid and $4 <> 'valid' "
        "returning (select user_id from stored) as user_id, "
        "s.granted_scopes is distinct from (select granted_scopes from former) as changed",
        organization_id,
        tenant_id,
        credential_id,
        verdict.status,
        _plain(verdict.reason, _LONGEST_REASON),
        _plain(told.account, _LONGEST_NAME) if told else None,
        None if scopes is None else [_plain(scope, _LONGEST_NAME) for scope in scopes[:_MOST_SCOPES]],
        told.expires_at if told else None,
    )
    return Kept(row["user_id"], row["changed"]) if row else None


async def begin(tx: Tx, organization_id: UUID, tenant_id: UUID) -> None:
    """Have a row for every credential, to be asked about within the hour."""
    await tx.run(
        "insert into credential_standing (credential_id, organization_id, tenant_id, status, reason, next_check_at) "
        "select c.id, $1, $2, 'unknown', 'Not asked yet.', now() from credentials c "
        "where c.organization_id = $1 and c.tenant_id = $2 "
        "and not exists (select from credential_standing s where s.credential_id = c.id) "
        "for key share of c skip locked on conflict do nothing",
        organization_id,
        tenant_id,
    )


async def claim(tx: Tx, organization_id: UUID, tenant_id: UUID) -> UUID | None:
    """Return the credential to ask about next, which nobody else gets within a day; None: none is due.

    What serves no call any more is left alone: one that has ended, or whose person is suspended.
    """
    found: UUID | None = await tx.value(
        "with due as (select s.credential_id from credential_standing s "
        "join credentials c on c.id = s.credential_id and c.organization_id = $1 and c.tenant_id = $2 "
        "where s.organization_id = $1 and s.tenant_id = $2 and s.next_check_at <= now() "
        "and (c.expires_at is null or c.expires_at > now()) and (c.user_id is null or exists "
        "(select from users p where p.organization_id = $1 and p.id = c.user_id and p.is_active)) "
        "order by s.next_check_at limit 1 for update of s skip locked) "
        f"update credential_standing s set next_check_at = {_NEXT} from due where s.credential_id = due.credential_id "
        "returning s.credential_id",
        organization_id,
        tenant_id,
    )
    return found


async def take_ending(tx: Tx, organization_id: UUID, tenant_id: UUID, limit: int) -> list[Record]:
    """Mark as told what ends within 7 days, or one, and return it; at most `limit`.

    What was stored later than that before its end is meant to be short-lived, and what is invalid has ended already.
    """
    return await tx.all(
        "with due as (select c.id, c.service, c.label, c.user_id, e.ends_at, d.days from credentials c "
        "join credential_standing s on s.credential_id = c.id "
        "cross join lateral (select least(c.expires_at, s.token_expires_at) as ends_at) e "
        "cross join lateral (select case when e.ends_at <= now() + interval '1 day' then 1 else 7 end as days) d "
        "where c.organization_id = $1 and c.tenant_id = $2 and s.status <> 'invalid' "
        "and e.ends_at > now() and e.ends_at <= now() + interval '7 days' "
        "and c.updated_at < e.ends_at - make_interval(days => d.days) "
        f"and {_NOT_WARNED.format('e.ends_at', 'd.days')} order by c.id limit $3) "
        "update credential_standing s set warned_of = due.ends_at, warned_days = due.days from due "
        "where s.organization_id = $1 and s.tenant_id = $2 and s.credential_id = due.id "
        # Whoever marked it in the meantime has told of it.
        f"and {_NOT_WARNED.format('due.ends_at', 'due.days')} "
        "returning due.id, due.service, due.label, due.user_id, due.ends_at, due.days",
        organization_id,
        tenant_id,
        limit,
    )


async def take_invalid(tx: Tx, organization_id: UUID, tenant_id: UUID, credential_id: UUID) -> Record | None:
    """Mark as told that the credential, which was valid once, is so no longer; None if there is nothing to tell."""
    return await tx.one(
        "update credential_standing s set told_invalid = true from credentials c "
        "where s.organization_id = $1 and s.tenant_id = $2 and s.credential_id = $3 and c.id = s.credential_id "
        "and s.status = 'invalid' and s.valid_at is not null and not s.told_invalid "
        "returning c.id, c.service, c.label, c.user_id, s.reason, s.checked_at",
        organization_id,
        tenant_id,
        credential_id,
    )


def _plain(text: str, longest: int) -> str:
    """Return what a service wrote as it can be stored: no control character, no half of a pair, and not longer."""
    whole = text[:longest].encode(errors="replace").decode()
    return "".join(char if char.isprintable() else " " for char in whole)


async def concerned(tx: Tx, organization_id: UUID, user_id: UUID | None) -> list[Record]:
    """Return (email, slug) of whom to write to: the person, or of a service account the owners; verified ones alone."""
    return await tx.all(
        "select p.email, o.slug from users p join organizations o on o.id = p.organization_id "
        "where p.organization_id = $1 and p.is_active and p.verified_at is not null "
        "and (p.id = $2 or ($2::uuid is null and p.role = 'owner')) order by p.id",
        organization_id,
        user_id,
    )
